"""Exported scripts are run with the tools that they are for, on a simulated phone."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from contracts.scripts import SCRIPT_DATA, ScriptData
from services.cli.exporting import uiautomator2
from tests.cli.scripts import DEMO, login

from .conftest import Bench, Boot, Ran

pytestmark = pytest.mark.system

_LIMIT_S = 90.0


async def pytest_of(bench: Bench, folder: Path, data: ScriptData, **parameters: str) -> Ran:
    """Runs the exported file as a person would."""
    file = folder / "test_exported.py"
    file.write_text(uiautomator2.export(data, {"user": "alice"}).text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(file), "--serial", bench.serials[0], "-q", "--rootdir", str(folder),
        cwd=folder, env=os.environ | bench.server.environment | {f"PARAM_{n}": v for n, v in parameters.items()},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
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
    assert f"{DEMO}/.MainActivity" in front.out, "the phone is where the script led"


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
