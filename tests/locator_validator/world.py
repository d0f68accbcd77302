"""A screen with its elements, and what a phone says of their locators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.device_agent import ActionFinished, CheckResult
from contracts.orchestrator import PlanPending, StepFinished
from contracts.screen_indexer import ElementsListed
from contracts.subjects import derived_id
from contracts.values import (
    ActionStatus,
    ActionType,
    Bounds,
    LocatorCandidate,
    LocatorCheck,
    ObjectRef,
    ScreenElement,
    Strategy,
    ValidationStatus,
    ValidationType,
    Visibility,
)
from services.locator_validator.decisions.plans import candidate_id, element_id

NOW = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
RUN = derived_id("run", "one")
SCREEN = derived_id("screen", "login")
PICTURE = ObjectRef(key="ab/abc.png", sha256="abc", size_bytes=3)
FAILED, PASSED = ValidationStatus.FAILED, ValidationStatus.PASSED


def element(name: str, *, locators: int = 3, **changes: Any) -> ScreenElement:
    strategies = (Strategy.ID, Strategy.TEXT, Strategy.XPATH, Strategy.CUSTOM)
    given: dict[str, Any] = {
        "element_hash": name,
        "element_type": "android.widget.Button",
        "bounds": Bounds(x=10, y=20, width=100, height=50),
        "visibility": Visibility.VISIBLE,
        "interactable": True,
        "locators": tuple(
            LocatorCandidate(strategy=strategy, locator_value=f"{name}-{strategy}", score="0.900", is_primary=rank == 0)
            for rank, strategy in enumerate(strategies[:locators])
        ),
    }
    return ScreenElement(**given | changes)


def candidate(name: str, rank: int = 0, screen_id: UUID = SCREEN) -> UUID:
    owner = element(name, locators=4)
    return candidate_id(element_id(screen_id, owner), owner.locators[rank])


def listed(*elements: ScreenElement, screen_id: UUID = SCREEN, part: int = 0, parts: int = 1) -> ElementsListed:
    return ElementsListed(
        screen_id=screen_id,
        app_version_id=derived_id("version", "one"),
        run_id=RUN,
        part=part,
        parts=parts,
        elements=elements,
    )


def plan_pending(run_id: UUID = RUN, screen_id: UUID = SCREEN) -> PlanPending:
    return PlanPending(
        run_id=run_id,
        plan_id=derived_id("plan", run_id, screen_id),
        screen_id=screen_id,
        state_id="state",
        until=NOW + timedelta(seconds=10),
    )


def result(
    name: str,
    status: ValidationStatus,
    rank: int = 0,
    kind: ValidationType = ValidationType.EXISTENCE,
    *,
    found: Bounds | None = None,
    screen_id: UUID = SCREEN,
    **changes: Any,
) -> CheckResult:
    owner = element(name, locators=4)
    locator = owner.locators[rank]
    check = LocatorCheck(
        candidate_id=str(candidate(name, rank, screen_id)),
        element_id=element_id(screen_id, owner),
        screen_id=screen_id,
        rank=rank,
        strategy=locator.strategy,
        locator_value=locator.locator_value,
        validation_type=kind,
        expected=owner.bounds,
    )
    seen = found or (owner.bounds if status is PASSED else None)
    return CheckResult(check=check, status=status, latency_ms=3, found=seen, **changes)


def action(number: int, *results: CheckResult, run_id: UUID = RUN) -> ActionFinished:
    return ActionFinished(
        action_id=derived_id("action", run_id, number),
        run_id=run_id,
        device_id=derived_id("device", "one"),
        sequence=number,
        action_type=ActionType.CUSTOM,
        status=ActionStatus.SUCCESS,
        started_at=NOW,
        completed_at=NOW + timedelta(seconds=number),
        duration_ms=5,
        adb_ms=4,
        checks=results,
    )


def step(number: int, name: str | None = "ok", outcome: str = "NEW_SCREEN", **changes: Any) -> StepFinished:
    given: dict[str, Any] = {
        "run_id": RUN,
        "task_id": derived_id("task", "one"),
        "sequence": number,
        "action_id": derived_id("action", RUN, number),
        "purpose": "EXPLORE",
        "action_type": ActionType.CLICK,
        "outcome": outcome,
        "from_state": "a",
        "to_state": "b",
        "screen_id": derived_id("screen", "home"),
        "gesture_id": "g",
        "succeeded": True,
        "successful": number,
        "duration_ms": 120,
        "screens": 2,
        "states": 2,
        "from_screen_id": SCREEN,
        "element_hash": name,
    }
    return StepFinished(**given | changes)
