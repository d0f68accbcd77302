"""A phone of every Android from 6 to 15, driven through all that an agent does with one."""

from __future__ import annotations

import pytest

from contracts.sealed import Sealed
from contracts.values import Click, Foreground, Input, Navigate, Point
from deploy.simulator.profiles import PROFILES
from services.device_agent import fields, keyboard
from services.device_agent.adb.client import ended, sentinel
from services.device_agent.adb.errors import CommandFailed, DeviceGone
from services.device_agent.capture import capture
from services.device_agent.crashes import CrashKind
from services.device_agent.fence import Attempt
from services.device_agent.parsers import properties
from services.device_agent.performing import Performed, Result
from services.device_agent.phone import LONGEST_V1_COMMAND_BYTES, Phone
from tests.device_agent.test_logcat_system import crash, following, until
from tests.device_agent.worlds import MAIN, PACKAGE, SECOND, TestWorld, playing

pytestmark = pytest.mark.system

BUTTON, FIELD = Point(x=540, y=680), Point(x=540, y=360)
WORLD = playing(TestWorld)


class Driver:
    """Performs actions of one lease, in order."""

    def __init__(self, phone: Phone) -> None:
        self.phone, self.number = phone, 0

    async def __call__(self, action) -> Performed:
        self.number += 1
        return await self.phone.perform(action, 5, self.number, lambda sealed: sealed.reveal())


async def shown(phone: Phone):
    seen = await capture(phone)
    assert seen.png is not None
    assert seen.hierarchy_xml is not None
    return seen


@pytest.mark.parametrize("api", sorted(PROFILES))
async def test_agent_drives_every_android(bench, api):
    async with bench(WORLD, api=api) as b, following(b) as crashes:
        phone = await b.phone()
        do = Driver(phone)

        # What it is, and what is on it.
        assert (phone.api, phone.identity.os_version) == (api, PROFILES[api].release)
        assert (phone.resolution, phone.identity.density_dpi) == ((1080, 1920), 420)
        assert phone.identity.hardware_serial == "SIM0000"
        assert ("shell_v2" in await b.client.features(b.serial)) == (api >= 24)
        health = await phone.health()
        assert (health.battery_percent, health.temperature_c) == (87, 25.0)
        assert health.free_mb is not None
        assert health.free_mb > 100
        assert (await phone.installed())[PACKAGE] == (142 if api >= 26 else None)
        assert (await phone.package(PACKAGE)).launcher == MAIN

        # Launching, touching, going back.
        assert (await do(Navigate(to="LAUNCH", package=PACKAGE))).succeeded
        assert (await do(Navigate(to="LAUNCH", package=PACKAGE, activity=SECOND))).succeeded
        assert (await shown(phone)).foreground == Foreground(package=PACKAGE, activity=SECOND)
        assert (await do(Navigate(to="DEEP_LINK", uri="test://second"))).succeeded
        assert (await do(Navigate(to="BACK"))).succeeded
        assert (await do(Click(point=BUTTON))).succeeded
        assert TestWorld.latest.gestures[-1] == "tap 540 680"

        # Typing, ASCII and not.
        for text in ('it\'s 100%s "x"', "你好, 世界 😀"):
            assert (await do(Input(point=FIELD, text=Sealed.of(text)))).succeeded
            seen = await shown(phone)
            assert fields.holds(seen.hierarchy_xml, FIELD, text) is True
        ime = await phone.shell("settings get secure default_input_method", 5, "ime")
        assert properties.setting(ime.text) != keyboard.ADB_KEYBOARD

        # The fence.
        assert await phone.attempted(5, do.number) is Attempt.ATTEMPTED
        assert await phone.attempted(5, do.number + 1) is Attempt.NOT_ATTEMPTED
        again = await phone.perform(Click(point=BUTTON), 5, do.number, lambda sealed: sealed.reveal())
        assert again.result is Result.DUPLICATE
        stale = await phone.perform(Click(point=BUTTON), 4, 99, lambda sealed: sealed.reveal())
        assert stale.result is Result.STALE

        # What is refused is told.
        missing = await do(Navigate(to="LAUNCH", package=PACKAGE, activity=f"{PACKAGE}.None"))
        assert (missing.result, "no such activity" in missing.reason) == (Result.FAILED, True)
        await b.control.arm("inject_denied")
        denied = await do(Click(point=BUTTON))
        assert (denied.result, "Security settings" in denied.reason) == (Result.FAILED, True)

        # Exit codes, both streams, and what crashes.
        ran = await b.client.shell(b.serial, "echo out; ls /nowhere; exit 7", 5)
        assert (ran.rc, ran.stdout) == (7, b"out\n")
        assert b"No such file or directory" in ran.stderr
        crash()
        await until(lambda: crashes)
        assert (crashes[0].kind, crashes[0].package) == (CrashKind.CRASH, PACKAGE)


