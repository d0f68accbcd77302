"""Leases with a real agent process: what makes a phone unfit, locked screens, and ends that come while it is away."""

from __future__ import annotations

import pytest

from contracts.device_agent import ActionFinished, DeviceLost, DeviceReady, PhonePrepared, PhoneRestored
from contracts.values import ActionStatus, Click, Observe, Point
from services.device_agent.lease.note import NOTE_FILE, WANTED
from tests.device_agent.leases import Leases, values

pytestmark = pytest.mark.system

PIN = "471147"
TAP = Click(point=Point(x=540, y=1200))


def taps(leases: Leases) -> int:
    return sum(1 for entry in leases.phone.trace.since(0, ["touch"]) if entry.detail == "tap")


async def test_a_phone_that_is_not_fit_fails_the_action_with_what_to_do(stack, database, tmp_path):
    async with Leases.on(1, stack, database, tmp_path) as leases:
        leases.phone.battery["level"] = 4
        done = await leases.act(leases.serial, 1, 1, TAP)

        assert (done.status, done.error_code) == (ActionStatus.FAILED, "NOT_FIT")
        assert "4 %" in str(done.error_message)
        assert "charge it" in str(done.error_message)
        assert (done.capture, taps(leases)) == (None, 0)
        await leases.restored(leases.serial, 1)
        assert values(leases.phone) == leases.own[leases.serial]

        leases.phone.battery["level"] = 80
        assert (await leases.act(leases.serial, 2, 1, TAP)).status is ActionStatus.SUCCESS
        leases.phone.battery["level"] = 4
        assert (await leases.act(leases.serial, 2, 2, TAP)).status is ActionStatus.SUCCESS, "a run goes on"


async def test_a_locked_phone_is_opened_with_its_pin_which_is_written_nowhere(stack, database, tmp_path):
    told = {"WAYMARK_PHONE_PINS": '{"manufacturer=Waymark": "env:LAB_PIN"}', "LAB_PIN": PIN}
    async with Leases.on(1, stack, database, tmp_path, environ=told) as leases:
        screen = leases.phone.screen
        screen.keyguard.pin, screen.locks_itself, screen.locked, screen.awake = PIN, True, True, False
        done = await leases.act(leases.serial, 1, 1, TAP)

        assert (done.status, done.error_message) == (ActionStatus.SUCCESS, None)
        assert (taps(leases), screen.locked, screen.keyguard.refused) == (1, False, 0)
        (prepared,) = await leases.prepared()
        assert (prepared.woken, prepared.unlocked) == (True, True)

        ready = len(await leases.service.events(DeviceReady))
        leases.phone.reboot()
        await leases.service.until(
            lambda: leases.service.events(DeviceReady), lambda found: len(found) > ready or screen.locked
        )
        assert (await leases.act(leases.serial, 1, 2, Observe())).status is ActionStatus.SUCCESS
        assert (await leases.act(leases.serial, 1, 3, TAP)).status is ActionStatus.SUCCESS
        assert (taps(leases), screen.locked) == (2, False)
        await leases.restored(leases.serial, 1)
        assert values(leases.phone) == leases.own[leases.serial]
        written = "".join(path.read_text() for path in tmp_path.rglob("*.log"))
        assert "phone attached" in written
        assert PIN not in written
        assert all(
            PIN not in r.event.model_dump_json() for r in await leases.service.events(PhonePrepared, ActionFinished)
        )


async def test_a_pin_that_the_phone_refused_is_not_tried_again(stack, database, tmp_path):
    told = {"WAYMARK_PHONE_PINS": '{"*": "env:LAB_PIN"}', "LAB_PIN": "0000"}
    async with Leases.on(1, stack, database, tmp_path, environ=told) as leases:
        screen = leases.phone.screen
        screen.keyguard.pin, screen.locked = PIN, True
        reasons = []
        for token in (1, 2):
            done = await leases.act(leases.serial, token, 1, TAP)
            assert done.error_code == "NOT_FIT"
            reasons.append(str(done.error_message))
            await leases.restored(leases.serial, token)

        assert "correct the PIN" in reasons[0]
        assert "not tried again" in reasons[1]
        assert screen.keyguard.refused == 1
        assert values(leases.phone) == leases.own[leases.serial]


async def test_a_lease_that_ends_while_the_phone_is_away_is_restored_when_it_is_back(stack, database, tmp_path):
    async with Leases.on(1, stack, database, tmp_path) as leases:
        await leases.act(leases.serial, 1, 1, TAP)
        await leases.phone.stop()
        await leases.service.wait_for(1, DeviceLost)
        lease_id = await leases.end(leases.serial, 1)
        assert {n: v for n, v in values(leases.phone).items() if n in WANTED} == WANTED
        await leases.phone.start()
        told = await leases.told(lease_id, PhoneRestored)

        assert (told.failed, told.late) == ({}, True)
        assert values(leases.phone) == leases.own[leases.serial]
        assert leases.phone.files.stat(NOTE_FILE) is None


async def test_an_agent_that_comes_back_in_the_middle_of_a_lease_leaves_it(stack, database, tmp_path):
    async with Leases.on(1, stack, database, tmp_path) as leases:
        await leases.act(leases.serial, 1, 1, TAP)
        await leases.restored(leases.serial, 1)
        await leases.act(leases.serial, 2, 1, TAP)
        platform = leases.service.platform
        platform.kill_service("device_agent")
        platform.start_service("device_agent")
        await leases.act(leases.serial, 2, 2, TAP)

        assert {n: v for n, v in values(leases.phone).items() if n in WANTED} == WANTED
        assert len([e for e in await leases.prepared() if e.lease_token == 2]) == 1
        await leases.restored(leases.serial, 2)
        assert values(leases.phone) == leases.own[leases.serial]


async def test_what_could_not_be_put_back_is_told_and_tried_again_at_the_next_end(stack, database, tmp_path):
    async with Leases.on(1, stack, database, tmp_path) as leases:
        own = leases.own[leases.serial]
        await leases.act(leases.serial, 1, 1, TAP)
        leases.phone.faults.arm("settings_denied", "waymark.lease", times=None)
        told = await leases.restored(leases.serial, 1)
        assert set(told.failed) == set(WANTED)
        assert all(said for said in told.failed.values())
        leases.phone.faults.clear()

        await leases.act(leases.serial, 2, 1, TAP)
        second = next(e for e in await leases.prepared() if e.lease_token == 2)
        assert (second.taken_over, second.found) == (1, own)
        assert (await leases.restored(leases.serial, 2)).failed == {}
        assert values(leases.phone) == own
