"""What the fleet's state is made of: phones, the queue, leases, test accounts, groups, schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.orchestrator import TaskBlocked, TaskSpec
from contracts.subjects import derived_id
from contracts.values import AccountRef, ResolvedApp

DEFAULT_FLEET = derived_id("fleet", "default")


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Reservation(Part):
    user: str
    until: datetime
    why: str
    by: str


class Quarantine(Part):
    """`by` is none where the rule decided."""

    why: str
    by: str | None


class Phone(Part):
    """A phone as the fleet knows it. `versions`: package to version name and code."""

    device_id: UUID
    session: int
    serial: str
    model: str
    api_level: int
    present: bool = True
    versions: dict[str, tuple[str, int | None]] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    """Those that its agent tells."""
    seen_seq: int = 0
    """Place in the log of what told them: what lies before it is an older word."""
    own_tags: dict[str, str] = Field(default_factory=dict)
    """Those that were set by hand."""
    reserved: Reservation | None = None
    quarantine: Quarantine | None = None
    retired: bool = False
    left_reason: str = ""
    lost_at: datetime | None = None
    missed_at: datetime | None = None
    """When its absence becomes news; none where it is here, or where that was told."""

    def reserved_at(self, now: datetime) -> Reservation | None:
        """Who has it to himself now."""
        return self.reserved if self.reserved is not None and self.reserved.until > now else None


def all_tags(phone: Phone) -> dict[str, str]:
    """Everything that a selector can ask for."""
    is_a = {"model": phone.model, "serial": phone.serial, "api": str(phone.api_level)}
    return {**phone.tags, **phone.own_tags, **is_a}


class Queued(Part):
    spec: TaskSpec
    app: ResolvedApp | None
    order: int
    held: bool = False
    """Paused by somebody: it gets no phone."""
    blocked: TaskBlocked | None = None
    """Why no phone could take it when that was looked at last; none where one could."""


class Lease(Part):
    task_id: UUID
    run_id: UUID
    device_id: UUID
    token: int
    user: str = ""
    account: str | None = None
    group: UUID | None = None
    probe: bool = False
    app_version_id: UUID | None = None
    lost: bool = False
    """The phone went away while the run had it."""


class Account(Part):
    ref: AccountRef
    removed: bool = False
    """It goes when the run that has it ends."""
    last_token: int = 0


class Served(Part):
    """When a user got a phone last: the lease's token, and the time."""

    token: int
    at: datetime | None


class Group(Part):
    """A task for many phones. It has no members until it is due."""

    spec: TaskSpec
    split_at: datetime | None = None
    """When it is split; none where it was."""
    held: bool = False
    members: tuple[UUID, ...] = ()
    """Those that are not over."""
    devices: tuple[UUID, ...] = ()
    """Phones that a member has or had."""


class Schedule(Part):
    spec: TaskSpec
    next_at: datetime | None
    """None while it is held."""
    held: bool = False
    last_at: datetime | None = None
    last_task: UUID | None = None
    fired: int = 0
    missed: int = 0
    """Times that passed unseen in outages, the last outage's."""


class Trial(Part):
    """How a run ended on a phone."""

    device_id: UUID
    run_id: UUID
    app_version_id: UUID
    failed: bool
    fault: Literal["NOT_FIT", "LOST"] | None = None


class Fleet(Part):
    """State of the aggregate. Keys of the dictionaries are ids as text, so that a snapshot is plain JSON; accounts and
    users have their names."""

    phones: dict[str, Phone] = Field(default_factory=dict)
    queue: dict[str, Queued] = Field(default_factory=dict)
    leases: dict[str, Lease] = Field(default_factory=dict)
    """By phone."""
    past: tuple[str, ...] = ()
    """Tasks that left the queue, the last ones: granted or dropped."""
    watch_at: datetime | None = None
    """When what no phone could take is looked at; what lies in the past is over."""
    last_token: int = 0
    last_order: int = 0
    accounts: dict[str, Account] = Field(default_factory=dict)
    served: dict[str, Served] = Field(default_factory=dict)
    limits: dict[str, int] = Field(default_factory=dict)
    groups: dict[str, Group] = Field(default_factory=dict)
    schedules: dict[str, Schedule] = Field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    """The last runs that say something about phones, oldest first."""
    last_quarantine: int = 0