@pytest.mark.parametrize("api", sorted(PROFILES))
async def test_app_in_front_is_that_of_the_phones_own_display(bench, api):
    async with bench(WORLD, api=api) as b:
        phone = await b.phone()
        for displays in (
            [{"number": 2, "package": "com.desk", "activity": "com.desk.Home", "focused": True}],
            [{"number": 1, "package": "com.cover", "activity": "com.cover.Home"}, {"number": 9}],
        ):
            await b.control.do("displays", displays=displays if api >= 29 else [])
            assert (await shown(phone)).foreground == Foreground(package=PACKAGE, activity=MAIN)
        await b.control.arm("null_focus", times=None)
        assert (await shown(phone)).foreground.package == PACKAGE


# --- without shell_v2 -------------------------------------------------------------------------------------------------


async def old(b, cmd: str, timeout_s: float = 20):
    assert await b.client.features(b.serial) == frozenset()
    return await b.client.shell(b.serial, cmd, timeout_s)


@pytest.mark.parametrize(
    ("cmd", "rc", "stdout", "stderr"),
    [
        ("true", 0, b"", b""),
        ("false", 1, b"", b""),
        ("exit 255", 255, b"", b""),
        ("printf 'no end'; exit 3", 3, b"no end", b""),
        ("printf 'a\\n\\nb\\r\\n'", 0, b"a\n\nb\r\n", b""),
        ("echo to-err >&2; echo to-out", 0, b"to-out\n", b"to-err\n"),
        ("printf 'err, no end' >&2; false", 1, b"", b"err, no end"),
        ("echo waymark-end-0123456789abcdef:5", 0, b"waymark-end-0123456789abcdef:5\n", b""),
        ("echo one # a comment", 0, b"one\n", b""),
        ("nosuchtool", 127, b"", b"/system/bin/sh: nosuchtool: inaccessible or not found\n"),
    ],
)
async def test_old_phone_tells_exit_code_and_both_streams(bench, cmd, rc, stdout, stderr):
    async with bench("bare", api=23) as b:
        ran = await old(b, cmd)

        assert (ran.rc, ran.stdout, ran.stderr) == (rc, stdout, stderr)


async def test_old_phone_delivers_large_and_binary_outputs_unchanged(bench):
    async with bench(WORLD, api=23) as b:
        content = bytes(range(256)) * 20_000
        await b.client.push(b.serial, content, "/sdcard/all.bin")

        assert (await old(b, "cat /sdcard/all.bin")).stdout == content
        ran = await old(b, "cat /sdcard/all.bin >&2; exit 9")
        assert (ran.rc, ran.stdout, ran.stderr) == (9, b"", content)
        left = (await b.client.shell(b.serial, "ls /data/local/tmp", 5)).stdout
        assert left.count(b"\n") == 1, "the file of this very command, and none of those before"


async def test_old_phone_runs_commands_where_it_cannot_keep_what_they_say(bench):
    """A full storage takes no file: what is written to stderr is lost, and the command runs all the same."""
    async with bench("bare", api=23) as b:
        await b.control.do("storage", limit_bytes=0)
        ran = await old(b, "echo still; exit 4")

        assert (ran.rc, ran.stdout) == (4, b"still\n")


async def test_answer_of_an_old_phone_that_is_cut_off_is_no_result(bench):
    async with bench("bare", api=23) as b:
        for fault in ("drop_during", "drop_after", "no_exit"):
            await b.control.arm(fault, "waymark-end")
            if fault == "no_exit":  # There is no exit packet that could be missing.
                assert (await old(b, "echo " + "x" * 500)).rc == 0
                continue
            with pytest.raises(DeviceGone):
                await old(b, "echo " + "x" * 500)
            await b.back()


@pytest.mark.parametrize("cut", range(1, 30))
def test_half_an_answer_is_never_taken_for_a_whole_one(cut):
    _, mark = sentinel("true", "0123456789abcdef")
    whole = f"out\n{mark}\nerr\n{mark}12\n".encode()

    assert ended(whole, mark) == ended(whole, mark)
    assert (ended(whole, mark).rc, ended(whole, mark).stdout, ended(whole, mark).stderr) == (12, b"out\n", b"err\n")
    assert ended(whole[:-cut], mark) is None


def test_script_keeps_within_what_old_daemons_take():
    script, _ = sentinel("x" * LONGEST_V1_COMMAND_BYTES, "0123456789abcdef")

    assert len(f"exec:{script}\0".encode()) <= 4096


async def test_command_that_is_too_long_for_an_old_phone_is_refused_before_it_is_sent(bench):
    async with bench("bare", api=23) as b:
        with pytest.raises(CommandFailed, match="too long for this phone"):
            await old(b, "echo " + "x" * 4_000)


@pytest.mark.parametrize(("cmd", "rc"), [("echo out; echo err >&2; exit 7", 7), ("true", 0), ("printf a; false", 1)])
def test_real_shell_runs_the_script_as_the_phone_does(real_shell, cmd, rc):
    script, mark = sentinel(cmd, "0123456789abcdef")
    direct = real_shell.run(cmd)
    # This machine may have no such folder as the phone has: then the script goes on without its file.
    for folder in (real_shell.folder, real_shell.folder / "missing"):
        found = ended(real_shell.run(script.replace("/data/local/tmp", str(folder))).stdout, mark)
        assert (found.rc, found.stdout) == (rc, direct.stdout)
        assert found.stderr == (direct.stderr if folder.exists() else b"")
