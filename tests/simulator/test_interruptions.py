"""Interruptions, the lock screen, the split screen and what happens later: as the shell of the phone tells of them."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from deploy.simulator.control import ControlError
from deploy.simulator.farm import OPERATIONS
from deploy.simulator.interruptions.dialogs import KINDS
from deploy.simulator.interruptions.languages import LANGUAGES
from deploy.simulator.profiles import api_profile
from deploy.simulator.trace import Kind
from tests.simulator.worlds import BUTTON, PACKAGE

DUMP = "uiautomator dump /dev/tty"


def do(phone, operation: str, **arguments):
    return OPERATIONS[operation](phone, **arguments)


def outcomes(phone) -> list[tuple[str, str]]:
    return [(each["name"], each["outcome"]) for each in phone.interruptions.ended]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", KINDS)
async def test_each_interruption_speaks_each_language_and_changes_the_picture(phone, name, language):
    before = phone.screen.picture(phone.trace.add(Kind.SERVICE, "before"))
    do(phone, "interrupt", name=name, language=language)
    after = phone.screen.picture(phone.trace.add(Kind.SERVICE, "after"))
    assert after != before
    assert Image.open(io.BytesIO(after)).size == (1080, 1920)


async def test_unknown_kinds_and_languages_are_refused_with_those_that_there_are(phone):
    with pytest.raises(ValueError, match="permission"):
        do(phone, "interrupt", name="earthquake")
    with pytest.raises(ValueError, match="zh-CN"):
        do(phone, "interrupt", name="call", language="tlh")


async def test_dialog_takes_touches_until_its_button_is_touched(phone, run):
    do(phone, "interrupt", name="permission")
    assert "permission_allow_one_time_button" in (await run(DUMP)).out
    assert "GrantPermissionsActivity" in (await run("dumpsys window")).out
    await run("input tap 540 100; input swipe 500 1500 500 300; input text hello")
    assert phone.world.events == []
    await run("input keyevent BACK")
    assert outcomes(phone) == [("permission", "denied")]
    await run("input tap {} {}".format(*BUTTON))
    assert phone.world.count == 1


async def test_granted_permission_is_the_apps(phone, run):
    phone.profile = api_profile(28)
    do(phone, "interrupt", name="permission", language="ar")
    shown = (await run(DUMP)).out
    assert shown.index("permission_deny_button") < shown.index("permission_allow_button")
    assert "com.android.packageinstaller:id/permission_message" in shown
    view = next(
        view
        for view in phone.interruptions.front().window.walk()
        if view.resource_id.endswith("permission_allow_button")
    )
    await run(f"input tap {view.box[0] + 5} {view.box[1] + 5}")
    assert (PACKAGE, "android.permission.CAMERA") in phone.granted


async def test_app_that_is_stopped_takes_the_questions_about_it_along(phone, run):
    do(phone, "interrupt", name="anr")
    assert f"ANR in {PACKAGE}" in (await run("logcat -d")).out
    assert f"Application Not Responding: {PACKAGE}" in (await run("dumpsys window")).out
    await run(f"am force-stop {PACKAGE}")
    assert outcomes(phone) == [("anr", "gone")]


async def test_caller_gives_up_after_a_time(phone):
    do(phone, "interrupt", name="call", rings_s=0.05)
    async with asyncio.timeout(5):
        while not outcomes(phone):
            phone.screen.surface()
            await asyncio.sleep(0.01)
    assert outcomes(phone) == [("call", "missed")]


async def test_heads_up_leaves_the_focus_to_the_app_and_opens_where_it_is_touched(phone, run):
    do(phone, "interrupt", name="call_heads_up")
    assert PACKAGE in (await run(DUMP)).out
    await run("input tap {} {}".format(*BUTTON))
    assert phone.world.count == 1
    await run("input tap 500 80")
    assert outcomes(phone) == [("call_heads_up", "opened")]
    assert "InCallActivity" in (await run("dumpsys window")).out
    await run("input keyevent 6")
    assert outcomes(phone)[-1] == ("call", "declined")


async def test_pin_is_asked_for_and_a_wrong_one_is_refused(phone, run):
    do(phone, "lock", pin="1234")
    await run("wm dismiss-keyguard; input text 9999; input keyevent ENTER")
    assert phone.screen.locked
    assert "secure=true" in (await run("dumpsys window policy")).out
    await run("input swipe 500 1500 500 300; input text 1234; input keyevent ENTER")
    assert not phone.screen.locked
    assert phone.world.events == []


async def test_split_screen_has_two_apps_and_a_divider_that_closes_it(phone, run):
    do(phone, "split")
    assert "StageCoordinatorSplitDivider" in (await run("dumpsys window windows")).out
    await run(f"input tap 540 {BUTTON[1] * 930 // 1920}")
    assert phone.world.count == 1
    await run("input tap 500 1500")
    assert 'package="com.android.settings"' in (await run(DUMP)).out
    await run("input swipe 500 960 500 1900")
    assert PACKAGE in (await run(DUMP)).out
    assert "SplitDivider" not in (await run("dumpsys window windows")).out


async def test_split_screen_came_with_android_7(phone):
    phone.profile = api_profile(23)
    with pytest.raises(ValueError, match="API 24"):
        do(phone, "split")


async def test_things_happen_after_so_many_touches_once(phone, run):
    do(phone, "later", then="lock", touches=2)
    await run("input tap {} {}".format(*BUTTON))
    assert not phone.screen.locked
    await run("input tap {} {}".format(*BUTTON))
    assert phone.screen.locked
    do(phone, "lock", locked=False)
    await run("input tap {} {}".format(*BUTTON))
    assert not phone.screen.locked


@pytest.mark.parametrize("wrong", [{}, {"touches": 0}, {"touches": 1, "matches": "x"}, {"matches": "("}])
async def test_what_is_to_happen_later_needs_one_moment(phone, wrong):
    with pytest.raises(ValueError, match=r"give either|regular expression"):
        do(phone, "later", then="reboot", **wrong)


@pytest.mark.system
async def test_things_happen_when_a_command_arrives_over_adb(bench):
    await bench.control.do("later", then="interrupt", name="call", matches="echo hello")
    await bench.adb("shell", "echo something")
    assert (await bench.control.do("interruptions"))["up"] == []
    await bench.adb("shell", "echo hello")
    assert [each["name"] for each in (await bench.control.do("interruptions"))["up"]] == ["call"]
    with pytest.raises(ControlError, match="no operation"):
        await bench.control.do("later", then="explode", touches=1)
