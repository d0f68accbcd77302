"""What came of an action: a step that ends with a state, known or new, with nothing, or with a crash."""

from __future__ import annotations

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.event import Event
from contracts.orchestrator import ActionRequested, RunNoted, StateAdded, StepFinished, StepOutcome
from contracts.screen_indexer import CaptureIndexed
from contracts.values import ActionStatus, RunEventType
from services.orchestrator.decisions.interruptions import TRANSIENT_PACKAGES
from services.orchestrator.decisions.reproducing import traced
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.trouble import Trouble, of_action, of_capture


def seen_events(run: Run, seen: CaptureIndexed) -> list[Event]:
    """A step ends with what its capture shows: a state known to this run, or a new one."""
    events: list[Event] = []
    if seen.declared_activities and not run.declared:
        detail = {"what": "declared", "activities": list(seen.declared_activities)}
        events.append(RunNoted(run_id=seen.run_id, event_type=RunEventType.NOTICE, detail=detail))
    if seen.state_id is None or seen.screen_id is None:
        return [*events, _unrecognised(run, seen)]
    is_new = seen.state_id not in run.states
    is_new_screen = False
    if is_new:
        added = _state(run, seen)
        is_new_screen = added.screen_id not in run.screens if added.inside else _is_new_to_task(run, added)
        events.append(added)
    return [*events, _step(run, seen, is_new=is_new, is_new_screen=is_new_screen)]


def _is_new_to_task(run: Run, added: StateAdded) -> bool:
    """A task goes wherever it leads: screens of all apps are alike to it."""
    return run.goes_anywhere and all(state.screen_id != added.screen_id for state in run.states.values())


def _unrecognised(run: Run, seen: CaptureIndexed) -> StepFinished:
    """Nothing could be made of the screen. Whether a step of a script was done is known all the same."""
    if run.action is not None and run.action.purpose == "TURN":
        return finished_step(run, "UNSEEN", seen=seen, trouble=of_capture(seen))
    if run.action is None or run.action.step is None:
        return unseen(run, of_capture(seen))
    succeeded = seen.status is ActionStatus.SUCCESS
    update = {
        "succeeded": succeeded,
        "successful": run.succeeded + int(succeeded),
        "found": seen.found,
        "sighting": seen.sighting,
    }
    return unseen(run, of_action(seen)).model_copy(update=update)


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
    inside = run.goes_anywhere or seen.package in {run.spec_started.app.package, *TRANSIENT_PACKAGES}
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
    return finished_step(
        run,
        outcome,
        to_state=seen.state_id,
        seen=seen,
        new_state=is_new,
        new_screen=is_new_screen,
        trouble=of_action(seen),
    )


def finished_step(
    run: Run,
    outcome: StepOutcome,
    *,
    to_state: str | None = None,
    seen: CaptureIndexed | ActionFinished | None = None,
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
        screen_id=seen.screen_id if isinstance(seen, CaptureIndexed) else None,
        gesture_id=action.gesture_id,
        from_screen_id=None if source is None else source.screen_id,
        element_hash=None if gesture is None else gesture.element_hash,
        succeeded=succeeded,
        successful=run.succeeded + int(succeeded),
        duration_ms=0 if seen is None else seen.duration_ms,
        screenshot=seen.screenshot if isinstance(seen, CaptureIndexed) else None,
        screens=len(run.screens) + int(new_screen),
        states=len(run.states) + int(new_state),
        step=action.step,
        turn=action.turn,
        found=seen.found if isinstance(seen, CaptureIndexed) else None,
        sighting=seen.sighting if isinstance(seen, CaptureIndexed) else None,
        error_code=None if trouble is None else trouble.code[:100],
        error_message=None if trouble is None else trouble.words[:1000],
    )


def unseen(run: Run, trouble: Trouble | None = None) -> StepFinished:
    """The step is over, and nobody knows what came of it; `trouble` is why, where that was told."""
    return finished_step(run, "UNSEEN", trouble=trouble)


def not_seen(run: Run, finished: ActionFinished) -> StepFinished:
    """The step is over without a capture."""
    return unseen(run, of_action(finished))


def crash_events(run: Run, crash: CrashSeen) -> list[Event]:
    """The note of a crash, and what it tells of the way that led to it."""
    action = crashed_by(run, crash)
    noted = _crash(run, crash, action)
    return [noted] if run.task is not None else [noted, *traced(run, crash, action)]


def crashed_by(run: Run, crash: CrashSeen) -> ActionRequested | None:
    """The action that the phone had begun last. Where it does not tell: what was done in the app last, because the
    action under way may be what leads back."""
    told = next(
        (made.asked for made in reversed(run.reproduction.trail) if made.asked.action_id == crash.action_id), None
    )
    if told is not None:
        return told
    here = None if run.action is None else run.states.get(run.action.state_id or "")
    return run.action if here is not None and here.inside else run.previous


def _crash(run: Run, crash: CrashSeen, action: ActionRequested | None) -> RunNoted:
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
