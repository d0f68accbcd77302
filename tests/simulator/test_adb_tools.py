"""The unmodified tools: the adb program, adbutils, uiautomator2, mobly."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adbutils
import pytest
from PIL import Image

from .conftest import Bench, Boot, until
from .worlds import PACKAGE

pytestmark = pytest.mark.system


async def test_adb_lists_waits_and_runs_with_exit_status_and_both_outputs(bench: Bench) -> None:
    rc, out, _ = await bench.adb("wait-for-device")
    assert rc == 0
    _, out, _ = await bench.adb("devices", "-l")
    assert f"{bench.serials[0]}        device product:sim model:SimPhone_13".encode() in out
    ran = await bench.shell("echo 你好; ls /nope; exit 7")
    assert (ran.rc, ran.out) == (7, "你好\n")
    assert ran.err == "ls: /nope: No such file or directory\n"


async def test_exec_out_screencap_is_the_picture_that_the_trace_names(bench: Bench) -> None:
    _, png, _ = await bench.adb("exec-out", "screencap -p")
    assert Image.open(io.BytesIO(png)).size == (1080, 1920)
    (delivered,) = await bench.control.trace(kinds=["delivery"])
    assert delivered["data"] == {"sha256": _sha(png), "size_bytes": len(png)}


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_push_pull_and_list_keep_bytes_and_names(bench: Bench, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "大.bin").write_bytes(content)
    rc, _, err = await bench.adb("push", str(tmp_path / "大.bin"), "/sdcard/new folder/大.bin")
    assert rc == 0, err
    rc, _, err = await bench.adb("pull", "/sdcard/new folder/大.bin", str(tmp_path / "back"))
    assert rc == 0, err
    assert (tmp_path / "back").read_bytes() == content
    assert (await bench.shell("ls '/sdcard/new folder'")).out == "大.bin\n"
    rc, _, err = await bench.adb("pull", "/sdcard/nope", str(tmp_path / "nope"))
    assert rc == 1
    assert b"No such file or directory" in err + _


async def test_standard_input_reaches_the_command(bench: Bench) -> None:
    rc, out, _ = await bench.adb("shell", "cat > /sdcard/in; wc -c < /sdcard/in", stdin=b"x" * 200_000)
    assert (rc, out) == (0, b"200000\n")


async def test_install_streams_the_apk_and_tells_a_bad_one(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "good.apk").write_bytes(b"PK9.9")
    (tmp_path / "bad.apk").write_bytes(b"no")
    rc, out, err = await bench.adb("install", "-r", str(tmp_path / "good.apk"))
    assert rc == 0, out + err
    assert b"Success" in out
    assert "versionName=9.9" in (await bench.shell(f"dumpsys package {PACKAGE}")).out
    rc, out, err = await bench.adb("install", str(tmp_path / "bad.apk"))
    assert rc == 1
    assert b"INSTALL_PARSE_FAILED_NOT_APK" in out + err
    rc, out, _ = await bench.adb("uninstall", PACKAGE)
    assert (rc, out) == (0, b"Success\n")


async def test_an_old_phone_installs_and_runs_without_shell_v2(boot: Boot, tmp_path: Path) -> None:
    bench = await boot("--api", "23")
    (tmp_path / "good.apk").write_bytes(b"PK2.0")
    rc, out, err = await bench.adb("install", "-r", str(tmp_path / "good.apk"))
    assert rc == 0, out + err
    rc, out, _ = await bench.adb("shell", "false; echo $?")
    assert (rc, out) == (0, b"1\r\n")
    _, png, _ = await bench.adb("exec-out", "screencap -p")
    assert Image.open(io.BytesIO(png)).size == (1080, 1920)


async def test_logcat_streams_what_is_written_later(bench: Bench) -> None:
    process = await asyncio.create_subprocess_exec(
        str(bench.server.binary), "-s", bench.serials[0], "logcat", "-v", "epoch", "-b", "crash",
        env=os.environ | bench.server.environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await bench.shell("am start -a android.intent.action.VIEW -d counter://crash")
        assert process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(10):
            while not any("崩" in line for line in lines):
                lines.append((await process.stdout.readline()).decode())
        assert lines[0] == "--------- beginning of crash\n"
        assert lines[1].endswith(" 4321  4321 E AndroidRuntime: FATAL EXCEPTION: main\n")
    finally:
        process.kill()
        await process.communicate()
    assert "reason=4 (APP CRASH(EXCEPTION))" in (await bench.shell(f"dumpsys activity exit-info {PACKAGE}")).out


async def test_reverse_and_forward_are_kept_and_listed(bench: Bench) -> None:
    assert (await bench.adb("reverse", "tcp:7000", "tcp:7001"))[0] == 0
    _, out, _ = await bench.adb("reverse", "--list")
    assert b"tcp:7000 tcp:7001" in out
    assert (await bench.adb("reverse", "--remove", "tcp:7000"))[0] == 0
    rc, _, err = await bench.adb("reverse", "--remove", "tcp:7000")
    assert rc == 1
    assert b"not found" in err
    rc, out, _ = await bench.adb("forward", "tcp:0", "tcp:9008")
    assert rc == 0
    assert (await bench.adb("forward", f"--remove=tcp:{int(out)}"))[0] in (0, 1)


async def test_adb_reboot_brings_the_phone_back(bench: Bench) -> None:
    await bench.shell("echo kept > /sdcard/kept")
    await bench.adb("reboot")

    async def kept() -> bool:
        return (await bench.shell("cat /sdcard/kept")).out == "kept\n"

    await until(kept)
    assert len(await bench.control.trace(kinds=["transport"])) >= 3


async def test_a_program_on_the_phone_reaches_the_computer_through_reverse(bench: Bench) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello " + await reader.readline())
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await bench.adb("reverse", "tcp:7000", f"tcp:{port}")
        assert (await bench.shell("echo phone | nc 127.0.0.1 7000")).out == "hello phone\n"
    refused = await bench.shell("echo phone | nc 127.0.0.1 7001")
    assert (refused.rc, refused.err) == (1, "nc: connect: Connection refused\n")


async def test_output_comes_while_the_command_still_runs(bench: Bench) -> None:
    process = await asyncio.create_subprocess_exec(
        str(bench.server.binary), "-s", bench.serials[0], "shell",
        "echo one; while true; do echo two; sleep 0.01; done",
        env=os.environ | bench.server.environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(10):
            assert [await process.stdout.readline() for _ in range(3)] == [b"one\n", b"two\n", b"two\n"]
    finally:
        process.kill()
        await process.communicate()

    async def stopped() -> bool:
        before = len(await bench.control.trace(kinds=["program"]))
        await asyncio.sleep(0.1)
        return len(await bench.control.trace(kinds=["program"])) == before

    await until(stopped)


@pytest.fixture
def device(bench: Bench) -> adbutils.AdbDevice:
    return adbutils.AdbClient(host="127.0.0.1", port=bench.server.port).device(serial=bench.serials[0])


async def test_adbutils_reads_the_phone_and_acts_on_it(bench: Bench, device: adbutils.AdbDevice) -> None:
    def drive() -> None:
        assert device.window_size() == (1080, 1920)
        assert device.rotation() == 0
        assert device.is_screen_on()
        assert device.battery().temperature == 25.0
        assert PACKAGE in device.list_packages(["-3"])
        info = device.app_info(PACKAGE)
        assert info is not None
        assert (info.version_name, info.version_code) == ("1.2.3", 42)
        device.click(540, 500)
        assert 'text="点击 1"' in device.dump_hierarchy()
        assert device.screenshot(error_ok=False).size == (1080, 1920)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # adbutils leaves this socket open
            assert device.framebuffer().size == (1080, 1920)
            gc.collect()
        assert device.shell2("false").returncode == 1
        assert device.shell2("echo x; exit 3", v2=True).returncode == 3
        device.keyevent("HOME")
        assert device.app_current().package != PACKAGE
        device.app_start(PACKAGE)
        assert device.app_current().package == PACKAGE
        device.app_stop(PACKAGE)
        device.sync.push(b"bytes", "/sdcard/b")
        assert device.sync.read_bytes("/sdcard/b") == b"bytes"
        assert [entry.path for entry in device.sync.list("/sdcard") if entry.path == "b"] == ["b"]

    await asyncio.to_thread(drive)
    touches = await bench.control.touches()
    assert [touch["detail"] for touch in touches] == ["tap", "key", "launch", "force_stop"]
    assert touches[0]["data"] == {"x": 540, "y": 500}


async def test_uiautomator2_starts_its_server_finds_types_and_clicks(bench: Bench, device: adbutils.AdbDevice) -> None:
    import uiautomator2

    def drive() -> None:
        phone = uiautomator2.Device(device)
        try:
            assert phone.info["currentPackageName"] == PACKAGE
            assert phone(resourceId=f"{PACKAGE}:id/count").get_text() == "点击 0"
            phone(textStartsWith="点击").click()
            assert phone(text="点击 1").wait(timeout=2)
            field = phone(className="android.widget.EditText")
            field.set_text("你好 World")
            assert field.get_text() == "你好 World"
            assert phone(focused=True).count == 1
            assert not phone(text="nothing").exists
            with pytest.raises(uiautomator2.UiObjectNotFoundError):
                phone(text="nothing").click(timeout=0.1)
            assert phone.screenshot().size == (1080, 1920)
            assert phone.xpath('//*[@resource-id="com.example.counter:id/count"]').exists
            phone.long_click(540, 500, 0.6)
            phone.swipe(500, 1500, 500, 500, steps=20)
            phone.send_keys("!")
            phone.press("home")
            assert phone.app_current()["package"] != PACKAGE
            dumped = device.shell("uiautomator dump /sdcard/x.xml 2>&1")
            assert "already registered" in dumped
        finally:
            phone.stop_uiautomator()

    await asyncio.to_thread(drive)
    touches = [touch["detail"] for touch in await bench.control.touches()]
    assert touches == ["tap", "tap", "clear_text", "text", "long_press", "swipe", "text", "key"]
    assert not [entry for entry in await bench.control.trace(kinds=["rpc"]) if entry["rc"] == 127]


@pytest.mark.parametrize("keyboard", [False, True])
async def test_uiautomator2_sees_all_windows_and_the_one_in_front_on_request(
    bench: Bench, device: adbutils.AdbDevice, keyboard: bool
) -> None:
    import uiautomator2
    from lxml import etree

    await bench.control.do("soft_keyboard", up=keyboard)

    def drive() -> tuple[list[etree._Element], list[etree._Element]]:
        phone = uiautomator2.Device(device)
        try:
            everything, front = phone.dump_hierarchy(), phone.dump_hierarchy(root_in_active=True)
        finally:
            phone.stop_uiautomator()
        return tuple(list(etree.fromstring(xml.encode())) for xml in (everything, front))

    roots, front = await asyncio.to_thread(drive)
    packages = sorted(root.get("package") for root in roots)
    system = ["com.android.systemui"] * 2
    assert packages == sorted([PACKAGE, *system, *(["com.android.inputmethod.latin"] if keyboard else [])])
    assert [root.get("package") for root in front] == [PACKAGE]
    assert {"visible-to-user", "drawing-order", "hint", "display-id"} <= set(front[0].attrib)


async def test_uiautomation_has_one_holder_at_a_time_and_ps_shows_it(bench: Bench, device: adbutils.AdbDevice) -> None:
    pid = await bench.control.do("hold_automation", name="io.appium.uiautomator2.server")

    def look() -> tuple[str, str, str]:
        dumped = device.shell("uiautomator dump /sdcard/x.xml 2>&1")
        return dumped, device.shell("ps -A -o PID,ARGS"), device.shell(f"cat /proc/{pid}/cmdline")

    dumped, listed, command = await asyncio.to_thread(look)
    assert "already registered" in dumped
    assert f"{pid} io.appium.uiautomator2.server" in listed
    assert command.rstrip("\0") == "io.appium.uiautomator2.server"

    def free() -> tuple[str, str]:
        return device.shell(f"kill {pid}; kill {pid} 2>&1; echo $?"), device.shell("uiautomator dump /sdcard/x.xml")

    killed, dumped = await asyncio.to_thread(free)
    assert killed.split()[-6:] == f"kill: {pid}: No such process 1".split()
    assert "dumped to" in dumped


@pytest.mark.usefixtures("mobly_logging")
async def test_mobly_reads_the_phones_identity(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from mobly.controllers import android_device
    from mobly.controllers.android_device_lib import adb

    for name, value in bench.server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(adb, "ADB", str(bench.server.binary))

    def drive() -> dict[str, Any]:
        phone = android_device.AndroidDevice(bench.serials[0])
        assert phone.is_boot_completed()
        assert phone.adb.current_user_id == 0
        assert not phone.is_rootable
        return dict(phone.build_info)

    info = await asyncio.to_thread(drive)
    assert info["build_version_sdk"] == "33"
    assert info["build_id"].startswith("TQ3A")


@pytest.fixture
def mobly_logging(tmp_path: Path) -> Iterator[None]:
    import logging

    logging.log_path = str(tmp_path)  # type: ignore[attr-defined]  # mobly wants its log folder there
    yield
    del logging.log_path  # type: ignore[attr-defined]
