"""Events of the alerter. One alert a de-duplication key; what comes again is counted, not raised again."""

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
    triggered_at: datetime


class AlertRepeated(Event, owner=OWNER, key="alert_id"):
    """The cause came again, for the `count`-th time. `reopened`: it had been resolved."""

    alert_id: UUID
    run_id: UUID | None
    count: int
    reopened: bool
    seen_at: datetime


class AlertAcked(Event, owner=OWNER, key="alert_id"):
    alert_id: UUID
    by: UUID
    account: str
    note: str | None = None


class AlertResolved(Event, owner=OWNER, key="alert_id"):
    alert_id: UUID
    by: UUID | None
    """None where the cause went away by itself (the phone came back)."""
    note: str | None = None


class AlertSuppressed(Event, owner=OWNER, key="alert_id"):
    alert_id: UUID
    by: UUID
    note: str | None = None
