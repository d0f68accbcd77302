"""What may be in front of an app, or wrong with the screen: what the agent sees, and what ends it. Through the real adb
server; the phone tells what reached it."""

from __future__ import annotations

import asyncio

import pytest

from contracts.sealed import Sealed
from contracts.values import Click, Input, Navigate, Point
from deploy.embedded.adb import AdbServer
from deploy.simulator.interruptions.languages import LANGUAGES
from services.device_agent.capture import capture
from services.device_agent.gestures import INPUT_DENIED, KEYBOARD_MISSING
from services.device_agent.parsers import hierarchy_dump
from services.device_agent.performing import Result
from services.device_agent.picture import Absence
from services.hierarchy.parse import parse
from tests.device_agent import worlds
from tests.device_agent.bench import bench as bench_at
from tests.device_agent.worlds import PACKAGE, TestWorld, playing

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

WORLD = playing(TestWorld)
BUTTON = Point(x=540, y=680)
LAUNCH = Navigate(to="LAUNCH", package=PACKAGE, activity=worlds.MAIN)
RESTART = LAUNCH.model_copy(update={"restart": True})


class Numbered:
    """A phone whose actions are numbered as they come."""

    def __init__(self, phone) -> None:
        self.phone, self.number = phone, 0

    async def act(self, action):
        self.number += 1
        return await self.phone.perform(action, 7, self.number, lambda sealed: sealed.reveal())

    async def tap(self, resource_id: str):
        """On the middle of what has this id on the screen now."""
        seen = await capture(self.phone)
        node = next(node for node in parse(seen.hierarchy_xml) if node.resource_id == resource_id)
        box = node.bounds
        return await self.act(Click(point=Point(x=(box.left + box.right) // 2, y=(box.top + box.bottom) // 2)))


async def ended(b) -> list[tuple[str, str]]:
    found = await b.control.do("interruptions")
    return [(each["name"], each["outcome"]) for each in found["ended"]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("api", "owner", "button"),
    [
        (23, "com.android.packageinstaller", "permission_allow_button"),
        (28, "com.android.packageinstaller", "permission_allow_button"),
        (30, "com.android.permissioncontroller", "permission_allow_foreground_only_button"),
        (35, "com.android.permissioncontroller", "permission_allow_foreground_only_button"),
    ],
)
async def test_permission_dialog_is_in_front_and_its_button_has_the_id_of_its_generation(
    bench, api, owner, button, language
):
    async with bench(WORLD, api=api) as b:
        phone = Numbered(await b.phone())
        await b.control.do("interrupt", name="permission", language=language)
        seen = await capture(phone.phone)

        assert seen.foreground.package == owner
        assert seen.foreground.activity.endswith(".GrantPermissionsActivity")
        assert LANGUAGES[language].deny in seen.hierarchy
        assert (await phone.tap(f"{owner}:id/{button}")).succeeded
        assert await ended(b) == [("permission", "allowed")]
        assert (await capture(phone.phone)).foreground.package == PACKAGE
        assert TestWorld.latest.gestures == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(("button", "outcome"), [("aerr_close", "closed"), ("aerr_wait", "waited")])
async def test_window_about_an_app_that_does_not_answer_is_of_the_system(bench, language, button, outcome):
    async with bench(WORLD) as b:
        phone = Numbered(await b.phone())
        await b.control.do("interrupt", name="anr", language=language)
        seen = await capture(phone.phone)

        assert 'package="android"' in seen.hierarchy
        assert LANGUAGES[language].wait in seen.hierarchy
        await phone.act(Navigate(to="BACK"))
        assert await ended(b) == []
        await phone.tap(f"android:id/{button}")
        assert await ended(b) == [("anr", outcome)]
        assert TestWorld.latest.gestures == ([f"stop {PACKAGE}"] if outcome == "closed" else [])


async def test_call_takes_the_whole_screen_and_is_declined_by_its_key(bench):
    async with bench(WORLD) as b:
        phone = Numbered(await b.phone())
        await b.control.do("interrupt", name="call", language="de")
        seen = await capture(phone.phone)

        assert seen.foreground.activity == "com.android.incallui.InCallActivity"
        await phone.act(Navigate(to="BACK"))
        assert (await phone.act(Navigate(to="END_CALL"))).succeeded
        assert await ended(b) == [("call", "declined")]
        assert (await capture(phone.phone)).foreground.package == PACKAGE


async def test_call_that_is_put_aside_rings_on_over_the_top_of_the_app_only(bench):
    async with bench(WORLD) as b:
        phone = Numbered(await b.phone())
        await b.control.do("interrupt", name="call")
        await phone.act(RESTART)
        seen = await capture(phone.phone)

        assert seen.foreground.package == PACKAGE
        assert (await phone.act(Click(point=BUTTON))).succeeded
        assert TestWorld.latest.gestures[-1] == "tap 540 680"
        await phone.act(Navigate(to="END_CALL"))
        assert await ended(b) == [("call", "put aside"), ("call_heads_up", "declined")]


@pytest.mark.parametrize("awake", [True, False])
@pytest.mark.parametrize("api", [23, 33])
async def test_locked_phone_takes_no_touch_and_is_unlocked_by_the_start_of_the_app(bench, api, awake):
    async with bench(WORLD, api=api) as b:
        phone = Numbered(await b.phone())
        await b.control.do("lock", awake=awake)
        await phone.act(Click(point=BUTTON))
        locked = await capture(phone.phone)

        assert 'package="com.android.systemui"' in locked.hierarchy
        assert TestWorld.latest.gestures == []
        assert (await phone.act(LAUNCH)).succeeded
        assert (await capture(phone.phone)).foreground.package == PACKAGE


async def test_phone_with_a_pin_stays_locked_and_shows_that_it_asks_for_it(bench):
    async with bench(WORLD) as b:
        phone = Numbered(await b.phone())
        await b.control.do("lock", pin="1234")
        await phone.act(LAUNCH)
        seen = await capture(phone.phone)

        assert "com.android.systemui:id/pinEntry" in seen.hierarchy
        for digit in "1234":
            await phone.tap(f"com.android.systemui:id/key{digit}")
        await phone.tap("com.android.systemui:id/key_enter")
        assert (await capture(phone.phone)).foreground.package == PACKAGE
        assert "tap" not in " ".join(TestWorld.latest.gestures)


@pytest.mark.parametrize("api", [28, 30, 33, 35])
async def test_app_in_a_split_screen_is_known_as_such_and_gets_the_whole_screen_by_its_start(bench, api):
    async with bench(WORLD, api=api) as b:
        phone = Numbered(await b.phone())
        assert not (await capture(phone.phone)).split_screen
        await b.control.do("split")
        seen = await capture(phone.phone)

        assert seen.split_screen
        assert hierarchy_dump.first_bounds(seen.hierarchy_xml)[3] < 1920
        await phone.tap(f"{PACKAGE}:id/go")
        assert TestWorld.latest.gestures[-1].startswith("tap 540 6")
        assert (await capture(phone.phone)).split_screen
        assert (await phone.act(RESTART)).succeeded
        seen = await capture(phone.phone)
        assert not seen.split_screen
        assert hierarchy_dump.first_bounds(seen.hierarchy_xml) == (0, 0, 1080, 1920)


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
async def test_coordinates_follow_the_screen_as_it_is_turned(bench, quarter_turns):
    async with bench(WORLD) as b:
        phone = Numbered(await b.phone())
        await b.control.do("rotate", quarter_turns=quarter_turns)
        seen = await capture(phone.phone)

        assert (seen.width, seen.height) == ((1920, 1080) if quarter_turns % 2 else (1080, 1920))
        assert seen.rotation == quarter_turns
        await phone.tap(f"{PACKAGE}:id/go")
        _, x, y = TestWorld.latest.gestures[-1].split()
        left, top, right, bottom = worlds.BUTTON
        assert left <= int(x) < right
        assert top <= int(y) < bottom


async def test_screen_turns_by_hand_only_while_its_rotation_is_not_fixed(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        await phone.shell("settings put system accelerometer_rotation 0", 5, "settings")
        assert not await b.control.do("rotate", quarter_turns=1, by="sensor")
        assert (await capture(phone)).rotation == 0


async def test_secure_screen_has_a_hierarchy_and_a_reason_for_its_missing_picture(bench):
    async with bench(WORLD) as b:
        phone = Numbered(await b.phone())
        await b.control.do("shown", secure=True)
        seen = await capture(phone.phone)

        assert (seen.png, seen.picture_absent_reason) == (None, Absence.SECURE)
        assert (await phone.tap(f"{PACKAGE}:id/go")).succeeded


@pytest.mark.parametrize(("source", "reason"), [("dump", hierarchy_dump.Absence.NOT_IDLE), ("auto", None)])
async def test_screen_that_never_rests_has_a_picture_and_a_hierarchy_or_the_reason_for_its_absence(
    bench, source, reason
):
    """The resident server does not wait for idle, the dump does."""
    async with bench(WORLD, source=source) as b:
        await b.control.do("shown", restless=True)
        async with asyncio.timeout(30):
            seen = await capture(await b.phone())

        assert seen.png is not None
        assert seen.hierarchy_absent_reason is reason
        assert (seen.hierarchy is None) == (reason is not None)


async def test_denied_input_and_a_missing_keyboard_have_codes_that_a_run_can_act_on(bench):
    async with bench(WORLD) as b:
        await b.control.do("keyboard", installed=False)
        phone = Numbered(await b.phone())
        chinese = Input(point=Point(x=540, y=360), text=Sealed.of("你好"))
        assert ((missing := await phone.act(chinese)).result, missing.code) == (Result.IMPOSSIBLE, KEYBOARD_MISSING)
        assert (await phone.act(chinese.model_copy(update={"text": Sealed.of("plain")}))).succeeded
        await b.control.arm("inject_denied", "input", times=None)
        denied = await phone.act(Click(point=BUTTON))

        assert (denied.result, denied.code) == (Result.FAILED, INPUT_DENIED)
        assert (await phone.act(LAUNCH)).succeeded


async def test_reboot_in_the_middle_of_an_action_leaves_it_attempted_once(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        await b.control.do("later", then="reboot", touches=1)
        tapped = await phone.perform(Click(point=BUTTON), 7, 1, lambda sealed: sealed.reveal())
        await b.back()
        again = await (await b.phone()).perform(Click(point=BUTTON), 7, 1, lambda sealed: sealed.reveal())

        assert tapped.may_have_happened
        assert again.result is Result.DUPLICATE
        assert TestWorld.latest.gestures.count("tap 540 680") == 1


async def test_adb_server_that_is_killed_and_started_again_repeats_nothing():
    async with AdbServer() as server, bench_at(server.port, WORLD) as b:
        phone = await b.phone()
        action = Click(point=BUTTON)
        assert (await phone.perform(action, 7, 1, lambda sealed: sealed.reveal())).succeeded
        await server.kill()
        refused = await phone.perform(action, 7, 2, lambda sealed: sealed.reveal())
        assert refused.result is Result.NOT_ATTEMPTED
        assert "start it with" in refused.reason
        await server.start()
        await b.back()
        phone = await b.phone()

        assert (await phone.perform(action, 7, 1, lambda sealed: sealed.reveal())).result is Result.DUPLICATE
        assert (await phone.perform(action, 7, 2, lambda sealed: sealed.reveal())).succeeded
        assert TestWorld.latest.gestures == ["tap 540 680"] * 2
