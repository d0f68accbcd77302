from __future__ import annotations

import asyncio

import pytest

from contracts.sealed import Cipher, Sealed
from contracts.values import Click, DeviceType, Input, Navigate, Observe, Point, Scroll
from services.device_agent import fence, fields, keyboard
from services.device_agent.adb.client import AdbClient
from services.device_agent.capture import capture
from services.device_agent.fence import Attempt
from services.device_agent.lease import preparing
from services.device_agent.performing import Result
from services.device_agent.phone import Phone
from tests.device_agent import worlds
from tests.device_agent.worlds import PACKAGE, TestWorld, playing

pytestmark = pytest.mark.system

BUTTON, FIELD = Point(x=540, y=680), Point(x=540, y=360)
WORLD = playing(TestWorld)


def reveal(sealed: Sealed[str]) -> str:
    return sealed.reveal()


async def act(phone: Phone, action, token: int = 1, number: int = 1):
    return await phone.perform(action, token, number, reveal)


def typed(text: str, submit: bool = False) -> Input:
    return Input(point=FIELD, text=Sealed.of(text), submit=submit)


@pytest.mark.parametrize(("api", "release"), [(23, "6.0.1"), (33, "13")])
async def test_identity_is_read_in_one_call(bench, api, release):
    async with bench(WORLD, api=api) as b:
        b.calls.clear()
        phone = await b.phone()

        assert b.names() == ["identity"]
        assert (phone.api, phone.identity.os_version, phone.resolution) == (api, release, (1080, 1920))
        assert phone.identity.model == f"SimPhone {release}"
        assert phone.identity.device_type is DeviceType.REAL


@pytest.mark.parametrize("api", [23, 28, 33])
async def test_installed_apps_and_their_versions(bench, api):
    async with bench(WORLD, api=api) as b:
        phone = await b.phone()

        assert (await phone.installed())[PACKAGE] == (142 if api >= 26 else None)
        assert await phone.user_packages() == (PACKAGE,) or PACKAGE in await phone.user_packages()
        version = await phone.app_version(PACKAGE)
        assert (version.version_name, version.version_code) == ("1.4.2", 142)
        found = await phone.package(PACKAGE)
        assert found.launcher == worlds.MAIN
        assert await phone.package("com.not.here") is None


async def test_health_has_battery_and_space(bench):
    async with bench(WORLD) as b:
        health = await (await b.phone()).health()

        assert health.battery_percent == 87
        assert health.temperature_c == 25.0
        assert health.free_mb > 0


@pytest.mark.parametrize("api", [23, 33])
@pytest.mark.parametrize(
    ("action", "touch"),
    [
        (Click(point=BUTTON), "tap 540 680"),
        (Click(point=BUTTON, press="LONG"), "long 540 680"),
        (Click(point=BUTTON, press="DOUBLE"), "double 540 680"),
        (Scroll(start=Point(x=500, y=1500), end=Point(x=500, y=300)), "swipe 500 1500 500 300"),
        (Navigate(to="BACK"), "key BACK"),
        (Navigate(to="HOME"), "key HOME"),
        (Navigate(to="STOP", package=PACKAGE), f"stop {PACKAGE}"),
    ],
)
async def test_each_gesture_reaches_the_app_once(bench, api, action, touch):
    async with bench(WORLD, api=api) as b:
        phone = await b.phone()
        done = await act(phone, action)
        again = await act(phone, action)

        assert (done.result, done.reason) == (Result.DONE, "")
        assert again.result is Result.DUPLICATE
        assert TestWorld.latest.gestures[-1] == touch
        assert TestWorld.latest.gestures.count(touch) == 1


