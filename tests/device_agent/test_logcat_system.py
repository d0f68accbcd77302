from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from deploy.simulator.world import LogLine
from services.device_agent import logcat
from services.device_agent.crashes import CrashKind
from tests.device_agent.worlds import TestWorld, playing

pytestmark = pytest.mark.system

STACK = ("java.lang.IllegalStateException: gone", "\tat com.test.Main.onClick(Main.kt:7)")


def write(buffer: str, tag: str, *messages: str, pid: int = 4321) -> None:
    """The phone's apps write into its log, now."""
    now_s = time.time()
    TestWorld.latest.lines += [LogLine(now_s, buffer, "E", tag, pid, message) for message in messages]


def crash(pid: int = 4321, stack: tuple[str, ...] = STACK) -> None:
    write("crash", "AndroidRuntime", "FATAL EXCEPTION: main", f"Process: com.test, PID: {pid}", *stack, pid=pid)


@contextlib.asynccontextmanager
async def following(b):
    found = []

    async def follow() -> None:
        async with contextlib.aclosing(logcat.crashes(b.client, b.serial)) as crashes:
            async for one in crashes:
                found.append(one)

    task = asyncio.ensure_future(follow())
    try:
        await until(lambda: streaming(b))
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def streaming(b) -> bool:
    entries = await b.control.trace(kinds=["program"])
    return any(entry["detail"].startswith("logcat") and entry["ended_s"] is None for entry in entries)


async def until(holds, limit_s: float = 10) -> None:
    async with asyncio.timeout(limit_s):
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("api", [23, 33])
async def test_crash_and_anr_are_told_while_they_happen(bench, api):
    async with bench(playing(TestWorld), api=api) as b, following(b) as found:
        crash()
        await until(lambda: len(found) == 1)
        write("system", "ActivityManager", "ANR in com.test (com.test/.Main)", "PID: 77", "Reason: Input (x)", pid=900)
        await until(lambda: len(found) == 2)

        assert [(one.kind, one.process) for one in found] == [
            (CrashKind.CRASH, "com.test"),
            (CrashKind.ANR, "com.test"),
        ]
        assert found[0].stack == STACK


async def test_crash_of_yesterday_is_not_told(bench):
    async with bench(playing(TestWorld)) as b:
        crash(pid=1)
        TestWorld.latest.lines = [
            LogLine(line.at_s - 3600, line.buffer, line.priority, line.tag, line.pid, line.message)
            for line in TestWorld.latest.lines
        ]
        async with following(b) as found:
            crash(pid=2)
            await until(lambda: found)
            assert [one.pid for one in found] == [2]


async def test_log_goes_on_after_the_phone_dropped_and_nothing_is_told_twice_or_missed(bench, monkeypatch):
    monkeypatch.setattr(logcat, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(logcat, "LONGEST_PAUSE_S", 0.2)
    async with bench(playing(TestWorld)) as b, following(b) as found:
        crash(pid=1)
        await until(lambda: len(found) == 1)
        await b.control.stop()
        crash(pid=2)
        await b.control.start()
        await b.back()
        await until(lambda: len(found) == 2)
        crash(pid=3)
        await until(lambda: len(found) == 3)

        assert [one.pid for one in found] == [1, 2, 3]
        assert len({one.key for one in found}) == 1


async def test_only_lines_that_can_matter_cross_the_cable(bench):
    async with bench(playing(TestWorld)) as b:
        command = logcat.command("11-22 12:00:00.000")
        TestWorld.latest.lines += [LogLine(time.time(), "main", "I", "Chatty", 5, "x") for _ in range(50)]
        crash()
        result = await b.client.shell(b.serial, command.replace("logcat", "logcat -d"), 5)

        assert b"Chatty" not in result.stdout
        assert b"FATAL EXCEPTION" in result.stdout


def test_nonsense_for_a_time_is_refused():
    with pytest.raises(ValueError, match="MM-DD"):
        logcat.command("yesterday; reboot")
