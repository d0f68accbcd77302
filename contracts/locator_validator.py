"""Events of the locator-validator: which locators to check, what came of it, which one is the best."""

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


class LocatorChecked(Event, owner=OWNER, key="candidate_id"):
    """A locator was tried on a phone. `attempts` and `passes` are cumulative, `success_rate` is percent as text."""

    candidate_id: UUID
    element_id: UUID
    screen_id: UUID
    run_id: UUID
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


class PrimaryChosen(Event, owner=OWNER, key="element_id"):
    """The locator to use for an element from now on, as measured."""

    element_id: UUID
    screen_id: UUID
    run_id: UUID
    candidate_id: UUID
    previous_candidate_id: UUID | None = None
