"""Both versions of the demo app, explored for real: what is in the tables against what the phones and the app say."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.device_agent import CrashSeen
from contracts.orchestrator import RunFinished
from contracts.screen_indexer import VersionsCompared
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from deploy.simulator.apps.truth import changes, reachable_activities, reachable_screens
from services.device_agent.adb.client import AdbClient
from tests.system.exploring import (
    PACKAGE,
    captured,
    caught_up,
    events,
    finished,
    next_event,
    rows,
    start,
    store,
    taps_in_tables,
    verify,
)
from tests.system.referee import delivered, taps

pytestmark = [pytest.mark.system, pytest.mark.timeout(420), pytest.mark.asyncio(loop_scope="module")]

VERSIONS = ("1", "2")
ROW_COUNTS = {
    "orchestrator.apps": 1,
    "orchestrator.app_versions": 2,
    "orchestrator.tasks": 2,
    "orchestrator.task_runs": 2,
    "orchestrator.task_run_events": 4,
    "orchestrator.users": 1,
    "device_agent.devices": 2,
    "device_agent.task_actions": 200,
    "screen_indexer.screens": 40,
    "screen_indexer.elements": 400,
    "screen_indexer.locator_candidates": 1000,
    "screen_indexer.screen_diffs": 10,
    "locator_validator.element_validations": 500,
    "alerter.alerts": 2,
}
"""Tables that an exploration fills, with the least rows that two versions of the demo app must give."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def explored(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Platform, list[RunFinished]]]:
    """One platform with both versions explored to the end, and everything projected."""
    folder = tmp_path_factory.mktemp("truth")
    async with Platform(folder, phones=[f"demo@{version}" for version in VERSIONS]) as platform:
        for version, serial in zip(VERSIONS, platform.serials, strict=True):
            await start(platform, serial, version=f"{version}.0", max_steps=600)
        runs = await finished(platform, count=2, limit_s=300)
        await next_event(platform, VersionsCompared)
        await caught_up(platform)
        yield platform, sorted(runs, key=lambda run: run.app.version_name)


async def test_every_reachable_screen_of_both_versions_is_found(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, runs = explored
    assert [run.status for run in runs] == [RunStatus.SUCCEEDED, RunStatus.SUCCEEDED]
    for version in VERSIONS:
        shown = await _hierarchies(platform, f"{version}.0")
        marks = {t.name: f'{"resource-id" if t.by == "id" else "text"}="{t.mark}"' for t in reachable_screens(version)}
        missing = [name for name, mark in marks.items() if not any(mark in xml for xml in shown)]
        assert missing == [], f"version {version}"


async def test_activities_reached_are_those_that_can_be_reached(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    _, runs = explored
    for version, run in zip(VERSIONS, runs, strict=True):
        assert set(reachable_activities(version)) - set(run.activities_reached) <= {f"{PACKAGE}.SplashActivity"}
        assert set(run.activities_reached) <= set(run.activities_declared)


async def test_every_table_that_an_exploration_fills_is_filled(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, _ = explored
    counts = {table: (await rows(platform, f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in ROW_COUNTS}
    assert {table: n for table, n in counts.items() if n < ROW_COUNTS[table]} == {}


async def test_taps_in_the_tables_are_the_taps_that_reached_the_phone(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    """In order and without one more."""
    platform, runs = explored
    for number, run in enumerate(runs):
        kept = await taps_in_tables(platform, run.run_id)
        assert len(kept) > 50
        assert kept == await taps(platform, number)


async def test_pictures_and_hierarchies_are_stored_byte_for_byte(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, runs = explored
    left, refs = await delivered(platform), await captured(platform)
    assert len(refs) > sum(run.total_actions for run in runs)
    assert [ref.key for ref in refs if ref.sha256 not in left] == []


async def test_a_secure_screen_has_a_path_that_says_why_it_has_no_picture(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, _ = explored
    found = await rows(
        platform, "SELECT screenshot_path FROM screen_indexer.screens WHERE screenshot_path LIKE 'absent:%'"
    )
    assert {row["screenshot_path"] for row in found} == {"absent:secure"}


async def test_each_crash_in_the_phones_log_is_one_event_and_one_alert_a_cause(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, runs = explored
    port = int(platform.client_environ["ANDROID_ADB_SERVER_PORT"])
    logged = 0
    for serial in platform.serials:
        answer = await AdbClient("127.0.0.1", port).shell(serial, "logcat -d -b crash -v threadtime", 10)
        logged += answer.text.count("FATAL EXCEPTION")
    crashes = [r.event for r in await events(platform, CrashSeen) if r.event.kind == "CRASH"]
    assert len(crashes) == logged > 0
    alerts = await rows(platform, "SELECT id FROM alerter.alerts WHERE alert_type = 'SYSTEM' AND severity = 'P1'")
    causes = {(crash.package, crash.version_name, crash.stack_key) for crash in crashes}
    assert len(alerts) == len(causes)
    assert sum(int(run.metrics["crashes"]) for run in runs) >= logged


async def test_the_comparison_names_what_version_2_dropped_and_added(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, _ = explored
    compared = (await events(platform, VersionsCompared))[0].event
    declared = changes("1", "2")
    assert (compared.base_version, compared.target_version) == ("1.0", "2.0")
    assert len(compared.dropped) == len(declared.dropped_screens)
    assert len(compared.added) == len(declared.added_screens)
    assert compared.broken >= len(declared.renamed)


async def test_verify_finds_nothing_dangling(explored: tuple[Platform, list[RunFinished]]) -> None:
    platform, _ = explored
    code, said = await verify(platform)
    assert code == 0, said


async def _hierarchies(platform: Platform, version: str) -> list[str]:
    """The stored hierarchies of a version's screens, as the phone delivered them."""
    found = await rows(
        platform,
        "SELECT s.dom_path FROM screen_indexer.screens s"
        " JOIN orchestrator.app_versions v ON v.id = s.app_version_id WHERE v.version_name = $1",
        version,
    )
    async with store(platform) as objects:
        return [html.unescape((await objects.get(row["dom_path"])).decode()) for row in found]
