"""Turns of tasks in plain language as a run folds them, without a model."""

from __future__ import annotations

from typing import Any

from contracts.orchestrator import ActionRequested, PersonAnswered, ScreenAsked, StepFinished, TurnTaken
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    AnyIntent,
    Bounds,
    ElementSeen,
    Guard,
    Observe,
    Point,
    ScreenSeen,
    SwipeTo,
    TapAt,
    Target,
    TurnRead,
    TypeText,
)
from services.orchestrator.decisions.fleet import run_of
from services.orchestrator.decisions.tasking.state import Turn
from tests.orchestrator.runs import APP, TASK_ID, screen_id
from tests.orchestrator.stories import BEGIN

RUN_ID = run_of(TASK_ID)
CENTRE = Point(x=540, y=1200)


def element(name: str, text: str | None = None, **changes: Any) -> ElementSeen:
    """A button with this id, and a text where it shows one: addressed by its text, then by its id."""
    box = Bounds(x=100, y=200, width=400, height=80)
    by_text = () if text is None else (Target(text=text),)
    base: dict[str, Any] = {
        "element_type": "android.widget.Button", "resource_id": f"{APP}:id/{name}", "text": text, "label": text or name,
        "bounds": box, "clickable": True, "targets": (*by_text, Target(id=f"{APP}:id/{name}")),
    }  # fmt: skip
    return ElementSeen(**{**base, **changes})


def entry(name: str, **changes: Any) -> ElementSeen:
    return element(name, element_type="android.widget.EditText", editable=True, **changes)


def tapped(name: str, text: str | None = None, **changes: Any) -> TapAt:
    return TapAt(point=CENTRE, element=element(name, text), **changes)


def typed(text: str, name: str = "query", **changes: Any) -> TypeText:
    return TypeText(text=text, element=entry(name, **changes))


def dragged(direction: str = "UP", **changes: Any) -> SwipeTo:
    start, end = Point(x=540, y=1600), Point(x=540, y=800)
    return SwipeTo(**{"start": start, "end": end, "direction": direction, **changes})


def screen(name: str, package: str = APP) -> ScreenSeen:
    return ScreenSeen(package=package, activity=f"{package}.{name}", keys=(f"key-{name}",))


def shown(name: str, package: str = APP) -> ScreenAsked:
    return ScreenAsked(
        package=package, screen_id=screen_id(name), screen_name=name, state_id=name, width=1080, height=2400
    )


def turn(
    number: int,
    intent: AnyIntent | None,
    before: str = "home",
    after: str | None = None,
    *,
    verdict: str = "ACT",
    package: str = APP,
    after_package: str | None = None,
    person: str | None = None,
    **finished: Any,
) -> Turn:
    """A turn that led from one state to another; `after` None: nothing was done."""
    read = TurnRead(thinking="so", intent=intent, screen=screen(before, package))
    seen = getattr(intent, "element", None)
    taken = TurnTaken(
        run_id=RUN_ID, task_id=TASK_ID, turn=number, call_id=derived_id("call", number), verdict=verdict,
        words=f"turn {number}", read=Sealed[dict[str, Any]].of(read.model_dump(mode="json")), model_name="m",
        guard=Guard(screen=read.screen, element=seen),
    )  # fmt: skip
    base = shown(before, package)
    if after is None:
        return Turn(taken, before=base)
    asked = ActionRequested(
        run_id=RUN_ID, task_id=TASK_ID, device_id=derived_id("device", "p1"), serial="p1",
        action_id=derived_id("action", number), sequence=number, lease_token=1, package=APP, purpose="TURN",
        action=Observe(), state_id=before, turn=number, expires_at=BEGIN, requested_at=BEGIN,
    )  # fmt: skip
    values: dict[str, Any] = {
        "run_id": RUN_ID, "task_id": TASK_ID, "sequence": number, "action_id": asked.action_id, "purpose": "TURN",
        "action_type": asked.action.type, "outcome": "NOTHING" if before == after else "NEW_SCREEN",
        "from_state": before, "to_state": after, "screen_id": screen_id(after), "from_screen_id": screen_id(before),
        "gesture_id": None, "succeeded": True, "successful": number, "duration_ms": 5, "screens": 1, "states": 1,
        "turn": number,
    }  # fmt: skip
    said = None if person is None else PersonAnswered(
        run_id=RUN_ID, task_id=TASK_ID, ask_id=derived_id("ask", number), verdict=person
    )  # fmt: skip
    step = StepFinished(**{**values, **finished})
    after_it = shown(after, after_package or package)
    return Turn(taken, action=asked, finished=step, before=base, after=after_it, actions=1, person=said)
