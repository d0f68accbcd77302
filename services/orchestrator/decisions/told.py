"""What a trigger tells a run: the events that close what was under way. What is done next follows in `run`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.event import Event
from contracts.llm_gateway import ApiCallFinished, CallFinished
from contracts.locator_validator import ValidationPlanned
from contracts.orchestrator import (
    AdviceTaken,
    RunNoted,
    RunPauseAsked,
    RunPaused,
    RunResumed,
    RunStarted,
    RunStopAsked,
    TaskStopAsked,
)
from contracts.screen_indexer import CaptureIndexed
from contracts.values import Install, Observe, RunEventType, RunStatus, Uninstall
from services.orchestrator.decisions.endings import ending_of
from services.orchestrator.decisions.installing import came_of
from services.orchestrator.decisions.outcomes import crash_events, not_seen, seen_events
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.scripts import replaying
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.tasking import loop as tasking
from services.orchestrator.decisions.tasking import people
from services.orchestrator.decisions.tasking.answers import answered
from services.orchestrator.decisions.watching import plan_dropped, watch
from services.runtime.timers import TimerFired


def told(run: Run, what: Any, now: datetime) -> list[Event]:
    """Nothing where it is about something that is over, or was never asked for."""
    match what:
        case RunStarted():
            return _begun(run) if run.sequence == 0 and run.action is None else []
        case CaptureIndexed():
            return seen_events(run, what) if _is_current(run, what.action_id) else []
        case ActionFinished():
            return _unpictured(run, what) if _is_current(run, what.action_id) else []
        case CrashSeen():
            return crash_events(run, what)
        case ValidationPlanned():
            return _planned(run, what, now) if run.plan is not None and run.plan.plan_id == what.plan_id else []
        case CallFinished() if run.task is not None:
            asked = run.task.asked
            return answered(run, what, now) if asked is not None and asked.call_id == what.call_id else []
        case ApiCallFinished():
            return [] if run.task is None else tasking.called(run, what)
        case CallFinished():
            return _answered(run, what)
        case TaskStopAsked() | RunStopAsked():
            return [] if run.ending else [ending_of(run, RunStatus.CANCELLED, what.reason)]
        case RunPauseAsked():
            return _pause(run, what)
        case TimerFired():
            return watch(run, what, now)
        case _:
            assert_never(what)


def _is_current(run: Run, action_id: UUID) -> bool:
    return run.action is not None and run.action.action_id == action_id


def _begun(run: Run) -> list[Event]:
    started = run.spec_started
    detail = {"state_from": "QUEUED", "state_to": "RUNNING", "serial": started.serial}
    return [RunNoted(run_id=started.run_id, event_type=RunEventType.STATE_CHANGE, detail=detail)]


def _unpictured(run: Run, finished: ActionFinished) -> list[Event]:
    """An action without a capture: an installation has none, elsewhere nothing is known of the screen. A phone that is
    not fit to be driven ends the run with the reason."""
    assert run.action is not None
    if finished.error_code == "NOT_FIT" and run.ending is None:
        unfit = f"{run.spec_started.serial} is not fit: {finished.error_message}"
        return [not_seen(run, finished), ending_of(run, RunStatus.FAILED, unfit, "NOT_FIT")]
    if isinstance(run.action.action, Install | Uninstall):
        return came_of(run, finished)
    return [not_seen(run, finished)]


def _planned(run: Run, plan: ValidationPlanned, now: datetime) -> list[Event]:
    """The locators of a new screen are checked at once, while it is in front; no checks, no action."""
    assert run.plan is not None
    if not plan.checks or run.ending is not None:
        return [plan_dropped(run)]
    return [request(run, Observe(checks=plan.checks), "VALIDATE", now, plan_id=plan.plan_id)]


def _answered(run: Run, call: CallFinished) -> list[Event]:
    if run.call is not None and run.call.call_id == call.call_id:
        return [_advice(call)]
    if run.repair.asked is not None and run.repair.asked.call_id == call.call_id:
        return [replaying.answered(run, call)]
    return []


def _advice(call: CallFinished) -> AdviceTaken:
    return AdviceTaken(
        run_id=call.run_id,
        call_id=call.call_id,
        state_id=call.state_id,
        order=call.order,
        texts=call.texts,
        tokens=call.prompt_tokens + call.completion_tokens,
        cost=call.cost,
    )


def _pause(run: Run, asked: RunPauseAsked) -> list[Event]:
    if run.ending is not None:
        return []
    if (resumed := people.resumed(run, asked)) is not None:
        return resumed
    if asked.pause == run.paused:
        return []
    ids = {"run_id": run.spec_started.run_id, "task_id": asked.task_id}
    if asked.pause:
        return [RunPaused(**ids, reason=asked.reason, by=asked.user)]
    person = None if run.task is None else run.task.person
    still = [] if person is None else [people.held(run, f"a person is asked: {person.words}")]
    return [RunResumed(**ids, by=asked.user), *still]
