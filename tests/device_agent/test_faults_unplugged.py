"""The cable is pulled before, in the middle of and after each kind of command: a recovery or a clear failure, nothing
done twice, nothing left changed. The phone's own trace is the referee. Installing: `test_install_system.py`."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from contracts.sealed import Sealed
from contracts.values import Click, Input, Navigate, Point, Scroll
from deploy.simulator.world import LogLine
from services.device_agent import logcat, reading
from services.device_agent.adb.errors import DeviceGone
from services.device_agent.capture import capture
from services.device_agent.fence import Attempt
from services.device_agent.performing import Result
from tests.device_agent import worlds
from tests.device_agent.lease_scripts import end, prepare
from tests.device_agent.worlds import PACKAGE, TestWorld, playing

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

WORLD = playing(TestWorld)
BUTTON, FIELD = Point(x=540, y=680), Point(x=540, y=360)
MOMENTS = ("drop_before", "drop_during", "drop_after")
SETTINGS = "settings list system; settings list secure; settings list global; ls /data/local/tmp"

ACTIONS = {
    # What is done, and the program of it in the middle of which the phone leaves.
    "tap": (Click(point=BUTTON), "^input"),
    "long press": (Click(point=BUTTON, press="LONG"), "^input"),
    "swipe": (Scroll(start=Point(x=500, y=1500), end=Point(x=500, y=300)), "^input"),
    "type ASCII": (Input(point=FIELD, text=Sealed.of("plain")), "^input"),
    "type Chinese": (Input(point=FIELD, text=Sealed.of("你好")), "^am"),
    "launch": (Navigate(to="LAUNCH", package=PACKAGE, activity=worlds.MAIN), "^am"),
    "restart": (Navigate(to="LAUNCH", package=PACKAGE, activity=worlds.MAIN, restart=True), "^am"),
    "stop": (Navigate(to="STOP", package=PACKAGE), "^am"),
    "back": (Navigate(to="BACK"), "^input"),
    "home": (Navigate(to="HOME"), "^input"),
    "end call": (Navigate(to="END_CALL"), "^input"),
}


async def act(phone, action, number: int = 1):
    return await phone.perform(action, 7, number, lambda sealed: sealed.reveal())


STAYS = ("waymark.fence", "waymark.xml", "u2.jar")
"""The fence, the newest dump, and what reads hierarchies are meant to stay."""


async def settings_of(phone) -> str:
    """Everything that can be set, and the files that are left."""
    said = (await phone.shell(SETTINGS, 5, "settings")).text
    return "\n".join(line for line in said.splitlines() if not line.startswith(STAYS)).strip()


async def shells_that_touched(b) -> set[int]:
    return {touch["cause"] for touch in await b.control.touches()}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", ACTIONS)
async def test_action_on_a_phone_that_is_unplugged_happens_at_most_once(bench, kind, moment):
    action, program = ACTIONS[kind]
    async with bench(WORLD) as b:
        phone = await b.phone()
        before = await settings_of(phone)
        await prepare(phone, 7)
        await b.control.arm(moment, "waymark.fence", at=program if moment == "drop_during" else None)
        async with asyncio.timeout(20):
            cut = await act(phone, action)
            await b.back()
            phone = await b.phone()
            again = await act(phone, action)

        assert [fault["detail"] for fault in await b.control.trace(kinds=["fault"])] == [moment]
        assert cut.result in {Result.NOT_ATTEMPTED, Result.UNKNOWN}
        assert cut.reason
        assert again.result is (Result.DONE if moment == "drop_before" else Result.DUPLICATE)
        assert await phone.attempted(7, 1) is Attempt.ATTEMPTED
        touching = await shells_that_touched(b)
        assert len(touching) <= 1
        assert touching or moment == "drop_during"
        await end(phone, 7)
        assert await settings_of(phone) == before


@pytest.mark.parametrize("kind", ACTIONS)
async def test_action_that_a_frozen_phone_does_on_thawing_is_not_repeated(bench, kind, monkeypatch):
    monkeypatch.setattr("services.device_agent.phone.ACTION_TIMEOUT_S", 0.3)
    monkeypatch.setattr("services.device_agent.phone.READ_TIMEOUT_S", 0.3)
    async with bench(WORLD) as b:
        phone = await b.phone()
        before = await settings_of(phone)
        await prepare(phone, 7)
        await b.control.do("freeze", on=True)
        frozen = await act(phone, ACTIONS[kind][0])
        await b.control.do("freeze", on=False)
        monkeypatch.undo()
        await phone.heartbeat()
        again = await act(phone, ACTIONS[kind][0])

        assert frozen.result is Result.UNKNOWN
        assert "frozen" in frozen.reason
        assert again.result in {Result.DONE, Result.DUPLICATE}
        # Whoever waited has gone: the phone may end what it had begun before it touched anything.
        assert len(await shells_that_touched(b)) <= 1
        assert await shells_that_touched(b) or again.result is Result.DUPLICATE
        await end(phone, 7)
        assert await settings_of(phone) == before


async def screencap(phone):
    return (await phone.shell(reading.SCREENCAP, 5, "screencap")).stdout


async def hierarchy(phone):
    return (await capture(phone)).hierarchy_xml


async def focus(phone):
    return (await phone.shell(reading.FOCUS_FROM_ACTIVITIES, 5, "focus")).text


async def package(phone):
    return await phone.package(PACKAGE)


async def packages(phone):
    return await phone.installed()


async def heartbeat(phone):
    return await phone.heartbeat() >= 0


READS = {
    "screencap": (screencap, "screencap"),
    "hierarchy by the dump": (hierarchy, "uiautomator"),
    "hierarchy by the server": (hierarchy, "dumpsys window"),
    "focus": (focus, "dumpsys activity"),
    "package": (package, "dumpsys package"),
    "packages": (packages, "pm list"),
    "heartbeat": (heartbeat, "echo waymark"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", READS)
async def test_reading_from_a_phone_that_is_unplugged_fails_and_works_when_it_is_back(bench, kind, moment):
    read, pattern = READS[kind]
    async with bench(WORLD, source="dump" if kind.endswith("dump") else "auto") as b:
        phone = await b.phone()
        whole, before = await read(phone), await settings_of(phone)
        await b.control.arm(moment, pattern)
        async with asyncio.timeout(20):
            with pytest.raises(DeviceGone, match="check its cable"):
                await read(phone)
            await b.back()
            phone = await b.phone()

            assert await read(phone) == whole
        assert await b.control.touches() == []
        assert await settings_of(phone) == before


@pytest.mark.parametrize("moment", MOMENTS)
async def test_log_of_a_phone_that_is_unplugged_is_followed_on_and_tells_each_crash_once(bench, moment):
    async with bench(WORLD) as b:
        found: list[str] = []

        async def follow() -> None:
            async with contextlib.aclosing(logcat.crashes(b.client, b.serial)) as crashes:
                async for crash in crashes:
                    found.append(crash.exception)

        if moment == "drop_before":
            await b.control.arm(moment, "logcat")
        task = asyncio.ensure_future(follow())
        try:
            if moment == "drop_before":
                await until(lambda: faults(b))
                await b.back()
                write_crash("java.lang.FirstException")
            else:
                await until(lambda: following(b))
                if moment == "drop_after":
                    write_crash("java.lang.FirstException")
                    await until(lambda: found)
                await b.control.drop()
                if moment == "drop_during":
                    write_crash("java.lang.FirstException")
                await b.back()
            write_crash("java.lang.SecondException")

            await until(lambda: len(found) >= 2)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert sorted(found) == ["java.lang.FirstException", "java.lang.SecondException"]


def write_crash(exception: str) -> None:
    now_s = time.time()
    said = (
        "FATAL EXCEPTION: main",
        f"Process: {PACKAGE}, PID: 4321",
        f"{exception}: gone",
        "\tat com.test.Main.go(M.kt)",
    )
    TestWorld.latest.lines += [LogLine(now_s, "crash", "E", "AndroidRuntime", 4321, message) for message in said]


async def faults(b) -> bool:
    return bool(await b.control.trace(kinds=["fault"]))


async def following(b) -> bool:
    entries = await b.control.trace(kinds=["program"])
    return any(entry["detail"].startswith("logcat") and entry["ended_s"] is None for entry in entries)


async def until(holds, limit_s: float = 20.0) -> None:
    async with asyncio.timeout(limit_s):
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.02)
