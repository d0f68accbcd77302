"""A run, step by step: what came of the last action, what is known now, what is done next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.event import Event
from contracts.llm_gateway import CallFinished
from contracts.locator_validator import ValidationPlanned
from contracts.orchestrator import (
    AdviceRequested,
    AdviceTaken,
    AppVersionSeen,
    BudgetCrossed,
    PlanPending,
    RunEnding,
    RunFinished,
    RunNoted,
    RunPaused,
    RunResumed,
    RunStarted,
    StateAdded,
    StepFinished,
    StepOutcome,
    TaskPauseAsked,
    TaskStopAsked,
    WatchSet,
)
from contracts.screen_indexer import CaptureIndexed
from contracts.subjects import derived_id
from contracts.values import ActionStatus, Navigate, Observe, RunEventType, RunStatus
from services.orchestrator.decisions.exploration import TRANSIENT_PACKAGES, choose, is_explorable
from services.orchestrator.decisions.fleet import run_of
from services.orchestrator.decisions.run_state import Run, apply, evolve
from services.orchestrator.decisions.steps import action_for, advice_for, request
from services.runtime.aggregate import Aggregate
from services.runtime.reactor import NOTHING, Create, Decision, Reactor, Trigger
from services.runtime.timers import TimerFired

UNSEEN_LIMIT = 4
LAUNCH_LIMIT = 4
PLAN_PATIENCE_S = 10.0
LATE_S = 5.0
"""A timer that fires later than this was held up with everything else: its grace begins again."""
GRACE_S = 5.0
"""How long after an action's expiry its outcome is still waited for."""

_HOME = Navigate(to="HOME")

RUN = Aggregate[Run]("run", "orchestrator", Run, lambda s, r: evolve(s, r))


def run_reactor() -> Reactor[Run]:
    return Reactor(
        name="orchestrator-run",
        aggregate=RUN,
        triggers={
            RunStarted: lambda e: e.run_id,
            CaptureIndexed: lambda e: e.run_id,
            ActionFinished: lambda e: e.run_id if e.capture is None else None,
            CrashSeen: lambda e: e.run_id,
            ValidationPlanned: lambda e: e.run_id,
            CallFinished: lambda e: e.run_id,
            TaskStopAsked: lambda e: run_of(e.task_id),
            TaskPauseAsked: lambda e: run_of(e.task_id),
            TimerFired: lambda t: t.key if t.event_type in _RUN_TIMERS else None,
        },
        decide=decide_run,
    )


_RUN_TIMERS = frozenset(e.type_name() for e in (RunStarted, WatchSet, PlanPending, AdviceRequested))


def decide_run(run: Run, trigger: Trigger[Any], now: datetime) -> Decision:
    """What the trigger tells, then what is to be done next where nothing is under way."""
    if run.started is None or run.finished is not None:
        return NOTHING
    creates = (*_apps_seen(run, trigger.what), *_budgets_crossed(run, trigger.what))
    events = _told(run, trigger.what, now)
    if not events:
        return Decision((), creates)
    after = run
    for event in events:
        after = apply(after, event)
    return Decision((*events, *_next(after, now)), creates)


def _told(run: Run, what: Any, now: datetime) -> list[Event]:
    match what:
        case RunStarted():
            return _begun(run) if run.sequence == 0 and run.action is None else []
        case CaptureIndexed():
            return _seen(run, what) if _is_current(run, what.action_id) else []
        case ActionFinished():
            return [_unseen(run, what.error_code)] if _is_current(run, what.action_id) else []
        case CrashSeen():
            return [_crash(run, what)]
        case ValidationPlanned():
            return _planned(run, what, now) if run.plan is not None and run.plan.plan_id == what.plan_id else []
        case CallFinished():
            return [_advice(what)] if run.call is not None and run.call.call_id == what.call_id else []
        case TaskStopAsked():
            return [] if run.ending else [_ending(run, RunStatus.CANCELLED, what.reason)]
        case TaskPauseAsked():
            return _pause(run, what)
        case TimerFired():
            return _watch(run, what, now)
        case _:
            assert_never(what)


def _apps_seen(run: Run, what: Any) -> tuple[Create, ...]:
    """Whatever comes to the front is an app with a version: the launcher, a dialog of the system, a browser."""
    if not isinstance(what, CaptureIndexed) or what.app is None or what.app.package in run.packages:
        return ()
    return (Create((AppVersionSeen(app_version_id=what.app.app_version_id, app=what.app),), shared=True),)


