"""What is wrong with a phone: the checks on outputs, and the command on simulated phones."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app
from services.device_agent import doctor
from services.device_agent.doctor import CLOCK_LIMIT_S, Examined, Expected
from services.device_agent.fitness import Finding, Health, Level, Limits, unfit
from services.device_agent.lease import note, preparing
from services.device_agent.parsers import window
from tests.device_agent.bench import until_listed
from tests.device_agent.worlds import TestWorld, playing

WORLD = playing(TestWorld)
GOOD = {
    "properties": "[ro.build.version.sdk]: [33]\n[ro.build.version.release]: [13]\n",
    "clock": "1000\n",
    "input": "rc=0\n",
    "keyboards": "com.android.inputmethod.latin/.LatinIME\ncom.android.adbkeyboard/.AdbIME\n",
    "policy": "  showing=false\n  secure=false\n  mIsShowing=false\n  mInputRestricted=false\n",
    "health": "  level: 80\n  scale: 100\n  temperature: 300\n/dev/dm-5 1000000 1 900000 1% /data\n",
    "note": "",
    "verifier": "null\n",
    "processes": "  PID ARGS\n  812 system_server\n",
}
MIUI = "[ro.miui.ui.version.name]: [V14]\n[ro.product.manufacturer]: [Xiaomi]\n"


def diagnosed(pin_ref: str | None = None, took_s: float = 0.2, **changed: str) -> dict[str, Finding]:
    seen = Examined({**GOOD, **changed}, asked_s=1000.5 - took_s, answered_s=1000.5)
    return {f.check: f for f in doctor.diagnose(seen, Expected(Limits(), pin_ref))}


def test_nothing_is_wrong_with_a_good_phone():
    assert {finding.level for finding in diagnosed().values()} == {Level.OK}


PROBLEMS = [
    # What the phone prints, the check that finds it, how bad it is, a word of the advice.
    ({"input": "java.lang.SecurityException: .. the INJECT_EVENTS permission.\nrc=255\n"}, "input", "FAIL", "Security"),
    ({"input": "Killed\nrc=137\n"}, "input", "FAIL", "restart"),
    ({"properties": GOOD["properties"] + MIUI}, "input", "WARN", "Security"),
    ({"properties": GOOD["properties"] + MIUI}, "install", "FAIL", "Install via USB"),
    ({"verifier": "1\n"}, "install", "WARN", "Verify apps"),
    ({"keyboards": "com.android.inputmethod.latin/.LatinIME\n"}, "keyboard", "WARN", "ADBKeyBoard"),
    ({"properties": "[ro.build.version.sdk]: [22]\n"}, "android", "FAIL", "Android 6"),
    ({"properties": "[ro.build.version.sdk]: [37]\n"}, "android", "WARN", ""),
    ({"policy": "  showing=true\n  secure=true\n"}, "lock", "FAIL", "WAYMARK_PHONE_PINS"),
    ({"health": "  level: 9\n  temperature: 300\n"}, "battery", "FAIL", "charge"),
    ({"health": "  level: 80\n  temperature: 512\n"}, "temperature", "FAIL", "cool"),
    ({"health": "/dev/dm-5 1000000 1 9000 1% /data\n"}, "space", "FAIL", "remove"),
    ({"clock": "900\n"}, "clock", "FAIL", "automatic"),
    ({"clock": "1200\n"}, "clock", "FAIL", "automatic"),
    ({"note": "token=7\nglobal/window_animation_scale=1.0\nend\n"}, "settings", "WARN", "device-agent"),
    ({"note": "token=7\nglob"}, "settings", "FAIL", "rm /data/local/tmp/waymark.lease"),
    ({"processes": "4711 app_process / com.wetest.uia2.Main -p 9008\n"}, "uiautomation", "WARN", "end that tool"),
]


@pytest.mark.parametrize(("changed", "check", "level", "advice"), PROBLEMS)
def test_each_problem_is_found_with_what_to_do(changed, check, level, advice):
    found = diagnosed(**changed)[check]

    assert found.level == level
    assert advice in found.sentence


def test_xiaomi_phones_with_both_switches_on_are_good():
    props = GOOD["properties"] + MIUI + "[persist.security.adbinput]: [1]\n[persist.security.adbinstall]: [1]\n"
    found = diagnosed(properties=props)

    assert (found["input"].level, found["install"].level) == (Level.OK, Level.OK)


def test_a_locked_phone_whose_pin_is_configured_is_good():
    found = diagnosed("env:PHONE_PIN", policy="  secure=true\n")["lock"]

    assert found.level is Level.OK
    assert "env:PHONE_PIN" in found.words


def test_a_slow_answer_is_no_wrong_clock():
    slow = diagnosed(clock=f"{int(1000 - CLOCK_LIMIT_S * 2)}\n", took_s=CLOCK_LIMIT_S * 2 + 2)

    assert slow["clock"].level is Level.OK


def test_the_parts_of_the_script_are_told_apart():
    output = "waymark-part properties\r\n[a]: [b]\r\nwaymark-part clock\n1000\nwaymark-part note\n"

    assert doctor.parts(output) == {"properties": "[a]: [b]", "clock": "1000", "note": ""}


def test_what_a_phone_does_not_tell_is_no_reason_to_refuse_it():
    assert unfit(Health(), Limits()) is None


def test_every_reason_to_refuse_a_phone_is_named():
    reason = unfit(Health(5, 60.0, 10), Limits())

    assert reason is not None
    assert [word in reason for word in ("5 %", "60 °C", "10 MB")] == [True] * 3


REAL_LOCK_STATES = {
    # appium-adb's own tests say of these whether the lock screen is up.
    "lockmgmt_09.txt": False,
    "lockmgmt_10.txt": False,
    "lockmgmt_11.txt": False,
    "lockmgmt_12.txt": True,
    "lockmgmt_13.txt": False,
}


@pytest.mark.parametrize(("name", "showing"), REAL_LOCK_STATES.items())
def test_lock_screens_of_real_phones_are_understood(corpus, name, showing):
    text = (corpus / "appium_appium-adb" / name).read_text()

    assert window.keyguard_showing(text) is showing


def waymark(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words])
    return done.exit_code, done.stdout


async def doctored(b, monkeypatch, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    host, port = b.client.address
    monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:{host}:{port}")
    code, out = await asyncio.to_thread(waymark, "devices", "doctor", *(words or (b.serial,)), "--json")
    return code, {row["check"]: row for row in json.loads(out)}


@pytest.mark.system
@pytest.mark.parametrize("api", [23, 28, 30, 33, 35])
async def test_a_simulated_phone_is_fit(bench, monkeypatch, api):
    async with bench(WORLD, api=api) as b:
        code, found = await doctored(b, monkeypatch)

        assert {check: row["level"] for check, row in found.items() if row["level"] != "OK"} == {}
        assert code == 0


async def _denied(b) -> None:
    await b.control.arm("inject_denied", "input")


async def _without_keyboard(b) -> None:
    await b.control.do("keyboard", installed=False)


async def _xiaomi(b) -> None:
    await b.control.do("property", name="ro.product.manufacturer", value="Xiaomi")


async def _locked(b) -> None:
    await b.control.do("lock", pin="4711")


async def _empty(b) -> None:
    await b.control.do("battery", level=4)


async def _hot(b) -> None:
    await b.control.do("battery", temperature=550)


async def _full(b) -> None:
    await b.control.do("storage", limit_bytes=20 * 1024 * 1024)


async def _late(b) -> None:
    await b.control.do("clock", skew_s=-3600)


async def _left_changed(b) -> None:
    phone = await b.phone()
    await phone.fenced(preparing.prepare(7, phone.resolution), 10, "prepare")


FAULTS = [
    (_denied, "input", "FAIL"),
    (_without_keyboard, "keyboard", "WARN"),
    (_xiaomi, "install", "FAIL"),
    (_locked, "lock", "FAIL"),
    (_empty, "battery", "FAIL"),
    (_hot, "temperature", "FAIL"),
    (_full, "space", "FAIL"),
    (_late, "clock", "FAIL"),
    (_left_changed, "settings", "WARN"),
]


@pytest.mark.system
@pytest.mark.parametrize(("fault", "check", "level"), FAULTS)
async def test_the_command_finds_what_is_wrong_with_a_phone(bench, monkeypatch, fault, check, level):
    async with bench(WORLD) as b:
        await fault(b)
        code, found = await doctored(b, monkeypatch)

        assert found[check]["level"] == level
        assert found[check]["advice"]
        assert code == (1 if level == "FAIL" else 0)


@pytest.mark.system
async def test_a_pin_of_the_phone_s_own_serial_number_counts_whatever_adb_calls_it(bench, monkeypatch):
    async with bench(WORLD) as b:
        await _locked(b)
        assert b.serial != "SIM0000"
        monkeypatch.setenv("WAYMARK_PHONE_PINS", '{"SIM0000": "env:PHONE_PIN"}')
        _, found = await doctored(b, monkeypatch)
        assert found["lock"]["level"] == "OK"


@pytest.mark.system
async def test_nothing_on_a_phone_is_changed_by_looking(bench, monkeypatch):
    async with bench(WORLD) as b:
        before = await b.control.do("settings")
        await doctored(b, monkeypatch)

        assert await b.control.do("settings") == before
        assert await b.control.do("file", path=note.NOTE_FILE) is None


@pytest.mark.system
async def test_phones_that_do_not_answer_are_told_with_what_to_do(bench, monkeypatch):
    async with bench(WORLD) as b:
        code, found = await doctored(b, monkeypatch, "NOT-HERE")
        assert (code, found["connection"]["level"]) == (1, "FAIL")
        assert "cable" in found["connection"]["advice"]

        await b.control.do("authorization", mode="deny")
        await b.control.drop()
        await until_listed(b.client, b.serials, "unauthorized")
        code, found = await doctored(b, monkeypatch)
        assert (code, "USB debugging" in found["connection"]["advice"]) == (1, True)


@pytest.mark.system
async def test_without_serials_every_phone_is_looked_at(bench, monkeypatch):
    async with bench(WORLD, phones=2) as b:
        host, port = b.client.address
        monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:{host}:{port}")
        code, out = await asyncio.to_thread(waymark, "devices", "doctor")

        assert code == 0
        assert all(serial in out for serial in b.serials)
        assert out.count("Fit.") == 2


def test_without_an_adb_server_the_command_says_so(monkeypatch):
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:127.0.0.1:1")

    assert waymark("devices", "doctor")[0] == 3


def test_a_setting_that_cannot_be_read_is_wrong_usage(monkeypatch):
    monkeypatch.setenv("WAYMARK_PHONE_MIN_BATTERY_PERCENT", "much")

    assert waymark("devices", "doctor")[0] == 2
