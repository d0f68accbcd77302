"""The table `alerts`. Values are copied from events; the payload stays sealed as it is in the log."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.alerter import AlertAcked, AlertDetailed, AlertRaised, AlertRepeated, AlertResolved, AlertSuppressed
from contracts.event import Event
from contracts.values import AlertStatus
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, Statement, upsert

ALERT = upsert(
    "alerts",
    ["id", "task_run_id", "screen_id", "element_id", "alert_type", "severity", "message", "payload", "status",
     "triggered_at"],
    ["id", "triggered_at"],
)  # fmt: skip
AGAIN = Statement(
    "UPDATE alerts SET task_run_id = $3, severity = $4, message = $5, payload = $6, status = $7, resolved_at = NULL,"
    " ack_by = NULL, ack_at = NULL WHERE id = $1 AND triggered_at = $2",
    "alerts",
)
DETAILED = Statement("UPDATE alerts SET payload = $3 WHERE id = $1 AND triggered_at = $2", "alerts")
ACKED = Statement(
    "UPDATE alerts SET status = $3, ack_by = $4, ack_at = $5 WHERE id = $1 AND triggered_at = $2", "alerts"
)
RESOLVED = Statement("UPDATE alerts SET status = $3, resolved_at = $4 WHERE id = $1 AND triggered_at = $2", "alerts")
SUPPRESSED = Statement("UPDATE alerts SET status = $3 WHERE id = $1 AND triggered_at = $2", "alerts")


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event. What is only counted changes none."""
    event, at = recorded.event, recorded.time
    match event:
        case AlertRaised():
            yield Row(ALERT, _raised(event))
        case AlertRepeated() if event.loud:
            assert event.payload is not None
            payload = event.payload.model_dump(mode="json", exclude={"clear"})
            values = (event.run_id, event.severity, event.message, payload, AlertStatus.OPEN)
            yield Row(AGAIN, (event.alert_id, event.triggered_at, *values))
        case AlertDetailed():
            payload = event.payload.model_dump(mode="json", exclude={"clear"})
            yield Row(DETAILED, (event.alert_id, event.triggered_at, payload))
        case AlertAcked():
            yield Row(ACKED, (event.alert_id, event.triggered_at, AlertStatus.ACKED, event.by, at))
        case AlertResolved():
            yield Row(RESOLVED, (event.alert_id, event.triggered_at, AlertStatus.RESOLVED, at))
        case AlertSuppressed():
            yield Row(SUPPRESSED, (event.alert_id, event.triggered_at, AlertStatus.SUPPRESSED))
        case _:
            return


def _raised(event: AlertRaised) -> tuple[object, ...]:
    return (
        event.alert_id,
        event.run_id,
        event.screen_id,
        event.element_id,
        event.alert_type,
        event.severity,
        event.message,
        event.payload.model_dump(mode="json", exclude={"clear"}),
        AlertStatus.OPEN,
        event.triggered_at,
    )


PROJECTION = Projection(
    "alerter",
    "alerter",
    (AlertRaised, AlertRepeated, AlertDetailed, AlertAcked, AlertResolved, AlertSuppressed),
    project,
)
