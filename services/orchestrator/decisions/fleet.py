"""The fleet: which task runs on which phone, and when. One aggregate a pool holds the queue, the phones, the leases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, assert_never

from contracts.device_agent import DeviceLost, DeviceReady, PackagesSeen
from contracts.event import Event
from contracts.orchestrator import (
    AppVersionSeen,
    FleetWatchSet,
    LeaseEnded,
    PhoneApps,
    PhoneJoined,
    PhoneLeft,
    RunFinished,
    RunPauseAsked,
    TaskAccepted,
    TaskDropped,
    TaskHeld,
    TaskPauseAsked,
    TaskQueued,
    TaskReleased,
    TaskSpec,
    TaskStopAsked,
    TaskWaiting,
)
from contracts.subjects import derived_id
from services.orchestrator.decisions.blocked import look, next_watch
from services.orchestrator.decisions.fleet_state import FLEET, Fleet, apply
from services.orchestrator.decisions.granting import (
    DEFAULT_FLEET,
    PinnedModel,
    grants,
    resolve,
    resolved_app,
    run_of,
    run_started,
)
from services.runtime.reactor import NOTHING, Create, Decision, LaterError, Reactor, Trigger
from services.runtime.timers import TimerFired

__all__ = ["DEFAULT_FLEET", "PinnedModel", "decide_fleet", "fleet_reactor", "resolved_app", "run_of"]

QUEUE_LIMIT = 1000
RACE = timedelta(seconds=10)
"""Two replicas may take what belongs together in the wrong order: for so long, what is early is tried again."""
FLEET_TIMERS = frozenset(e.type_name() for e in (TaskQueued, FleetWatchSet))
_TIMER_STEP = timedelta(milliseconds=1)


def fleet_reactor(orchestrator_version: str, model: Callable[[], PinnedModel | None]) -> Reactor[Fleet]:
    """`model()` tells which model configuration a run that starts now is to keep (none: no model)."""

    def decide(state: Fleet, trigger: Trigger[Any], now: datetime) -> Decision:
        return decide_fleet(state, trigger, now, orchestrator_version, model())

    return Reactor(
        name="orchestrator-fleet",
        aggregate=FLEET,
        triggers={
            TaskAccepted: lambda _e: DEFAULT_FLEET,
            TaskStopAsked: lambda _e: DEFAULT_FLEET,
            TaskPauseAsked: lambda _e: DEFAULT_FLEET,
            RunFinished: lambda e: e.fleet_id,
            DeviceReady: lambda e: DEFAULT_FLEET if derived_id("fleet", e.pool) == DEFAULT_FLEET else None,
            DeviceLost: lambda _e: DEFAULT_FLEET,
            PackagesSeen: lambda _e: DEFAULT_FLEET,
            TimerFired: lambda t: t.key if t.event_type in FLEET_TIMERS else None,
        },
        decide=decide,
    )


def decide_fleet(
    state: Fleet, trigger: Trigger[Any], now: datetime, orchestrator_version: str, model: PinnedModel | None
) -> Decision:
    """What the trigger changes, then whatever can be granted thereafter, and a watch over what cannot. Raises
    `LaterError`."""
    if now - trigger.time < RACE and (why := _early(state, trigger.what)):
        raise LaterError(why, delay_s=0.5)
    if isinstance(trigger.what, TimerFired):
        # Timers have milliseconds, and clocks differ: what has fired is due.
        now = max(now, trigger.what.due_at + _TIMER_STEP)
    events = _changes(state, trigger.what, now)
    after = _applied(state, events)
    granted = grants(after, now)
    watch = next_watch(_applied(after, granted), now)
    if not events and not granted and watch is None:
        return NOTHING
    creates = [
        Create((AppVersionSeen(app_version_id=e.app.app_version_id, app=e.app),), shared=True)
        for e in events
        if isinstance(e, TaskQueued)
    ]
    for grant in granted:
        queued = after.queue[str(grant.task_id)]
        started = run_started(grant, queued, after.phones[str(grant.device_id)], now, orchestrator_version, model)
        creates.append(Create((started,)))
    return Decision((*events, *granted, *([] if watch is None else [watch])), tuple(creates))


def _applied(state: Fleet, events: Iterable[Event]) -> Fleet:
    for event in events:
        state = apply(state, event)
    return state


def _early(state: Fleet, what: Any) -> str | None:
    """Why something cannot be decided yet: what comes before it in the log was not decided on."""
    match what:
        case TaskStopAsked() | TaskPauseAsked():
            task = str(what.task_id)
            is_leased = any(lease.task_id == what.task_id for lease in state.leases.values())
            is_known = task in state.queue or task in state.past or is_leased
            return None if is_known else "the fleet does not know the task"
        case DeviceLost() | PackagesSeen():
            phone = state.phones.get(str(what.device_id))
            is_known = phone is not None and phone.session >= what.session
            return None if is_known else "the fleet does not know this session of the phone"
        case _:
            return None


def _changes(state: Fleet, what: Any, now: datetime) -> list[Event]:
    match what:
        case TaskAccepted():
            return _accepted(state, what.spec)
        case TaskStopAsked():
            if str(what.task_id) not in state.queue:
                return []
            return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=what.task_id, reason=what.reason)]
        case TaskPauseAsked():
            return _pause(state, what)
        case RunFinished():
            return _finished(state, what)
        case DeviceReady():
            return _ready(state, what)
        case DeviceLost():
            phone = state.phones.get(str(what.device_id))
            if phone is None or phone.session != what.session or not phone.present:
                return []
            left = PhoneLeft(fleet_id=DEFAULT_FLEET, device_id=what.device_id, session=what.session, reason=what.reason)
            return [left]
        case PackagesSeen():
            return _packages(state, what)
        case TimerFired():
            return look(state, what, now) if what.event_type == FleetWatchSet.type_name() else []
        case _:
            assert_never(what)


def _accepted(state: Fleet, spec: TaskSpec) -> list[Event]:
    if str(spec.task_id) in state.queue or str(spec.task_id) in state.past:
        return []
    if len(state.queue) >= QUEUE_LIMIT:
        reason = f"the queue holds {QUEUE_LIMIT} tasks, which is its limit; publish it again later"
        return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=spec.task_id, reason=reason, failed=True)]
    app = resolve(spec, state.phones.values())
    if app is None:
        return [TaskWaiting(fleet_id=DEFAULT_FLEET, spec=spec)]
    return [TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app, due_at_queue=spec.schedule_at)]


def _pause(state: Fleet, asked: TaskPauseAsked) -> list[Event]:
    """A task in the queue is held there or released; a granted one has a run, to which the request is passed on. The
    same state that grants a phone decides on it, so that no request falls between the two."""
    task_id = asked.task_id
    queued = state.queue.get(str(task_id))
    if queued is None:
        run = next((lease.run_id for lease in state.leases.values() if lease.task_id == task_id), None)
        if run is None:
            return []
        passed_on = RunPauseAsked(
            fleet_id=DEFAULT_FLEET, task_id=task_id, run_id=run, user=asked.user, pause=asked.pause, reason=asked.reason
        )
        return [passed_on]
    if queued.held == asked.pause:
        return []
    if asked.pause:
        return [TaskHeld(fleet_id=DEFAULT_FLEET, task_id=task_id, reason=asked.reason, by=asked.user)]
    return [TaskReleased(fleet_id=DEFAULT_FLEET, task_id=task_id, by=asked.user)]


def _finished(state: Fleet, run: RunFinished) -> list[Event]:
    lease = state.leases.get(str(run.device_id))
    if lease is None or lease.run_id != run.run_id:
        return []
    ended = LeaseEnded(
        fleet_id=run.fleet_id,
        task_id=run.task_id,
        run_id=run.run_id,
        device_id=run.device_id,
        lease_token=lease.token,
        reason=run.status.value,
    )
    return [ended]


def _ready(state: Fleet, ready: DeviceReady) -> list[Event]:
    phone = state.phones.get(str(ready.device_id))
    if phone is not None and phone.session >= ready.session:
        return []
    joined = PhoneJoined(
        fleet_id=DEFAULT_FLEET,
        device_id=ready.device_id,
        session=ready.session,
        serial=ready.serial,
        model=ready.model,
        api_level=ready.api_level,
        tags=ready.tags,
    )
    return [joined]


def _packages(state: Fleet, seen: PackagesSeen) -> list[Event]:
    """What a phone has installed; tasks that waited for an app that it has are queued now."""
    phone = state.phones.get(str(seen.device_id))
    versions = {p.package: (p.version_name, p.version_code) for p in seen.packages}
    if phone is None or phone.session != seen.session or phone.versions == versions:
        return []
    events: list[Event] = [
        PhoneApps(fleet_id=DEFAULT_FLEET, device_id=seen.device_id, session=seen.session, versions=versions)
    ]
    with_apps = phone.model_copy(update={"versions": versions})
    for waiting in sorted((q for q in state.queue.values() if q.app is None), key=lambda q: q.order):
        app = resolve(waiting.spec, [with_apps])
        if app is not None:
            spec, held = waiting.spec, waiting.held
            queued = TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app, due_at_queue=spec.schedule_at, held=held)
            events.append(queued)
    return events
