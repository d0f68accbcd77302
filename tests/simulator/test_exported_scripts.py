"""Exported scripts are run with the tools that they are for, on a simulated phone."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from contracts.scripts import SCRIPT_DATA, ScriptData
from services.cli.exporting import appium, uiautomator2
from services.device_agent.adb.client import AdbClient
from services.device_agent.phone import Phone
from tests.cli.scripts import DEMO, login

from .conftest import Bench, Boot, Ran
from .webdriver import WebDriver

pytestmark = pytest.mark.system

_LIMIT_S = 90.0


async def pytest_of(bench: Bench, folder: Path, data: ScriptData, **parameters: str) -> Ran:
    """Runs the file that was exported for uiautomator2 as a person would."""
    text = uiautomator2.export(data, {"user": "alice"}).text
    environment = bench.server.environment | {f"PARAM_{name}": value for name, value in parameters.items()}
    return await run_file(folder, text, bench.serials[0], environment)


async def run_file(folder: Path, text: str, serial: str, environment: dict[str, str]) -> Ran:
    file = folder / "test_exported.py"
    file.write_text(text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(file), "--serial", serial, "-q", "--rootdir", str(folder),
        cwd=folder, env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LIMIT_S):
            out, err = await process.communicate()
    except BaseException:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("api", [28, 33])
async def test_an_exported_script_runs_green_with_uiautomator2(
    boot: Boot, tmp_path: Path, api: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "秘密 word")
    bench = await boot("--api", str(api), app="demo@1")
    ran = await pytest_of(bench, tmp_path, login(), password="env:DEMO_PASSWORD")
    assert ran.rc == 0, ran.out + ran.err
    assert "1 passed" in ran.out
    front = await bench.shell("dumpsys window displays")
    assert f"{DEMO}/.SearchActivity" in front.out, "the phone is where the script led"


async def test_a_script_whose_element_is_gone_is_red_and_says_why(boot: Boot, tmp_path: Path) -> None:
    bench = await boot(app="demo@1")
    steps = [{"step": {"launch": {}}}, {"step": {"tap": {"element": {"text": "没有"}, "timeout_s": 1}}, "wait_s": 1}]
    data = SCRIPT_DATA.validate_python({"name": "gone", "app": DEMO, "steps": steps})
    ran = await pytest_of(bench, tmp_path, data)
    assert ran.rc == 1
    assert "not found: {'text': '没有'}: 0 elements" in ran.out


async def test_a_guard_that_does_not_hold_is_red_before_anything_is_touched(boot: Boot, tmp_path: Path) -> None:
    bench = await boot(app="demo@1")
    guard = {"screen": {"package": "com.example.other"}}
    step = {"step": {"tap": {"element": {"point": [10, 10]}}}, "guard": guard, "wait_s": 1}
    ran = await pytest_of(
        bench, tmp_path, SCRIPT_DATA.validate_python({"name": "guarded", "app": DEMO, "steps": [step]})
    )
    assert ran.rc == 1
    assert "com.example.other  is not in front" in ran.out
    assert [e for e in await bench.control.trace() if e["kind"] == "touch"] == []


async def test_parameters_that_are_missing_are_named(boot: Boot, tmp_path: Path) -> None:
    bench = await boot(app="demo@1")
    ran = await pytest_of(bench, tmp_path, login())
    assert ran.rc == 1
    assert "give PARAM_password in the environment" in ran.out


async def test_an_exported_script_runs_green_with_appiums_client(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "secret word")
    bench = await boot(app="demo@1")
    phone = await Phone.open(AdbClient("127.0.0.1", bench.server.port), bench.serials[0])
    async with WebDriver(phone) as driver:
        environment = {"APPIUM_SERVER": driver.url, "PARAM_password": "env:DEMO_PASSWORD"}
        ran = await run_file(tmp_path, appium.export(login(), {"user": "alice"}).text, bench.serials[0], environment)
    await phone.close()
    assert ran.rc == 0, ran.out + ran.err
    assert "1 passed" in ran.out
    front = await bench.shell("dumpsys window displays")
    assert f"{DEMO}/.SearchActivity" in front.out, "the phone is where the script led"
    (begun,) = [body for method, what, body in driver.calls if (method, what) == ("POST", "")]
    wanted = begun["capabilities"]["alwaysMatch"]
    assert (wanted["platformName"], wanted["appium:automationName"]) == ("Android", "UIAutomator2")
    assert wanted["appium:udid"] == bench.serials[0]
    assert driver.calls[-1][:2] == ("DELETE", ""), "the session is ended"
