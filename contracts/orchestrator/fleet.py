"""Events of the fleet: the queue, the phones, the leases."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.orchestrator.tasks import TaskSpec
from contracts.values import (
    AccountRef,
    ResolvedApp,
)


class TaskWaiting(Event, owner=OWNER, key="fleet_id"):
    """Accepted, but no phone that is ready tells which version of the app there is. Goes on when one does."""

    fleet_id: UUID
    spec: TaskSpec


class TaskQueued(Event, owner=OWNER, key="fleet_id", deadline="due_at_queue"):
    fleet_id: UUID
    spec: TaskSpec
    app: ResolvedApp
    due_at_queue: datetime | None = None
    """When a scheduled task becomes due; none when it may start at once."""
    held: bool = False
    """Whether it was paused while it waited for its app: it gets no phone until it is released."""


class TaskDropped(Event, owner=OWNER, key="fleet_id"):
    """A task left the queue without a run."""

    fleet_id: UUID
    task_id: UUID
    reason: str
    failed: bool = False
    """True: nobody stopped it, it could not be done."""


class TaskBlocked(Event, owner=OWNER, key="fleet_id"):
    """No phone that is here could take the task, busy or not: it waits for one, until `give_up_at` at the latest."""

    fleet_id: UUID
    task_id: UUID
    reason: str
    since: datetime
    give_up_at: datetime


class TaskUnblocked(Event, owner=OWNER, key="fleet_id"):
    """There is a phone again that could take the task."""

    fleet_id: UUID
    task_id: UUID


class FleetWatchSet(Event, owner=OWNER, key="fleet_id", deadline="look_at"):
    """When the fleet looks next at the tasks that no phone could take."""

    fleet_id: UUID
    look_at: datetime


class TaskHeld(Event, owner=OWNER, key="fleet_id"):
    """A task that has no run yet is paused: it keeps its place and gets no phone."""

    fleet_id: UUID
    task_id: UUID
    reason: str
    by: str


class TaskReleased(Event, owner=OWNER, key="fleet_id"):
    """A held task may get a phone again."""

    fleet_id: UUID
    task_id: UUID
    by: str


class RunPauseAsked(Event, owner=OWNER, key="fleet_id"):
    """A task that is to be paused, or to go on, has a run: the fleet passes it on to that."""

    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    user: str
    pause: bool
    """True: pause; False: go on."""
    reason: str


class PhoneJoined(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    device_id: UUID
    session: int
    serial: str
    model: str
    api_level: int
    tags: dict[str, str] = Field(default_factory=dict)
    """Those that its agent tells."""
    all_tags: dict[str, str] = Field(default_factory=dict)
    """Those, with what the phone is and what was set by hand."""
    leased: bool = False
    """Whether a run still has it, from before it was away."""
    retired: bool = False
    seen_seq: int = 0
    """Place in the log of what was seen of the phone."""


class PhoneApps(Event, owner=OWNER, key="fleet_id"):
    """Which apps a phone has: package to version name and code. Tells which version a task can run on where."""

    fleet_id: UUID
    device_id: UUID
    session: int
    versions: dict[str, tuple[str, int | None]]


class PhoneLeft(Event, owner=OWNER, key="fleet_id", deadline="missed_at"):
    fleet_id: UUID
    device_id: UUID
    session: int
    reason: str
    lost_at: datetime | None = None
    missed_at: datetime | None = None
    """When its absence becomes news, unless it is back by then."""


class TaskGranted(Event, owner=OWNER, key="fleet_id"):
    """A phone was given to a task: a lease. `lease_token` grows with every lease of the fleet; the phone's fence
    compares it."""

    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    device_id: UUID
    lease_token: int
    account: AccountRef | None = None
    """The test account that the run has, until its end."""


class LeaseEnded(Event, owner=OWNER, key="fleet_id", route="device_id"):
    """The phone is free again. Routed to it: the agent that holds it puts back what the lease changed on it."""

    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    device_id: UUID
    lease_token: int
    reason: str
    app_version_id: UUID | None = None
    failed: bool | None = None
    """How the run ended; none where that says nothing about the phone (somebody stopped it)."""
    fault: Literal["NOT_FIT", "LOST"] | None = None
    """Why a failed run is the phone's own fault whatever happens elsewhere: it was not fit, or it went away."""
