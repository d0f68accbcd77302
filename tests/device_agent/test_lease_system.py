"""What a lease changes on a phone, and that all of it is put back: real adb server, simulated phones."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from services.device_agent import fence, keyboard
from services.device_agent.adb.errors import AdbError
from services.device_agent.fence import Verdict
from services.device_agent.lease import note, preparing, restoring
from services.device_agent.lease.keeping import Keeper
from services.device_agent.lease.note import ENABLED_IMES, IME, KEPT, NOTE_FILE, WANTED
from services.device_agent.phone import LONGEST_V1_COMMAND_BYTES
from services.device_agent.settings import PhoneSettings
from tests.device_agent.lease_scripts import LIMIT_S, end, prepare
from tests.device_agent.worlds import TestWorld, playing

pytestmark = pytest.mark.system

WORLD = playing(TestWorld)
OWN: dict[str, dict[str, str | None]] = {
    "global": {
        "window_animation_scale": "0.5",
        "transition_animation_scale": None,
        "animator_duration_scale": "1.5",
        "stay_on_while_plugged_in": "3",
    },
    "system": {"accelerometer_rotation": "1", "user_rotation": None},
}
"""Not what a phone has by default, so that restoring defaults would be noticed."""


async def values(b: Any) -> dict[str, str | None]:
    """Everything that a lease may change."""
    tables = await b.control.do("settings")
    return {name: tables[name.partition("/")[0]].get(name.partition("/")[2]) for name in (*WANTED, *KEPT)}


async def owned(b: Any) -> dict[str, str | None]:
    """The phone with settings of its own."""
    await b.control.do("settings", **OWN)
    return await values(b)


@pytest.mark.parametrize("api", [23, 28, 33, 35])
async def test_a_lease_changes_what_it_needs_and_puts_back_what_was_there(bench, api):
    async with bench(WORLD, api=api) as b:
        own = await owned(b)
        phone = await b.phone()
        b.calls.clear()
        prepared = await prepare(phone, 7)

        assert [name for name in b.names() if name != "features"] == ["prepare"]
        assert {name: value for name, value in (await values(b)).items() if name in WANTED} == WANTED
        assert prepared.note.found == own
        assert (prepared.taken_over, prepared.refused) == (None, ())
        assert set(prepared.changed) == set(WANTED)
        assert prepared.health.battery_percent == 87

        done = await end(phone, 7)
        assert done is not None
        assert done.failed == {}
        assert await values(b) == own
        assert await b.control.do("file", path=NOTE_FILE) is None
        assert await end(phone, 7) is None


async def test_preparing_twice_changes_nothing_more(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        again = await prepare(phone, 7)

        assert (again.changed, again.taken_over, again.note.found) == ((), 7, own)


async def test_the_oldest_values_stay_where_a_lease_was_never_restored(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        taken = await prepare(phone, 9)

        assert (taken.taken_over, taken.note.token, taken.note.found) == (7, 9, own)
        await end(phone, 9)
        assert await values(b) == own


async def test_a_lease_that_has_ended_is_refused_by_the_phone(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        await end(phone, 7)
        refused = await phone.fenced(preparing.prepare(7, phone.resolution), LIMIT_S, "prepare")

        assert refused.verdict is Verdict.STALE
        assert await values(b) == own


async def test_the_end_of_an_older_lease_leaves_a_newer_one_alone(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        await prepare(phone, 8)
        late = await phone.fenced(restoring.end(7), LIMIT_S, "end")

        assert late.verdict is Verdict.STALE
        assert {name: value for name, value in (await values(b)).items() if name in WANTED} == WANTED
        await end(phone, 8)
        assert await values(b) == own


STEPS = ["^settings", "^sync", "^mv", "^ime", "^dumpsys", "^rm", "^mkdir", "^grep", "^head", "^tail", "^cat", "^rmdir"]


@pytest.mark.parametrize("kind", ["drop_before", "drop_during", "drop_after", "no_exit"])
@pytest.mark.parametrize("part", ["prepare", "end"])
async def test_a_phone_that_leaves_anywhere_gets_its_own_back(bench, kind, part, monkeypatch):
    """Before and after the whole script, and before each program in it, the fifth time it is called too."""
    monkeypatch.setattr(fence, "LOCK_TRIES", 2)
    monkeypatch.setattr(note, "LOCK_TRIES", 2)
    cuts = [(at, skip) for at in STEPS for skip in range(5)] if kind == "drop_during" else [(None, 0)]
    async with bench(WORLD) as b:
        own = await owned(b)
        for token, (at, skip) in enumerate(cuts, 1):
            phone = await b.phone()
            if part == "end":
                await prepare(phone, token)
            await b.control.arm(kind, "waymark.lease", at=at, skip=skip)
            with contextlib.suppress(AdbError):
                await (prepare(phone, token) if part == "prepare" else end(phone, token))
            await b.control.clear()
            await b.back()
            again = await b.phone()
            if part == "prepare":
                assert (await prepare(again, token)).note.found == own, (at, skip)
            await end(again, token)
            assert await values(b) == own, (at, skip)


async def test_a_keyboard_that_typing_left_behind_is_put_back_and_disabled(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        await phone.shell(f"ime enable {keyboard.ADB_KEYBOARD}; ime set {keyboard.ADB_KEYBOARD}", 5, "ime")
        await prepare(phone, 7)
        between = await values(b)
        assert between[IME] == own[IME]
        assert keyboard.ADB_KEYBOARD in str(between[ENABLED_IMES])

        await end(phone, 7)
        assert await values(b) == own


async def test_what_somebody_set_after_a_lease_is_left_alone(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        mine = {"global": {"animator_duration_scale": "2.0"}, "system": {"user_rotation": "1"}}
        await b.control.do("settings", **mine)
        done = await end(phone, 7, late=True)

        assert done is not None
        assert set(done.left) == {"global/animator_duration_scale", "system/user_rotation"}
        assert await values(b) == own | {"global/animator_duration_scale": "2.0", "system/user_rotation": "1"}
        assert await b.control.do("file", path=NOTE_FILE) is None


async def test_what_the_run_itself_set_is_put_back_at_its_end(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        await b.control.do("settings", system={"user_rotation": "3"})
        await end(phone, 7)

        assert await values(b) == own


async def test_a_phone_that_cannot_write_the_note_is_not_changed(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await b.control.arm("storage_full", r"waymark\.lease", times=None)
        outcome = await phone.fenced(preparing.prepare(7, phone.resolution), LIMIT_S, "prepare")

        with pytest.raises(preparing.UnpreparedError):
            preparing.prepared(outcome.text)
        assert await values(b) == own


async def test_a_full_phone_is_restored_all_the_same(bench):
    async with bench(WORLD) as b:
        own = await owned(b)
        phone = await b.phone()
        await prepare(phone, 7)
        await b.control.arm("storage_full", "waymark", times=None)
        await end(phone, 7)

        assert await values(b) == own
        assert await b.control.do("file", path=NOTE_FILE) is None


@pytest.mark.parametrize("api", [23, 28, 33])
async def test_a_dark_locked_phone_is_woken_and_opened_in_the_same_call(bench, api):
    async with bench(WORLD, api=api) as b:
        await b.control.do("lock", locked=True, awake=False)
        phone = await b.phone()
        b.calls.clear()
        prepared = await prepare(phone, 7)

        assert [name for name in b.names() if name != "features"] == ["prepare"]
        assert (prepared.woken, prepared.was_locked, prepared.locked, prepared.awake) == (True, True, False, True)
        assert await b.control.do("screen") == {"awake": True, "locked": False, "rotation": 0, "refused_pins": 0}
        assert TestWorld.latest.gestures == []


async def test_a_lock_with_a_pin_stays_until_its_secret_is_entered(bench):
    async with bench(WORLD) as b:
        await b.control.do("lock", locked=True, awake=False, pin="4711")
        phone = await b.phone()
        assert (await prepare(phone, 7)).locked

        wrong = await phone.fenced(preparing.enter_secret(7, "1111"), LIMIT_S, "unlock")
        assert not preparing.unlocked(wrong.text)
        right = await phone.fenced(preparing.enter_secret(7, "4711"), LIMIT_S, "unlock")
        assert preparing.unlocked(right.text)
        assert (await b.control.do("screen"))["refused_pins"] == 1


def keeper(pins: dict[str, str]) -> Keeper:
    """One that only opens lock screens: that writes nothing."""
    return Keeper(log=None, clock=None, leases=None, settings=PhoneSettings(pins=pins))


async def test_a_lock_is_opened_with_the_pin_of_the_phone_s_own_serial_whatever_adb_calls_it(bench, monkeypatch):
    monkeypatch.setenv("LAB_PIN", "4711")
    async with bench(WORLD) as b:
        await b.control.do("lock", locked=True, awake=False, pin="4711")
        phone = await b.phone()
        opening = keeper({"R5CR30": "env:LAB_PIN"})
        assert phone.serial != "R5CR30"
        assert await opening._unlock(phone, "R5CR30", 7, await prepare(phone, 7)) is None
        assert not (await b.control.do("screen"))["locked"]


async def test_a_pin_that_was_not_entered_was_not_refused(bench, monkeypatch):
    monkeypatch.setenv("LAB_PIN", "4711")
    async with bench(WORLD) as b:
        await b.control.do("lock", locked=True, awake=False, pin="4711")
        phone = await b.phone()
        opening, prepared = keeper({"*": "env:LAB_PIN"}), await prepare(phone, 7)
        await end(phone, 7)
        assert "was not opened" in str(await opening._unlock(phone, "R5CR30", 7, prepared))
        assert await opening._unlock(phone, "R5CR30", 8, await prepare(phone, 8)) is None
        assert (await b.control.do("screen"))["refused_pins"] == 0


async def test_scripts_fit_what_an_old_phone_takes_in_one_command(bench):
    async with bench(WORLD) as b:
        await owned(b)
        phone = await b.phone()
        prepared = await prepare(phone, 2**31 - 2)
        scripts = [
            preparing.prepare(2**31 - 2, (1080, 1920)),
            restoring.end(2**31 - 2),
            restoring.restore(prepared.note, 2**31 - 2, late=True),
        ]

        assert all(len(script.encode()) <= LONGEST_V1_COMMAND_BYTES for script in scripts)
