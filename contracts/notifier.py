"""Events of the notifier: who is told about an alert, over which channel, and whether it got there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.values import AlertType, Channel, Severity, Value

OWNER = "notifier"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class Target(Value):
    """One receiver: the configuration that names it, pinned by version."""

    notification_id: UUID
    channel: Channel
    target: str
    config_name: str
    config_version: int


class NotificationPlanned(Event, owner=OWNER, key="occurrence_id"):
    """Everybody who is to be told about one occurrence of an alert. Pinned once."""

    occurrence_id: UUID
    alert_id: UUID
    run_id: UUID | None
    alert_type: AlertType
    severity: Severity
    message: str
    targets: tuple[Target, ...]


class NotificationStarted(Event, owner=OWNER, key="notification_id"):
    """A message is about to be sent for the `attempt`-th time."""

    notification_id: UUID
    alert_id: UUID
    run_id: UUID | None
    channel: Channel
    target: str
    attempt: int
    deadline_at: datetime


class NotificationSent(Event, owner=OWNER, key="notification_id"):
    notification_id: UUID
    alert_id: UUID
    run_id: UUID | None
    channel: Channel
    target: str
    retry_count: int
    response_payload: dict[str, Any]


class NotificationFailed(Event, owner=OWNER, key="notification_id", deadline="retry_at"):
    """An attempt failed. It is tried again at `retry_at`; where that is none, it was the last one."""

    notification_id: UUID
    occurrence_id: UUID
    alert_id: UUID
    run_id: UUID | None
    channel: Channel
    target: str
    retry_count: int
    response_payload: dict[str, Any]
    retry_at: datetime | None
