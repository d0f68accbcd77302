"""The queue: how tasks get into it, when they know their version, what is asked of them there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contracts.device_agent import PackagesSeen
from contracts.event import Event
from contracts.orchestrator import (
    PhoneApps,
    TaskDropped,
    TaskPauseAsked,
    TaskQueued,
    TaskSpec,
    TaskStopAsked,
)
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Phone
from services.orchestrator.decisions.granting import resolve
from services.orchestrator.decisions.groups import QUEUE_LIMIT, group_accepted, group_control, pause_task, queue_event
from services.orchestrator.decisions.schedules import schedule_accepted, schedule_control

AT_ONCE = 200
"""Tasks that one decision changes: all that it writes is one batch of the log. The fleet's watch goes on."""


def accepted(state: Fleet, spec: TaskSpec, now: datetime) -> list[Event]:
    task = str(spec.task_id)
    if task in state.queue or task in state.past or task in state.groups or task in state.schedules:
        return []
    if any(str(lease.task_id) == task for lease in state.leases.values()):
        return []
    if spec.schedule is not None:
        return schedule_accepted(state, spec, now)
    if spec.phones is not None:
        return group_accepted(state, spec, now)
    if len(state.queue) >= QUEUE_LIMIT:
        reason = f"the queue holds {QUEUE_LIMIT} tasks, which is its limit; publish it again later"
        return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=spec.task_id, reason=reason, failed=True)]
    return [queue_event(state, spec)]


def control(state: Fleet, asked: TaskStopAsked | TaskPauseAsked, now: datetime) -> list[Event]:
    task = str(asked.task_id)
    if (schedule := state.schedules.get(task)) is not None:
        return schedule_control(schedule, asked, now)
    if (group := state.groups.get(task)) is not None:
        return group_control(group, state, asked, now)
    if isinstance(asked, TaskPauseAsked):
        return pause_task(state, asked.task_id, asked)
    if task not in state.queue:
        return []
    return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=asked.task_id, reason=asked.reason)]


def packages(state: Fleet, seen: PackagesSeen) -> list[Event]:
    """What a phone has installed; tasks that waited for an app that it has are queued now."""
    phone = state.phones.get(str(seen.device_id))
    versions = {p.package: (p.version_name, p.version_code) for p in seen.packages}
    if phone is None or phone.session != seen.session or phone.versions == versions:
        return []
    told = PhoneApps(fleet_id=DEFAULT_FLEET, device_id=seen.device_id, session=seen.session, versions=versions)
    return [told, *resolved_now(state, [phone.model_copy(update={"versions": versions})])]


def resolved_now(state: Fleet, phones: Iterable[Phone]) -> list[Event]:
    """Tasks that waited for an app that one of these phones has, the oldest first."""
    events: list[Event] = []
    known = tuple(phones)
    for waiting in sorted((q for q in state.queue.values() if q.app is None), key=lambda q: q.order):
        app = resolve(waiting.spec, known)
        if app is not None:
            spec, held = waiting.spec, waiting.held
            events.append(
                TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app, due_at_queue=spec.schedule_at, held=held)
            )
    return events[:AT_ONCE]