def _budgets_crossed(run: Run, what: Any) -> tuple[Create, ...]:
    """What a call has used up is told whether or not the run still waits for its answer."""
    if not isinstance(what, CallFinished):
        return ()
    started = run.spec_started
    crossed = [
        BudgetCrossed(
            crossing_id=derived_id("budget", started.run_id, mark.budget, mark.percent),
            task_id=started.task_id,
            run_id=started.run_id,
            budget=mark.budget,
            percent=mark.percent,
            used=mark.used,
            limit=mark.limit,
        )
        for mark in what.budgets_crossed
    ]
    return tuple(Create((event,), shared=True) for event in crossed)


def _is_current(run: Run, action_id: UUID) -> bool:
    return run.action is not None and run.action.action_id == action_id


def _begun(run: Run) -> list[Event]:
    started = run.spec_started
    detail = {"state_from": "QUEUED", "state_to": "RUNNING", "serial": started.serial}
    return [RunNoted(run_id=started.run_id, event_type=RunEventType.STATE_CHANGE, detail=detail)]


def _seen(run: Run, seen: CaptureIndexed) -> list[Event]:
    """A step ends with what its capture shows: a state known to this run, or a new one."""
    events: list[Event] = []
    if seen.declared_activities and not run.declared:
        detail = {"what": "declared", "activities": list(seen.declared_activities)}
        events.append(RunNoted(run_id=seen.run_id, event_type=RunEventType.NOTICE, detail=detail))
    if seen.state_id is None or seen.screen_id is None:
        return [*events, _unseen(run, seen.error_code or seen.reason)]
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
        outcome = "LEFT_APP"
    elif is_new:
        outcome = "NEW_STATE"
    else:
        outcome = "NOTHING" if seen.state_id == action.state_id else "KNOWN_STATE"
    return _finished_step(run, outcome, to_state=seen.state_id, seen=seen, new_state=is_new, new_screen=is_new_screen)


def _finished_step(
    run: Run,
    outcome: StepOutcome,
    *,
    to_state: str | None = None,
    seen: CaptureIndexed | None = None,
    new_state: bool = False,
    new_screen: bool = False,
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
    )


def _unseen(run: Run, why: str | None) -> StepFinished:
    del why
    return _finished_step(run, "UNSEEN")


def _crash(run: Run, crash: CrashSeen) -> RunNoted:
    action = run.action
    detail = {
        "what": "crash" if crash.package == run.spec_started.app.package else "crash elsewhere",
        "kind": crash.kind,
        "exception": crash.exception,
        "stack_key": crash.stack_key,
        "occurrence_id": str(crash.occurrence_id),
        "sequence": run.sequence,
        "state_id": None if action is None else action.state_id,
        "gesture_id": None if action is None else action.gesture_id,
    }
    return RunNoted(run_id=run.spec_started.run_id, event_type=RunEventType.ERROR, detail=detail)


def _planned(run: Run, plan: ValidationPlanned, now: datetime) -> list[Event]:
    """The locators of a new screen are checked at once, while it is in front; no checks, no action."""
    assert run.plan is not None
    if not plan.checks or run.ending is not None:
        return [_plan_done(run)]
    return [request(run, Observe(checks=plan.checks), "VALIDATE", now, plan_id=plan.plan_id)]


def _plan_done(run: Run) -> RunNoted:
    assert run.plan is not None
    detail = {"what": "no locators to check", "screen_id": str(run.plan.screen_id)}
    return RunNoted(run_id=run.plan.run_id, event_type=RunEventType.NOTICE, detail=detail)


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


def _no_advice(run: Run) -> AdviceTaken:
    """The model did not answer in time: the run goes on alone."""
    assert run.call is not None
    return AdviceTaken(run_id=run.call.run_id, call_id=run.call.call_id, state_id=run.call.state_id)


def _ending(run: Run, status: RunStatus, reason: str | None) -> RunEnding:
    return RunEnding(run_id=run.spec_started.run_id, status=status, reason=reason)


def _pause(run: Run, asked: TaskPauseAsked) -> list[Event]:
    if run.ending is not None or asked.pause == run.paused:
        return []
    ids = {"run_id": run.spec_started.run_id, "task_id": asked.task_id}
    if asked.pause:
        return [RunPaused(**ids, reason=asked.reason, by=asked.user)]
    return [RunResumed(**ids, by=asked.user)]


