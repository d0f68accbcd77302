"""Power, lock screen and settings of a simulated phone, as scripts of a lease need them."""

from __future__ import annotations

import pytest

from deploy.simulator.phone import Phone
from deploy.simulator.profiles import PROFILES, api_profile

from .conftest import Run


@pytest.mark.parametrize("api", sorted(PROFILES))
async def test_the_policy_tells_of_the_lock_screen(run: Run, phone: Phone, api: int) -> None:
    phone.profile = api_profile(api)
    phone.screen.locked, phone.screen.keyguard.pin = True, "4711"
    locked = (await run("dumpsys window policy")).out
    phone.screen.locked, phone.screen.keyguard.pin = False, ""
    opened = (await run("dumpsys window policy")).out

    assert [line.strip() for line in locked.splitlines() if "mInputRestricted" in line] == ["mInputRestricted=true"]
    assert "      secure=true\n" in locked
    assert ("mShowingLockscreen=true" in locked) == (api < 29)
    assert "true" not in opened.partition("KeyguardStateMonitor")[2]
    assert "      secure=false\n" in opened


async def test_a_lock_screen_without_a_secret_goes_when_it_is_asked_to(run: Run, phone: Phone) -> None:
    for script in ("wm dismiss-keyguard", "input swipe 500 1500 500 300", "input keyevent 82"):
        phone.screen.locked, phone.screen.awake = True, False
        await run(script)
        assert phone.screen.locked, "a dark screen stays locked"
        await run(f"input keyevent KEYCODE_WAKEUP; {script}")
        assert not phone.screen.locked


async def test_a_pin_opens_the_lock_screen_where_it_is_asked_for(run: Run, phone: Phone) -> None:
    phone.screen.locked, phone.screen.keyguard.pin = True, "4711"
    await run("input text 4711; input keyevent 66")
    assert phone.screen.locked, "nobody has asked for it yet"
    await run("wm dismiss-keyguard; input text 1111; input keyevent 66")
    assert (phone.screen.locked, phone.screen.keyguard.refused) == (True, 1)
    await run("input text 4711; input keyevent 66")
    assert not phone.screen.locked
    assert phone.world.text == ""


async def test_locksettings_sets_and_verifies_a_pin(run: Run, phone: Phone) -> None:
    assert (await run("locksettings get-disabled")).out == "true\n"
    assert "Pin set" in (await run("locksettings set-pin 4711")).out
    assert (await run("locksettings get-disabled")).out == "false\n"
    assert (await run("locksettings verify --old 1")).rc == 255
    assert (await run("locksettings verify --old 4711")).out == "Lock credential verified successfully\n"
    assert (await run("locksettings clear --old 4711")).rc == 0
    assert phone.screen.keyguard.pin == ""
    phone.profile = api_profile(23)
    assert (await run("locksettings get-disabled")).rc == 127


async def test_a_restart_leaves_a_phone_with_a_lock_screen_dark_and_locked(phone: Phone) -> None:
    phone.screen.boot()
    assert (phone.screen.awake, phone.screen.locked) == (True, False)
    phone.screen.locks_itself = True
    phone.screen.boot()
    assert (phone.screen.awake, phone.screen.locked) == (False, True)


async def test_settings_can_be_refused_as_vendors_do(run: Run, phone: Phone) -> None:
    phone.faults.arm("settings_denied", times=None)
    denied = await run("settings put global window_animation_scale 0")
    assert denied.rc == 255
    assert "WRITE_SECURE_SETTINGS" in denied.err
    assert (await run("settings get global window_animation_scale")).out == "1.0\n"


async def test_a_fault_can_let_the_first_commands_through(run: Run, phone: Phone) -> None:
    phone.faults.arm("settings_denied", skip=2)
    rcs = [(await run(f"settings put global a {number}")).rc for number in range(4)]
    assert rcs == [0, 0, 255, 0]


@pytest.mark.parametrize(
    ("script", "rc", "out"),
    [
        ("kill -0 1", 1, ""),
        ("kill -9 1", 1, ""),
        ("printf 'ab\\nabc\\n' | grep -cx ab", 0, "1\n"),
        ("printf 'a.b\\naxb\\n' | grep -xF a.b", 0, "a.b\n"),
    ],
)
async def test_small_programs_of_the_shell(run: Run, script: str, rc: int, out: str) -> None:
    ran = await run(script)
    assert (ran.rc, ran.out) == (rc, out)
