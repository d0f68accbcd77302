"""Steps of a script as actions of a run: before an exploration (set-up), or as all that a task is about."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from contracts.event import Event
from contracts.orchestrator import Purpose
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
from contracts.values import (
    Action,
    Await,
    Navigate,
    PressKey,
    RunStatus,
    Swipe,
    Touch,
    TypeInto,
)
from contracts.values.actions import PATIENCE_LIMIT_S, Direction
from services.orchestrator.decisions.endings import end, ending_of
from services.orchestrator.decisions.run_state import Run, apply
from services.orchestrator.decisions.script import Instruction, Progress, patience_s
from services.orchestrator.decisions.steps import request

_AFTER_LOOKING_S = 30.0
"""What an action may take beyond its patience: two captures of a slow phone."""
_FINGER: dict[Direction, Direction] = {"DOWN": "UP", "UP": "DOWN", "LEFT": "RIGHT", "RIGHT": "LEFT"}
"""Where the finger goes to show what lies there."""


def scripted(run: Run, now: datetime) -> list[Event] | None:
    """The next step of the run's script, or its end where a step failed or a task of steps is through. None: there is
    no script, or it is done and the exploration follows."""
    progress = run.script
    if progress is None:
        return None
    if progress.failure is not None:
        return _end(run, RunStatus.FAILED, failure(run, progress), now)
    current = progress.current
    if current is not None:
        return [_request(run, current, progress, now)]
    return _end(run, RunStatus.SUCCEEDED, None, now) if run.spec_started.spec.kind == "steps" else None


def failure(run: Run, progress: Progress) -> str:
    """Which step failed, what it says, and why."""
    what = "step" if run.spec_started.spec.kind == "steps" else "set-up step"
    if progress.at >= len(progress.program):
        return f"the {what}s cannot be done: {progress.failure}"
    ref = progress.program[progress.at].ref
    return f"{what} {ref.number} of {ref.of} ({ref.words}): {progress.failure}"


def _end(run: Run, status: RunStatus, reason: str | None, now: datetime) -> list[Event]:
    ending = ending_of(run, status, reason)
    return [ending, *end(apply(run, ending), now)]


def _request(run: Run, current: Instruction, progress: Progress, now: datetime) -> Event:
    purpose: Purpose = "STEP" if run.spec_started.spec.kind == "steps" else "SETUP"
    left_s = patience_s(current.step) - progress.tries * PATIENCE_LIMIT_S
    wait_s = max(min(left_s, PATIENCE_LIMIT_S), 0.0)
    if isinstance(current.step, ScrollStep):
        wait_s = min(patience_s(current.step), PATIENCE_LIMIT_S)
    action = action_of(current.step, run.spec_started.app.package, wait_s)
    timeout_s = max(run.spec_started.spec.limits.step_timeout_s, wait_s + _AFTER_LOOKING_S)
    return request(run, action, purpose, now, step=current.ref, timeout_s=timeout_s)


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
