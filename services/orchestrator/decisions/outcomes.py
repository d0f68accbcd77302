"""What came of an action: a step that ends with a state, known or new, with nothing, or with a crash."""

from __future__ import annotations

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.event import Event
from contracts.orchestrator import RunNoted, StateAdded, StepFinished, StepOutcome
from contracts.screen_indexer import CaptureIndexed
from contracts.values import ActionStatus, RunEventType
from services.orchestrator.decisions.interruptions import TRANSIENT_PACKAGES
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.trouble import Trouble, of_action, of_capture


def seen_events(run: Run, seen: CaptureIndexed) -> list[Event]:
    """A step ends with what its capture shows: a state known to this run, or a new one."""
    events: list[Event] = []
    if seen.declared_activities and not run.declared:
        detail = {"what": "declared", "activities": list(seen.declared_activities)}
        events.append(RunNoted(run_id=seen.run_id, event_type=RunEventType.NOTICE, detail=detail))
    if seen.state_id is None or seen.screen_id is None:
        return [*events, unseen(run, of_capture(seen))]
    is_new = seen.state_id not in run.states
    is_new_screen = False
    if is_new:
        added = _state(run, seen)
        is_new_screen = added.inside and added.screen_id not in run.screens
        events.append(added)
    return [*events, _step(run, seen, is_new=is_new, is_new_screen=is_new_screen)]


def _state(run: Run, seen: CaptureIndexed) -> StateAdded:
    assert seen.state_id is not None
    assert seen.screen_id is not None
    spec = run.spec_started
    return StateAdded(
        run_id=seen.run_id,
        state_id=seen.state_id,
        screen_id=seen.screen_id,
        screen_name=seen.screen_name,
        package=seen.package,
        activity=seen.activity,
        inside=seen.package == spec.app.package or seen.package in spec.spec.coverage.packages,
        gestures=seen.gestures,
        screenshot=seen.screenshot,
    )


def _step(run: Run, seen: CaptureIndexed, *, is_new: bool, is_new_screen: bool) -> StepFinished:
    action = run.action
    assert action is not None
    outcome: StepOutcome
    inside = seen.package == run.spec_started.app.package or seen.package in TRANSIENT_PACKAGES
    if seen.status is not ActionStatus.SUCCESS:
        outcome = "FAILED"
    elif is_new_screen:
        outcome = "NEW_SCREEN"
    elif not inside:
        crashed = (action.state_id, action.gesture_id) in run.crashing
        outcome = "CRASHED" if crashed else "LEFT_APP"
    elif is_new:
        outcome = "NEW_STATE"
    else:
        outcome = "NOTHING" if seen.state_id == action.state_id else "KNOWN_STATE"
    return _finished_step(
        run,
        outcome,
        to_state=seen.state_id,
        seen=seen,
        new_state=is_new,
        new_screen=is_new_screen,
        trouble=of_action(seen),
    )


def _finished_step(
    run: Run,
    outcome: StepOutcome,
    *,
    to_state: str | None = None,
    seen: CaptureIndexed | None = None,
    new_state: bool = False,
    new_screen: bool = False,
    trouble: Trouble | None = None,
) -> StepFinished:
    action = run.action
    assert action is not None
    succeeded = seen is not None and seen.status is ActionStatus.SUCCESS
    source = None if action.state_id is None else run.states.get(action.state_id)
    gesture = next((g for g in source.gestures if g.gesture_id == action.gesture_id), None) if source else None
    return StepFinished(
        run_id=action.run_id,
        task_id=action.task_id,
        sequence=action.sequence,
        action_id=action.action_id,
        purpose=action.purpose,
        action_type=action.action.type,
        outcome=outcome,
        from_state=action.state_id,
        to_state=to_state,
        screen_id=None if seen is None else seen.screen_id,
        gesture_id=action.gesture_id,
        from_screen_id=None if source is None else source.screen_id,
        element_hash=None if gesture is None else gesture.element_hash,
        succeeded=succeeded,
        successful=run.succeeded + int(succeeded),
        duration_ms=0 if seen is None else seen.duration_ms,
        screens=len(run.screens) + int(new_screen),
        states=len(run.states) + int(new_state),
        error_code=None if trouble is None else trouble.code[:100],
        error_message=None if trouble is None else trouble.words[:500],
    )


def unseen(run: Run, trouble: Trouble | None = None) -> StepFinished:
    """The step is over, and nobody knows what came of it; `trouble` is why, where that was told."""
    return _finished_step(run, "UNSEEN", trouble=trouble)


def not_seen(run: Run, finished: ActionFinished) -> StepFinished:
    """The step is over without a capture."""
    return unseen(run, of_action(finished))


def crash(run: Run, crash: CrashSeen) -> RunNoted:
    """A crash of the app belongs to what was done in it last: the action under way may be what leads back."""
    here = None if run.action is None else run.states.get(run.action.state_id or "")
    action = run.action if here is not None and here.inside else run.previous
    detail = {
        "what": "crash" if crash.package == run.spec_started.app.package else "crash elsewhere",
        "kind": crash.kind,
        "exception": crash.exception,
        "stack_key": crash.stack_key,
        "occurrence_id": str(crash.occurrence_id),
        "sequence": run.sequence if action is None else action.sequence,
        "state_id": None if action is None else action.state_id,
        "gesture_id": None if action is None else action.gesture_id,
    }
    return RunNoted(run_id=run.spec_started.run_id, event_type=RunEventType.ERROR, detail=detail)
