"""The locator-validator as a process: plans, totals and primaries, once, whatever is delivered again.

The tests share one service: each has a run and a screen of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from contracts import topology
from contracts.event import Event
from contracts.locator_validator import LocatorChecked, PrimaryChosen, Snapshot, ValidationPlanned
from contracts.values import ValidationType
from deploy.embedded.databases import create_database, drop_database
from deploy.embedded.stack import Stack
from services.runtime.log import Recorded
from tests.locator_validator.world import (
    FAILED,
    NOW,
    PASSED,
    PICTURE,
    action,
    candidate,
    element,
    listed,
    plan_pending,
    result,
    step,
)
from tests.one_service import OneService

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

DURABLES = (topology.PLANS, topology.CHECKS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def validator(
    stack: Stack, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OneService]:
    name = f"test_{uuid4().hex[:12]}"
    database = await create_database(stack.postgres_dsn, name, templates["empty"])
    folder = tmp_path_factory.mktemp("validator")
    async with OneService.running("locator_validator", stack, database, folder) as service:
        yield service
    await drop_database(stack.postgres_dsn, name)


@dataclass
class Screen:
    """A screen that a run looks at."""

    validator: OneService
    run_id: UUID
    screen_id: UUID

    async def append(self, event: Event) -> Recorded[Event]:
        return await self.validator.append(event)

    async def events(self, key: UUID, kind: type[Event]) -> list[Any]:
        recorded = await self.validator.log.read("locator_validator", key, from_leader=True)
        return [r.event for r in recorded if isinstance(r.event, kind)]

    async def wait_for(self, count: int, kind: type[Event], key: UUID | None = None) -> list[Any]:
        """Events of this screen (or key) once there are `count`; fails where there are more."""
        found: list[Any] = await self.validator.until(
            lambda: self.events(key or self.screen_id, kind), lambda events: len(events) >= count
        )
        assert len(found) == count
        return found

    async def check(self, number: int, *results: tuple[Any, ...], **changes: Any) -> None:
        checks = [result(*given, screen_id=self.screen_id, **changes) for given in results]
        await self.append(action(number, *checks, run_id=self.run_id))

    async def rows(self) -> list[dict[str, Any]]:
        return await self.validator.rows(
            "SELECT * FROM element_validations WHERE task_run_id = $1 ORDER BY attempt_at, id", self.run_id
        )


@pytest.fixture
def screen(validator: OneService) -> Screen:
    return Screen(validator, uuid4(), uuid4())


async def test_a_plan_covers_all_parts_of_a_listing_and_comes_once(screen: Screen) -> None:
    await screen.append(listed(element("ok"), screen_id=screen.screen_id, part=0, parts=2))
    await screen.append(listed(element("取消"), screen_id=screen.screen_id, part=1, parts=2))
    pending = plan_pending(screen.run_id, screen.screen_id)
    await screen.append(pending)
    (plan,) = await screen.wait_for(1, ValidationPlanned, pending.plan_id)
    assert {c.locator_value for c in plan.checks} >= {"ok-ID", "取消-ID", "取消-TEXT"}
    assert {c.candidate_id for c in plan.checks} >= {str(candidate("取消", 2, screen.screen_id))}
    assert {c.screen_id for c in plan.checks} == {screen.screen_id}


async def test_a_screen_that_nobody_listed_has_an_empty_plan(screen: Screen) -> None:
    pending = plan_pending(screen.run_id, screen.screen_id)
    await screen.append(pending)
    (plan,) = await screen.wait_for(1, ValidationPlanned, pending.plan_id)
    assert plan.checks == ()


async def test_results_and_taps_become_rows(screen: Screen) -> None:
    await screen.append(listed(element("ok"), screen_id=screen.screen_id))
    await screen.check(1, ("ok", PASSED), ("ok", PASSED, 0, ValidationType.HIGHLIGHT), screenshot=PICTURE, notes="看")
    await screen.wait_for(2, LocatorChecked)
    tap = await screen.append(step(2, run_id=screen.run_id, from_screen_id=screen.screen_id))
    await screen.append(step(3, outcome="NOTHING", run_id=screen.run_id, from_screen_id=screen.screen_id))
    *_, click = await screen.wait_for(3, LocatorChecked)
    assert (click.validation_type, click.status, click.success_rate) == (ValidationType.CLICK, PASSED, "100.00")
    rows = {row["validation_type"]: row for row in await screen.rows()}
    assert set(rows) == {"EXISTENCE", "HIGHLIGHT", "CLICK"}
    shown = rows["HIGHLIGHT"]
    assert (shown["locator_candidate_id"], shown["status"], shown["latency_ms"], shown["notes"]) == (
        candidate("ok", 0, screen.screen_id),
        "PASSED",
        3,
        "看",
    )
    assert (shown["attempt_at"] - NOW).total_seconds() == 1
    assert shown["screenshot_path"] == PICTURE.key
    assert (rows["CLICK"]["attempt_at"], rows["CLICK"]["latency_ms"]) == (tap.time, 120)
    assert rows["CLICK"]["id"] == click.validation_id


async def test_a_failing_primary_is_replaced(screen: Screen) -> None:
    for number in (1, 2, 3):
        await screen.check(number, ("ok", FAILED), ("ok", PASSED, 1))
    checked = await screen.wait_for(6, LocatorChecked)
    (chosen,) = await screen.wait_for(1, PrimaryChosen)
    assert chosen.candidate_id == candidate("ok", 1, screen.screen_id)
    assert [event.is_primary for event in checked] == [True, False, True, False, False, True]


async def test_totals_are_exact_with_two_replicas_and_over_snapshots_and_a_kill(screen: Screen) -> None:
    platform = screen.validator.platform
    platform.start_service("locator_validator", 1)
    names = [f"e{n}" for n in range(50)]
    for number in range(1, 11):
        await screen.check(number, *((name, PASSED if number % 2 else FAILED) for name in names), ("ok", PASSED))
    await screen.wait_for(510, LocatorChecked)
    platform.kill_service("locator_validator")
    for number in range(11, 21):
        await screen.check(number, *((name, PASSED) for name in names), ("ok", PASSED))
    platform.start_service("locator_validator")
    checked = await screen.wait_for(1020, LocatorChecked)
    platform.kill_service("locator_validator", 1)
    last = {event.candidate_id: event for event in checked}
    for name in names:
        event = last[candidate(name, 0, screen.screen_id)]
        assert (event.attempts, event.passes, event.success_rate) == (20, 15, "75.00")
    assert await screen.events(screen.screen_id, Snapshot) != []


async def test_everything_delivered_again_adds_no_event(screen: Screen) -> None:
    await screen.append(listed(element("ok"), screen_id=screen.screen_id))
    pending = plan_pending(screen.run_id, screen.screen_id)
    await screen.append(pending)
    await screen.append(step(1, run_id=screen.run_id, from_screen_id=screen.screen_id))
    await screen.append(step(2, "unlisted", run_id=screen.run_id, from_screen_id=screen.screen_id))
    await screen.check(3, ("ok", FAILED), ("ok", PASSED, 1))
    await screen.check(4, ("ok", FAILED), ("ok", PASSED, 1))
    await screen.wait_for(1, PrimaryChosen)
    await screen.wait_for(5, LocatorChecked)
    validator = screen.validator
    await validator.idle(*DURABLES)
    before, rows = await validator.last_seq(), await screen.rows()
    await validator.reset(*DURABLES)
    validator.platform.kill_service("locator_validator")
    validator.platform.start_service("locator_validator")
    await validator.reset(*DURABLES)
    assert await validator.last_seq() == before
    assert await screen.rows() == rows
    await validator.dead_letters(0)
