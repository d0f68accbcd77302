"""What a phone is asked for to do a step of a script."""

from __future__ import annotations

from typing import assert_never

from contracts.sealed import Sealed
from contracts.steps import (
    DoubleTapStep,
    ExpectStep,
    IfSeenStep,
    LaunchStep,
    LongPressStep,
    PressStep,
    ScrollStep,
    Step,
    SwipeStep,
    Tap,
    TapStep,
    TypeStep,
    WaitStep,
)
from contracts.values import Action, Await, Guard, Navigate, PressKey, Swipe, Touch, TypeInto
from contracts.values.actions import Direction

_FINGER: dict[Direction, Direction] = {"DOWN": "UP", "UP": "DOWN", "LEFT": "RIGHT", "RIGHT": "LEFT"}
"""Where the finger goes to show what lies there."""


def guarded(action: Action, guard: Guard | None, wait_s: float) -> Action:
    """The action with what has to be there before it; those that touch nothing have none. `wait_s`: how long that is
    waited for."""
    if guard is None:
        return action
    match action:
        case Touch() | TypeInto() | Swipe():
            return action.model_copy(update={"guard": guard})
        case PressKey():
            return action.model_copy(update={"guard": guard, "wait_s": wait_s})
        case _:
            return action


def action_of(step: Step, package: str, wait_s: float) -> Action:
    """What a phone is asked for. `wait_s`: how long it looks for what the step is about."""
    match step:
        case LaunchStep(launch=launch):
            return Navigate(to="LAUNCH", package=launch.app or package, restart=launch.restart)
        case TapStep(tap=body):
            return _touch(body, "TAP", wait_s)
        case LongPressStep(long_press=body):
            return _touch(body, "LONG", wait_s)
        case DoubleTapStep(double_tap=body):
            return _touch(body, "DOUBLE", wait_s)
        case TypeStep(type=typing):
            text = None if typing.text is None else Sealed[str].of(typing.text)
            return TypeInto(
                target=typing.into, text=text, secret_ref=typing.secret, submit=typing.submit, wait_s=wait_s
            )
        case PressStep(press=key):
            return PressKey(key=key)
        case SwipeStep(swipe=stroke):
            return Swipe(
                direction=stroke.direction,
                within=stroke.within,
                start=stroke.start,
                end=stroke.end,
                duration_ms=stroke.duration_ms,
                wait_s=wait_s,
            )
        case ScrollStep(scroll=scroll):
            finger = _FINGER[scroll.direction]
            return Swipe(direction=finger, within=scroll.within, until=scroll.until, wait_s=wait_s)
        case WaitStep(wait=wait):
            return Await(
                visible=wait.visible, gone=wait.not_visible, package=wait.package, stable=wait.stable, wait_s=wait_s
            )
        case ExpectStep(expect=expect):
            return Await(visible=expect.visible, gone=expect.not_visible, package=expect.package, wait_s=wait_s)
        case IfSeenStep(if_seen=seen):
            return Await(visible=seen.visible, wait_s=wait_s, strict=False)
        case _:
            assert_never(step)


def _touch(body: Tap, press: str, wait_s: float) -> Touch:
    return Touch.model_validate({"target": body.element, "press": press, "wait_s": wait_s})
