"""The two sources on simulated phones behind a real adb server: start, death, foreign holders, leftovers, the end."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from contracts.values import Bounds
from services.device_agent.adb.errors import DeviceGone, DeviceOffline, DeviceTimeout
from services.device_agent.capture import capture
from services.device_agent.hierarchy_sources import chosen, resident, source
from services.device_agent.hierarchy_sources.preference import Preference
from services.device_agent.hierarchy_sources.resident import ResidentServer
from services.device_agent.hierarchy_sources.source import SourceFailedError
from services.device_agent.parsers.hierarchy_dump import Absence
from services.device_agent.reading import Source
from tests.device_agent import worlds
from tests.device_agent.worlds import playing

pytestmark = pytest.mark.system

APPIUM = "io.appium.uiautomator2.server"


async def processes(b) -> list[dict]:
    return await b.control.do("processes")


async def until(condition, limit_s: float = 10.0) -> None:
    async with asyncio.timeout(limit_s):
        while not await condition():
            await asyncio.sleep(0.01)


async def programs(b, since: int = 0) -> list[str]:
    return [entry["detail"] for entry in await b.control.trace(since=since, kinds=["program"])]


async def fault_told(b, kind: str) -> None:
    async def told() -> bool:
        return kind in [entry["detail"] for entry in await b.control.trace(kinds=["fault"])]

    await until(told)


async def hanging(b, phone) -> asyncio.Future:
    """A capture whose reading has begun and does not go on."""
    await b.control.arm("slow", "tcp:9008", seconds=5)
    reading = asyncio.ensure_future(capture(phone))
    await fault_told(b, "slow")
    return reading


async def test_server_is_brought_started_once_used_and_ended(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        first, second = await capture(phone), await capture(phone)

        assert first.source is second.source is Source.SERVER
        running = await processes(b)
        assert [each["command"] for each in running] == ["app_process / com.wetest.uia2.Main -p 9008"]
        assert (await b.control.do("file", path=resident.PID_FILE)).strip() == str(running[0]["pid"])
        assert b.names().count("push") == 1

        await phone.close()
        assert await processes(b) == []
        assert await b.control.do("file", path=resident.PID_FILE) is None


async def test_jar_that_is_there_is_not_brought_again(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        for _ in range(2):
            phone = await b.phone()
            await capture(phone)
            await phone.close()
        assert b.names().count("push") == 1

        await b.client.push(b.serial, b"another version", resident.JAR)
        b.calls.clear()
        assert (await capture(await b.phone())).source is Source.SERVER
        assert b.names().count("push") == 1


@pytest.mark.parametrize("api", [23, 33])
async def test_both_sources_give_the_same_tree(bench, api):
    from services.hierarchy.parse import parse
    from services.hierarchy.write import to_xml

    async with bench(playing(worlds.TestWorld), api=api) as b:
        by_server = await capture(await b.phone(Preference.SERVER))
        await b.opened[-1].close()
        by_dump = await capture(await b.phone(Preference.DUMP))

        assert by_server.hierarchy_xml != by_dump.hierarchy_xml
        assert to_xml(parse(by_server.hierarchy_xml)) == to_xml(parse(by_dump.hierarchy_xml))
        assert by_server.windows == by_dump.windows


async def test_server_that_does_not_start_leaves_the_phone_to_the_dump_and_is_tried_again(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        await b.control.arm("server_no_start")
        phone = await b.phone()

        assert [(await capture(phone)).source for _ in range(2)] == [Source.DUMP, Source.SERVER]


async def test_server_that_never_starts_is_not_tried_at_each_reading(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        await b.control.arm("server_no_start", times=None)
        phone = await b.phone()
        seen = [await capture(phone) for _ in range(6)]

        assert {each.source for each in seen} == {Source.DUMP}
        assert all(each.stable and each.hierarchy for each in seen)
        assert len([p for p in await programs(b) if p.startswith("app_process")]) == 2


async def test_forced_server_that_does_not_start_says_why_there_is_no_hierarchy(bench):
    async with bench(playing(worlds.TestWorld), source="server") as b:
        await b.control.arm("server_no_start", times=None)
        seen = await capture(await b.phone())

        assert (seen.hierarchy, seen.hierarchy_absent_reason, seen.source) == (None, Absence.FAILED, Source.SERVER)
        assert "does not start" in seen.hierarchy_said
        assert "UnsatisfiedLinkError" in seen.hierarchy_said
        assert seen.png is not None
        assert not [p for p in await programs(b) if p.startswith("uiautomator")]


async def test_forced_dump_starts_no_server(bench):
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        assert (await capture(await b.phone())).source is Source.DUMP
        assert not [p for p in await programs(b) if p.startswith("app_process")]


async def test_server_that_dies_of_a_reading_is_replaced_by_the_dump_and_started_anew(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        await b.control.arm("server_dies", "dumpWindowHierarchy")
        seen = [await capture(phone) for _ in range(2)]

        assert [each.source for each in seen] == [Source.DUMP, Source.SERVER]
        assert all(each.stable and worlds.PACKAGE in each.hierarchy for each in seen)


async def test_server_that_was_killed_between_two_readings_is_missed_by_none_of_them(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        assert await b.control.do("end_process")
        server = phone.hierarchy._server.server

        async def noticed() -> bool:
            return not server.is_ready

        await until(noticed)
        assert (await capture(phone)).source is Source.SERVER
        assert len(await processes(b)) == 1


async def test_server_that_hangs_is_ended_and_the_dump_reads(bench, monkeypatch):
    monkeypatch.setattr("services.device_agent.hierarchy_sources.server.READING_TIMEOUT_S", 0.3)
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        await b.control.arm("slow", "tcp:9008", seconds=3)
        seen = await capture(phone)

        assert (seen.source, seen.stable) == (Source.DUMP, True)


@pytest.mark.parametrize("kind", ["empty_hierarchy", "half_hierarchy"])
async def test_hierarchy_of_the_server_that_fails_once_is_read_again(bench, kind):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await b.control.arm(kind, "dumpWindowHierarchy")
        seen = await capture(phone)

        assert seen.source is Source.SERVER
        assert worlds.PACKAGE in seen.hierarchy
        assert b.names().count("hierarchy") == 2


@pytest.mark.parametrize(
    ("kind", "reason"), [("empty_hierarchy", Absence.EMPTY), ("half_hierarchy", Absence.TRUNCATED)]
)
async def test_hierarchy_of_the_server_that_always_fails_has_its_reason(bench, kind, reason):
    async with bench(playing(worlds.TestWorld)) as b:
        await b.control.arm(kind, "dumpWindowHierarchy", times=None)
        seen = await capture(await b.phone())

        assert (seen.hierarchy, seen.hierarchy_absent_reason) == (None, reason)
        assert seen.png is not None


async def test_video_has_a_hierarchy_by_the_server(bench):
    async with bench(playing(worlds.Video)) as b:
        seen = await capture(await b.phone())

        assert not seen.stable
        assert worlds.PACKAGE in seen.hierarchy


async def test_phone_that_leaves_while_the_server_reads_is_gone(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        reading = await hanging(b, phone)
        await b.control.stop()
        with pytest.raises((DeviceGone, DeviceOffline)):
            await reading
        await phone.close()
        await b.control.start()


async def test_frozen_phone_is_told_from_a_server_that_hangs(bench, monkeypatch):
    monkeypatch.setattr("services.device_agent.hierarchy_sources.server.READING_TIMEOUT_S", 0.3)
    monkeypatch.setattr("services.device_agent.phone.HEARTBEAT_TIMEOUT_S", 0.3)
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        reading = await hanging(b, phone)
        await b.control.do("freeze", on=True)
        with pytest.raises(DeviceTimeout):
            await reading
        await b.control.do("freeze", on=False)


# --- UiAutomation held ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preference", ["auto", "server", "dump"])
async def test_holder_is_named_with_its_process_left_alone_and_not_asked_for_twice(bench, preference):
    async with bench(playing(worlds.TestWorld), source=preference) as b:
        pid = await b.control.do("hold_automation", name=APPIUM)
        seen = await capture(await b.phone())

        assert (seen.hierarchy, seen.hierarchy_absent_reason) == (None, Absence.UIAUTOMATION_HELD)
        assert f"Appium (pid {pid}, {APPIUM})" in seen.hierarchy_said
        assert seen.png is not None
        assert [each["pid"] for each in await processes(b)] == [pid]
        assert len([p for p in await programs(b) if p.startswith(("app_process", "uiautomator"))]) == 1


async def test_phone_is_read_again_when_the_holder_is_done(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        await b.control.do("hold_automation", name=APPIUM)
        phone = await b.phone()
        assert (await capture(phone)).hierarchy is None
        await b.control.do("end_process")
        seen = await capture(phone)

        assert (seen.source, seen.hierarchy_absent_reason) == (Source.SERVER, None)


async def test_tool_that_takes_uiautomation_from_the_server_is_named(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        pid = await b.control.do("hold_automation", name=APPIUM)
        seen = [await capture(phone) for _ in range(3)]

        assert seen[-1].hierarchy_absent_reason is Absence.UIAUTOMATION_HELD
        assert f"pid {pid}" in seen[-1].hierarchy_said
        assert [each["pid"] for each in await processes(b)] == [pid]


async def left_behind(b, answering: bool = True) -> int:
    """The server of an agent that died: nobody holds its stream, and it goes on. Its process id."""
    await b.control.arm("server_outlives")
    phone = await b.phone(Preference.SERVER)
    await capture(phone)
    b.opened.remove(phone)
    await phone.hierarchy._server.server._forget()
    await fault_told(b, "server_outlives")
    if not answering:
        await b.control.arm("freeze", "tcp:9008")
    (process,) = await processes(b)
    return process["pid"]


async def test_server_of_an_agent_that_died_is_taken_over_and_ended_in_the_end(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        pid = await left_behind(b)
        phone = await b.phone()
        seen = await capture(phone)

        assert seen.source is Source.SERVER
        assert [each["pid"] for each in await processes(b)] == [pid]
        await phone.close()
        assert await processes(b) == []


async def test_server_of_an_agent_that_died_and_does_not_answer_is_ended_and_replaced(bench, monkeypatch):
    monkeypatch.setattr(resident, "PING_TIMEOUT_S", 0.3)
    async with bench(playing(worlds.TestWorld)) as b:
        pid = await left_behind(b, answering=False)
        seen = await capture(await b.phone())

        assert seen.source is Source.SERVER
        (process,) = await processes(b)
        assert process["pid"] != pid


async def test_server_of_an_agent_that_died_is_ended_where_the_dump_is_to_read(bench):
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        await left_behind(b)
        seen = await capture(await b.phone())

        assert (seen.source, seen.hierarchy_absent_reason) == (Source.DUMP, None)
        assert await processes(b) == []


async def test_server_of_somebody_else_is_used_and_not_ended(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        pid = await left_behind(b)
        await b.client.shell(b.serial, f"rm {resident.PID_FILE}", 5)
        phone = await b.phone()

        assert (await capture(phone)).source is Source.SERVER
        await phone.close()
        assert [each["pid"] for each in await processes(b)] == [pid]


async def test_server_that_nobody_asks_gives_uiautomation_back(bench, monkeypatch):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        await capture(phone)
        await phone.hierarchy.rest()
        assert len(await processes(b)) == 1

        monkeypatch.setattr(chosen, "IDLE_S", 0.0)
        await phone.hierarchy.rest()
        assert await processes(b) == []
        assert (await capture(phone)).source is Source.SERVER


# --- windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preference", ["auto", "dump"])
@pytest.mark.parametrize("api", [23, 28, 30, 33, 35])
async def test_capture_tells_the_windows_in_sight(bench, api, preference):
    async with bench(playing(worlds.TestWorld), api=api, source=preference) as b:
        seen = await capture(await b.phone())

        assert [(w.type, w.package, w.focused) for w in seen.windows] == [
            ("SYSTEM", "com.android.systemui", False),
            ("SYSTEM", "com.android.systemui", False),
            ("APP", worlds.PACKAGE, True),
        ]
        assert seen.windows[0].bounds == Bounds(x=0, y=0, width=1080, height=63)
        assert seen.windows[2].title == f"{worlds.PACKAGE}/{worlds.MAIN}"


@pytest.mark.parametrize("preference", ["auto", "dump"])
@pytest.mark.parametrize("api", [23, 30, 33])
async def test_keyboard_that_is_up_says_what_it_covers(bench, api, preference):
    async with bench(playing(worlds.TestWorld), api=api, source=preference) as b:
        await b.control.do("soft_keyboard")
        seen = await capture(await b.phone())

        (keyboard,) = [window for window in seen.windows if window.type == "KEYBOARD"]
        assert keyboard.bounds == Bounds(x=0, y=1103, width=1080, height=691)
        assert keyboard.package not in seen.hierarchy
        assert seen.foreground.package == worlds.PACKAGE
        assert hashlib.sha256(seen.png).digest() != hashlib.sha256(worlds.drawn((240, 240, 255))).digest()


async def test_server_refuses_what_is_no_method(bench):
    async with bench(playing(worlds.TestWorld)) as b:
        phone = await b.phone()
        server = ResidentServer(b.client, phone)
        await server.ensure()
        with pytest.raises(resident.RpcError, match="no_such_method"):
            await server.call("no_such_method", [], source.READING_TIMEOUT_S, "call")
        await server.stop()
        with pytest.raises(SourceFailedError):
            await server.call("deviceInfo", [], source.READING_TIMEOUT_S, "call")
