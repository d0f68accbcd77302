from __future__ import annotations

import asyncio
import hashlib

import pytest

from services.device_agent import picture
from services.device_agent.adb.errors import DeviceGone, DeviceTimeout
from services.device_agent.capture import Limits, capture, capture_next
from services.device_agent.parsers import hierarchy_dump
from tests.device_agent import worlds
from tests.device_agent.worlds import playing

pytestmark = pytest.mark.system

MOST_RESTLESS = 12
"""Readings that fit into the patience for a screen on which uiautomator gives up at once."""
QUICK = Limits(wait_s=1.0, pictures=10)
READING = {"dump": ["hierarchy"], "server": ["hierarchy", "surroundings"]}
"""Round trips of one reading."""


@pytest.fixture(params=["server", "dump"])
def source(request) -> str:
    """Both ways to get a hierarchy: what a capture promises does not depend on them."""
    return request.param


@pytest.mark.parametrize("api", [23, 28, 30, 33, 35])
async def test_resting_screen_costs_two_pictures_and_one_reading_and_arrives_byte_for_byte(bench, source, api):
    async with bench(playing(worlds.TestWorld), api=api, source=source) as b:
        phone = await b.phone()
        await capture(phone)
        b.calls.clear()
        before = (await b.control.trace())[-1]["seq"]
        seen = await capture(phone)

        assert b.names() == ["screencap", *READING[source]]
        assert (seen.stable, seen.screenshots_taken) == (True, 2)
        assert (seen.foreground.package, seen.foreground.activity) == (worlds.PACKAGE, worlds.MAIN)
        assert (seen.width, seen.height, seen.rotation) == (1080, 1920, 0)
        delivered = {
            entry["detail"]: entry["data"]["sha256"]
            for entry in await b.control.trace(since=before, kinds=["delivery"])
        }
        assert hashlib.sha256(seen.png).hexdigest() == delivered["picture"]
        assert hashlib.sha256(seen.hierarchy_xml).hexdigest() == delivered["hierarchy"]
        assert seen.source.name == source.upper()


async def test_screen_in_motion_is_waited_for(bench, source):
    async with bench(playing(worlds.Moving), source=source) as b:
        seen = await capture(await b.phone())

        assert seen.stable
        assert seen.png == worlds.drawn((200, 120, 200))
        assert seen.volatile is None


async def test_ticking_clock_does_not_hold_up_a_capture(bench, source):
    async with bench(playing(worlds.Ticking), source=source) as b:
        seen = await capture(await b.phone())

        assert seen.stable
        assert seen.screenshots_taken <= 6
        assert seen.volatile.x <= 60
        assert seen.volatile.y <= 20
        assert seen.volatile.area < 1080 * 1920 * picture.SMALL_CHANGE


async def test_video_is_given_up_and_told_so(bench):
    async with bench(playing(worlds.Video), source="dump") as b:
        seen = await capture(await b.phone(), limits=QUICK)

        assert not seen.stable
        assert seen.png is not None
        assert seen.hierarchy_absent_reason is hierarchy_dump.Absence.NOT_IDLE
        assert "idle state" in seen.hierarchy_said
        assert 2 <= b.names().count("hierarchy") <= MOST_RESTLESS


async def test_screen_that_turns_over_while_it_is_read_is_read_again(bench, source):
    async with bench(playing(worlds.Turning), source=source) as b:
        seen = await capture(await b.phone())

        assert seen.stable
        assert seen.png == worlds.drawn((10, 200, 10))
        assert 'text="after"' in seen.hierarchy


async def test_small_answer_to_a_touch_is_not_taken_for_a_clock(bench, source):
    async with bench(playing(worlds.Ticked), source=source) as b:
        seen = await capture(await b.phone())

        assert seen.stable
        assert seen.png == worlds.drawn((240, 240, 255), (40, 20, 60, 60))
        assert 'text="ticked"' in seen.hierarchy


