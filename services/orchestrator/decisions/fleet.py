"""The fleet: which task runs on which phone, and when. One aggregate a pool holds the queue, the phones, the leases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.device_agent import DeviceLost, DeviceReady, PackagesSeen
from contracts.event import Event
from contracts.orchestrator import (
    AppVersionSeen,
    LeaseEnded,
    PhoneApps,
    PhoneJoined,
    PhoneLeft,
    Receipt,
    RunFinished,
    RunStarted,
    Snapshot,
    TaskAccepted,
    TaskDropped,
    TaskGranted,
    TaskQueued,
    TaskSpec,
    TaskStopAsked,
    TaskWaiting,
)
from contracts.subjects import derived_id
from contracts.values import ResolvedApp
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Create, Decision, Reactor, Trigger
from services.runtime.timers import TimerFired

DEFAULT_FLEET = derived_id("fleet", "default")
QUEUE_LIMIT = 1000
_TICK_S = 5


class Phone(BaseModel):
    """A phone as the fleet knows it. `versions`: package to version name and code."""

    model_config = ConfigDict(frozen=True)

    device_id: UUID
    session: int
    serial: str
    model: str
    api_level: int
    present: bool = True
    versions: dict[str, tuple[str, int | None]] = Field(default_factory=dict)


class Queued(BaseModel):
    model_config = ConfigDict(frozen=True)

    spec: TaskSpec
    app: ResolvedApp | None
    order: int


class Lease(BaseModel):
    model_config = ConfigDict(frozen=True)

    task_id: UUID
    run_id: UUID
    device_id: UUID
    token: int


class Fleet(BaseModel):
    """State of the aggregate. Keys of the dictionaries are ids as text, so that a snapshot is plain JSON."""

    model_config = ConfigDict(frozen=True)

    phones: dict[str, Phone] = Field(default_factory=dict)
    queue: dict[str, Queued] = Field(default_factory=dict)
    leases: dict[str, Lease] = Field(default_factory=dict)
    last_token: int = 0
    last_order: int = 0


class _Codec:
    def dump(self, state: Fleet) -> str:
        return state.model_dump_json()

    def load(self, text: str) -> Fleet:
        return Fleet.model_validate_json(text)


FLEET = Aggregate[Fleet](
    "fleet", "orchestrator", Fleet, lambda s, r: evolve(s, r), LongLived(_Codec(), Snapshot, Receipt, every=200)
)


PinnedModel = tuple[UUID, int]
"""A model configuration and its version, which a run keeps from its start to its end."""


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
            RunFinished: lambda e: e.fleet_id,
            DeviceReady: lambda e: derived_id("fleet", e.pool),
            DeviceLost: lambda _e: DEFAULT_FLEET,
            PackagesSeen: lambda _e: DEFAULT_FLEET,
            TimerFired: lambda t: t.key if t.event_type == TaskQueued.type_name() else None,
        },
        decide=decide,
    )


def decide_fleet(
    state: Fleet, trigger: Trigger[Any], now: datetime, orchestrator_version: str, model: PinnedModel | None
) -> Decision:
    """What the trigger changes, then whatever can be granted thereafter."""
    events = _changes(state, trigger.what)
    after = state
    for event in events:
        after = apply(after, event)
    granted = _grants(after, now)
    if not events and not granted:
        return NOTHING
    creates = [
        Create((AppVersionSeen(app_version_id=e.app.app_version_id, app=e.app),), shared=True)
        for e in events
        if isinstance(e, TaskQueued)
    ]
    for grant in granted:
        queued = after.queue[str(grant.task_id)]
        started = _run(grant, queued, after.phones[str(grant.device_id)], now, orchestrator_version, model)
        creates.append(Create((started,)))
    return Decision((*events, *granted), tuple(creates))


def _changes(state: Fleet, what: Any) -> list[Event]:
    match what:
        case TaskAccepted():
            return _accepted(state, what.spec)
        case TaskStopAsked():
            if str(what.task_id) not in state.queue:
                return []
            return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=what.task_id, reason=what.reason)]
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
            return []
        case _:
            assert_never(what)


def _accepted(state: Fleet, spec: TaskSpec) -> list[Event]:
    if str(spec.task_id) in state.queue:
        return []
    if len(state.queue) >= QUEUE_LIMIT:
        reason = f"the queue holds {QUEUE_LIMIT} tasks, which is its limit; publish it again later"
        return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=spec.task_id, reason=reason)]
    app = _resolve(spec, state.phones.values())
    if app is None:
        return [TaskWaiting(fleet_id=DEFAULT_FLEET, spec=spec)]
    return [TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app, due_at_queue=spec.schedule_at)]


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
        app = _resolve(waiting.spec, [with_apps])
        if app is not None:
            spec = waiting.spec
            events.append(TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app, due_at_queue=spec.schedule_at))
    return events


def _resolve(spec: TaskSpec, phones: Any) -> ResolvedApp | None:
    """The version that a task is about: the one given, else the highest that a phone in question has installed."""
    found = [
        p.versions[spec.package] for p in phones if p.present and _is_meant(spec, p) and spec.package in p.versions
    ]
    if spec.version is not None:
        code = next((c for name, c in found if name == spec.version), None)
        return resolved_app(spec.package, spec.version, code)
    if not found:
        return None
    name, code = max(found, key=lambda v: (v[1] or 0, v[0]))
    return resolved_app(spec.package, name, code)


def resolved_app(package: str, version_name: str, version_code: int | None, label: str | None = None) -> ResolvedApp:
    return ResolvedApp(
        app_id=derived_id("app", package),
        app_version_id=derived_id("app-version", package, version_name),
        package=package,
        name=label or package,
        version_name=version_name,
        version_code=version_code,
    )


def _is_meant(spec: TaskSpec, phone: Phone) -> bool:
    return spec.serial is None or spec.serial == phone.serial


def _grants(state: Fleet, now: datetime) -> list[TaskGranted]:
    """Phones for tasks that are due: by priority, then by age; a phone must have the very version installed."""
    free = [p for p in state.phones.values() if p.present and str(p.device_id) not in state.leases]
    token = state.last_token
    granted = []
    for queued in sorted(state.queue.values(), key=lambda q: (q.spec.priority, q.order)):
        spec, app = queued.spec, queued.app
        if app is None or (spec.schedule_at is not None and spec.schedule_at > now):
            continue
        phone = next((p for p in sorted(free, key=lambda p: p.serial) if _fits(spec, app, p)), None)
        if phone is None:
            continue
        free.remove(phone)
        token += 1
        run_id = run_of(spec.task_id)
        granted.append(
            TaskGranted(
                fleet_id=DEFAULT_FLEET,
                task_id=spec.task_id,
                run_id=run_id,
                device_id=phone.device_id,
                lease_token=token,
            )
        )
    return granted


def run_of(task_id: UUID) -> UUID:
    """The run of a task. A task runs once; doing it again is another task."""
    return derived_id("run", task_id)


def _fits(spec: TaskSpec, app: ResolvedApp, phone: Phone) -> bool:
    installed = phone.versions.get(app.package)
    return _is_meant(spec, phone) and installed is not None and installed[0] == app.version_name


def _run(
    grant: TaskGranted, queued: Queued, phone: Phone, now: datetime, version: str, model: PinnedModel | None
) -> RunStarted:
    assert queued.app is not None
    limits = queued.spec.limits
    return RunStarted(
        run_id=grant.run_id,
        task_id=grant.task_id,
        fleet_id=grant.fleet_id,
        device_id=grant.device_id,
        serial=phone.serial,
        lease_token=grant.lease_token,
        spec=queued.spec,
        app=queued.app,
        orchestrator_version=version,
        llm_config_id=None if model is None else model[0],
        llm_config_version=None if model is None else model[1],
        started_at=now,
        ends_at=now + timedelta(seconds=limits.max_duration_s),
        watch_at=now + timedelta(seconds=min(limits.step_timeout_s, limits.max_duration_s) + _TICK_S),
    )


def evolve(state: Fleet, recorded: Recorded[Event]) -> Fleet:
    return apply(state, recorded.event)


def apply(state: Fleet, event: Event) -> Fleet:
    match event:
        case TaskWaiting():
            return _queue(state, event.spec, None)
        case TaskQueued():
            return _queue(state, event.spec, event.app)
        case TaskDropped():
            return state.model_copy(update={"queue": _without(state.queue, event.task_id)})
        case PhoneJoined():
            known = state.phones.get(str(event.device_id))
            phone = Phone(
                device_id=event.device_id,
                session=event.session,
                serial=event.serial,
                model=event.model,
                api_level=event.api_level,
                versions=known.versions if known else {},
            )
            return _with_phone(state, phone)
        case PhoneApps():
            phone = state.phones[str(event.device_id)]
            return _with_phone(state, phone.model_copy(update={"versions": event.versions}))
        case PhoneLeft():
            phone = state.phones[str(event.device_id)]
            return _with_phone(state, phone.model_copy(update={"present": False}))
        case TaskGranted():
            lease = Lease(
                task_id=event.task_id, run_id=event.run_id, device_id=event.device_id, token=event.lease_token
            )
            return state.model_copy(
                update={
                    "queue": _without(state.queue, event.task_id),
                    "leases": {**state.leases, str(event.device_id): lease},
                    "last_token": event.lease_token,
                }
            )
        case LeaseEnded():
            return state.model_copy(update={"leases": _without(state.leases, event.device_id)})
        case _:
            return state


def _queue(state: Fleet, spec: TaskSpec, app: ResolvedApp | None) -> Fleet:
    known = state.queue.get(str(spec.task_id))
    order = state.last_order + 1 if known is None else known.order
    queued = Queued(spec=spec, app=app, order=order)
    return state.model_copy(
        update={"queue": {**state.queue, str(spec.task_id): queued}, "last_order": max(order, state.last_order)}
    )


def _with_phone(state: Fleet, phone: Phone) -> Fleet:
    return state.model_copy(update={"phones": {**state.phones, str(phone.device_id): phone}})


def _without(mapping: dict[str, Any], key: UUID) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k != str(key)}
