"""Events of the alerter. One alert a de-duplication key; what comes again is counted, not raised again.

`triggered_at` is when the alert was raised first: it is part of the row's key, so every event repeats it.
A *cause* is what an alert can lose again (a phone that is away, a locator that fails): the alert resolves itself when
its last cause is gone. `cause_order` grows with every word about one cause, so that a late one is recognised.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.sealed import Sealed
from contracts.values import AlertType, Severity

OWNER = "alerter"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class AlertRaised(Event, owner=OWNER, key="alert_id"):
    """`alert_id` is derived from the de-duplication key: the same cause is the same alert."""

    alert_id: UUID
    dedup_key: str
    run_id: UUID | None
    screen_id: UUID | None = None
    element_id: UUID | None = None
    device_id: UUID | None = None
    alert_type: AlertType
    severity: Severity
    message: str
    payload: Sealed[dict[str, Any]]
    cause_id: UUID | None = None
    cause_order: int = 0
    triggered_at: datetime


class AlertRepeated(Event, owner=OWNER, key="alert_id"):
    """It came again, for the `count`-th time (raising was the first).

    `reopened`: it had been resolved. `escalated`: it is more severe than before. Either makes the alert open again and
    tells people; then `payload` is there. Otherwise it is counted, and nothing else changes.
    """

    alert_id: UUID
    run_id: UUID | None
    alert_type: AlertType
    severity: Severity
    message: str
    payload: Sealed[dict[str, Any]] | None
    count: int
    reopened: bool
    escalated: bool
    cause_id: UUID | None = None
    cause_order: int = 0
    triggered_at: datetime
    seen_at: datetime

    @property
    def loud(self) -> bool:
        """Whether people are to hear of it."""
        return self.reopened or self.escalated


class AlertDetailed(Event, owner=OWNER, key="alert_id"):
    """More is known about it than when it was raised: `payload` takes the place of the one before. Nobody is told.

    `certainty` grows with what is known; less certain words that come later do not take the place of more certain ones.
    """

    alert_id: UUID
    certainty: int = 0
    payload: Sealed[dict[str, Any]]
    triggered_at: datetime


class AlertEased(Event, owner=OWNER, key="alert_id"):
    """One cause is gone, and the alert stays as it is: `left` others remain, or people have suppressed it."""

    alert_id: UUID
    cause_id: UUID
    left: int


class AlertAcked(Event, owner=OWNER, key="alert_id"):
    alert_id: UUID
    by: UUID
    account: str
    note: str | None = None
    triggered_at: datetime


class AlertResolved(Event, owner=OWNER, key="alert_id"):
    alert_id: UUID
    by: UUID | None
    """None where the last cause went away by itself (the phone came back)."""
    account: str | None = None
    note: str | None = None
    triggered_at: datetime


class AlertSuppressed(Event, owner=OWNER, key="alert_id"):
    alert_id: UUID
    by: UUID
    account: str
    note: str | None = None
    triggered_at: datetime


class AlertRequestRejected(Event, owner=OWNER, key="alert_id"):
    """The answer to a request about an alert that cannot be followed. `alert_id` is the one that the request names, or
    an id of the request's own where it names none. `code` is for programs, `reason` for the person."""

    alert_id: UUID
    user: str
    code: str
    reason: str
