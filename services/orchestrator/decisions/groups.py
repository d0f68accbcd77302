"""One task on many phones: it is a group, whose members are tasks of their own. Decision record 0044."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    GroupWaiting,
    RunPauseAsked,
    RunStopAsked,
    TaskDropped,
    TaskHeld,
    TaskPauseAsked,
    TaskQueued,
    TaskReleased,
    TaskSpec,
    TaskSplit,
    TaskStopAsked,
    TaskWaiting,
)
from contracts.subjects import derived_id
from contracts.values import unmet
from services.orchestrator.decisions.blocked import why_unmet
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Group, Lease, all_tags
from services.orchestrator.decisions.granting import resolve, takes

QUEUE_LIMIT = 1000
MOST_PHONES = 100


def group_accepted(state: Fleet, spec: TaskSpec, now: datetime) -> list[Event]:
    """A task for many phones: split at once, or when its time comes."""
    later = spec.schedule_at if spec.schedule_at is not None and spec.schedule_at > now else None
    waiting = GroupWaiting(fleet_id=DEFAULT_FLEET, spec=spec, split_at=later)
    return [waiting] if later is not None else [waiting, *split(state, spec, now)]


def groups_due(state: Fleet, now: datetime) -> list[Group]:
    """Groups that are to be split now."""
    return [g for g in state.groups.values() if g.split_at is not None and g.split_at <= now and not g.held]


def split(state: Fleet, spec: TaskSpec, now: datetime) -> list[Event]:
    """One task for each phone that takes such tasks (`all`: they are pinned to these), or `phones` tasks that get
    different ones."""
    if spec.phones == "all":
        found = [
            p.serial
            for p in state.phones.values()
            if p.present and not p.retired and not unmet(spec.where, all_tags(p)) and takes(p, spec, now)
        ]
        members = [_member(spec, serial, serial) for serial in sorted(found)]
    else:
        assert spec.phones is not None
        members = [_member(spec, str(number), None) for number in range(1, spec.phones + 1)]
    if (why := _impossible(state, spec, members)) is not None:
        return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=spec.task_id, reason=why, failed=True)]
    ids = tuple(member.task_id for member in members)
    return [TaskSplit(fleet_id=DEFAULT_FLEET, task_id=spec.task_id, members=ids)] + [
        queue_event(state, member) for member in members
    ]


def queue_event(state: Fleet, spec: TaskSpec) -> TaskQueued | TaskWaiting:
    """The task gets its place in the queue, with its version where a phone tells it."""
    app = resolve(spec, state.phones.values())
    if app is None:
        return TaskWaiting(fleet_id=DEFAULT_FLEET, spec=spec)
    return TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app, due_at_queue=spec.schedule_at)


def group_control(group: Group, state: Fleet, asked: TaskStopAsked | TaskPauseAsked, now: datetime) -> list[Event]:
    """What is asked of a group is asked of each of its members; of itself where it has none yet."""
    task_id = asked.task_id
    if isinstance(asked, TaskStopAsked):
        if not group.members:
            return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=task_id, reason=asked.reason)]
        return [e for member in group.members for e in _stop_member(state, member, asked)]
    if not group.members:
        held = hold(asked, task_id, held=group.held)
        is_due = group.split_at is not None and group.split_at <= now
        return held + split(state, group.spec, now) if held and not asked.pause and is_due else held
    return [e for member in group.members for e in pause_task(state, member, asked)]


def pause_task(state: Fleet, task_id: UUID, asked: TaskPauseAsked) -> list[Event]:
    """A task in the queue is held there or released; a granted one has a run, to which the request is passed on. The
    same state that grants a phone decides on it, so that no request falls between the two."""
    queued = state.queue.get(str(task_id))
    if queued is not None:
        return hold(asked, task_id, held=queued.held)
    lease = _lease_of(state, task_id)
    if lease is None:
        return []
    passed_on = RunPauseAsked(
        fleet_id=DEFAULT_FLEET,
        task_id=task_id,
        run_id=lease.run_id,
        user=asked.user,
        pause=asked.pause,
        reason=asked.reason,
    )
    return [passed_on]


def hold(asked: TaskPauseAsked, task_id: UUID, *, held: bool) -> list[Event]:
    if held == asked.pause:
        return []
    if asked.pause:
        return [TaskHeld(fleet_id=DEFAULT_FLEET, task_id=task_id, reason=asked.reason, by=asked.user)]
    return [TaskReleased(fleet_id=DEFAULT_FLEET, task_id=task_id, by=asked.user)]


def _stop_member(state: Fleet, task_id: UUID, asked: TaskStopAsked) -> list[Event]:
    if str(task_id) in state.queue:
        return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=task_id, reason=asked.reason)]
    lease = _lease_of(state, task_id)
    if lease is None:
        return []
    run = lease.run_id
    return [RunStopAsked(fleet_id=DEFAULT_FLEET, task_id=task_id, run_id=run, user=asked.user, reason=asked.reason)]


def _lease_of(state: Fleet, task_id: UUID) -> Lease | None:
    return next((lease for lease in state.leases.values() if lease.task_id == task_id), None)


def _member(group: TaskSpec, part: str, serial: str | None) -> TaskSpec:
    changes = {
        "task_id": derived_id("group-member", group.task_id, part),
        "group": group.task_id,
        "phones": None,
        "schedule_at": None,
    }
    return group.model_copy(update=changes if serial is None else {**changes, "serial": serial})


def _impossible(state: Fleet, spec: TaskSpec, members: list[TaskSpec]) -> str | None:
    if not members:
        here = [p for p in state.phones.values() if p.present and not p.retired]
        if not here:
            return "no phone is connected"
        return why_unmet(spec.where, here) or "every phone that meets it is reserved or in quarantine"
    if len(members) > MOST_PHONES:
        return f"{len(members)} phones meet it; one task can be for {MOST_PHONES} at most: select fewer with `where`"
    if len(state.queue) + len(members) > QUEUE_LIMIT:
        return f"the queue holds {QUEUE_LIMIT} tasks at most, and these {len(members)} more do not fit; try later"
    return None
