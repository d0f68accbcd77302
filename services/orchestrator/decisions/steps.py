"""From a choice to the action that a phone is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never
from uuid import UUID

from contracts.orchestrator import ActionRequested, AdviceRequested, Purpose, StepRef
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import Action, ActionType, Bounds, Click, Gesture, Input, Navigate, Observe, Point, Scroll
from services.orchestrator.decisions.exploration import Choice
from services.orchestrator.decisions.field_values import field_value
from services.orchestrator.decisions.graph import BACK, END_CALL, WAIT, UiState
from services.orchestrator.decisions.run_state import Run

ADVICE_PATIENCE_S = 30.0
_STUCK_AFTER = 30
"""Steps in a row that showed nothing new: then help is worth its price."""
_HELP_LIMIT = 5
"""Calls for help in a run."""
_LOADING_S = 5.0
"""How long a screen that seems to load is waited for."""
_REACH = 0.35
"""How far a scroll drags, as a part of the scrolled area, to each side of its middle."""


def request(
    run: Run,
    action: Action,
    purpose: Purpose,
    now: datetime,
    *,
    gesture_id: str | None = None,
    plan_id: UUID | None = None,
    step: StepRef | None = None,
    turn: int | None = None,
    timeout_s: float | None = None,
) -> ActionRequested:
    """Asks for the next action of the run; its id follows from the run and its number. `timeout_s`: for those that may
    take longer than a step."""
    started = run.spec_started
    sequence = run.sequence + 1
    return ActionRequested(
        run_id=started.run_id,
        task_id=started.task_id,
        device_id=started.device_id,
        serial=started.serial,
        action_id=derived_id("action", started.run_id, sequence),
        sequence=sequence,
        lease_token=started.lease_token,
        package=started.app.package,
        purpose=purpose,
        action=action,
        state_id=run.current,
        gesture_id=gesture_id,
        plan_id=plan_id,
        step=step,
        turn=turn,
        expires_at=now + timedelta(seconds=timeout_s or started.spec.limits.step_timeout_s),
        requested_at=now,
    )


def _needs_help(run: Run, here: UiState, *, is_over: bool) -> bool:
    if run.hints or here.screen_id in run.helped_screens or len(run.helped_screens) >= _HELP_LIMIT:
        return False
    return is_over or run.idle >= _STUCK_AFTER


def action_for(run: Run, choice: Choice, now: datetime) -> ActionRequested:
    package = run.spec_started.app.package
    match choice.kind:
        case "GESTURE":
            assert choice.gesture is not None
            text = run.texts.get(choice.gesture.gesture_id)
            action = gesture_action(choice.gesture, run.spec_started.spec.seed, text, ascii_only=run.ascii_only)
            return request(run, action, "EXPLORE", now, gesture_id=choice.gesture.gesture_id)
        case "BACK":
            inside = run.here is not None and run.here.inside
            return request(run, Navigate(to="BACK"), "EXPLORE" if inside else "RECOVER", now, gesture_id=BACK)
        case "WAIT":
            return request(run, Observe(patience_s=_patience_s(run)), "EXPLORE", now, gesture_id=WAIT)
        case "END_CALL":
            return request(run, Navigate(to="END_CALL"), "RECOVER", now, gesture_id=END_CALL)
        case "LAUNCH":
            return request(run, Navigate(to="LAUNCH", package=package, restart=True), "LAUNCH", now)
        case "END":
            raise AssertionError("the end of a run is not an action")
        case _:
            assert_never(choice.kind)


def _patience_s(run: Run) -> float:
    """Long enough for what loads, where there is nothing else to do. Elsewhere one look will do: most screens stay."""
    if run.here is None or not run.here.takes_nothing:
        return 0.0
    return min(_LOADING_S, run.spec_started.spec.limits.step_timeout_s / 4)


def gesture_action(gesture: Gesture, seed: int, text: str | None = None, *, ascii_only: bool = False) -> Action:
    """The action that makes a gesture which has a place on the screen. `text` is for a field; none: one of its kind.

    `ascii_only`: a text that the phone cannot type gives way to one that it can.
    """
    bounds = gesture.bounds
    assert bounds is not None, f"gesture {gesture.gesture_id} has no place"
    match gesture.action_type:
        case ActionType.CLICK:
            return Click(point=bounds.centre, press=gesture.press)
        case ActionType.INPUT:
            wanted = text or field_value(gesture, seed)
            if ascii_only and not wanted.isascii():
                wanted = field_value(gesture, seed, ascii_only=True)
            typed = Sealed[str].of(wanted)
            return Input(point=bounds.centre, text=typed, submit=gesture.input_kind == "SEARCH")
        case ActionType.SCROLL:
            return _scroll(bounds, gesture)
        case ActionType.NAVIGATE | ActionType.CUSTOM:
            raise AssertionError(f"{gesture.action_type} is not a gesture of a screen")
        case _:
            assert_never(gesture.action_type)


def _scroll(bounds: Bounds, gesture: Gesture) -> Scroll:
    """`direction` is where the content is looked for: DOWN shows what lies below, so the finger goes up."""
    centre = bounds.centre
    far_x, far_y = int(bounds.width * _REACH), int(bounds.height * _REACH)
    match gesture.direction:
        case "DOWN" | None:
            dx, dy = 0, -far_y
        case "UP":
            dx, dy = 0, far_y
        case "RIGHT":
            dx, dy = -far_x, 0
        case "LEFT":
            dx, dy = far_x, 0
        case _:
            assert_never(gesture.direction)
    start = Point(x=centre.x - dx, y=centre.y - dy)
    return Scroll(start=start, end=Point(x=centre.x + dx, y=centre.y + dy))


def advice_for(run: Run, now: datetime, *, is_over: bool = False) -> AdviceRequested | None:
    """A question to the model, where the run has one: on a screen that is new to the run, and where it is stuck.

    Not for every tap: a screen is asked about once in each way, and for help a few times in a run. `is_over`: without
    help the exploration ends here.
    """
    started, here = run.spec_started, run.here
    if started.llm_config_version is None or here is None or not here.inside or not here.gestures:
        return None
    question: Literal["SCREEN", "STUCK"]
    if here.screen_id not in run.advised_screens:
        question, call_id = "SCREEN", derived_id("call", started.run_id, here.screen_id)
    elif _needs_help(run, here, is_over=is_over):
        question, call_id = "STUCK", derived_id("call", started.run_id, here.screen_id, "stuck")
    else:
        return None
    return AdviceRequested(
        run_id=started.run_id,
        task_id=started.task_id,
        call_id=call_id,
        question=question,
        state_id=here.state_id,
        screen_id=here.screen_id,
        screen_name=here.screen_name,
        package=here.package,
        gestures=here.gestures,
        tried={g: place.tries for g, place in run.graph.places.get(here.screen_id, {}).items() if place.tries},
        screenshot=here.screenshot,
        config_id=started.llm_config_id,
        config_version=started.llm_config_version,
        expires_at=now + timedelta(seconds=ADVICE_PATIENCE_S),
    )
