"""A run, step by step: what came of the last action, what is known now, what is done next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.event import Event
from contracts.llm_gateway import ApiCallFinished, CallFinished
from contracts.locator_validator import ValidationPlanned
from contracts.orchestrator import (
    AppVersionSeen,
    BudgetCrossed,
    PersonSaid,
    PlanPending,
    RunEnding,
    RunNoted,
    RunPauseAsked,
    RunStarted,
    RunStopAsked,
    TaskStopAsked,
)
from contracts.screen_indexer import CaptureIndexed
from contracts.subjects import derived_id
from contracts.values import RunEventType, RunStatus
from services.orchestrator.decisions.endings import end, ending_of, over
from services.orchestrator.decisions.exploration import choose
from services.orchestrator.decisions.fleet import run_of
from services.orchestrator.decisions.installing import install_phase
from services.orchestrator.decisions.reproducing import reproduce
from services.orchestrator.decisions.run_state import Run, apply, evolve
from services.orchestrator.decisions.setup import scripted
from services.orchestrator.decisions.steps import action_for, advice_for
from services.orchestrator.decisions.tasking import loop as tasking
from services.orchestrator.decisions.tasking import people
from services.orchestrator.decisions.told import told
from services.orchestrator.decisions.watching import RUN_TIMERS
from services.runtime.aggregate import Aggregate
from services.runtime.reactor import NOTHING, Create, Decision, LaterError, Reactor, Trigger
from services.runtime.timers import TimerFired

PLAN_PATIENCE = timedelta(seconds=10)
RACE = timedelta(seconds=10)
"""A task can be stopped before its run is in the log: for so long that is tried again."""

RUN = Aggregate[Run]("run", "orchestrator", Run, lambda s, r: evolve(s, r), step_of=lambda run: run.sequence)


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
            ApiCallFinished: lambda e: e.run_id,
            PersonSaid: lambda e: run_of(e.task_id),
            TaskStopAsked: lambda e: run_of(e.task_id),
            RunPauseAsked: lambda e: e.run_id,
            RunStopAsked: lambda e: e.run_id,
            TimerFired: lambda t: t.key if t.event_type in RUN_TIMERS else None,
        },
        decide=decide_run,
    )


def decide_run(run: Run, trigger: Trigger[Any], now: datetime) -> Decision:
    """What the trigger tells, then what is to be done next where nothing is under way. Raises `LaterError`."""
    if run.started is None and isinstance(trigger.what, TaskStopAsked) and now - trigger.time < RACE:
        raise LaterError("the task has no run yet", delay_s=1.0)
    if isinstance(trigger.what, PersonSaid):
        return _said(run, trigger.what, trigger.time, now)
    if run.started is None or run.finished is not None:
        return NOTHING
    creates = (*_apps_seen(run, trigger.what), *_budgets_crossed(run, trigger.what))
    events = people.closed(run, told(run, trigger.what, now))
    if not events:
        return Decision((), creates)
    seen = trigger.what if isinstance(trigger.what, CaptureIndexed) else None
    return Decision((*events, *_next(_after(run, events), now, seen)), creates)


def _said(run: Run, said: PersonSaid, at: datetime, now: datetime) -> Decision:
    """What somebody says to a task. Where it changes nothing, they are told why. Raises `LaterError`."""
    if run.started is None and now - at < RACE:
        raise LaterError("the task has no run yet", delay_s=1.0)
    if (why := people.unheard(run, said, at)) is None:
        events = people.heard(run, said, now)
        return Decision((*events, *_next(_after(run, events), now)))
    rejected = people.rejection(said, why)
    creates = () if rejected is None else (Create((rejected,)),)
    if run.started is None or run.finished is not None:
        return Decision((), creates)
    detail = {"what": "not heard", "kind": said.kind, "by": said.user, "why": why}
    return Decision((RunNoted(run_id=run.started.run_id, event_type=RunEventType.NOTICE, detail=detail),), creates)


def _after(run: Run, events: Iterable[Event]) -> Run:
    for event in events:
        run = apply(run, event)
    return run


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


def _next(run: Run, now: datetime, seen: CaptureIndexed | None = None) -> list[Event]:
    """What to do now. Nothing while something is under way, or while the run is paused. `seen`: what the phone shows
    now, where that has just come."""
    if run.waiting != "NOTHING":
        return []
    if run.ending is not None:
        return end(run, now)
    if run.paused:
        return []
    ending = over(run)
    if run.task is not None:
        return _next_of_task(run, ending, now, seen)
    explored = ending is not None and ending.status is RunStatus.SUCCEEDED
    if (ending is None or explored) and (tried := reproduce(run, now, explored=explored)) is not None:
        return _then(run, tried, now)
    if ending is not None:
        return [ending, *end(apply(run, ending), now)]
    if (installing := install_phase(run, now)) is not None:
        return installing
    if (steps := scripted(run, now, seen)) is not None:
        return steps
    here = run.here
    spec = run.spec_started.spec
    if here is not None and here.inside and spec.validate_locators and here.screen_id not in run.checked_screens:
        until = now + PLAN_PATIENCE
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
        if (asked := advice_for(run, now, is_over=True)) is not None:
            return [asked]
        if (tried := reproduce(run, now, explored=True)) is not None:
            return _then(run, tried, now)
        ending = ending_of(run, RunStatus.SUCCEEDED, None)
        return [ending, *end(apply(run, ending), now)]
    return [action_for(run, choice, now)]


def _next_of_task(run: Run, ending: RunEnding | None, now: datetime, seen: CaptureIndexed | None) -> list[Event]:
    """A task in plain language: what sets it up, then its turns."""
    if ending is not None:
        return [ending, *end(apply(run, ending), now)]
    if (installing := install_phase(run, now)) is not None:
        return installing
    if (steps := scripted(run, now)) is not None:
        return steps
    return tasking.next_turn(run, seen, now)


def _then(run: Run, events: list[Event], now: datetime) -> list[Event]:
    """These, and what is to be done after them."""
    return [*events, *_next(_after(run, events), now)]
