"""What the fleet knows: its phones, the queue of tasks, the leases. Folded from the fleet's own events."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Event
from contracts.orchestrator import (
    FleetWatchSet,
    LeaseEnded,
    PhoneApps,
    PhoneJoined,
    PhoneLeft,
    Receipt,
    Snapshot,
    TaskBlocked,
    TaskDropped,
    TaskGranted,
    TaskHeld,
    TaskQueued,
    TaskReleased,
    TaskSpec,
    TaskUnblocked,
    TaskWaiting,
)
from contracts.values import ResolvedApp
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded

PAST_KEPT = 500
"""Tasks that left the queue and are remembered, so that whoever comes late to one is told from who comes early."""


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
    tags: dict[str, str] = Field(default_factory=dict)


class Queued(BaseModel):
    model_config = ConfigDict(frozen=True)

    spec: TaskSpec
    app: ResolvedApp | None
    order: int
    held: bool = False
    """Paused by somebody: it gets no phone."""
    blocked: TaskBlocked | None = None
    """Why no phone could take it when that was looked at last; none where one could."""


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
    past: tuple[str, ...] = ()
    """Tasks that left the queue, the last ones: granted or dropped."""
    watch_at: datetime | None = None
    """When what no phone could take is looked at; what lies in the past is over."""
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


def evolve(state: Fleet, recorded: Recorded[Event]) -> Fleet:
    return apply(state, recorded.event)


def apply(state: Fleet, event: Event) -> Fleet:
    match event:
        case TaskWaiting():
            return _queue(state, event.spec, None)
        case TaskQueued():
            return _queue(state, event.spec, event.app)
        case TaskDropped():
            return _leave_queue(state, event.task_id)
        case TaskHeld() | TaskReleased():
            return _with_queued(state, event.task_id, held=isinstance(event, TaskHeld), blocked=None)
        case TaskBlocked():
            return _with_queued(state, event.task_id, blocked=event)
        case TaskUnblocked():
            return _with_queued(state, event.task_id, blocked=None)
        case FleetWatchSet():
            return state.model_copy(update={"watch_at": event.look_at})
        case PhoneJoined():
            # What it had installed in an earlier session may have changed: it is told again.
            phone = Phone(
                device_id=event.device_id,
                session=event.session,
                serial=event.serial,
                model=event.model,
                api_level=event.api_level,
                tags=event.tags,
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
            return _leave_queue(state, event.task_id).model_copy(
                update={
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
    queued = Queued(spec=spec, app=app, order=order, held=known is not None and known.held)
    return state.model_copy(
        update={"queue": {**state.queue, str(spec.task_id): queued}, "last_order": max(order, state.last_order)}
    )


def _with_queued(state: Fleet, task_id: UUID, **changes: Any) -> Fleet:
    queued = state.queue[str(task_id)].model_copy(update=changes)
    return state.model_copy(update={"queue": {**state.queue, str(task_id): queued}})


def _leave_queue(state: Fleet, task_id: UUID) -> Fleet:
    past = (*state.past, str(task_id))[-PAST_KEPT:]
    return state.model_copy(update={"queue": _without(state.queue, task_id), "past": past})


def _with_phone(state: Fleet, phone: Phone) -> Fleet:
    return state.model_copy(update={"phones": {**state.phones, str(phone.device_id): phone}})


def _without(mapping: dict[str, Any], key: UUID) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k != str(key)}
