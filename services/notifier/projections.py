"""The table `alert_notifications`. Values are copied from events; a message that will be tried again stays PENDING."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.event import Event
from contracts.notifier import NotificationFailed, NotificationPlanned, NotificationSent
from contracts.values import SendStatus
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, Statement, upsert

PLANNED = upsert(
    "alert_notifications",
    ["id", "alert_id", "channel", "target", "send_status", "retry_count", "created_at"],
    ["id", "created_at"],
)
SENT = Statement(
    "UPDATE alert_notifications SET send_status = $3, retry_count = $4, response_payload = $5, sent_at = $6"
    " WHERE id = $1 AND created_at = $2",
    "alert_notifications",
)
FAILED = Statement(
    "UPDATE alert_notifications SET send_status = $3, retry_count = $4, response_payload = $5"
    " WHERE id = $1 AND created_at = $2",
    "alert_notifications",
)


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event: one a target when it is planned, its changes afterwards."""
    event = recorded.event
    match event:
        case NotificationPlanned():
            for target in event.targets:
                named = (target.notification_id, event.alert_id, target.channel, target.target)
                yield Row(PLANNED, (*named, SendStatus.PENDING, 0, event.planned_at))
        case NotificationSent():
            result = (SendStatus.SENT, event.retry_count, event.response_payload, recorded.time)
            yield Row(SENT, (event.notification_id, event.planned_at, *result))
        case NotificationFailed():
            status = SendStatus.FAILED if event.retry_at is None else SendStatus.PENDING
            failure = (status, event.retry_count, event.response_payload)
            yield Row(FAILED, (event.notification_id, event.planned_at, *failure))
        case _:
            return


PROJECTION = Projection("notifier", "notifier", (NotificationPlanned, NotificationSent, NotificationFailed), project)
