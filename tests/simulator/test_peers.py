"""Every command that DroidBot and Open-AutoGLM send, by the unmodified adb program, and what they read out of it.

How they read the answers is written anew here, after their sources. Left out is DroidBot's own app on the phone
(`tcp:7336`), which it installs; and its `sqlite3`, which no phone has that is not rooted.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from .conftest import Bench, Boot
from .worlds import MAIN, PACKAGE

pytestmark = pytest.mark.system

APIS = (23, 28, 30, 33, 35)
ADB_KEYBOARD = "com.android.adbkeyboard/.AdbIME"


@pytest.fixture(params=APIS, ids=lambda api: f"api{api}")
async def phone(request: pytest.FixtureRequest, boot: Boot) -> Bench:
    return await boot("--api", str(request.param))


async def shell(phone: Bench, command: str) -> str:
    """As both do it: words after `adb -s SERIAL shell`, the exit code must be 0, line ends do not matter."""
    rc, out, err = await phone.adb("shell", *command.split())
    assert rc == 0, (command, out, err)
    return out.decode().replace("\r\n", "\n").strip()


async def api_of(phone: Bench) -> int:
    return int(await shell(phone, "getprop ro.build.version.sdk"))


# --- DroidBot ---------------------------------------------------------------------------------------------------------


async def test_droidbot_reads_what_the_phone_is(phone: Bench) -> None:
    _, state, _ = await phone.adb("get-state")
    assert state.startswith(b"device")
    assert (await shell(phone, "getprop ro.product.model")).startswith("SimPhone")
    assert await shell(phone, "getprop ro.build.version.release")
    assert (await shell(phone, "getprop ro.secure"), await shell(phone, "getprop ro.debuggable")) == ("1", "0")
    assert float(await shell(phone, "getprop ro.sf.lcd_density")) == 420
    viewport = r"DisplayViewport\{valid=true, .*orientation=(\d+), .*deviceWidth=(\d+), deviceHeight=(\d+)"
    found = re.search(viewport, await shell(phone, "dumpsys display"))
    assert (found is not None) == (await api_of(phone) < 29), "newer ones begin otherwise: it asks `wm size` there"
    if found is not None:
        assert found.groups() == ("0", "1080", "1920")
    size = re.search(r"Physical size: (\d+)x(\d+)", await shell(phone, "wm size"))
    assert size is not None
    assert size.groups() == ("1080", "1920")
    orientation = re.search(r"SurfaceOrientation:\s+(\d+)", await shell(phone, "dumpsys input"))
    assert (orientation is not None) == (await api_of(phone) < 33)


async def test_droidbot_lists_apps_services_and_activities(phone: Bench) -> None:
    listed = (await shell(phone, "pm list packages -f")).splitlines()
    apps = dict(m.group(2, 1) for m in (re.match(r"package:(.+)=([^=]+)", line) for line in listed) if m)
    assert apps[PACKAGE].endswith(".apk")
    path = re.match(r"^package:(.+)$", await shell(phone, f"pm path {PACKAGE}"))
    assert path is not None
    assert path[1] == apps[PACKAGE]
    top = (await shell(phone, "dumpsys activity top")).splitlines()
    assert any(re.match(rf"\s*ACTIVITY {re.escape(PACKAGE)}/\.MainActivity", line) for line in top)
    services = re.findall(r"ServiceRecord\{.+ ([\w.]+)/\.([\w.]+)\}", await shell(phone, "dumpsys activity services"))
    assert ("com.android.inputmethod.latin", "LatinIME") in services
    activities = await shell(phone, "dumpsys activity activities")
    stack = re.findall(r"\* Hist #\d+: ActivityRecord\{\S+ \S+ (\S+) t(\d+)\}", activities)
    newer = (
        await api_of(phone) >= 31
    )  # From Android 12 on there is a blank more: it finds none there, on real phones too.
    assert stack[:1] == ([] if newer else [(f"{PACKAGE}/.MainActivity", "7")])
    assert "versionName=1.2.3" in await shell(phone, f"dumpsys package {PACKAGE}")


async def test_droidbot_sets_up_accessibility_and_its_keyboard(phone: Bench) -> None:
    assert await shell(phone, "settings get secure enabled_accessibility_services") == "null"
    service = "io.github.ylimit.droidbotapp/io.github.privacystreams.accessibility.PSAccessibilityService"
    await shell(phone, f"settings put secure enabled_accessibility_services {service}")
    await shell(phone, "settings put secure accessibility_enabled 1")
    assert (await shell(phone, "settings get secure enabled_accessibility_services")).split(":") == [service]
    assert service.partition("/")[0] in await shell(phone, "dumpsys activity services")
    assert f"Input method {ADB_KEYBOARD}" in await shell(phone, f"ime enable {ADB_KEYBOARD}")
    assert "selected" in await shell(phone, f"ime set {ADB_KEYBOARD}")
    rc, port, err = await phone.adb("forward", "tcp:0", "tcp:7336")
    assert (rc, int(port) > 0) == (0, True), err


async def test_droidbot_touches_types_starts_and_stops(phone: Bench) -> None:
    swipes = ("input touchscreen swipe 540 500 540 500 2000", "input touchscreen swipe 500 1500 500 500 1000")
    for command in ("input keyevent MENU", "input tap 540 500", *swipes, "input tap 540 900", "input text a%sb"):
        await shell(phone, command)
    await shell(phone, "input keyevent BACK")
    assert "Starting: Intent" in await shell(phone, f"am start -n {PACKAGE}/.MainActivity")
    assert "Starting: Intent" in await shell(phone, f"am start {PACKAGE}/{MAIN}")
    await shell(phone, f"am force-stop {PACKAGE}")
    touches = [touch["detail"] for touch in await phone.control.touches()]
    assert touches == ["key", "tap", "long_press", "swipe", "tap", "text", "key", "launch", "launch", "force_stop"]


async def test_droidbot_takes_its_picture_by_a_file(phone: Bench, tmp_path: Path) -> None:
    await shell(phone, "screencap -p /sdcard/screen_2026.png")
    rc, _, err = await phone.adb("pull", "/sdcard/screen_2026.png", str(tmp_path / "screen.png"))
    assert rc == 0, err
    await shell(phone, "rm /sdcard/screen_2026.png")
    assert Image.open(io.BytesIO((tmp_path / "screen.png").read_bytes())).size == (1080, 1920)
    assert "screen_2026.png" not in await shell(phone, "ls /sdcard/")


@pytest.mark.parametrize(
    ("command", "line"),
    [("getevent -lt", rb"add device \d+: /dev/input/event\d+"), ("logcat -v threadtime *:V", rb"-+ beginning of \w+")],
)
async def test_droidbot_follows_fingers_and_the_log(boot: Boot, command: str, line: bytes) -> None:
    phone = await boot()
    await phone.shell("am start -a android.intent.action.VIEW -d counter://crash")
    process = await asyncio.create_subprocess_exec(
        str(phone.server.binary), "-s", phone.serials[0], "shell", *command.split(),
        env=os.environ | phone.server.environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(15):
            while not re.match(line, read := await process.stdout.readline()):
                assert read, "it ended"
    finally:
        process.kill()
        await process.communicate()


async def test_droidbot_finds_the_process_of_its_app(phone: Bench) -> None:
    head, *rows = (await shell(phone, "ps" if await api_of(phone) < 26 else "ps -A")).splitlines()
    assert (head.split()[1], head.split()[-1]) == ("PID", "NAME")
    assert [int(row.split()[1]) for row in rows if row.split()[-1] == PACKAGE]


# --- Open-AutoGLM -----------------------------------------------------------------------------------------------------


async def test_open_autoglm_lists_devices_with_their_models(phone: Bench) -> None:
    _, out, _ = await phone.adb("devices", "-l")
    rows = [line.split() for line in out.decode().strip().split("\n")[1:] if line.strip()]
    models = {row[0]: next(part[6:] for part in row[2:] if part.startswith("model:")) for row in rows}
    assert [row[1] for row in rows] == ["device"]
    assert models[phone.serials[0]].startswith("SimPhone_")


async def test_open_autoglm_finds_its_keyboard_in_the_list(phone: Bench) -> None:
    await shell(phone, f"ime enable {ADB_KEYBOARD}")
    assert ADB_KEYBOARD in (await shell(phone, "ime list -s")).splitlines()


async def test_open_autoglm_finds_the_app_in_front(phone: Bench) -> None:
    lines = (await shell(phone, "dumpsys window")).split("\n")
    named = [line for line in lines if ("mCurrentFocus" in line or "mFocusedApp" in line) and PACKAGE in line]
    assert len(named) == 2


async def test_open_autoglm_touches_types_and_launches(phone: Bench, tmp_path: Path) -> None:
    for command in ("input tap 540 500", "input swipe 500 1500 500 500 800", "input swipe 540 500 540 500 3000",
                    "input keyevent 4", "input keyevent KEYCODE_HOME"):  # fmt: skip
        await shell(phone, command)
    started = await shell(phone, f"monkey -p {PACKAGE} -c android.intent.category.LAUNCHER 1")
    assert "Events injected: 1" in started

    before = await shell(phone, "settings get secure default_input_method")
    assert ADB_KEYBOARD not in before
    await shell(phone, f"ime enable {ADB_KEYBOARD}")
    await shell(phone, f"ime set {ADB_KEYBOARD}")
    await shell(phone, "input tap 540 900")
    await shell(phone, "am broadcast -a ADB_CLEAR_TEXT")
    text = base64.b64encode("你好 World".encode()).decode()
    typed = await shell(phone, f"am broadcast -a ADB_INPUT_B64 --es msg {text}")
    assert "Broadcast completed: result=0" in typed
    await shell(phone, f"ime set {before}")
    assert await shell(phone, "settings get secure default_input_method") == before
    assert 'text="你好 World"' in await shell(phone, "uiautomator dump /dev/tty")

    said = await shell(phone, "screencap -p /sdcard/tmp.png")
    assert "Status: -1" not in said
    assert "Failed" not in said
    rc, _, _ = await phone.adb("pull", "/sdcard/tmp.png", str(tmp_path / "tmp.png"))
    assert rc == 0
    assert Image.open(io.BytesIO((tmp_path / "tmp.png").read_bytes())).size == (1080, 1920)


async def test_open_autoglm_asks_for_the_address_of_the_phone(phone: Bench) -> None:
    route = [line.split() for line in (await shell(phone, "ip route")).split("\n") if "src" in line]
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", route[0][route[0].index("src") + 1])
    inet = [line.split() for line in (await shell(phone, "ip addr show wlan0")).split("\n") if "inet " in line]
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+/\d+", inet[0][1])
