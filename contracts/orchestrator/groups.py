"""Events of the fleet about tasks that become several: one on many phones, one again and again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.orchestrator.tasks import TaskSpec


class GroupWaiting(Event, owner=OWNER, key="fleet_id", deadline="split_at"):
    """A task for many phones was taken on. Where it is not due yet, which phones those are is decided at `split_at`."""

    fleet_id: UUID
    spec: TaskSpec
    split_at: datetime | None = None


class TaskSplit(Event, owner=OWNER, key="fleet_id"):
    """A task for many phones became one task each; it is their group from now on."""

    fleet_id: UUID
    task_id: UUID
    members: tuple[UUID, ...]


class RunStopAsked(Event, owner=OWNER, key="fleet_id"):
    """A group that is to be stopped has a member with a run: the fleet passes it on to that."""

    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    user: str
    reason: str


class ScheduleSet(Event, owner=OWNER, key="fleet_id", deadline="next_at"):
    """A task is done again and again, at `next_at` first. Also when it goes on after it was held."""

    fleet_id: UUID
    schedule_id: UUID
    spec: TaskSpec
    next_at: datetime
    by: str


class ScheduleFired(Event, owner=OWNER, key="fleet_id", deadline="next_at"):
    """The time of a schedule came. `spec` is the task that follows from it; none where the one before still waits in
    the queue, and so there is none. `missed`: how many earlier times passed unseen in an outage, which this one task
    stands for."""

    fleet_id: UUID
    schedule_id: UUID
    fired_for: datetime
    """The time that came."""
    next_at: datetime
    spec: TaskSpec | None
    missed: int = 0


class ScheduleHeld(Event, owner=OWNER, key="fleet_id"):
    """Nothing is done until somebody lets it go on."""

    fleet_id: UUID
    schedule_id: UUID
    by: str


class ScheduleEnded(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    schedule_id: UUID
    by: str
    reason: str