async def test_screen_that_loads_is_looked_at_until_it_is_another(bench, source):
    async with bench(playing(worlds.Loading), source=source) as b:
        phone = await b.phone()
        before = await capture(phone)
        seen = await capture_next(phone, before.hierarchy_xml, 30)

        assert before.foreground.activity == worlds.MAIN
        assert seen.foreground.activity == worlds.SECOND
        assert b.names().count("hierarchy") > 3


async def test_screen_that_is_another_already_is_not_waited_for(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        phone = await b.phone()
        await capture_next(phone, b"<hierarchy/>", 30)

        assert b.names().count("hierarchy") == 1


async def test_screen_that_stays_is_given_up_when_patience_ends(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        phone = await b.phone()
        seen = await capture_next(phone, None, 0.5)

        assert seen.foreground.activity == worlds.MAIN
        assert 2 <= b.names().count("hierarchy") <= 4


async def test_secure_screen_has_its_tree_and_the_reason_for_no_picture(bench, source):
    stored = []

    async def keep(png: bytes) -> None:
        stored.append(png)

    async with bench(playing(worlds.Secure), source=source) as b:
        phone = await b.phone()
        b.calls.clear()
        seen = await capture(phone, keep)

        assert (seen.png, seen.picture_absent_reason) == (None, picture.Absence.SECURE)
        assert worlds.PACKAGE in seen.hierarchy
        assert (seen.width, seen.height) == (1080, 1920)
        assert stored == []
        assert b.names().count("screencap") == b.names().count("hierarchy") == 1


async def test_app_that_starts_black_is_waited_for(bench, source):
    async with bench(playing(worlds.BlackAtFirst), source=source) as b:
        seen = await capture(await b.phone())

        assert seen.png == worlds.drawn((240, 240, 255))
        assert seen.picture_absent_reason is None


async def test_black_without_a_reason_is_never_taken_for_a_screen(bench, source):
    async with bench(playing(worlds.Black), source=source) as b:
        seen = await capture(await b.phone())

        assert (seen.png, seen.picture_absent_reason) == (None, picture.Absence.BLACK)
        assert worlds.PACKAGE in seen.hierarchy


async def test_single_black_picture_is_passed_over(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        phone = await b.phone()
        await b.control.arm("black_png")
        seen = await capture(phone)

        assert seen.png == worlds.drawn((240, 240, 255))


async def test_truncated_picture_is_taken_again(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        phone = await b.phone()
        await b.control.arm("truncated_png", times=2)
        seen = await capture(phone)

        assert seen.png == worlds.drawn((240, 240, 255))
        assert seen.stable


async def test_phone_that_only_gives_half_pictures_is_seen_by_its_tree(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        phone = await b.phone()
        await b.control.arm("truncated_png", times=None)
        seen = await capture(phone)

        assert (seen.png, seen.picture_absent_reason) == (None, picture.Absence.TRUNCATED)
        assert not seen.stable
        assert worlds.PACKAGE in seen.hierarchy
        assert (seen.width, seen.height) == (1080, 1920)


@pytest.mark.parametrize("kind", ["empty_hierarchy", "half_hierarchy", "not_idle", "null_root", "killed"])
async def test_hierarchy_that_fails_once_is_read_again(bench, kind):
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        phone = await b.phone()
        await b.control.arm(kind, "uiautomator")
        seen = await capture(phone)

        assert worlds.PACKAGE in seen.hierarchy
        assert seen.hierarchy_absent_reason is None
        assert b.names().count("hierarchy") == 2


@pytest.mark.parametrize(
    ("kind", "reason", "most"),
    [
        ("empty_hierarchy", "EMPTY", 3),
        ("half_hierarchy", "TRUNCATED", 3),
        ("not_idle", "NOT_IDLE", MOST_RESTLESS),
        ("null_root", "NULL_ROOT", 3),
        ("killed", "KILLED", 3),
    ],
)
async def test_hierarchy_that_always_fails_has_its_reason_and_the_picture_stays(bench, kind, reason, most):
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        phone = await b.phone()
        await b.control.arm(kind, "uiautomator", times=None)
        seen = await capture(phone)

        assert (seen.hierarchy, seen.hierarchy_absent_reason) == (None, hierarchy_dump.Absence(reason))
        assert seen.png == worlds.drawn((240, 240, 255))
        assert 2 <= b.names().count("hierarchy") <= most


async def test_hierarchy_of_an_earlier_screen_is_never_taken_for_this_one(bench):
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        phone = await b.phone()
        assert (await capture(phone)).hierarchy is not None
        await b.control.arm("null_root", "uiautomator", times=None)

        assert (await capture(phone)).hierarchy is None


async def test_null_focus_is_answered_by_the_activities(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        phone = await b.phone()
        await b.control.arm("null_focus", times=None)
        seen = await capture(phone)

        assert seen.foreground.package == worlds.PACKAGE


async def test_phone_that_leaves_during_a_capture_is_gone(bench):
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        phone = await b.phone()
        await b.control.arm("drop_during", "uiautomator")
        with pytest.raises(DeviceGone):
            await capture(phone)


async def test_frozen_phone_is_told_from_a_slow_dump(bench, monkeypatch):
    monkeypatch.setattr("services.device_agent.hierarchy_sources.dump.DUMP_TIMEOUT_S", 0.3)
    async with bench(playing(worlds.TestWorld), source="dump") as b:
        phone = await b.phone()
        await b.control.arm("slow", "uiautomator", seconds=5)
        seen = await capture(phone)
        assert seen.hierarchy_absent_reason is hierarchy_dump.Absence.TIMEOUT
        assert seen.png is not None

        monkeypatch.setattr("services.device_agent.pictures.SCREENCAP_TIMEOUT_S", 0.3)
        await b.control.do("freeze", on=True)
        with pytest.raises(DeviceTimeout):
            await capture(phone)


async def test_storing_the_picture_overlaps_reading_the_hierarchy(bench, source):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def keep(_png: bytes) -> None:
        began.set()
        await go_on.wait()

    async with bench(playing(worlds.TestWorld), source=source, latency="short") as b:
        phone = await b.phone()
        b.calls.clear()
        capturing = asyncio.ensure_future(capture(phone, keep))
        await asyncio.wait_for(began.wait(), 5)
        assert "hierarchy" not in b.names()
        async with asyncio.timeout(5):
            while "hierarchy" not in b.names():
                await asyncio.sleep(0.01)
        assert not capturing.done()
        go_on.set()
        assert (await capturing).stable


async def test_storing_the_hierarchy_overlaps_the_closing_picture(bench):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def keep(xml: bytes) -> None:
        assert worlds.PACKAGE.encode() in xml
        began.set()
        await go_on.wait()

    async with bench(playing(worlds.TestWorld), source="server") as b:
        phone = await b.phone()
        await capture(phone)
        b.calls.clear()
        capturing = asyncio.ensure_future(capture(phone, on_hierarchy=keep))
        await asyncio.wait_for(began.wait(), 5)
        async with asyncio.timeout(5):
            while "surroundings" not in b.names():
                await asyncio.sleep(0.01)
        assert not capturing.done()
        go_on.set()
        assert (await capturing).stable


async def test_failure_to_store_is_the_captures_failure(bench, source):
    async def keep(_png: bytes) -> None:
        raise OSError("store away")

    async with bench(playing(worlds.TestWorld), source=source) as b:
        with pytest.raises(OSError, match="store away"):
            await capture(await b.phone(), keep)


async def test_turned_screen_has_its_size_and_rotation(bench, source):
    async with bench(playing(worlds.TestWorld), source=source) as b:
        await b.control.do("rotate", quarter_turns=1)
        seen = await capture(await b.phone())

        assert (seen.width, seen.height, seen.rotation) == (1920, 1080, 1)
