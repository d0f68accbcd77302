"""A run's turns become a script: steps on locators, each with its guard, and parameters instead of what was typed.

Pure: the same turns give the same script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from contracts.scripts import Parameter, ScriptData, ScriptStep
from contracts.steps import (
    STEPS_LIMIT,
    DoubleTapStep,
    Launch,
    LaunchStep,
    LongPressStep,
    PressStep,
    Step,
    Tap,
    TapStep,
    Type,
    TypeStep,
    Wait,
    WaitStep,
    variables_in,
)
from contracts.values import ElementSeen, Guard, Place, Point, ScreenSeen, Target
from contracts.values.intents import LaunchApp, Press, SwipeTo, TapAt, TypeText, WaitFor
from services.orchestrator.decisions.scripts.lasting import Act, Lasting, TurnDone, lasting
from services.orchestrator.decisions.scripts.lifting import Lifted, Typed, lift, mark
from services.orchestrator.decisions.scripts.setting_out import launched, package_started, setting_out
from services.orchestrator.decisions.scripts.swipes import element_of, row_of_swipes, swiped
from services.orchestrator.decisions.scripts.versions import DATA_BYTES, canonical
from services.orchestrator.decisions.step_words import said

WAIT_S = 10.0
"""How long a replay waits for what a step is about."""
_WAITS_S = 600.0
_NAME_CHARS, _WORDS_CHARS, _DESCRIPTION_CHARS = 200, 300, 4_000


class UnrecordableError(Exception):
    """No script can be made of it; the message says why."""


@dataclass(frozen=True)
class Source:
    """What a run was about, beside its turns.

    `name`: what its user called it, else empty. `setup` and `variables` are the steps that set it up, as they were
    written. `by_hand`: what a person did on the phone in a turn, by its number.
    """

    goal: str
    name: str = ""
    app: str | None = None
    setup: Sequence[Mapping[str, Any]] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    by_hand: Mapping[int, str] = field(default_factory=dict)
    person_wait_s: int = 600


@dataclass(frozen=True)
class Recording:
    """A script with its parameters' values, those of secrets left out. `metadata`: what else is known of it."""

    data: ScriptData
    defaults: dict[str, str]
    metadata: dict[str, Any]


def record(turns: Sequence[TurnDone], source: Source) -> Recording:
    """The script of what a run did. Raises `UnrecordableError`."""
    found = lasting(turns, source.by_hand)
    if not found.acts:
        raise UnrecordableError("nothing was done on the phone that could be done again")
    given = {name: source.variables[name] for name in variables_in(list(source.setup)) if name in source.variables}
    fields = [_field(found.acts, at) for at in range(len(found.acts))]
    typed = [
        Typed(act.intent.text, one)
        for act, one in zip(found.acts, fields, strict=True)
        if isinstance(act.intent, TypeText)
    ]
    lifted = lift(typed, given)
    steps = [*setting_out(source.setup, found.acts), *_Steps(found.acts, fields, lifted, source).all()]
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
    defaults = {one: value for one, value in {**given, **lifted.defaults}.items() if one not in lifted.secrets}
    return Recording(_fitting(data), defaults, _metadata(found, data))


def _fitting(data: ScriptData) -> ScriptData:
    """Small enough for an event: what was expected after each step is the first to go."""
    if len(canonical(data)) > DATA_BYTES:
        steps = (*(step.model_copy(update={"expected": None}) for step in data.steps[:-1]), data.steps[-1])
        data = data.model_copy(update={"steps": steps})
    if (size := len(canonical(data))) > DATA_BYTES:
        raise UnrecordableError(f"it would be {size} bytes long, and a script is {DATA_BYTES} at most")
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


