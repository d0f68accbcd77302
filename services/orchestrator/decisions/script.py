"""A script as a run carries it out: its steps in a row, where it is in them, what came of each. Pure.

The steps of a run are fixed by its beginning, and its place in them follows from its finished steps alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from pydantic import TypeAdapter, ValidationError

from contracts.orchestrator import RunStarted, StepFinished, StepRef, TurnTaken
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
from contracts.values import Guard, Target
from contracts.values.actions import PATIENCE_LIMIT_S
from services.orchestrator.decisions.scripts.repairing import REPAIRABLE
from services.orchestrator.decisions.step_words import said

STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])
RECORDED: TypeAdapter[tuple[ScriptStep, ...]] = TypeAdapter(tuple[ScriptStep, ...])
TRIES = 3
"""How often a step is asked for that surely was not done, or that only looks."""
_UNTOUCHED = frozenset({"NOT_ATTEMPTED", "EXPIRED", "REFUSED"})


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


@dataclass(frozen=True)
class Progress:
    """Where a run is in its script. `failure` says why it cannot go on; `at` then is the step that failed."""

    program: tuple[Instruction, ...]
    at: int = 0
    tries: int = 0
    """Times that this step was asked for and is not decided by that: swipes of a scroll, looks of a long wait."""
    lost: int = 0
    """Times that nobody saw what came of it, although it is harmless to ask again."""
    failure: str | None = None
    code: str | None = None
    """Why it failed, for programs: GUARD or NOT_FOUND, of a script that is replayed."""
    stuck: str | None = None
    """Why the step cannot be done by itself: a model may be asked where its element is now."""
    replays: bool = False
    repairs: bool = False
    """Whether it was recorded, and whether a model may be asked for a step whose element is gone."""
    healed: Mapping[int, Target] = field(default_factory=dict)
    """Locators that found an element where the step's own did not, by the step's row."""

    @property
    def current(self) -> Instruction | None:
        return self.program[self.at] if self.failure is None and self.at < len(self.program) else None


def begin(started: RunStarted) -> Progress | None:
    """The script of a run at its beginning; None where it has none."""
    sealed = started.spec.script
    if sealed is None:
        return None
    if sealed.clear is None:
        return Progress((), failure="its steps cannot be read: the key that they are sealed with was erased")
    try:
        steps, replay = program(sealed.clear, started), started.spec.replay
        repairs = replay is not None and replay.repair and started.llm_config_version is not None
        return Progress(steps, replays=replay is not None, repairs=repairs)
    except ScriptError as error:
        return Progress((), failure=str(error))


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


def advance(progress: Progress, finished: StepFinished) -> Progress:
    """The place after a step of the script is over."""
    current = progress.current
    if current is None:
        return progress
    if not finished.succeeded:
        return _failed(progress, current, finished)
    if finished.sighting is not None and finished.sighting.healed_by is not None:
        progress = replace(progress, healed={**progress.healed, current.row: finished.sighting.healed_by})
    match current.step:
        case IfSeenStep() if finished.found is False:
            if progress.tries + 1 < current.looks:
                return replace(progress, tries=progress.tries + 1, lost=0)
            return _at(progress, current.otherwise)
        case ScrollStep(scroll=scroll) if scroll.until is not None and finished.found is not True:
            tries = progress.tries + 1
            if tries >= scroll.max_swipes and _decided_next(progress):
                return _at(progress, progress.at + 1)
            if tries >= scroll.max_swipes:
                return replace(progress, failure=f"{scroll.until.words} was not seen after {tries} swipes")
            return replace(progress, tries=tries, lost=0)
        case _:
            return _at(progress, progress.at + 1)


def _failed(progress: Progress, current: Instruction, finished: StepFinished) -> Progress:
    """Asked again where that is harmless; failed otherwise."""
    reason = finished.error_message or "nobody saw what came of it"
    if progress.stuck is not None:
        return replace(progress, failure=f"{progress.stuck}; what the model found instead was not done: {reason}")
    if finished.error_code in {"NOT_FOUND", "GUARD"}:
        tries = progress.tries + 1
        if tries < current.looks:
            return replace(progress, tries=tries, lost=0)
        waited_s = current.patience_s
        failure = f"not within {waited_s:g} s: {reason}" if waited_s else reason
        code = finished.error_code if progress.replays else None
        if progress.repairs and isinstance(current.step, REPAIRABLE):
            return replace(progress, stuck=failure, code=code)
        return replace(progress, failure=failure, code=code)
    harmless = isinstance(current.step, LaunchStep | WaitStep | ExpectStep | IfSeenStep)
    unknown = finished.error_code in {None, "OUTCOME_UNKNOWN"}
    if (finished.error_code in _UNTOUCHED or (harmless and unknown)) and progress.lost + 1 < TRIES:
        return replace(progress, lost=progress.lost + 1)
    if unknown and not harmless:
        reason = f"it is not known whether it was done ({reason})"
    return replace(progress, failure=reason)


def repaired_by(progress: Progress, taken: TurnTaken) -> Progress:
    """The place after the model has answered where the step's element is now; it says so, or the script has failed."""
    if progress.stuck is None or taken.verdict == "ACT":
        return progress
    return replace(progress, failure=f"{progress.stuck}; the model did not help: {taken.reason or 'no reason told'}")


def _decided_next(progress: Progress) -> bool:
    """Whether the step after a scroll tells by itself, and by all its locators, whether its element is there."""
    after = progress.program[progress.at + 1] if progress.at + 1 < len(progress.program) else None
    return progress.replays and after is not None and after.guard is not None and after.guard.element is not None


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


def _at(progress: Progress, at: int) -> Progress:
    return replace(progress, at=at, tries=0, lost=0, stuck=None, code=None)


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
            return {name: _filled(inner, texts, secrets) for name, inner in value.items()}
        case list() | tuple():
            return [_filled(inner, texts, secrets) for inner in value]
        case _:
            return value


def _value(name: str, texts: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    if name in texts:
        return texts[name]
    if name in secrets:
        raise ScriptError(f"{{{{{name}}}}} is a secret: it can only be the whole text of a `type` step")
    if name.startswith("account."):
        raise ScriptError(f"{{{{{name}}}}}: the run has no account with that, so ask for one that has")
    raise ScriptError(f"{{{{{name}}}}} is no variable of this task")
