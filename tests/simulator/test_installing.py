"""Installing with the unmodified tools: the adb program and adbutils, as Android's package manager answers them."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import adbutils
import apk_info
import pytest

from deploy.simulator.apps.apk import Build
from deploy.simulator.apps.catalog import apk

from .conftest import Bench, Boot

pytestmark = pytest.mark.system

PACKAGE = "com.waymark.demo"
APIS = ("23", "28", "33", "35")


def write(folder: Path, version: str, build: Build | None = None, name: str = "app.apk") -> str:
    path = folder / name
    path.write_bytes(apk("demo", version, build))
    return str(path)


async def said(bench: Bench, *arguments: str) -> str:
    _, out, err = await bench.adb(*arguments)
    return (out + err).decode()


@pytest.mark.parametrize("api", APIS)
async def test_adb_installs_and_updates_and_removes(boot: Boot, tmp_path: Path, api: str) -> None:
    bench = await boot("--app", "empty", "--api", api)
    assert "Success" in await said(bench, "install", write(tmp_path, "1"))
    assert "Success" in await said(bench, "install", "-r", write(tmp_path, "2"))
    dump = (await bench.shell(f"dumpsys package {PACKAGE}")).out
    assert "versionName=2.0" in dump
    path = (await bench.shell(f"pm path {PACKAGE}")).out.strip().removeprefix("package:")
    digest = hashlib.md5(apk("demo", "2"), usedforsecurity=False).hexdigest()
    assert (await bench.shell(f"md5sum {path}")).out.split() == [digest, path]
    rc, _, _ = await bench.adb("pull", path, str(tmp_path / "back.apk"))
    assert rc == 0
    assert (tmp_path / "back.apk").read_bytes() == apk("demo", "2")
    assert "Success" in await said(bench, "uninstall", PACKAGE)
    assert (await bench.shell(f"pm path {PACKAGE}")).out == ""


@pytest.mark.parametrize("api", APIS)
async def test_adb_installs_an_app_with_splits_in_a_session(boot: Boot, tmp_path: Path, api: str) -> None:
    bench = await boot("--app", "empty", "--api", api)
    base = write(tmp_path, "2", Build(split_required=True))
    split = write(tmp_path, "2", Build(split="config.zh"), "zh.apk")
    assert "INSTALL_FAILED_MISSING_SPLIT" in await said(bench, "install", base)
    assert "Success" in await said(bench, "install-multiple", base, split)
    names = [line.rpartition("/")[2].strip() for line in (await bench.shell(f"pm path {PACKAGE}")).out.splitlines()]
    assert names == ["base.apk", "split_config.zh.apk"]
    assert "splits=[base, config.zh]" in (await bench.shell(f"dumpsys package {PACKAGE}")).out


async def test_the_package_manager_refuses_as_androids_does(boot: Boot, tmp_path: Path) -> None:
    bench = await boot("--app", "demo@2", "--api", "28")
    assert "INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code 10 is older than current 20" in (
        await said(bench, "install", "-r", write(tmp_path, "1"))
    )
    assert "INSTALL_FAILED_VERSION_DOWNGRADE" in await said(bench, "install", "-r", "-d", write(tmp_path, "1"))
    assert "signatures do not match" in await said(bench, "install", "-r", write(tmp_path, "2", Build(signer="other")))
    assert "INSTALL_FAILED_TEST_ONLY" in await said(bench, "install", "-r", write(tmp_path, "2", Build(test_only=True)))
    assert "Success" in await said(bench, "install", "-r", "-t", write(tmp_path, "2", Build(test_only=True)))
    older = await said(bench, "install", "-r", write(tmp_path, "2", Build(min_sdk=29)))
    assert "Requires newer sdk version #29 (current version is #28)" in older
    other = await said(bench, "install", "-r", write(tmp_path, "2", Build(abis=("x86",))))
    assert "INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries, res=-113" in other
    await bench.control.do("refuse_installs", failure="INSTALL_FAILED_USER_RESTRICTED: Install canceled by user")
    assert "Install canceled by user" in await said(bench, "install", "-r", write(tmp_path, "2"))


async def test_a_debuggable_app_may_go_back_to_an_older_version(boot: Boot, tmp_path: Path) -> None:
    bench = await boot("--app", "empty")
    assert "Success" in await said(bench, "install", write(tmp_path, "2", Build(debuggable=True)))
    assert "Success" in await said(bench, "install", "-r", "-d", write(tmp_path, "1", Build(debuggable=True)))
    assert "versionName=1.0" in (await bench.shell(f"dumpsys package {PACKAGE}")).out


async def test_permissions_are_granted_with_the_app_and_cleared_with_its_data(boot: Boot, tmp_path: Path) -> None:
    bench = await boot("--app", "empty")
    assert "Success" in await said(bench, "install", "-g", write(tmp_path, "1"))
    assert "CAMERA: granted=true" in (await bench.shell(f"dumpsys package {PACKAGE}")).out
    assert (await bench.shell(f"pm clear {PACKAGE}")).out == "Success\n"
    assert "CAMERA: granted=false" in (await bench.shell(f"dumpsys package {PACKAGE}")).out
    await bench.shell(f"pm grant {PACKAGE} android.permission.CAMERA")
    assert "CAMERA: granted=true" in (await bench.shell(f"dumpsys package {PACKAGE}")).out


async def test_a_session_that_is_given_up_leaves_nothing(boot: Boot) -> None:
    bench = await boot("--app", "empty")
    created = (await bench.shell("cmd package install-create -r -S 10")).out
    number = created.partition("[")[2].partition("]")[0]
    assert (await bench.shell(f"cmd package install-abandon {number}")).out == "Success\n"
    assert (await bench.shell(f"cmd package install-commit {number}")).rc == 255
    assert await bench.control.do("install_sessions") == 0


async def test_adbutils_installs(boot: Boot, tmp_path: Path) -> None:
    bench = await boot("--app", "demo@1")
    device = adbutils.AdbClient("127.0.0.1", bench.server.port).device(bench.serials[0])
    await asyncio.to_thread(device.install, write(tmp_path, "2"), nolaunch=True, silent=True)
    assert "versionName=2.0" in (await bench.shell(f"dumpsys package {PACKAGE}")).out


def test_an_apk_is_read_by_a_real_reader(tmp_path: Path) -> None:
    found = apk_info.APK(write(tmp_path, "2", Build(abis=("arm64-v8a",), min_sdk=26, test_only=True)))
    assert (found.get_package_name(), found.get_version_name(), found.get_version_code()) == (PACKAGE, "2.0", "20")
    assert (found.get_min_sdk_version(), found.get_target_sdk_version()) == ("26", 35)
    assert found.get_application_label() == "Waymark Demo · 演示"
    assert found.get_main_activity() == f"{PACKAGE}.SplashActivity"
    assert found.get_supported_abis() == ["arm64-v8a"]
    assert "android.permission.CAMERA" in found.get_permissions()
    assert found.get_attribute_value("application", "testOnly") == "true"
    split = apk_info.APK(write(tmp_path, "2", Build(split="config.zh"), "split.apk"))
    assert split.get_attribute_value("manifest", "split") == "config.zh"
