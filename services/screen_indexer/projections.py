"""Tables of the screen-indexer: screens, elements, locators with what validation says of them, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.locator_validator import LocatorChecked, PrimaryChosen
from contracts.screen_indexer import ElementsListed, ScreenCatalogued, ScreenDiscovered, ScreensCompared
from contracts.subjects import derived_id
from contracts.values import ScreenElement, ValidationStatus
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, Statement, upsert

SCREEN = upsert(
    "screens",
    ["id", "app_version_id", "signature", "dom_hash", "primary_text", "screenshot_path", "screenshot_thumb_path",
     "dom_path", "orientation", "width", "height", "captured_at", "device_model", "source_task_run_id",
     "source_action_id", "metadata", "created_at"],
    ["id"],
)  # fmt: skip
SCREEN_NAME = Statement("UPDATE screens SET metadata = $2 WHERE id = $1", "screens")
ELEMENT = upsert(
    "elements",
    ["id", "screen_id", "element_hash", "element_type", "resource_id", "content_desc", "text_value",
     "accessibility_label", "xpath", "bounds", "visibility", "interactable", "version", "created_at", "updated_at"],
    ["id"],
)  # fmt: skip
LOCATOR = upsert(
    "locator_candidates",
    ["id", "element_id", "strategy", "locator_value", "score", "source", "is_primary", "dynamic_flags",
     "created_at", "updated_at"],
    ["id"],
)  # fmt: skip
LOCATOR_CHECKED = Statement(
    "UPDATE locator_candidates SET success_rate = $2, last_verified_at = $3, updated_at = $4 WHERE id = $1",
    "locator_candidates",
)
PRIMARY = Statement(
    "UPDATE locator_candidates SET is_primary = $2, updated_at = $3 WHERE id = $1",
    "locator_candidates",
)
DIFF = upsert(
    "screen_diffs",
    ["id", "base_screen_id", "target_screen_id", "diff_summary", "diff_detail_path", "generated_at"],
    ["id"],
    ["diff_summary", "diff_detail_path", "generated_at"],
)


_NOTHING_LEARNED = frozenset({ValidationStatus.RETRY, ValidationStatus.SKIPPED})


def element_id_of(screen_id: UUID, element: ScreenElement) -> UUID:
    return derived_id("element", screen_id, element.element_hash, element.version)


def candidate_id_of(element_id: UUID, strategy: str, locator_value: str) -> UUID:
    return derived_id("locator", element_id, strategy, locator_value)


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event."""
    event, at = recorded.event, recorded.time
    match event:
        case ScreenDiscovered():
            return [_screen(event, at)]
        case ElementsListed():
            return _elements(event, at)
        case ScreenCatalogued():
            return [Row(SCREEN_NAME, (event.screen_id, {"name": event.name, "activity": event.activity}))]
        case LocatorChecked():
            if event.status in _NOTHING_LEARNED:
                return []
            return [Row(LOCATOR_CHECKED, (event.candidate_id, Decimal(event.success_rate), event.attempt_at, at))]
        case PrimaryChosen():
            before = event.previous_candidate_id
            rows = [] if before is None else [Row(PRIMARY, (before, False, at))]
            return [*rows, Row(PRIMARY, (event.candidate_id, True, at))]
        case ScreensCompared():
            return [
                Row(
                    DIFF,
                    (
                        event.diff_id,
                        event.base_screen_id,
                        event.target_screen_id,
                        event.diff_summary,
                        event.detail.key,
                        at,
                    ),
                )
            ]
        case _:
            raise TypeError(f"the screen-indexer's tables have no place for {event.type_name()}")


PROJECTION = Projection(
    name="screen_indexer",
    schema="screen_indexer",
    events=(ScreenDiscovered, ElementsListed, ScreenCatalogued, LocatorChecked, PrimaryChosen, ScreensCompared),
    project=project,
)


def _screen(event: ScreenDiscovered, at: Any) -> Row:
    values = (
        event.screen_id,
        event.app_version_id,
        event.signature,
        event.dom_hash,
        event.primary_text,
        event.screenshot_path,
        event.screenshot_thumb_path,
        event.dom_path,
        event.orientation,
        event.width,
        event.height,
        event.captured_at,
        event.device_model,
        event.run_id,
        event.action_id,
        {"name": event.name, "activity": event.activity},
        at,
    )
    return Row(SCREEN, values)


def _elements(event: ElementsListed, at: Any) -> Iterator[Row]:
    for element in event.elements:
        element_id = element_id_of(event.screen_id, element)
        values = (
            element_id,
            event.screen_id,
            element.element_hash,
            element.element_type,
            element.resource_id,
            element.content_desc,
            element.text_value,
            element.accessibility_label,
            element.xpath,
            element.bounds.model_dump(),
            element.visibility,
            element.interactable,
            element.version,
            at,
            at,
        )
        yield Row(ELEMENT, values)
        for locator in element.locators:
            candidate_id = candidate_id_of(element_id, locator.strategy, locator.locator_value)
            yield Row(
                LOCATOR,
                (
                    candidate_id,
                    element_id,
                    locator.strategy,
                    locator.locator_value,
                    Decimal(locator.score),
                    locator.source,
                    locator.is_primary,
                    locator.dynamic_flags,
                    at,
                    at,
                ),
            )
