"""Tasks that are done again and again: when, and what becomes of times that passed in an outage."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from contracts.event import Event
from contracts.orchestrator import (
    ScheduleEnded,
    ScheduleFired,
    ScheduleHeld,
    ScheduleSet,
    TaskDropped,
    TaskPauseAsked,
    TaskSpec,
    TaskStopAsked,
)
from contracts.subjects import derived_id
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Schedule

SCHEDULE_LIMIT = 200
_COUNTED = 1000
"""Missed times that are counted at most: after years of every minute nobody needs to know more."""


def next_fire(schedule: str, zone: str | None, after: datetime) -> datetime:
    """The first time of a cron expression (five fields) behind `after`, in UTC.

    Where clocks are put forward, a time that does not exist is done when they are; where they are put back, a time
    that exists twice is done once (as Debian's cron does). Raises `ValueError`, which says what to write.
    """
    if len(schedule.split()) != 5:
        raise ValueError(
            f"schedule: {schedule!r} has not the five fields minute, hour, day of the month, month, day of the week,"
            ' such as "0 3 * * *" (every day at 3:00)'
        )
    try:
        local = after.astimezone(ZoneInfo(zone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"zone: {zone!r} is no time zone; write one such as Asia/Shanghai or UTC") from None
    try:
        found = next(iter(CronSim(schedule, local)), None)
    except CronSimError as error:
        raise ValueError(f"schedule: {schedule!r} cannot be read: {error}; one is 30 3 * * MON-FRI") from None
    if found is None:
        raise ValueError(f"schedule: {schedule!r} never comes")
    return found.astimezone(UTC)


def schedule_accepted(state: Fleet, spec: TaskSpec, now: datetime) -> list[Event]:
    if str(spec.task_id) in state.schedules:
        return []
    assert spec.schedule is not None
    next_at = next_fire(spec.schedule, spec.zone, now)
    if len(state.schedules) >= SCHEDULE_LIMIT:
        why = f"there are {SCHEDULE_LIMIT} schedules, which is the limit: remove one (`waymark schedules list`)"
        return [TaskDropped(fleet_id=DEFAULT_FLEET, task_id=spec.task_id, reason=why, failed=True)]
    return [ScheduleSet(fleet_id=DEFAULT_FLEET, schedule_id=spec.task_id, spec=spec, next_at=next_at, by=spec.user)]


def schedules_due(state: Fleet, now: datetime) -> list[ScheduleFired]:
    due = [s for s in state.schedules.values() if s.next_at is not None and s.next_at <= now]
    return [_fire(state, schedule, now) for schedule in sorted(due, key=lambda s: str(s.spec.task_id))]


def _fire(state: Fleet, schedule: Schedule, now: datetime) -> ScheduleFired:
    """One task for the last time that came; earlier ones that passed unseen are counted, not made up for one by one."""
    spec, last = schedule.spec, schedule.next_at
    assert spec.schedule is not None
    assert last is not None
    missed, following = 0, next_fire(spec.schedule, spec.zone, last)
    while following <= now:
        missed += 1
        last = following
        if missed >= _COUNTED:
            last = now
        following = next_fire(spec.schedule, spec.zone, last)
    is_waiting = schedule.last_task is not None and _waits(state, schedule.last_task)
    return ScheduleFired(
        fleet_id=DEFAULT_FLEET,
        schedule_id=spec.task_id,
        fired_for=last,
        next_at=following,
        spec=None if is_waiting else _task(spec, last, now),
        missed=missed,
    )


def _waits(state: Fleet, task_id: UUID) -> bool:
    """Whether the task, or a member of it, has no phone yet."""
    group = state.groups.get(str(task_id))
    members = (task_id,) if group is None else group.members
    return any(str(member) in state.queue for member in members)


def _task(spec: TaskSpec, due_at: datetime, now: datetime) -> TaskSpec:
    changes = {
        "task_id": derived_id("scheduled-task", spec.task_id, due_at.isoformat()),
        "scheduled_by": spec.task_id,
        "schedule": None,
        "zone": None,
        "accepted_at": now,
    }
    return spec.model_copy(update=changes)


def schedule_control(schedule: Schedule, asked: TaskStopAsked | TaskPauseAsked, now: datetime) -> list[Event]:
    """A schedule is ended, held or let go on as a task is. Tasks that followed from it already are their own."""
    about = {"fleet_id": DEFAULT_FLEET, "schedule_id": schedule.spec.task_id, "by": asked.user}
    if isinstance(asked, TaskStopAsked):
        return [ScheduleEnded(**about, reason=asked.reason)]
    if asked.pause == schedule.held:
        return []
    if asked.pause:
        return [ScheduleHeld(**about)]
    assert schedule.spec.schedule is not None
    next_at = next_fire(schedule.spec.schedule, schedule.spec.zone, now)
    return [ScheduleSet(**about, spec=schedule.spec, next_at=next_at)]