@dataclass(frozen=True)
class _Steps:
    """Acts as steps."""

    acts: Sequence[Act]
    fields: Sequence[ElementSeen | None]
    lifted: Lifted
    source: Source

    def all(self) -> Iterator[ScriptStep]:
        started = launched((step.step for step in setting_out(self.source.setup, self.acts)), self.source.app)
        at = 0
        while at < len(self.acts):
            act = self.acts[at]
            if act.by_hand is not None:
                yield self._person(act)
            if isinstance(act.intent, SwipeTo):
                row = row_of_swipes(self.acts, at)
                at += len(row)
                following = self.acts[at] if at < len(self.acts) else None
                yield from swiped(row, following, self.lifted, self._place, self._finished)
                continue
            yield self._finished(self._step(at, started), act)
            at += 1

    def _step(self, at: int, started: set[str]) -> Step:
        act = self.acts[at]
        match act.intent:
            case LaunchApp(app=app):
                package = package_started(self.acts, at)
                if package is None:
                    raise UnrecordableError(f"turn {act.turn}: it is not known which package {app} is")
                first = package not in started
                started.add(package)
                return LaunchStep(launch=Launch(app=package, restart=first))
            case TapAt() as tap:
                return self._tap(act, tap)
            case TypeText(text=text, submit=submit):
                marked = mark(self.lifted.names[text]) if text else ""
                return TypeStep(type=Type(into=self._into(at), text=marked, submit=submit, timeout_s=WAIT_S))
            case Press(key=key):
                return PressStep(press=key)
            case WaitFor(seconds=seconds):
                return WaitStep(wait=Wait(stable=True, timeout_s=max(seconds, WAIT_S)))
            case SwipeTo():
                raise AssertionError("swipes are told in rows")
            case _:
                assert_never(act.intent)

    def _tap(self, act: Act, tap: TapAt) -> Step:
        found = () if tap.element is None else self.lifted.targets(tap.element.targets)
        target = found[0] if found else Target(point=self._place(act, act.taken.point or tap.point))
        body = Tap(element=target, timeout_s=WAIT_S)
        match tap.press:
            case "TAP":
                return TapStep(tap=body)
            case "LONG":
                return LongPressStep(long_press=body)
            case "DOUBLE":
                return DoubleTapStep(double_tap=body)
            case _:
                assert_never(tap.press)

    def _into(self, at: int) -> Target | None:
        """None: the field that has the focus. The one that was touched before is named where it still is in front."""
        act = self.acts[at]
        assert isinstance(act.intent, TypeText)
        element = act.intent.element
        if element is None and at > 0:
            before = self.acts[at - 1].finished
            stayed = before.screen_id is not None and before.screen_id == before.from_screen_id
            element = self.fields[at] if stayed else None
        return None if element is None else next(iter(self.lifted.targets(element.targets)), None)

    def _finished(self, step: Step, act: Act) -> ScriptStep:
        words = self.lifted.put(act.taken.words) or said(step)
        if isinstance(step, TapStep | LongPressStep | DoubleTapStep) and "point" in said(step).split("=")[0]:
            words = f"{words} (at a point: no element is known there)"
        if act.confirmed:
            words = f"{words} (a person confirmed it)"
        return ScriptStep(
            step=step,
            guard=self._guard(step, act),
            words=words[:_WORDS_CHARS],
            turn=act.turn,
            expected=_screen(act.after),
            wait_s=WAIT_S,
        )

    def _guard(self, step: Step, act: Act) -> Guard | None:
        """A start of an app, HOME and waiting are done from wherever the phone is."""
        if isinstance(step, LaunchStep | WaitStep) or (isinstance(step, PressStep) and step.press == "HOME"):
            return None
        seen = act.taken.guard or Guard(screen=act.screen, element=element_of(act))
        return self.lifted.guard(seen)

    def _person(self, act: Act) -> ScriptStep:
        """What a person did is waited for, by what was used after it: where that is there already, not at all."""
        element = element_of(act)
        found = () if element is None else self.lifted.targets(element.targets)
        if not found:
            raise UnrecordableError(
                f"before turn {act.turn} a person did something ({act.by_hand}), and nothing tells when it is done"
            )
        wait = Wait(visible=found[0], timeout_s=min(float(self.source.person_wait_s), _WAITS_S))
        asked = self.lifted.put(act.by_hand or "") or ""
        return ScriptStep(step=WaitStep(wait=wait), words=f"a person does this: {asked}"[:_WORDS_CHARS], turn=act.turn)

    def _place(self, act: Act, point: Point) -> Place:
        """In percent of the screen, with two decimals; in pixels where its size is not known."""
        if act.size is None:
            return Place(x=max(point.x, 0), y=max(point.y, 0))
        x, y = (
            min(max(round(100 * at / most, 2), 0.0), 100.0)
            for at, most in zip((point.x, point.y), act.size, strict=True)
        )
        return Place(x=x, y=y, unit="PERCENT")


def _screen(screen: ScreenSeen | None) -> Guard | None:
    return None if screen is None else Guard(screen=screen)
