"""What the fleet knows, folded from its own events: the queue and the leases here, the rest in its rooms."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    FleetWatchSet,
    LeaseEnded,
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
from services.orchestrator.decisions.fleet_model import Fleet, Lease, Phone, Queued, Served, Trial
from services.orchestrator.decisions.folding import apply_group, apply_phone, leave_group, without
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded

__all__ = ["FLEET", "Fleet", "Lease", "Phone", "Queued", "apply", "evolve"]

PAST_KEPT = 500
"""Tasks that left the queue and are remembered, so that whoever comes late to one is told from who comes early."""
TRIALS_KEPT = 400
SERVED_KEPT = 1000
"""Users of whom it is remembered when they got a phone last."""


class _Codec:
    def dump(self, state: Fleet) -> str:
        return state.model_dump_json()

    def load(self, text: str) -> Fleet:
        return Fleet.model_validate_json(text)


FLEET = Aggregate[Fleet](
    "fleet", "orchestrator", Fleet, lambda s, r: evolve(s, r), LongLived(_Codec(), Snapshot, Receipt, every=200)
)


def evolve(state: Fleet, recorded: Recorded[Event]) -> Fleet:
    return apply(state, recorded.event, recorded.time)


def apply(state: Fleet, event: Event, at: datetime | None = None) -> Fleet:
    """The state after an event; `at` is when it was written, none where that is yet to come."""
    match event:
        case TaskWaiting():
            return _queue(state, event.spec, None)
        case TaskQueued():
            return _queue(state, event.spec, event.app)
        case TaskDropped():
            return leave_group(_leave_queue(state, event.task_id), event.task_id)
        case TaskHeld() | TaskReleased() if str(event.task_id) in state.queue:
            return _with_queued(state, event.task_id, held=isinstance(event, TaskHeld), blocked=None)
        case TaskBlocked():
            return _with_queued(state, event.task_id, blocked=event)
        case TaskUnblocked():
            return _with_queued(state, event.task_id, blocked=None)
        case FleetWatchSet():
            return state.model_copy(update={"watch_at": event.look_at})
        case TaskGranted():
            return _granted(state, event, at)
        case LeaseEnded():
            return _ended(state, event)
        case _:
            return apply_group(apply_phone(state, event), event)


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
    return state.model_copy(update={"queue": without(state.queue, task_id), "past": past})


def _granted(state: Fleet, event: TaskGranted, at: datetime | None) -> Fleet:
    queued = state.queue.get(str(event.task_id))
    spec = None if queued is None else queued.spec
    lease = Lease(
        task_id=event.task_id,
        run_id=event.run_id,
        device_id=event.device_id,
        token=event.lease_token,
        user="" if spec is None else spec.user,
        account=None if event.account is None else event.account.name,
        group=None if spec is None else spec.group,
        probe=spec is not None and spec.probe,
        app_version_id=None if queued is None or queued.app is None else queued.app.app_version_id,
    )
    changed: dict[str, Any] = {
        "leases": {**state.leases, str(event.device_id): lease},
        "last_token": event.lease_token,
    }
    if spec is not None:
        changed["served"] = _served(state, spec.user, Served(token=event.lease_token, at=at))
    if event.account is not None and (account := state.accounts.get(event.account.name)) is not None:
        used = account.model_copy(update={"last_token": event.lease_token})
        changed["accounts"] = {**state.accounts, event.account.name: used}
    if lease.group is not None and (group := state.groups.get(str(lease.group))) is not None:
        widened = group.model_copy(update={"devices": (*group.devices, event.device_id)})
        changed["groups"] = {**state.groups, str(lease.group): widened}
    return _leave_queue(state, event.task_id).model_copy(update=changed)


def _served(state: Fleet, user: str, served: Served) -> dict[str, Served]:
    """In the order in which users were served, the last at the end, so that the longest unserved are forgotten."""
    others = {name: known for name, known in state.served.items() if name != user}
    for name in list(others)[: max(len(others) + 1 - SERVED_KEPT, 0)]:
        del others[name]
    return {**others, user: served}


def _ended(state: Fleet, event: LeaseEnded) -> Fleet:
    lease = state.leases.get(str(event.device_id))
    changed: dict[str, Any] = {"leases": without(state.leases, event.device_id)}
    if lease is not None and lease.account is not None:
        account = state.accounts.get(lease.account)
        if account is not None and account.removed:
            changed["accounts"] = {name: a for name, a in state.accounts.items() if name != lease.account}
    if event.failed is not None and event.app_version_id is not None:
        trial = Trial(
            device_id=event.device_id,
            run_id=event.run_id,
            app_version_id=event.app_version_id,
            failed=event.failed,
            fault=event.fault,
        )
        changed["trials"] = (*state.trials, trial)[-TRIALS_KEPT:]
    return leave_group(state.model_copy(update=changed), event.task_id)
