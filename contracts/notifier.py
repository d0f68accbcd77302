"""Events of the notifier: who is told about an alert, over which channel, and whether it got there.

`planned_at` is when a message was planned: it is part of the row's key, so every event of the message repeats it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.values import AlertType, Channel, Severity, Value

OWNER = "notifier"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class Target(Value):
    """One receiver: the configuration that names it, pinned by version. `target` is its address as it may be shown:
    keys in a URL are masked, the whole URL is in the configuration."""

    notification_id: UUID
    channel: Channel
    target: str
    config_id: UUID
    config_name: str
    config_version: int


class NotificationPlanned(Event, owner=OWNER, key="occurrence_id"):
    """Everybody who is to be told about one occurrence of an alert, possibly nobody. Pinned once."""

    occurrence_id: UUID
    alert_id: UUID
    run_id: UUID | None
    alert_type: AlertType
    severity: Severity
    occasion: Literal["RAISED", "REOPENED", "ESCALATED"]
    count: int
    message: str
    occurred_at: datetime
    planned_at: datetime
    targets: tuple[Target, ...]


class NotificationStarted(Event, owner=OWNER, key="notification_id", deadline="deadline_at"):
    """A message is about to be sent for the `attempt`-th time. Nobody knows what came of it if neither
    `NotificationSent` nor `NotificationFailed` has followed by `deadline_at`."""

    notification_id: UUID
    occurrence_id: UUID
    alert_id: UUID
    run_id: UUID | None
    channel: Channel
    target: str
    attempt: int
    planned_at: datetime
    deadline_at: datetime


class NotificationSent(Event, owner=OWNER, key="notification_id"):
    """`response_payload`: what the receiver answered, without secrets."""

    notification_id: UUID
    alert_id: UUID
    run_id: UUID | None
    channel: Channel
    target: str
    retry_count: int
    response_payload: dict[str, Any]
    planned_at: datetime


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
    planned_at: datetime
    retry_at: datetime | None
