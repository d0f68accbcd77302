"""What was done on the phone as steps of a script, each with its guard. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

from contracts.scripts import ScriptStep
from contracts.steps import (
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
)
from contracts.values import ElementSeen, Guard, Place, Point, ScreenSeen, Target
from contracts.values.intents import LaunchApp, Press, SwipeTo, TapAt, TypeText, WaitFor
from services.orchestrator.decisions.scripts.lasting import Act
from services.orchestrator.decisions.scripts.lifting import Lifted, mark, of_account
from services.orchestrator.decisions.scripts.setting_out import launched, package_started
from services.orchestrator.decisions.scripts.swipes import element_of, row_of_swipes, swiped
from services.orchestrator.decisions.step_words import said

WAIT_S = 10.0
"""How long a replay waits for what a step is about."""
START_S = 20.0
"""The same right after an app was started: it may show advertisements first."""
_WAITS_S = 600.0
_WORDS_CHARS = 300


class UnrecordableError(Exception):
    """No script can be made of it; the message says why."""


@dataclass(frozen=True)
class ActsAsSteps:
    """What was done, as steps. `fields`: where each text was typed. `app`: the app that the task is about."""

    acts: Sequence[Act]
    fields: Sequence[ElementSeen | None]
    lifted: Lifted
    app: str | None
    person_wait_s: int

    def all(self, begins: Sequence[ScriptStep]) -> Iterator[ScriptStep]:
        """Those that follow the steps with which the script begins. Raises `UnrecordableError`."""
        started = launched((step.step for step in begins), self.app)
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

    @property
    def _first_in_app(self) -> set[int]:
        """Turns whose replay comes right after the start of an app."""
        after = {act.turn for start, act in pairwise(self.acts) if isinstance(start.intent, LaunchApp)}
        return after | {self.acts[0].turn}

    def _step(self, at: int, started: set[str]) -> Step:
        act = self.acts[at]
        match act.intent:
            case LaunchApp(app=app):
                package = package_started(self.acts, at)
                if package is None:
                    raise UnrecordableError(f"turn {act.turn}: it is not known which package {app} is")
                anew = package not in started or act.after_crash
                started.add(package)
                return LaunchStep(launch=Launch(app=package, restart=anew))
            case TapAt() as tap:
                return self._tap(act, tap)
            case TypeText(text=text, submit=submit):
                marked = text if not text or of_account(text) else mark(self.lifted.names[text])
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
            wait_s=START_S if act.turn in self._first_in_app else WAIT_S,
        )

    def _guard(self, step: Step, act: Act) -> Guard | None:
        """A start of an app, HOME and waiting are done from wherever the phone is."""
        if isinstance(step, LaunchStep | WaitStep) or (isinstance(step, PressStep) and step.press == "HOME"):
            return None
        seen = act.taken.guard or Guard(screen=act.screen, element=element_of(act))
        guard = self.lifted.guard(seen)
        if guard is None or guard.element is None or guard.element.targets:
            return guard
        return self.lifted.guard(Guard(screen=guard.screen))  # Nothing is left by which it could be found.

    def _person(self, act: Act) -> ScriptStep:
        """What a person did is waited for, by what was used after it: where that is there already, not at all."""
        element = element_of(act)
        found = () if element is None else self.lifted.targets(element.targets)
        if not found:
            raise UnrecordableError(
                f"before turn {act.turn} a person did something ({act.by_hand}), and nothing tells when it is done"
            )
        wait = Wait(visible=found[0], timeout_s=min(float(self.person_wait_s), _WAITS_S))
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
