"""What a test can make go wrong, and how it looks through a real adb server."""

from __future__ import annotations

import asyncio
import io
from functools import partial

import pytest
from PIL import Image

from deploy.embedded.adb import AdbServer, AdbServerError
from deploy.simulator.control import ControlError

from .conftest import Bench, Boot, until

pytestmark = pytest.mark.system


async def _online(bench: Bench) -> None:
    """Waits until the adb server has the phone again."""

    async def there() -> bool:
        return (await bench.shell("echo there")).out == "there\n"

    await until(there)


async def _listed(bench: Bench, line: str) -> bool:
    return line in await bench.server.request("host:devices")


@pytest.mark.parametrize(("kind", "taps"), [("drop_before", 0), ("drop_after", 1), ("drop_during", 1)])
async def test_a_dropped_tap_happened_or_not_as_armed(bench: Bench, kind: str, taps: int) -> None:
    await bench.control.arm(kind, "input tap")
    ran = await bench.shell("echo before; input tap 540 500; echo after")
    assert ran.rc != 0 or "after" not in ran.out
    await _online(bench)
    assert len(await bench.control.touches()) == taps


async def test_a_drop_inside_a_script_stops_it_at_the_program_named(bench: Bench) -> None:
    await bench.control.arm("drop_during", at="^input$")
    await bench.shell("echo 7 12 > /data/local/tmp/f.new && mv /data/local/tmp/f.new /data/local/tmp/f; input tap 1 1")
    await _online(bench)
    assert await bench.control.do("file", path="/data/local/tmp/f") == "7 12\n"
    assert await bench.control.touches() == []


async def test_a_frozen_command_never_answers_and_the_phone_stays_listed(bench: Bench) -> None:
    await bench.control.arm("freeze", "screencap")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await bench.adb("exec-out", "screencap -p")
    assert (await bench.shell("echo alive")).out == "alive\n"
    await bench.control.do("freeze")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await bench.shell("echo frozen")
    assert "device" in await bench.server.request("host:devices")
    await bench.control.do("freeze", on=False)
    assert (await bench.shell("echo thawed")).out == "thawed\n"


async def test_pictures_can_be_truncated_or_black(bench: Bench) -> None:
    _, whole, _ = await bench.adb("exec-out", "screencap -p")
    await bench.control.arm("truncated_png")
    _, half, _ = await bench.adb("exec-out", "screencap -p")
    assert whole.startswith(half)
    assert len(half) < len(whole)
    await bench.control.arm("black_png")
    _, dark, _ = await bench.adb("exec-out", "screencap -p")
    assert Image.open(io.BytesIO(dark)).getextrema() == ((0, 0), (0, 0), (0, 0))
    _, again, _ = await bench.adb("exec-out", "screencap -p")
    assert again == whole


@pytest.mark.parametrize(
    ("kind", "rc", "text"),
    [
        ("not_idle", 0, "ERROR: could not get idle state.\n"),
        ("null_root", 0, "ERROR: null root node returned by UiTestAutomationBridge.\n"),
        ("killed", 137, "Killed\n"),
    ],
)
async def test_dumps_fail_with_the_words_and_status_of_a_phone(bench: Bench, kind: str, rc: int, text: str) -> None:
    await bench.control.arm(kind)
    ran = await bench.shell("uiautomator dump /sdcard/d.xml")
    assert (ran.rc, ran.out, ran.err) == (rc, "", text)
    assert await bench.control.do("file", path="/sdcard/d.xml") is None


async def test_hierarchies_can_be_empty_or_half(bench: Bench) -> None:
    command = "uiautomator dump /sdcard/d.xml >/dev/null && cat /sdcard/d.xml"
    whole = (await bench.shell(command)).out
    await bench.control.arm("half_hierarchy")
    half = (await bench.shell(command)).out
    assert whole.startswith(half)
    assert len(half) < len(whole)
    await bench.control.arm("empty_hierarchy")
    assert (await bench.shell(command)).out.endswith('<hierarchy rotation="0"></hierarchy>')


async def test_focus_can_be_null_input_denied_and_storage_full(bench: Bench) -> None:
    await bench.control.arm("null_focus")
    focus = (await bench.shell("dumpsys window | grep mCurrentFocus")).out
    assert set(focus.split()) == {"mCurrentFocus=null"}
    await bench.control.arm("inject_denied", times=2)
    for _ in range(2):
        ran = await bench.shell("input tap 540 500")
        assert ran.rc == 255
        assert "SecurityException" in ran.err
    assert await bench.control.touches() == []
    await bench.control.arm("storage_full", "/sdcard/")
    ran = await bench.shell("screencap -p /sdcard/s.png")
    assert ran.rc == 1
    assert "No space left on device" in ran.err


async def test_a_missing_exit_packet_and_a_slow_command(bench: Bench) -> None:
    await bench.control.arm("no_exit", "echo done")
    _, out, _ = await bench.adb("shell", "echo done")
    assert out == b"done\n"
    assert [entry["detail"] for entry in await bench.control.trace(kinds=["fault"])] == ["no_exit"]
    await bench.control.arm("slow", "echo late", seconds=0.3)
    before = asyncio.get_running_loop().time()
    assert (await bench.shell("echo late")).out == "late\n"
    assert asyncio.get_running_loop().time() - before >= 0.3


async def test_an_unauthorized_phone_is_listed_so_until_the_key_is_accepted(bench: Bench) -> None:
    (serial,) = bench.serials
    for mode, state in (("deny", "unauthorized"), ("accept", "device")):
        await bench.control.do("authorization", mode=mode)
        await bench.server.disconnect(serial)
        answer = await bench.server.request(f"host:connect:{serial}")  # accepted keys may be known in time, or not
        assert "failed to authenticate" in answer or mode == "accept"
        await until(partial(_listed, bench, f"{serial}\t{state}"))


async def test_a_stopped_phone_goes_offline_and_comes_back_on_its_port(bench: Bench) -> None:
    (serial,) = bench.serials
    await bench.control.stop()
    await until(partial(_listed, bench, f"{serial}\toffline"))
    assert f"127.0.0.1:{await bench.control.start()}" == serial
    await bench.server.disconnect(serial)
    await bench.server.connect(serial)
    assert (await bench.shell("echo back")).out == "back\n"


async def test_the_control_channel_says_what_is_wrong(bench: Bench) -> None:
    with pytest.raises(ControlError, match="'nonsense' is not a valid FaultKind"):
        await bench.control.arm("nonsense")
    with pytest.raises(ControlError, match="no operation 'dance'"):
        await bench.control.do("dance")
    with pytest.raises(ControlError, match="list index out of range"):
        await bench.control.do("trace", phone=9)


async def test_twenty_phones_run_in_one_process_with_traces_on_disk(boot: Boot, tmp_path) -> None:
    bench = await boot("--phones", "20", "--trace-dir", str(tmp_path / "traces"))
    rans = await asyncio.gather(*(bench.shell("getprop ro.serialno; input tap 1 1", phone=i) for i in range(20)))
    assert [ran.out for ran in rans] == [f"SIM{i:04d}\n" for i in range(20)]
    seqs = [entry["seq"] for i in range(20) for entry in await bench.control.trace(phone=i)]
    assert len(seqs) == len(set(seqs))
    lines = (tmp_path / "traces" / "SIM0007.jsonl").read_text().splitlines()
    assert sum('"kind":"touch"' in line for line in lines) == 1


async def test_a_server_that_cannot_start_says_why(tmp_path) -> None:
    with pytest.raises(AdbServerError, match="adb ended at once"):
        async with AdbServer(home=tmp_path, binary="/bin/false"):
            pass
