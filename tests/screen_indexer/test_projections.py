"""What the events of others change in the screen-indexer's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from contracts.locator_validator import LocatorChecked
from contracts.values import Strategy, ValidationStatus, ValidationType
from services.runtime.log import Recorded
from services.screen_indexer.projections import LOCATOR_CHECKED, project

AT = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
CANDIDATE, OTHER = UUID(int=1), UUID(int=2)


def checked(status: ValidationStatus) -> Recorded[LocatorChecked]:
    event = LocatorChecked(
        candidate_id=CANDIDATE, element_id=OTHER, screen_id=OTHER, run_id=OTHER, validation_id=OTHER,
        strategy=Strategy.ID, locator_value="id/x", validation_type=ValidationType.CLICK, status=status, attempt_at=AT,
        attempts=2, passes=1, consecutive_failures=0, success_rate="50.00",
    )  # fmt: skip
    return Recorded(7, UUID(int=7), AT, None, None, None, event)


@pytest.mark.parametrize("status", [ValidationStatus.PASSED, ValidationStatus.FAILED])
def test_a_check_with_a_verdict_is_the_last_verification(status: ValidationStatus) -> None:
    (row,) = project(checked(status))
    assert row.statement is LOCATOR_CHECKED
    assert row.values == (CANDIDATE, Decimal("50.00"), AT, AT)


@pytest.mark.parametrize("status", [ValidationStatus.RETRY, ValidationStatus.SKIPPED])
def test_a_check_that_could_not_be_made_verifies_nothing(status: ValidationStatus) -> None:
    assert list(project(checked(status))) == []
