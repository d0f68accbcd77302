"""Servers and phones that go away, and agents that sleep: the run goes on, and nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from contracts.device_agent import ActionFinished, ActionStarted
from contracts.orchestrator import StepFinished
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import events, finished, next_event, rows, start, until
from tests.system.outside import ENVIRON, Outside
from tests.system.referee import assert_people_were_told_of_a_crash, assert_sound

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(300)]

OUTAGE_S = 30.0


async def test_a_run_goes_on_while_postgresql_is_away_and_the_tables_catch_up(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        assert platform.stack is not None
        assert platform.stack.postgres is not None
        await outside.configure(platform)
        await start(platform, max_steps=90)
        await next_event(platform, StepFinished, count=5)
        await asyncio.to_thread(platform.stack.postgres.stop)
        began = len(await events(platform, StepFinished))
        outage = asyncio.sleep(OUTAGE_S)  # The outage itself is what is tested: it must last this long.
        await asyncio.gather(next_event(platform, StepFinished, count=began + 15), outage)
        await asyncio.to_thread(platform.stack.postgres.start)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        assert_people_were_told_of_a_crash(await assert_sound(platform, outside))
        row = (await rows(platform, "SELECT status, total_actions FROM orchestrator.task_runs"))[0]
        assert (row["status"], row["total_actions"]) == ("SUCCEEDED", run.total_actions)
        assert platform.dead() == []


async def test_an_agent_that_slept_past_its_lease_touches_the_phone_no_more(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        sleeper = platform.service("device_agent").pid
        assert sleeper is not None
        platform.start_service("device_agent", replica=1)
        await outside.configure(platform)
        await start(platform, max_steps=30, limits={"step_timeout_s": 6})
        await next_event(platform, StepFinished, count=5)
        await stop_in_an_action(platform, "device_agent-0", sleeper)
        try:
            first = (await finished(platform))[0]
            await start(platform, max_steps=30, limits={"step_timeout_s": 6})
            steps = len(await events(platform, StepFinished))
            await next_event(platform, StepFinished, count=steps + 5)
        finally:
            os.kill(sleeper, signal.SIGCONT)
        second = (await finished(platform, count=2))[1]

        assert first.status is RunStatus.SUCCEEDED, first.failure_reason
        assert second.status is RunStatus.SUCCEEDED, second.failure_reason
        assert second.lease_token > first.lease_token
        assert_people_were_told_of_a_crash(await assert_sound(platform, outside))


async def stop_in_an_action(platform: Platform, instance: str, pid: int) -> None:
    """SIGSTOP to an agent that has begun an action and not ended it."""

    async def caught() -> bool:
        os.kill(pid, signal.SIGSTOP)
        started = [r.event for r in await events(platform, ActionStarted)]
        begun = {event.action_id for event in started if event.instance.partition("@")[0] == instance}
        if begun - {r.event.action_id for r in await events(platform, ActionFinished)}:
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    await until("the agent being stopped in the middle of an action", caught)


MOSTLY = {"auto": "UIAUTOMATOR_SERVER", "dump": "UIAUTOMATOR_DUMP"}
COMMON_FAULTS = [
    ("truncated_png", "screencap", 1),
    ("empty_hierarchy", "uiautomator|dumpWindowHierarchy", 1),
    ("half_hierarchy", "uiautomator|dumpWindowHierarchy", 1),
    ("null_focus", "dumpsys window", 2),
    ("black_png", "screencap", 4),
    ("drop_during", "input tap", 1),
    ("drop_after", "input tap", 1),
]


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("auto", [*COMMON_FAULTS, ("server_dies", "dumpWindowHierarchy", 1), ("no_exit", "dumpsys window", 1)]),
        ("dump", [*COMMON_FAULTS, ("not_idle", "uiautomator", 1), ("no_exit", "uiautomator", 1)]),
    ],
)
async def test_faults_of_the_phone_are_told_and_overcome(
    tmp_path: Path, source: str, faults: list[tuple[str, str, int]]
) -> None:
    environ = {**ENVIRON, "WAYMARK_HIERARCHY_SOURCE": source}
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=environ) as platform:
        await outside.configure(platform)
        await start(platform, max_steps=70)
        for number, (kind, pattern, times) in enumerate(faults):
            await next_event(platform, StepFinished, count=4 + 5 * number)
            await platform.control.arm(kind, pattern, times=times)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        told = {(e["detail"]) for e in await platform.control.trace(kinds=["fault"])}
        assert len(told) >= len(faults) - 1, told
        captures = [r.event.capture for r in await events(platform, ActionFinished)]
        sources = Counter(capture.source for capture in captures if capture is not None)
        assert sources.most_common(1)[0][0] == MOSTLY[source], sources
        assert source == "auto" or len(sources) == 1
        assert all(capture.windows for capture in captures if capture is not None and capture.hierarchy is not None)
        assert_people_were_told_of_a_crash(await assert_sound(platform, outside))
        screens = await rows(platform, "SELECT screenshot_path FROM screen_indexer.screens")
        assert screens
        assert all(row["screenshot_path"] for row in screens)


async def test_a_phone_whose_uiautomation_another_tool_holds_ends_its_run_naming_it(tmp_path: Path) -> None:
    async with Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        await start(platform, max_steps=40)
        await next_event(platform, StepFinished, count=3)
        pid = await platform.control.do("hold_automation", name="io.appium.uiautomator2.server")
        run = (await finished(platform))[0]

        assert run.status is RunStatus.FAILED
        assert run.failure_reason is not None
        assert f"Appium (pid {pid}, io.appium.uiautomator2.server)" in run.failure_reason
        assert [each["pid"] for each in await platform.control.do("processes")] == [pid]

        await platform.control.do("end_process")
        await start(platform, max_steps=10)
        assert (await finished(platform, count=2))[1].status is RunStatus.SUCCEEDED
        assert [each["holds_automation"] for each in await platform.control.do("processes")] == [True]
        await platform.stop_services(["device_agent"])
        assert await platform.control.do("processes") == []


async def test_a_phone_that_leaves_for_good_ends_its_run_with_the_reason(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        await outside.configure(platform)
        await start(platform, max_steps=100, limits={"step_timeout_s": 3})
        await next_event(platform, StepFinished, count=5)
        await platform.control.stop()
        run = (await finished(platform))[0]

        assert run.status is RunStatus.FAILED
        assert run.failure_reason is not None
        assert "phone" in run.failure_reason

        await until("the phone being told offline", lambda: device_is(platform, "OFFLINE"))
        # All commands of its run will be delivered again, and whoever gets them must have a phone to spare.
        await platform.control.start()
        await until("the phone being back", lambda: device_is(platform, "AVAILABLE"))
        await assert_sound(platform, outside)


async def device_is(platform: Platform, status: str) -> bool:
    found = await rows(platform, "SELECT status FROM device_agent.devices")
    return [row["status"] for row in found] == [status]
