"""The instructions that a script becomes: its steps in a row, with their guards, variables and secrets. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from pydantic import TypeAdapter, ValidationError

from contracts.orchestrator import RunStarted, StepRef
from contracts.scripts import ScriptStep
from contracts.steps import (
    VARIABLE,
    DoubleTapStep,
    ExpectStep,
    IfSeenStep,
    LaunchStep,
    LongPressStep,
    PressStep,
    ScrollStep,
    Step,
    SwipeStep,
    TapStep,
    TypeStep,
    WaitStep,
)
from contracts.values import Guard
from contracts.values.actions import PATIENCE_LIMIT_S
from services.hierarchy.locators import xpath_literal
from services.hierarchy.uiselector import quoted
from services.orchestrator.decisions.step_words import said

STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])
RECORDED: TypeAdapter[tuple[ScriptStep, ...]] = TypeAdapter(tuple[ScriptStep, ...])


_LITERALS = {
    "xpath": (re.compile(rf"{VARIABLE.pattern}|'[^']*'|\"[^\"]*\""), xpath_literal),
    "uiselector": (re.compile(rf'{VARIABLE.pattern}|"(?:[^"\\]|\\.)*"'), quoted),
}
"""Strings in locators by the name of their field, variables outside of strings; and how a text becomes a string."""


class ScriptError(Exception):
    """The steps cannot be carried out; the message says why."""


@dataclass(frozen=True)
class Instruction:
    """A step with its place. `otherwise`: where an `if_seen` goes on whose element is not there. `guard`: of a step
    that is replayed, which is waited for `wait_s`. `row`: its number among the script's own steps, from 0."""

    ref: StepRef
    step: Step
    otherwise: int = 0
    guard: Guard | None = None
    wait_s: float = 0.0
    row: int = 0

    @property
    def patience_s(self) -> float:
        """How long it waits for what it is about."""
        return patience_s(self.step) if self.guard is None else self.wait_s

    @property
    def looks(self) -> int:
        """How many actions it may take to find that: one looks for so long at most."""
        return max(math.ceil(self.patience_s / PATIENCE_LIMIT_S), 1)


def program(script: Mapping[str, Any], started: RunStarted) -> tuple[Instruction, ...]:
    """The instructions of a script, its variables and its account's fields put in. Raises `ScriptError`."""
    account = started.account
    texts = dict(script.get("variables", {}))
    secrets: dict[str, str] = dict(script.get("secrets", {}))
    if account is not None:
        texts |= {f"account.{name}": value for name, value in account.fields.items()} | {"account.name": account.name}
        secrets |= {f"account.{name}": ref for name, ref in account.secrets.items()}
    filled = tuple(_filled(script["steps"], texts, secrets))
    try:
        if started.spec.kind == "replay":
            recorded = RECORDED.validate_python(filled)
            words = [step.get("words", "") for step in script["steps"]]
            return tuple(_guarded(one, recorded, words) for one in _numbered(tuple(one.step for one in recorded)))
        return tuple(_numbered(STEPS.validate_python(filled)))
    except ValidationError as error:
        raise ScriptError(f"the steps do not fit with what the variables hold: {error.errors()[0]['msg']}") from None


def _numbered(steps: tuple[Step, ...]) -> Iterator[Instruction]:
    for one in _flat(steps, "", 0):
        yield replace(one, ref=one.ref.model_copy(update={"of": len(steps)}))


def _guarded(one: Instruction, recorded: tuple[ScriptStep, ...], words: Sequence[str]) -> Instruction:
    """With the guard of the step that was recorded, and in its words, which name what is typed by its parameter; a step
    within another has neither."""
    number, _, inner = one.ref.number.partition(".")
    row = int(number) - 1
    if inner:
        return replace(one, row=row)
    ref = one.ref.model_copy(update={"words": words[row][:300] or one.ref.words})
    return replace(one, ref=ref, guard=recorded[row].guard, wait_s=recorded[row].wait_s, row=row)


def patience_s(step: Step) -> float:
    """How long a step waits for what it is about."""
    match step:
        case LaunchStep() | PressStep():
            return 0.0
        case TapStep(tap=body) | LongPressStep(long_press=body) | DoubleTapStep(double_tap=body):
            return body.timeout_s
        case TypeStep(type=typing):
            return typing.timeout_s
        case SwipeStep(swipe=stroke):
            return stroke.timeout_s
        case ScrollStep(scroll=scroll):
            return scroll.timeout_s
        case WaitStep(wait=wait):
            return wait.timeout_s
        case ExpectStep(expect=expect):
            return expect.timeout_s
        case IfSeenStep(if_seen=seen):
            return seen.timeout_s
        case _:
            assert_never(step)


def _flat(steps: tuple[Step, ...], prefix: str, offset: int) -> Iterator[Instruction]:
    """Steps in a row: what an `if_seen` holds follows it. `offset`: instructions before these."""
    at = offset
    for number, step in enumerate(steps, 1):
        ref = StepRef(number=f"{prefix}{number}", of=len(steps), words=said(step)[:300])
        inner = []
        if isinstance(step, IfSeenStep):
            inner = list(_flat(step.if_seen.steps, f"{ref.number}.", at + 1))
        yield Instruction(ref, step, at + 1 + len(inner))
        yield from inner
        at += 1 + len(inner)


def _filled(value: Any, texts: Mapping[str, str], secrets: Mapping[str, str]) -> Any:
    """A JSON value with its variables put in. A secret of the account becomes the reference of a `type` step."""
    match value:
        case {"type": {"text": str(text), **more}} if (found := VARIABLE.fullmatch(text.strip())) and (
            found[1] in secrets
        ):
            return {"type": {**_filled(more, texts, secrets), "secret": secrets[found[1]]}}
        case str():
            return VARIABLE.sub(lambda found: _value(found[1], texts, secrets), value)
        case dict():
            return {name: _filled_in(name, inner, texts, secrets) for name, inner in value.items()}
        case list() | tuple():
            return [_filled(inner, texts, secrets) for inner in value]
        case _:
            return value


def _filled_in(field: str, value: Any, texts: Mapping[str, str], secrets: Mapping[str, str]) -> Any:
    """The value of a field. In a string within a locator, a text is quoted as that needs, whatever it holds."""
    literals = _LITERALS.get(field)
    if literals is None or not isinstance(value, str):
        return _filled(value, texts, secrets)
    pattern, quote = literals

    def put(found: re.Match[str]) -> str:
        if found[1] is not None:
            return _value(found[1], texts, secrets)
        inner = found[0][1:-1]
        if VARIABLE.search(inner) is None:
            return found[0]
        if field == "uiselector":
            return f'"{VARIABLE.sub(lambda one: quote(_value(one[1], texts, secrets))[1:-1], inner)}"'
        return quote(_filled(inner, texts, secrets))

    return pattern.sub(put, value)


def _value(name: str, texts: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    if name in texts:
        return texts[name]
    if name in secrets:
        raise ScriptError(f"{{{{{name}}}}} is a secret: it can only be the whole text of a `type` step")
    if name.startswith("account."):
        raise ScriptError(f"{{{{{name}}}}}: the run has no account with that, so ask for one that has")
    raise ScriptError(f"{{{{{name}}}}} is no variable of this task")
