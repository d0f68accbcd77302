"""Events of the fleet about single phones, test accounts and users: what people and rules make of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.values import AccountRef


class PhoneDescribed(Event, owner=OWNER, key="fleet_id"):
    """A phone that is here has other tags than when it joined: an update of Android, another configuration."""

    fleet_id: UUID
    device_id: UUID
    tags: dict[str, str]
    """Those that its agent tells."""
    all_tags: dict[str, str]
    """Those, with what the phone is and what was set by hand."""
    seen_seq: int
    """Place in the log of what was seen of the phone."""


class PhoneTagged(Event, owner=OWNER, key="fleet_id"):
    """Somebody set or removed tags of a phone."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    own_tags: dict[str, str]
    """All that are set by hand now."""
    all_tags: dict[str, str]
    by: str


class PhoneReserved(Event, owner=OWNER, key="fleet_id", deadline="until"):
    """A phone takes the tasks of one user only."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    user: str
    until: datetime
    why: str
    by: str


class PhoneReleased(Event, owner=OWNER, key="fleet_id"):
    """A reservation is over. `by` is none where its time was up."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    by: str | None
    why: str | None = None


class PhoneQuarantined(Event, owner=OWNER, key="fleet_id"):
    """A phone takes no task. `by` is none where a rule decided: then `runs` are those that failed there."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    why: str
    by: str | None
    order: int
    """Grows with every quarantine of the fleet and every end of one, so that a late word is recognised."""
    runs: tuple[UUID, ...] = ()


class PhoneUnquarantined(Event, owner=OWNER, key="fleet_id", route="device_id"):
    """A phone takes tasks again. `by` is none where a probe run passed."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    by: str | None
    why: str | None
    order: int


class PhoneRetired(Event, owner=OWNER, key="fleet_id", route="device_id"):
    """A phone was taken away for good: it gets no task, and that it is away is no news."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    session: int
    by: str
    why: str | None


class PhoneReinstated(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    device_id: UUID
    serial: str
    present: bool
    leased: bool
    by: str


class PhoneMissed(Event, owner=OWNER, key="fleet_id"):
    """A phone was lost and has not come back within the grace, and nobody took it away on purpose."""

    fleet_id: UUID
    device_id: UUID
    serial: str
    session: int
    reason: str
    lost_at: datetime


class AccountDeclared(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    account: AccountRef
    by: str


class AccountRemoved(Event, owner=OWNER, key="fleet_id"):
    """Nobody gets the account any more; a run that has it keeps it until its end."""

    fleet_id: UUID
    name: str
    by: str


class UserLimited(Event, owner=OWNER, key="fleet_id"):
    """How many phones a user's tasks have at once, at most; none: no limit."""

    fleet_id: UUID
    user: str
    max_phones: int | None
    by: str


class FleetAnswered(Event, owner=OWNER, key="answer_id"):
    """The answer to a request to the fleet. `code` is for programs where it was refused, `text` for people."""

    answer_id: UUID
    user: str
    kind: str
    done: bool
    code: str | None = None
    text: str = Field(max_length=2000)
