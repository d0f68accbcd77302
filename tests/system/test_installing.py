"""Apps that runs bring along, end to end: from an APK file to a phone without the app, then to the next version.

The tests share the platform and run in this order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from typer.testing import CliRunner

from contracts.device_agent import ActionFinished
from contracts.orchestrator import AppVersionSeen, RunFinished, RunStarted
from contracts.screen_indexer import VersionsCompared
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from deploy.simulator.apps.apk import Build
from deploy.simulator.apps.catalog import apk
from services.cli.__main__ import app
from services.cli.errors import ExitCode
from services.device_agent.adb.client import AdbClient
from tests.system.exploring import PACKAGE, caught_up, events, next_event, rows, until, verify

pytestmark = [pytest.mark.system, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Bench:
    platform: Platform
    folder: Path

    async def call(self, *arguments: str) -> Result:
        assert self.platform.stack is not None
        env = {**self.platform.stack.environ(), "WAYMARK_USER": "alice"}
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=env)

    async def explore(self, *arguments: str) -> dict[str, Any]:
        result = await self.call("run", "explore", "--max-steps", "12", "--wait", "--json", *arguments)
        assert result.exit_code == ExitCode.OK, result.output
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    def apk(self, version: str, build: Build | None = None) -> str:
        path = self.folder / f"演示 {version} {(build or Build()).split}.apk"
        path.write_bytes(apk("demo", version, build))
        return str(path)

    async def touches(self, what: str) -> int:
        return len([entry for entry in await self.platform.control.touches() if entry["detail"] == what])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("installing")
    async with Platform(folder, phones=["empty"]) as platform:
        yield Bench(platform, folder)


async def test_an_app_from_a_file_is_explored_on_a_phone_without_it(bench: Bench) -> None:
    told = await bench.explore("--apk", bench.apk("1"), "--grant-all")
    assert told["status"] == "SUCCEEDED"
    assert told["screens"] > 1
    [finished] = [e.event for e in await events(bench.platform, ActionFinished) if e.event.installed is not None]
    assert (finished.installed.version_name, finished.installed.version_code) == ("1.0", 10)
    assert finished.installed.was_there is False
    assert await bench.touches("install") == 1


async def test_the_next_version_replaces_it_and_is_compared_with_it(bench: Bench) -> None:
    base, split = bench.apk("2"), bench.apk("2", Build(split="config.zh"))
    await bench.explore("--apk", base, "--split", split, "--reset", "data")
    [compared] = await next_event(bench.platform, VersionsCompared)
    assert (compared.base_version, compared.target_version) == ("1.0", "2.0")
    assert await bench.touches("install") == 2
    assert await bench.touches("clear") == 1


async def test_the_versions_are_those_that_the_phone_really_had(bench: Bench) -> None:
    await caught_up(bench.platform)
    seen = {(e.event.app.version_name, e.event.app.version_code)
            for e in await events(bench.platform, AppVersionSeen) if e.event.app.package == PACKAGE}  # fmt: skip
    assert seen == {("1.0", 10), ("2.0", 20)}
    found = await rows(
        bench.platform,
        "SELECT v.version_name, v.version_code, count(s.id) AS screens FROM orchestrator.app_versions v"
        " JOIN orchestrator.apps a ON a.id = v.app_id LEFT JOIN screen_indexer.screens s ON s.app_version_id = v.id"
        f" WHERE a.package_name = '{PACKAGE}' GROUP BY 1, 2 ORDER BY 1",
    )
    assert [(row["version_name"], row["version_code"], row["screens"] > 1) for row in found] == [
        ("1.0", 10, True),
        ("2.0", 20, True),
    ]


async def test_the_same_again_installs_nothing(bench: Bench) -> None:
    old = json.loads((await bench.call("runs", "--json")).stdout)[0]
    result = await bench.call("run", "retry", old["id"], "--wait", "--json")
    assert result.exit_code == ExitCode.OK, result.output
    again = json.loads(result.stdout)
    assert again["run"] != old["id"]
    assert await bench.touches("install") == 2
    assert await bench.touches("clear") == 2, "but what it stored is cleared, as was asked"
    started = [e.event for e in await events(bench.platform, RunStarted)]
    assert started[-1].spec.retries == started[-2].task_id


async def test_a_run_that_is_over_cannot_be_steered(bench: Bench) -> None:
    run = json.loads((await bench.call("runs", "--json")).stdout)[0]
    for kind in ("stop", "pause", "resume"):
        for given in (run["id"], run["task_id"]):
            refused = await bench.call("run", kind, given)
            assert refused.exit_code == ExitCode.FAILED
            assert f"is over (SUCCEEDED): there is nothing to {kind}" in refused.stderr


async def test_a_task_that_goes_on_is_not_done_again(bench: Bench) -> None:
    tomorrow = (datetime.now().astimezone() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    later = await bench.call("run", "explore", "--apk", bench.apk("2"), "--schedule-at", tomorrow, "--json")
    assert later.exit_code == ExitCode.OK, later.output
    task = json.loads(later.stdout)["task"]

    async def is_queued() -> bool:
        return any(t["id"] == task for t in json.loads((await bench.call("tasks", "--json")).stdout))

    await until("the task is in the list", is_queued)
    refused = await bench.call("run", "retry", task)
    assert refused.exit_code == ExitCode.FAILED
    assert "is QUEUED: it is not over" in refused.stderr
    assert (await bench.call("run", "stop", task)).exit_code == ExitCode.OK


async def test_an_older_version_fails_with_the_phones_reason_and_leaves_the_newer_one(bench: Bench) -> None:
    result = await bench.call("run", "explore", "--apk", bench.apk("1"), "--follow", "--max-steps", "12")
    assert result.exit_code == ExitCode.FAILED
    assert "installing com.waymark.demo 1.0" in result.stdout
    assert "the phone has a newer version: remove that first" in result.stdout
    assert [e.event.status for e in await events(bench.platform, RunFinished)][-1] is RunStatus.FAILED


async def test_an_app_that_is_not_to_stay_is_removed_at_the_end(bench: Bench) -> None:
    build = Build(filler_bytes=9 * 1024 * 1024)
    adb = bench.platform.adb
    assert adb is not None
    client = AdbClient("127.0.0.1", adb.port)
    gone = await client.shell(bench.platform.serials[0], f"pm uninstall {PACKAGE}", 10, "by hand")
    assert gone.rc == 0
    by_hand = await bench.touches("uninstall")
    result = await bench.call(
        "run", "explore", "--apk", bench.apk("2", build), "--uninstall", "--follow", "--max-steps", "6"
    )
    assert result.exit_code == ExitCode.OK, result.output
    assert "installed com.waymark.demo 2.0 in" in result.stdout
    assert await bench.touches("uninstall") == by_hand + 1
    await caught_up(bench.platform)
    rc, said = await verify(bench.platform)
    assert rc == 0, said
