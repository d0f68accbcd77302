"""The unmodified tools and the agent ask the same phone, and get the same answers."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import adbutils
import pytest
from PIL import Image

from services.device_agent.adb.client import AdbClient
from services.device_agent.capture import capture
from services.device_agent.parsers.window import full_class_name
from services.device_agent.phone import Phone

from .conftest import Bench, Boot
from .worlds import MAIN, PACKAGE

pytestmark = pytest.mark.system

APIS = (23, 25, 28, 29, 31, 33, 35)
RESIDENT = (28, 33, 35)
"""Androids on which uiautomator2 is asked too: each time it starts its server."""


@dataclass
class Tools:
    """One phone, and everybody who asks it."""

    bench: Bench
    client: AdbClient
    phone: Phone
    device: adbutils.AdbDevice

    @property
    def serial(self) -> str:
        return self.bench.serials[0]

    async def adb(self, *arguments: str) -> str:
        rc, out, err = await self.bench.adb(*arguments)
        assert rc == 0, err
        return out.decode().replace("\r\n", "\n").strip()


@pytest.fixture(params=APIS, ids=lambda api: f"api{api}")
async def tools(request: pytest.FixtureRequest, boot: Boot) -> Tools:
    bench = await boot("--api", str(request.param))
    client = AdbClient("127.0.0.1", bench.server.port)
    device = adbutils.AdbClient(host="127.0.0.1", port=bench.server.port).device(serial=bench.serials[0])
    return Tools(bench, client, await Phone.open(client, bench.serials[0]), device)


@pytest.fixture
def mobly_adb(tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    import logging

    from mobly.controllers import android_device
    from mobly.controllers.android_device_lib import adb

    for name, value in tools.bench.server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(adb, "ADB", str(tools.bench.server.binary))
    monkeypatch.setattr(logging, "log_path", str(tmp_path), raising=False)  # mobly wants its log folder there
    return android_device.AndroidDevice(tools.serial)


async def test_identity_and_size(tools: Tools, mobly_adb: Any) -> None:
    identity, device = tools.phone.identity, tools.device
    ask = {
        "ro.product.model": identity.model,
        "ro.product.manufacturer": identity.manufacturer,
        "ro.build.version.release": identity.os_version,
        "ro.build.version.sdk": str(identity.api),
        "ro.serialno": identity.hardware_serial,
    }
    for name, value in ask.items():
        assert await tools.adb("shell", f"getprop {name}") == value
        assert await asyncio.to_thread(device.shell, ["getprop", name]) == value
        assert (await asyncio.to_thread(mobly_adb.adb.getprop, name)) == value
    info = mobly_adb.build_info
    assert (info["build_version_sdk"], info["product_name"]) == (str(identity.api), "sim")
    assert tuple(await asyncio.to_thread(device.window_size)) == identity.resolution
    told = re.search(r"(\d+)x(\d+)", await tools.adb("shell", "wm size"))
    assert told is not None
    assert (int(told[1]), int(told[2])) == identity.resolution
    assert await tools.adb("get-state") == (await tools.client.devices())[tools.serial]


async def test_app_in_front_and_its_version(tools: Tools, mobly_adb: Any) -> None:
    front = (await capture(tools.phone)).foreground
    assert (front.package, front.activity) == (PACKAGE, MAIN)
    running = await asyncio.to_thread(tools.device.app_current)  # From Android 10 on it gives the short class name.
    assert (running.package, full_class_name(running.package, running.activity)) == (front.package, front.activity)
    installed = await tools.phone.app_version(PACKAGE)
    assert installed is not None
    info = await asyncio.to_thread(tools.device.app_info, PACKAGE)
    assert info is not None
    assert (info.version_name, info.version_code) == (installed.version_name, installed.version_code)
    dumped = (await asyncio.to_thread(mobly_adb.adb.shell, f"dumpsys package {PACKAGE}")).decode()
    assert f"versionName={installed.version_name}" in dumped
    listed = await asyncio.to_thread(tools.device.list_packages)
    assert set(listed) == set(await tools.phone.installed())


async def test_picture_and_hierarchy(tools: Tools) -> None:
    seen = await capture(tools.phone)
    assert seen.png is not None
    ours = Image.open(io.BytesIO(seen.png)).convert("RGB").tobytes()
    _, png, _ = await tools.bench.adb("exec-out", "screencap -p")
    assert Image.open(io.BytesIO(png)).convert("RGB").tobytes() == ours
    if tools.phone.api >= 24:  # adbutils takes pictures through `shell:`, whose terminal breaks them on Android 6.
        theirs = await asyncio.to_thread(tools.device.screenshot, error_ok=False)
        assert theirs.convert("RGB").tobytes() == ours
    assert seen.hierarchy_xml is not None
    await tools.phone.close()  # One tool at a time has UiAutomation.
    assert nodes(await asyncio.to_thread(tools.device.dump_hierarchy)) == nodes(seen.hierarchy_xml.decode())


def nodes(xml: str) -> list[tuple[str | None, ...]]:
    found = ET.fromstring(xml.encode()).iter("node")
    names = ("text", "resource-id", "class", "package", "content-desc", "clickable", "focused", "bounds")
    return [tuple(node.get(name) for name in names) for node in found]


async def test_settings_files_and_exit_codes(tools: Tools, mobly_adb: Any, tmp_path: Path) -> None:
    from mobly.controllers.android_device_lib.adb import AdbError

    asked = "settings get secure default_input_method"
    ours = (await tools.phone.shell(asked, 10, "setting")).stdout.decode().strip()
    assert await tools.adb("shell", asked) == ours
    assert (await asyncio.to_thread(tools.device.shell, asked)).strip() == ours
    assert (await asyncio.to_thread(mobly_adb.adb.shell, asked)).decode().strip() == ours

    content = bytes(range(256)) * 999
    await tools.client.push(tools.serial, content, "/sdcard/共同.bin")
    assert await asyncio.to_thread(tools.device.sync.read_bytes, "/sdcard/共同.bin") == content
    await tools.adb("pull", "/sdcard/共同.bin", str(tmp_path / "pulled"))
    assert (tmp_path / "pulled").read_bytes() == content
    await asyncio.to_thread(tools.device.sync.push, b"theirs", "/sdcard/theirs")
    assert await tools.client.pull(tools.serial, "/sdcard/theirs") == b"theirs"

    for script, rc in (("(exit 3)", 3), ("true", 0), ("ls /nowhere", 1), ("nosuchtool", 127)):
        assert (await tools.phone.shell(script, 10, "exit")).rc == rc
        assert (await asyncio.to_thread(tools.device.shell2, script)).returncode == rc
        if tools.phone.api < 24:
            continue  # Neither adb nor mobly learns an exit code from such an old phone.
        assert (await tools.bench.adb("shell", script))[0] == rc
        if rc == 0:
            await asyncio.to_thread(mobly_adb.adb.shell, script)
            continue
        with pytest.raises(AdbError) as refused:
            await asyncio.to_thread(mobly_adb.adb.shell, script)
        assert refused.value.ret_code == rc


@pytest.mark.parametrize("api", RESIDENT, ids=lambda api: f"api{api}")
async def test_uiautomator2_sees_what_the_agent_sees(boot: Boot, api: int) -> None:
    import uiautomator2

    bench = await boot("--api", str(api))
    client = AdbClient("127.0.0.1", bench.server.port)
    phone = await Phone.open(client, bench.serials[0])
    seen = await capture(phone)
    version = await phone.app_version(PACKAGE)
    device = adbutils.AdbClient(host="127.0.0.1", port=bench.server.port).device(serial=bench.serials[0])

    def ask() -> dict[str, Any]:
        resident = uiautomator2.Device(device)
        try:
            return {
                "size": resident.window_size(),
                "info": resident.device_info,
                "current": resident.app_current(),
                "app": resident.app_info(PACKAGE),
                "nodes": nodes(resident.dump_hierarchy(root_in_active=True)),
                "picture": resident.screenshot().convert("RGB").tobytes(),
                "exit": resident.shell("(exit 5)").exit_code,
            }
        finally:
            resident.stop_uiautomator()

    await phone.close()
    told = await asyncio.to_thread(ask)
    assert seen.png is not None
    assert seen.hierarchy_xml is not None
    assert version is not None
    assert tuple(told["size"]) == phone.resolution
    assert told["info"]["sdk"] == phone.api
    assert told["info"]["model"] == phone.identity.model
    assert told["info"]["serial"] == phone.identity.hardware_serial
    current = full_class_name(told["current"]["package"], told["current"]["activity"])
    assert (told["current"]["package"], current) == (seen.foreground.package, MAIN)
    assert (told["app"]["versionName"], told["app"]["versionCode"]) == (version.version_name, version.version_code)
    assert told["nodes"] == nodes(seen.hierarchy_xml.decode())
    ours = Image.open(io.BytesIO(seen.png)).convert("RGB").tobytes()
    assert len(told["picture"]) == len(ours)
    off = max(abs(theirs - our) for theirs, our in zip(told["picture"], ours, strict=True))
    assert off <= 2, "its server sends JPEG: colours are off by a little"
    assert told["exit"] == 5
