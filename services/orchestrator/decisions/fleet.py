"""The fleet: which task runs on which phone, and when. One aggregate a pool holds the queue, the phones, the leases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, assert_never

from contracts.device_agent import DeviceLost, DeviceReady, DeviceRegistered, PackagesSeen
from contracts.event import Event
from contracts.orchestrator import (
    AppVersionSeen,
    FleetWatchSet,
    GroupWaiting,
    PhoneLeft,
    PhoneReserved,
    RunFinished,
    ScheduleFired,
    ScheduleSet,
    TaskAccepted,
    TaskPauseAsked,
    TaskQueued,
    TaskStopAsked,
    TaskWaiting,
)
from contracts.subjects import derived_id
from services.orchestrator.decisions.blocked import LATE, look, next_watch
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET
from services.orchestrator.decisions.fleet_requests import follow
from services.orchestrator.decisions.fleet_state import FLEET, Fleet, apply
from services.orchestrator.decisions.granting import (
    grants,
    resolved_app,
    run_of,
    run_started,
)
from services.orchestrator.decisions.groups import QUEUE_LIMIT, groups_due, split
from services.orchestrator.decisions.leases import lease_over
from services.orchestrator.decisions.models import Models
from services.orchestrator.decisions.phones import awaited, described, left, missed, ready, reservations_over
from services.orchestrator.decisions.queueing import AT_ONCE, accepted, control, packages, resolved_now
from services.orchestrator.decisions.schedules import schedules_due
from services.runtime.handlers import RawRequest
from services.runtime.reactor import NOTHING, Create, Decision, LaterError, Reactor, Trigger
from services.runtime.timers import TimerFired

__all__ = ["DEFAULT_FLEET", "QUEUE_LIMIT", "decide_fleet", "fleet_reactor", "resolved_app", "run_of"]

RACE = timedelta(seconds=10)
"""Two replicas may take what belongs together in the wrong order: for so long, what is early is tried again."""
GRACE = timedelta(seconds=60)
"""A phone that is back within this time was not away."""
FLEET_TIMERS = frozenset(
    e.type_name()
    for e in (TaskQueued, FleetWatchSet, PhoneLeft, PhoneReserved, GroupWaiting, ScheduleSet, ScheduleFired)
)
_TIMER_STEP = timedelta(milliseconds=1)


def fleet_reactor(orchestrator_version: str, models: Callable[[], Models], grace: timedelta = GRACE) -> Reactor[Fleet]:
    """`models()` tells which model configurations there are now."""

    def decide(state: Fleet, trigger: Trigger[Any], now: datetime) -> Decision:
        return decide_fleet(state, trigger, now, orchestrator_version, models(), grace)

    return Reactor(
        name="orchestrator-fleet",
        aggregate=FLEET,
        triggers={
            RawRequest: lambda _r: DEFAULT_FLEET,
            TaskAccepted: lambda _e: DEFAULT_FLEET,
            TaskStopAsked: lambda _e: DEFAULT_FLEET,
            TaskPauseAsked: lambda _e: DEFAULT_FLEET,
            RunFinished: lambda e: e.fleet_id,
            DeviceRegistered: lambda _e: DEFAULT_FLEET,
            DeviceReady: lambda e: DEFAULT_FLEET if derived_id("fleet", e.pool) == DEFAULT_FLEET else None,
            DeviceLost: lambda _e: DEFAULT_FLEET,
            PackagesSeen: lambda _e: DEFAULT_FLEET,
            TimerFired: lambda t: t.key if t.event_type in FLEET_TIMERS else None,
        },
        decide=decide,
    )


def decide_fleet(
    state: Fleet,
    trigger: Trigger[Any],
    now: datetime,
    orchestrator_version: str,
    models: Models,
    grace: timedelta = GRACE,
) -> Decision:
    """What the trigger changes, then whatever can be granted thereafter, and a watch over what cannot. Raises
    `LaterError`."""
    what = trigger.what
    if now - trigger.time < RACE and (why := _early(state, what)):
        raise LaterError(why, delay_s=0.5)
    creates: list[Create] = []
    if isinstance(what, TimerFired):
        # Timers have milliseconds, and clocks differ: what has fired is due.
        now = max(now, what.due_at + _TIMER_STEP)
    if isinstance(what, RawRequest):
        events, answer = follow(state, what, now, grace)
        creates.append(Create((answer,)))
    else:
        events = _changes(state, what, trigger.seq, now, grace, models)
    after = _applied(state, events)
    granted = grants(after, now, models)
    watch = next_watch(_applied(after, granted), now, models)
    creates += _creates(state, events)
    for grant in granted:
        queued = after.queue[str(grant.task_id)]
        started = run_started(grant, queued, after.phones[str(grant.device_id)], now, orchestrator_version, models)
        creates.append(Create((started,)))
    decision = Decision((*events, *granted, *([] if watch is None else [watch])), tuple(creates))
    return NOTHING if decision.empty else decision


def _applied(state: Fleet, events: Iterable[Event]) -> Fleet:
    for event in events:
        state = apply(state, event)
    return state


def _creates(state: Fleet, events: list[Event]) -> list[Create]:
    """App versions that tasks are about, and tasks that the fleet made itself: members of groups, times of schedules.
    Those are accepted like any other, so that they can be stopped and held."""
    apps = {e.app.app_version_id: e.app for e in events if isinstance(e, TaskQueued)}
    specs = [e.spec for e in events if isinstance(e, ScheduleFired) and e.spec is not None]
    specs += [
        e.spec
        for e in events
        if isinstance(e, TaskQueued | TaskWaiting)
        and e.spec.group is not None
        and str(e.spec.task_id) not in state.queue
    ]
    seen = [Create((AppVersionSeen(app_version_id=key, app=app),), shared=True) for key, app in apps.items()]
    return seen + [Create((TaskAccepted(task_id=spec.task_id, spec=spec),)) for spec in specs]


def _early(state: Fleet, what: Any) -> str | None:
    """Why something cannot be decided yet: what comes before it in the log was not decided on."""
    match what:
        case TaskStopAsked() | TaskPauseAsked():
            task = str(what.task_id)
            is_leased = any(lease.task_id == what.task_id for lease in state.leases.values())
            is_many = task in state.groups or task in state.schedules
            is_known = task in state.queue or task in state.past or is_leased or is_many
            return None if is_known else "the fleet does not know the task"
        case DeviceLost() | PackagesSeen():
            phone = state.phones.get(str(what.device_id))
            is_known = phone is not None and phone.session >= what.session
            return None if is_known else "the fleet does not know this session of the phone"
        case _:
            return None


def _changes(state: Fleet, what: Any, seq: int, now: datetime, grace: timedelta, models: Models) -> list[Event]:
    match what:
        case TaskAccepted(spec=spec) if spec.group is not None or spec.scheduled_by is not None:
            return []  # The fleet made it itself, and it is in the queue since.
        case TaskAccepted():
            return accepted(state, what.spec, now)
        case TaskStopAsked() | TaskPauseAsked():
            return control(state, what, now)
        case RunFinished():
            return lease_over(state, what)
        case DeviceRegistered():
            return described(state, what, seq)
        case DeviceReady():
            return ready(state, what, seq)
        case DeviceLost():
            return left(state, what, now, grace)
        case PackagesSeen():
            return packages(state, what)
        case TimerFired():
            return _timer(state, what, now, grace, models)
        case _:
            assert_never(what)


def _timer(state: Fleet, fired: TimerFired, now: datetime, grace: timedelta, models: Models) -> list[Event]:
    """Whatever is due by now, whichever timer it was that fired."""
    if fired.event_type == PhoneLeft.type_name() and now - fired.due_at > LATE:
        # It was held up with everything else, the phones' return included: they have their grace anew.
        due = [p for p in state.phones.values() if p.missed_at is not None and p.missed_at <= now]
        return [event for phone in due for event in awaited(phone, now, grace)]
    events: list[Event] = reservations_over(state, now, grace)
    events += missed(_applied(state, events), now)
    # Each schedule and each group has a timer of its own: what does not fit now is done when the next of them fires.
    for fire in schedules_due(state, now):
        if len(events) < AT_ONCE:
            events.append(fire)
            events += [] if fire.spec is None else accepted(_applied(state, events), fire.spec, now)
    for group in groups_due(state, now):
        if len(events) < AT_ONCE:
            events += split(_applied(state, events), group.spec, now)
    if fired.event_type == FleetWatchSet.type_name():
        after = _applied(state, events)
        events += resolved_now(after, after.phones.values()) or look(after, fired, now, models)
    return events
