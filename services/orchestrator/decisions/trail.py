"""The actions that a run made last, said in words, and what was seen before them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from contracts.orchestrator import ActionRequested
from contracts.values import (
    Action,
    Await,
    Click,
    CrashPicture,
    CrashStep,
    Gesture,
    Input,
    Install,
    Navigate,
    ObjectRef,
    Observe,
    Point,
    PressKey,
    Scroll,
    StartApp,
    Swipe,
    Touch,
    TypeInto,
    Uninstall,
)
from services.orchestrator.decisions.graph import Graph, UiState

TRAIL_LIMIT = 200
"""Actions that a run remembers: a longer way from a start of the app is more than can be tried again."""
PICTURES = 5
_PRESSES = {"TAP": "tap", "LONG": "long press", "DOUBLE": "double tap"}


@dataclass(frozen=True)
class Made:
    """An action of the run, and what the phone showed before it."""

    asked: ActionRequested
    before: ObjectRef | None

    @property
    def is_launch(self) -> bool:
        return isinstance(self.asked.action, Navigate) and self.asked.action.to == "LAUNCH"


Trail = tuple[Made, ...]


def since_launch(trail: Trail, crashed: ActionRequested) -> Trail | None:
    """What was done from the last start of the app up to the action that crashed it; None: it was too long ago."""
    until = next((at for at, made in enumerate(trail) if made.asked.action_id == crashed.action_id), None)
    if until is None:
        return None
    begin = next((at for at in range(until, -1, -1) if trail[at].is_launch), None)
    if begin is None:
        return None
    return tuple(made for made in trail[begin + 1 : until + 1] if made.asked.purpose != "VALIDATE")


def pictures(graph: Graph, trail: Trail, crashed: ActionRequested) -> tuple[CrashPicture, ...]:
    """What was seen before each of the last actions, the one that crashed it included, and where it was touched."""
    until = next((at for at, made in enumerate(trail) if made.asked.action_id == crashed.action_id), None)
    if until is None:
        return ()
    shown = [made for made in trail[: until + 1] if made.asked.purpose != "VALIDATE"][-PICTURES:]
    return tuple(_picture(graph, made) for made in shown)


def _picture(graph: Graph, made: Made) -> CrashPicture:
    point, end = touched(made.asked.action)
    state = graph.states.get(made.asked.state_id or "")
    return CrashPicture(
        sequence=made.asked.sequence,
        screenshot=made.before,
        screen_name="" if state is None else state.screen_name,
        point=point,
        end=end,
    )


def steps_made(graph: Graph, trail: Trail) -> tuple[CrashStep, ...]:
    """The steps of actions as they were made."""
    return tuple(
        step(graph.states.get(made.asked.state_id or ""), made.asked.gesture_id, made.asked.action) for made in trail
    )


def step(state: UiState | None, gesture_id: str | None, action: Action) -> CrashStep:
    gesture = next((g for g in state.gestures if g.gesture_id == gesture_id), None) if state is not None else None
    screen_name = "" if state is None else state.screen_name
    return CrashStep(
        action=action,
        words=words(action, gesture, screen_name),
        screen_name=screen_name,
        state_id=None if state is None else state.state_id,
        gesture_id=gesture_id,
        label="" if gesture is None else gesture.label,
        resource_id=None if gesture is None else gesture.resource_id,
    )


def words(action: Action, gesture: Gesture | None, screen_name: str) -> str:
    """A step as one person would tell another: what, on which element, where. Never what was typed."""
    what = _done(action)
    name = "" if gesture is None else gesture.label or gesture.resource_id or ""
    if name:
        what += f" “{name}”"
    if gesture is not None and gesture.resource_id and gesture.resource_id != name:
        what += f" ({gesture.resource_id})"
    point, end = touched(action)
    if point is not None:
        what += f" at {point.x},{point.y}" + ("" if end is None else f" to {end.x},{end.y}")
    return f"{what} on {screen_name}" if screen_name else what


def _done(action: Action) -> str:
    match action:
        case Click():
            return _PRESSES[action.press]
        case Input():
            return "type into"
        case Scroll():
            return "drag"
        case Navigate():
            return {"BACK": "press back", "HOME": "press home"}.get(action.to, action.to.lower().replace("_", " "))
        case Observe():
            return f"wait {action.patience_s:g} s"
        case Touch():
            return f"{_PRESSES[action.press]} {action.target.words}"
        case TypeInto():
            return f"type into {'the field in focus' if action.target is None else action.target.words}"
        case Swipe():
            return f"swipe {(action.direction or '').lower()}".rstrip()
        case PressKey():
            return f"press {action.key.lower()}"
        case Await():
            return "wait for the screen"
        case StartApp():
            return f"launch {action.app}"
        case Install():
            return f"install {action.app.package} {action.app.version_name}"
        case Uninstall():
            return f"remove {action.package}"
        case _:
            assert_never(action)


def touched(action: Action) -> tuple[Point | None, Point | None]:
    """Where the finger comes down, and where it leaves the screen if that is elsewhere."""
    match action:
        case Click() | Input():
            return action.point, None
        case Scroll():
            return action.start, action.end
        case _:
            return None, None
