"""Looking after a run: whether its action, its plan, its question or its time is overdue, and when to look next."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.event import Event
from contracts.orchestrator import (
    AdviceRequested,
    AdviceTaken,
    ApiCallRequested,
    CrashAwaited,
    ModelAwaited,
    PersonAsked,
    PlanPending,
    RunNoted,
    RunStarted,
    TurnRequested,
    WatchSet,
)
from contracts.values import Install, RunEventType
from services.orchestrator.decisions.endings import cut_short
from services.orchestrator.decisions.installing import nobody_saw
from services.orchestrator.decisions.outcomes import unseen
from services.orchestrator.decisions.reproducing import over_without
from services.orchestrator.decisions.run_state import NO_CHECKS, Run, apply
from services.orchestrator.decisions.scripts.replaying import unanswered
from services.orchestrator.decisions.tasking import loop as tasking
from services.runtime.timers import TimerFired

_OF_TASKS = frozenset(e.type_name() for e in (TurnRequested, ApiCallRequested, PersonAsked, ModelAwaited))
RUN_TIMERS = _OF_TASKS | {e.type_name() for e in (RunStarted, WatchSet, PlanPending, AdviceRequested, CrashAwaited)}
LATE = timedelta(seconds=5)
"""A timer that fires later than this was held up with everything else: its grace begins again."""
GRACE = timedelta(seconds=5)
"""How long after an action's expiry its outcome is still waited for."""
_SOON = timedelta(seconds=1)


def watch(run: Run, fired: TimerFired, now: datetime) -> list[Event]:
    """What is overdue ends here. A timer of what is over, or of a watch that was replaced, does nothing."""
    if not _is_current(run, fired):
        return []
    if now - fired.due_at > LATE:
        return [_set(run, now + GRACE)]
    events = _overdue(run, now)
    if fired.due_at != run.watch_at:
        return events
    for event in events:
        run = apply(run, event)
    return [*events, _set(run, max(_next_look(run, now), now + _SOON))]


def plan_dropped(run: Run) -> RunNoted:
    """Nothing of the new screen is checked: there is nothing to check, or nobody said what."""
    assert run.plan is not None
    detail = {"what": NO_CHECKS, "screen_id": str(run.plan.screen_id)}
    return RunNoted(run_id=run.plan.run_id, event_type=RunEventType.NOTICE, detail=detail)


def _is_current(run: Run, fired: TimerFired) -> bool:
    if fired.event_type == PlanPending.type_name():
        return run.plan is not None and run.plan.until == fired.due_at
    if fired.event_type == AdviceRequested.type_name():
        return run.call is not None and run.call.expires_at == fired.due_at
    if fired.event_type == TurnRequested.type_name() and run.task is None:
        return run.repair.asked is not None and run.repair.asked.expires_at == fired.due_at
    if fired.event_type == CrashAwaited.type_name():
        return run.reproduction.awaited is not None and run.reproduction.awaited.until == fired.due_at
    if fired.event_type in _OF_TASKS:
        return run.task is not None and fired.due_at in tasking.deadlines_of(run.task)
    return run.watch_at == fired.due_at


def _overdue(run: Run, now: datetime) -> list[Event]:
    if run.ending is None and now >= run.spec_started.ends_at:
        return [cut_short(run, "its time was up", "TIME")]
    if run.action is not None and now >= run.action.expires_at + GRACE:
        return nobody_saw(run) if isinstance(run.action.action, Install) else [unseen(run)]
    if run.plan is not None and now >= run.plan.until:
        return [plan_dropped(run)]
    if run.reproduction.awaited is not None and now >= run.reproduction.awaited.until:
        return [over_without(run, "no crash came")]
    if run.repair.asked is not None and now >= run.repair.asked.expires_at:
        return [unanswered(run)]
    if run.call is not None and now >= run.call.expires_at:
        return [AdviceTaken(run_id=run.call.run_id, call_id=run.call.call_id, state_id=run.call.state_id)]
    return [] if run.task is None or run.ending is not None else tasking.overdue(run, now)


def _next_look(run: Run, now: datetime) -> datetime:
    looks = [now + timedelta(seconds=run.spec_started.spec.limits.step_timeout_s)]
    if run.action is not None:
        looks = [run.action.expires_at + GRACE]
    if run.ending is None:
        looks.append(run.spec_started.ends_at)
    return min(looks)


def _set(run: Run, at: datetime) -> WatchSet:
    return WatchSet(run_id=run.spec_started.run_id, watch_at=at)