async def test_looking_touches_nothing(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        b.calls.clear()

        assert (await act(phone, Observe())).result is Result.DONE
        assert b.calls == []


@pytest.mark.parametrize("api", [23, 33])
async def test_launching_and_deep_links(bench, api):
    async with bench(WORLD, api=api) as b:
        phone = await b.phone()
        assert (await act(phone, Navigate(to="LAUNCH", package=PACKAGE), 1, 1)).succeeded
        assert TestWorld.latest.stack == [worlds.MAIN]
        launch = Navigate(to="LAUNCH", package=PACKAGE, activity=worlds.SECOND)
        assert (await act(phone, launch, 1, 2)).succeeded
        assert TestWorld.latest.stack == [worlds.SECOND]
        assert (await act(phone, Navigate(to="DEEP_LINK", uri="test://second?a=1&b=2"), 1, 3)).succeeded


async def test_launch_of_a_missing_app_or_activity_fails_with_words(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        missing = await act(phone, Navigate(to="LAUNCH", package="com.not.here"), 1, 1)
        activity = await act(phone, Navigate(to="LAUNCH", package=PACKAGE, activity=f"{PACKAGE}.None"), 1, 2)
        link = await act(phone, Navigate(to="DEEP_LINK", uri="nobody://here"), 1, 3)

        assert (missing.result, activity.result, link.result) == (Result.FAILED,) * 3
        assert "not installed" in missing.reason
        assert "no such activity" in activity.reason
        assert "opens" in link.reason


@pytest.mark.parametrize("api", [23, 33])
@pytest.mark.parametrize(
    "text", ["plain", 'it\'s 100% "$HOME" `x` \\ & | ; <a>', "%s and %d", "你好，世界 😀", "naïve"]
)
async def test_typed_text_replaces_what_the_field_held(bench, api, text):
    async with bench(WORLD, api=api) as b:
        phone = await b.phone()
        await capture(phone)
        done = await act(phone, typed(text))

        assert (done.result, done.reason) == (Result.DONE, "")
        assert TestWorld.latest.text == text
        seen = await capture(phone)
        assert fields.holds(seen.hierarchy_xml, FIELD, text)
        assert not fields.holds(seen.hierarchy_xml, FIELD, "something else")


async def test_field_that_nobody_has_read_is_emptied_too(bench):
    async with bench(WORLD) as b:
        await act(await b.phone(), typed("new", submit=True))

        assert TestWorld.latest.text == "new"
        assert TestWorld.latest.gestures[-1] == "key ENTER"


async def default_keyboard(phone: Phone) -> str:
    return (await phone.shell("settings get secure default_input_method", 5, "ime")).stdout.decode().strip()


async def test_keyboard_is_the_phones_own_again_after_typing(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        own = await default_keyboard(phone)
        await act(phone, typed("你好"))

        assert await default_keyboard(phone) == own
        assert own != keyboard.ADB_KEYBOARD


async def test_keyboard_is_put_back_after_a_phone_left_in_the_middle_of_typing(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        own = await default_keyboard(phone)
        prepare = preparing.prepare(1, phone.resolution)
        await phone.fenced(prepare, 5, "prepare")
        await b.control.arm("drop_during", "ADB_INPUT_B64", at="^am")
        lost = await act(phone, typed("你好"))
        await b.back()

        assert lost.may_have_happened
        assert await default_keyboard(phone) == keyboard.ADB_KEYBOARD
        await phone.fenced(prepare, 5, "prepare")
        assert await default_keyboard(phone) == own


async def test_unicode_without_the_keyboard_is_refused_before_anything_is_sent(bench):
    async with bench(WORLD) as b:
        await b.control.do("keyboard", installed=False)
        phone = await b.phone()
        refused = await act(phone, typed("你好"))

        assert refused.result is Result.IMPOSSIBLE
        assert "ADBKeyboard" in refused.reason
        assert await phone.attempted(1, 1) is Attempt.NOT_ATTEMPTED


async def test_sealed_text_without_its_key_is_refused(bench):
    async with bench(WORLD) as b:
        sealed = Input(point=FIELD, text=Sealed[str](cipher=Cipher(key_id="k", text="x")))

        assert (await act(await b.phone(), sealed)).result is Result.IMPOSSIBLE


@pytest.mark.parametrize("api", [23, 33])
async def test_text_too_long_for_one_command_is_refused_with_its_size(bench, api):
    async with bench(WORLD, api=api) as b:
        phone = await b.phone()
        refused = await act(phone, typed("x" * (61_000 if api >= 24 else 4_000)))

        assert refused.result is Result.IMPOSSIBLE
        assert "too long" in refused.reason


async def test_denied_input_is_a_failure_that_names_the_switch(bench):
    async with bench(WORLD) as b:
        await b.control.arm("inject_denied", "input")
        denied = await act(await b.phone(), Click(point=BUTTON))

        assert denied.result is Result.FAILED
        assert "USB debugging (Security settings)" in denied.reason
        assert TestWorld.latest.gestures == []


async def test_stale_agent_is_refused_by_the_phone(bench):
    async with bench(WORLD) as b:
        old, new = await b.phone(), await b.phone()
        assert (await act(new, Click(point=BUTTON), token=8, number=0)).succeeded
        stale = await act(old, Click(point=FIELD), token=7, number=99)

        assert stale.result is Result.STALE
        assert TestWorld.latest.gestures == ["tap 540 680"]


async def test_full_phone_refuses_the_action_because_it_cannot_be_recorded(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        await b.control.arm("storage_full", "waymark.fence", times=None)
        refused = await act(phone, Click(point=BUTTON))

        assert refused.result is Result.REFUSED
        assert "free space" in refused.reason
        assert TestWorld.latest.gestures == []
        await b.control.clear()
        assert (await act(phone, Click(point=BUTTON))).succeeded


async def test_lock_that_a_killed_call_left_behind_is_overcome(bench, monkeypatch):
    monkeypatch.setattr(fence, "LOCK_TRIES", 2)
    async with bench(WORLD) as b:
        phone = await b.phone()
        await phone.shell(f"mkdir {fence.FENCE_FILE}.lock", 5, "lock")

        assert (await act(phone, Click(point=BUTTON))).succeeded


CUTS = [
    # What breaks, whether the tap happened, what the agent can know of it.
    (("drop_before", "waymark.fence", None), 0, Result.NOT_ATTEMPTED),
    (("drop_during", "waymark.fence", "^input"), 0, Result.UNKNOWN),
    (("drop_after", "waymark.fence", None), 1, Result.UNKNOWN),
    (("no_exit", "waymark.fence", None), 1, Result.UNKNOWN),
]


@pytest.mark.parametrize(("fault", "taps", "known"), CUTS)
async def test_action_cut_off_anywhere_happens_at_most_once(bench, fault, taps, known):
    kind, pattern, at = fault
    async with bench(WORLD) as b:
        phone = await b.phone()
        await b.control.arm(kind, pattern, at=at)
        cut = await act(phone, Click(point=BUTTON), 5, 5)
        await b.back()

        assert len(TestWorld.latest.gestures) == taps
        assert cut.result in {known, Result.UNKNOWN}
        attempt = await phone.attempted(5, 5)
        assert attempt is (Attempt.NOT_ATTEMPTED if kind == "drop_before" else Attempt.ATTEMPTED)
        again = await act(phone, Click(point=BUTTON), 5, 5)
        assert again.result is (Result.DONE if kind == "drop_before" else Result.DUPLICATE)
        assert len(TestWorld.latest.gestures) <= 1


async def test_frozen_phone_ends_in_an_unknown_outcome(bench, monkeypatch):
    monkeypatch.setattr("services.device_agent.phone.ACTION_TIMEOUT_S", 0.3)
    monkeypatch.setattr("services.device_agent.phone.READ_TIMEOUT_S", 0.3)
    async with bench(WORLD) as b:
        phone = await b.phone()
        await b.control.do("freeze", on=True)
        lost = await act(phone, Click(point=BUTTON))

        assert lost.result is Result.UNKNOWN
        assert "frozen" in lost.reason


async def test_absent_phone_was_not_touched(bench):
    async with bench(WORLD) as b:
        phone = await b.phone()
        await b.control.stop()
        await b.client.disconnect(b.serial)

        assert (await act(phone, Click(point=BUTTON))).result is Result.NOT_ATTEMPTED


async def test_actions_of_one_phone_go_one_at_a_time(bench):
    async with bench(WORLD, latency="short") as b:
        phone = await b.phone()
        results = await asyncio.gather(*(act(phone, Click(point=BUTTON), 1, number) for number in range(1, 6)))

        assert [result.result for result in results] == [Result.DONE] * 5
        assert len(TestWorld.latest.gestures) == 5


async def test_adb_server_that_is_away_means_that_nothing_was_attempted(bench):
    async with bench(WORLD) as b:
        known = await b.phone()
        phone = Phone(AdbClient("127.0.0.1", 1), known.serial, known.identity, ())
        performed = await act(phone, Click(point=BUTTON))

        assert performed.result is Result.NOT_ATTEMPTED
        assert "no adb server answers" in performed.reason
