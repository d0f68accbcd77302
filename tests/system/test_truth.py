"""Both versions of the demo app, explored for real: what is in the tables against what the phones and the app say."""

from __future__ import annotations

import asyncio
import html
import os
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.orchestrator import RunFinished
from contracts.screen_indexer import VersionsCompared
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from deploy.simulator.apps.truth import changes, reachable_activities, reachable_screens
from services.device_agent.adb.client import AdbClient
from services.runtime.objects import Objects, StoreAddress
from tests.system.exploring import PACKAGE, caught_up, events, finished, next_event, rows, start

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
    """In order and without one more: typing taps its field first, so INPUT actions are taps too."""
    platform, runs = explored
    for number, run in enumerate(runs):
        actions = await rows(
            platform,
            "SELECT (params::jsonb->'point'->>'x')::int AS x, (params::jsonb->'point'->>'y')::int AS y"
            " FROM device_agent.task_actions WHERE task_run_id = $1 AND status <> 'SKIPPED'"
            " AND (action_type = 'INPUT' OR params::jsonb->>'press' = 'TAP') ORDER BY sequence",
            run.run_id,
        )
        assert len(actions) > 50
        assert [(row["x"], row["y"]) for row in actions] == await _taps(platform, number)


async def test_pictures_and_hierarchies_are_stored_byte_for_byte(
    explored: tuple[Platform, list[RunFinished]],
) -> None:
    platform, runs = explored
    delivered = {
        entry["data"]["sha256"]
        for phone in range(len(VERSIONS))
        for entry in await platform.control.trace(phone=phone, kinds=["delivery"])
    }
    captures = [r.event.capture for r in await events(platform, ActionFinished) if r.event.capture is not None]
    refs = [ref for capture in captures for ref in (capture.screenshot, capture.hierarchy) if ref is not None]
    assert len(refs) > sum(run.total_actions for run in runs)
    assert [ref.key for ref in refs if ref.sha256 not in delivered] == []


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
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        "verify",
        env={**os.environ, **platform.client_environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, said.decode(errors="replace")


async def _taps(platform: Platform, phone: int) -> list[tuple[int, int]]:
    touches = await platform.control.touches(phone=phone)
    return [(touch["data"]["x"], touch["data"]["y"]) for touch in touches if touch["detail"] == "tap"]


async def _hierarchies(platform: Platform, version: str) -> list[str]:
    """The stored hierarchies of a version's screens, as the phone delivered them."""
    found = await rows(
        platform,
        "SELECT s.dom_path FROM screen_indexer.screens s"
        " JOIN orchestrator.app_versions v ON v.id = s.app_version_id WHERE v.version_name = $1",
        version,
    )
    assert platform.stack is not None
    s3 = platform.stack.s3
    async with Objects(StoreAddress(s3.endpoint, s3.access_key, s3.secret_key, s3.bucket)) as store:
        return [html.unescape((await store.get(row["dom_path"])).decode()) for row in found]
