"""Table of the locator-validator: every check of a locator on a phone."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.event import Event
from contracts.locator_validator import LocatorChecked
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, upsert

VALIDATION = upsert(
    "element_validations",
    ["id", "locator_candidate_id", "task_run_id", "validation_type", "status", "attempt_at", "latency_ms",
     "screenshot_path", "notes"],
    ["id", "attempt_at"],
)  # fmt: skip


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event."""
    event = recorded.event
    match event:
        case LocatorChecked():
            values = (
                event.validation_id,
                event.candidate_id,
                event.run_id,
                event.validation_type,
                event.status,
                event.attempt_at,
                event.latency_ms,
                None if event.screenshot is None else event.screenshot.key,
                event.notes,
            )
            return [Row(VALIDATION, values)]
        case _:
            raise TypeError(f"the locator-validator's table has no place for {event.type_name()}")


PROJECTION = Projection(name="locator_validator", schema="locator_validator", events=(LocatorChecked,), project=project)