def _watch(run: Run, fired: TimerFired, now: datetime) -> list[Event]:
    """Looks whether anything is overdue, and when to look next. A watch that was replaced does nothing."""
    if fired.event_type == PlanPending.type_name():
        return [_plan_done(run)] if run.plan is not None and run.plan.until == fired.due_at else []
    if fired.event_type == AdviceRequested.type_name():
        return [_no_advice(run)] if run.call is not None and run.call.expires_at == fired.due_at else []
    if run.watch_at != fired.due_at:
        return []
    events: list[Event] = []
    if now - fired.due_at <= timedelta(seconds=LATE_S):
        if run.ending is None and now >= run.spec_started.ends_at:
            events.append(_ending(run, RunStatus.SUCCEEDED, "its time was up"))
        elif run.action is not None and now >= run.action.expires_at + timedelta(seconds=GRACE_S):
            events.append(_unseen(run, "nothing was heard of the action"))
    step = timedelta(seconds=run.spec_started.spec.limits.step_timeout_s)
    overdue = run.action.expires_at + timedelta(seconds=GRACE_S) if run.action is not None else now + step
    next_at = max(min(overdue, max(run.spec_started.ends_at, now + timedelta(seconds=1))), now + timedelta(seconds=1))
    events.append(WatchSet(run_id=run.spec_started.run_id, watch_at=next_at))
    return events


def _next(run: Run, now: datetime) -> list[Event]:
    """What to do now. Nothing while something is under way, or while the run is paused."""
    if run.waiting != "NOTHING":
        return []
    if run.ending is not None:
        return _end(run, now)
    if run.paused:
        return []
    if (over := _over(run)) is not None:
        return [over, *_end(apply(run, over), now)]
    here = run.here
    spec = run.spec_started.spec
    if here is not None and here.inside and spec.validate_locators and here.screen_id not in run.checked_screens:
        until = now + timedelta(seconds=PLAN_PATIENCE_S)
        plan_id = derived_id("plan", run.spec_started.run_id, here.screen_id)
        pending = PlanPending(
            run_id=run.spec_started.run_id,
            plan_id=plan_id,
            screen_id=here.screen_id,
            state_id=here.state_id,
            until=until,
        )
        return [pending]
    if (asked := advice_for(run, now)) is not None:
        return [asked]
    choice = choose(run)
    if choice.kind == "END":
        over = _ending(run, RunStatus.SUCCEEDED, None)
        return [over, *_end(apply(run, over), now)]
    return [action_for(run, choice, now)]


def _over(run: Run) -> RunEnding | None:
    limits = run.spec_started.spec.limits
    if run.sequence >= limits.max_steps:
        return _ending(run, RunStatus.SUCCEEDED, f"the limit of {limits.max_steps} steps was reached")
    if run.unseen >= UNSEEN_LIMIT:
        return _ending(run, RunStatus.FAILED, f"nothing could be seen on the phone in {run.unseen} steps in a row")
    if run.entry is None and run.restarts >= LAUNCH_LIMIT:
        app = run.spec_started.app
        return _ending(run, RunStatus.FAILED, f"{app.package} {app.version_name} did not start in {run.restarts} tries")
    return None


def _end(run: Run, now: datetime) -> list[Event]:
    """Home first, so that the phone is left as it should be, unless it does not answer; then the end."""
    ending = run.ending
    assert ending is not None
    restored = run.here is None or not is_explorable(run.here) or run.unseen > 0
    if not restored:
        return [request(run, _HOME, "RESTORE", now)]
    return [_finish(run, now)]


def _finish(run: Run, now: datetime) -> RunFinished:
    started, ending = run.spec_started, run.ending
    assert ending is not None
    return RunFinished(
        run_id=started.run_id,
        task_id=started.task_id,
        fleet_id=started.fleet_id,
        device_id=started.device_id,
        lease_token=started.lease_token,
        app=started.app,
        profile=started.spec.profile,
        status=ending.status,
        failure_reason=ending.reason if ending.status is not RunStatus.SUCCEEDED else None,
        total_actions=run.sequence,
        successful_actions=run.succeeded,
        screens=tuple(sorted(run.screens)),
        states=len(run.states),
        activities_reached=tuple(sorted(run.activities)),
        activities_declared=run.declared,
        metrics={
            "crashes": run.crashes,
            "restarts": run.restarts,
            "tokens": run.tokens,
            "note": ending.reason,
            "transitions": sum(len(s.targets) for s in run.states.values()),
        },
        started_at=started.started_at,
        ended_at=now,
    )
