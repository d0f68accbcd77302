"""Events of the locator-validator: which locators to check, what came of it, which one is the best.

The key of what was measured is the screen: an action checks many locators of one screen, and they are counted together.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.values import LocatorCheck, ObjectRef, Strategy, ValidationStatus, ValidationType

OWNER = "locator_validator"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class ValidationPlanned(Event, owner=OWNER, key="plan_id"):
    """The locators of a screen that this run is to check, possibly none. One plan a run and screen."""

    plan_id: UUID
    run_id: UUID
    screen_id: UUID
    checks: tuple[LocatorCheck, ...]


class LocatorChecked(Event, owner=OWNER, key="screen_id"):
    """A locator was tried on a phone. `attempts` and `passes` are cumulative, `success_rate` is percent as text.

    RETRY and SKIPPED say that nothing was learned: they are no attempts. `validation_id` is derived from the action,
    the candidate and the type of the check.
    """

    candidate_id: UUID
    element_id: UUID
    screen_id: UUID
    run_id: UUID
    action_id: UUID | None = None
    """Action whose capture the locator was tried on; checks of one action are one occasion."""
    validation_id: UUID
    strategy: Strategy
    locator_value: str
    validation_type: ValidationType
    status: ValidationStatus
    attempt_at: datetime
    latency_ms: int | None = None
    screenshot: ObjectRef | None = None
    notes: str | None = None
    is_primary: bool = False
    """Whether it was the locator to use for its element when it was tried."""
    attempts: int
    passes: int
    consecutive_failures: int
    success_rate: str
    rank: int = 0
    """Place of the locator among those of its element as they were listed; 0 is the first choice."""
    in_place: bool | None = None
    """Whether what it found lies where the element was seen; none where nothing was found."""


class PrimaryChosen(Event, owner=OWNER, key="screen_id"):
    """The locator to use for an element from now on, as measured."""

    element_id: UUID
    screen_id: UUID
    run_id: UUID
    candidate_id: UUID
    previous_candidate_id: UUID | None = None
