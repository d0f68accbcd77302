"""A run's turns become a script: steps on locators, each with its guard, and parameters instead of what was typed.

Pure: the same turns give the same script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.scripts import Parameter, ScriptData
from contracts.steps import (
    STEPS_LIMIT,
    variables_in,
)
from contracts.values import ElementSeen
from contracts.values.intents import TypeText
from services.orchestrator.decisions.scripts.acts_as_steps import ActsAsSteps, UnrecordableError
from services.orchestrator.decisions.scripts.lasting import Act, Lasting, TurnDone, lasting
from services.orchestrator.decisions.scripts.lifting import ACCOUNT, Typed, lift, of_account
from services.orchestrator.decisions.scripts.setting_out import setting_out, typed_in, without_texts
from services.orchestrator.decisions.scripts.swipes import element_of
from services.orchestrator.decisions.scripts.versions import SCRIPT_BYTES, size_of

_NAME_CHARS, _DESCRIPTION_CHARS = 200, 4_000


@dataclass(frozen=True)
class Source:
    """What a run was about, beside its turns.

    `name`: what its user called it, else empty. `setup` and `variables` are the steps that set it up, as they were
    written. `account`: fields of its test account by name. `by_hand`: what a person did on the phone after a turn, or
    instead of it, by its number; `crashed_by`: numbers of the actions that crashed an app.
    """

    goal: str
    name: str = ""
    app: str | None = None
    setup: Sequence[Mapping[str, Any]] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, str] = field(default_factory=dict)
    by_hand: Mapping[int, str] = field(default_factory=dict)
    crashed_by: frozenset[int] = frozenset()
    person_wait_s: int = 600


@dataclass(frozen=True)
class Recording:
    """A script with its parameters' values, those of secrets left out. `metadata`: what else is known of it."""

    data: ScriptData
    defaults: dict[str, str]
    metadata: dict[str, Any]


def record(turns: Sequence[TurnDone], source: Source) -> Recording:
    """The script of what a run did. Raises `UnrecordableError`."""
    found = lasting(turns, source.by_hand, source.crashed_by)
    if not found.acts:
        raise UnrecordableError("nothing was done on the phone that could be done again")
    fields = [_field(found.acts, at) for at in range(len(found.acts))]
    used = variables_in(list(source.setup))
    given = {name: value for name, value in source.variables.items() if name in used}
    before = typed_in(source.setup, given)
    typed = [
        Typed(act.intent.text, one)
        for act, one in zip(found.acts, fields, strict=True)
        if isinstance(act.intent, TypeText)
    ]
    lifted = lift([*before, *typed], {**given, **_account(source, used, typed)})
    begins = setting_out(without_texts(source.setup, lifted), found.acts, source.app)
    steps = [*begins, *ActsAsSteps(found.acts, fields, lifted, source.app, source.person_wait_s).all(begins)]
    if len(steps) > STEPS_LIMIT:
        raise UnrecordableError(f"it has {len(steps)} steps, and a script {STEPS_LIMIT} at most")
    known = {parameter.name for parameter in lifted.parameters}
    name = " ".join((lifted.told(source.name or source.goal)).split())[:_NAME_CHARS]
    data = ScriptData(
        name=name or "a task",
        description=lifted.told(source.goal)[:_DESCRIPTION_CHARS],
        app=source.app,
        parameters=(*lifted.parameters, *(Parameter(name=one) for one in sorted(given) if one not in known)),
        steps=tuple(steps),
    )
    values = {**given, **lifted.defaults}
    defaults = {name: values[name] for name in (p.name for p in data.parameters) if name not in lifted.secrets}
    return Recording(fitting(data, defaults), defaults, _metadata(found, data))


def _account(source: Source, used: set[str], typed: Sequence[Typed]) -> dict[str, str]:
    """Fields of the account, where the script uses it: what they hold is another in each run."""
    uses = any(name.startswith(ACCOUNT) for name in used) or any(of_account(one.text) for one in typed)
    return {f"{ACCOUNT}{name}": value for name, value in source.account.items() if value} if uses else {}


def fitting(data: ScriptData, values: Mapping[str, str]) -> ScriptData:
    """Small enough for an event: what was expected after each step is the first to go. Raises `UnrecordableError`."""
    if size_of(data, values) > SCRIPT_BYTES:
        steps = (*(step.model_copy(update={"expected": None}) for step in data.steps[:-1]), data.steps[-1])
        data = data.model_copy(update={"steps": steps})
    if (size := size_of(data, values)) > SCRIPT_BYTES:
        raise UnrecordableError(f"it would be {size} bytes long, and a script is {SCRIPT_BYTES} at most")
    return data


def _metadata(found: Lasting, data: ScriptData) -> dict[str, Any]:
    by_hand = [act.by_hand for act in found.acts if act.by_hand is not None]
    told: dict[str, Any] = {"steps": len(data.steps), "needs_person": bool(by_hand)}
    left_out = sorted(found.left_out)
    if found.by_hand is not None:
        left_out.append("what a person did at the end")
    return {**told, "left_out": left_out} if left_out else told


def _field(acts: Sequence[Act], at: int) -> ElementSeen | None:
    """The field that a text was typed into: the one that was named, or the one that was touched right before."""
    intent = acts[at].intent
    if not isinstance(intent, TypeText):
        return None
    if intent.element is not None or at == 0:
        return intent.element
    before = element_of(acts[at - 1])
    return before if before is not None and (before.editable or before.password) else None
