"""What is wrong with a phone, and what to switch on: one script, and pure checks over what it prints.

Nothing is changed on the phone. To learn whether input is allowed the key 0 (KEYCODE_UNKNOWN) is sent, to which apps do
not react.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.device_agent import fitness
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError, AdbServerGone
from services.device_agent.fitness import Finding, Level, Limits
from services.device_agent.keyboard import ADB_KEYBOARD
from services.device_agent.lease import note
from services.device_agent.parsers import processes, properties, window
from services.device_agent.presence import ADVICE, Reason, trouble_of

OLDEST_API, NEWEST_API = 23, 35
"""Android 6 to 15: what is tested."""
CLOCK_LIMIT_S = 30.0
LIMIT_S = 20.0

_PART = "waymark-part"
_PARTS = {
    "properties": "getprop",
    "clock": "date +%s",
    "input": "input keyevent 0 2>&1; echo rc=$?",
    "keyboards": "ime list -s -a",
    "policy": "dumpsys window policy; dumpsys power | grep mWakefulness=",
    "health": fitness.SCRIPT,
    "note": note.show(),
    "verifier": "settings get global verifier_verify_adb_installs",
    "processes": processes.LIST,
}
SCRIPT = "; ".join(f"echo {_PART} {name}; {cmd}" for name, cmd in _PARTS.items())


@dataclass(frozen=True)
class Examined:
    """What the script printed, by part, and when: `asked_s` and `answered_s` are our clock, epoch seconds."""

    parts: dict[str, str]
    asked_s: float
    answered_s: float


@dataclass(frozen=True)
class Expected:
    """What the phone is held against. `pin_ref`: the reference of the PIN that is configured for it."""

    limits: Limits
    pin_ref: str | None


def unreachable(state: str | None) -> Finding:
    """A phone that the adb server does not call `device`; `state` as it lists it, None where it does not."""
    reason = Reason.ABSENT if state is None else trouble_of(state)
    assert reason is not None, "this phone is there"
    words = "the adb server does not know it" if state is None else f"the adb server calls it `{state}`"
    return Finding("connection", Level.FAIL, words, ADVICE[reason])


async def examine(client: AdbClient, serial: str, now_s: Callable[[], float]) -> Examined | Finding:
    """Asks the phone, in one round trip; a finding where it does not answer. Raises `AdbServerGone`."""
    asked_s = now_s()
    try:
        answer = await client.shell(serial, SCRIPT, LIMIT_S, "doctor")
    except AdbServerGone:
        raise
    except AdbError as error:
        return Finding("connection", Level.FAIL, str(error))
    return Examined(parts(answer.stdout.decode(errors="replace")), asked_s, now_s())


def parts(output: str) -> dict[str, str]:
    """What `SCRIPT` printed, by the name of the part."""
    found: dict[str, str] = {}
    for piece in ("\n" + output.replace("\r\n", "\n")).split(f"\n{_PART} ")[1:]:
        name, _, text = piece.partition("\n")
        found[name.strip()] = text
    return found


def diagnose(seen: Examined, expected: Expected) -> tuple[Finding, ...]:
    """Every check of a phone that answers, in the order in which one would put things right."""
    told = seen.parts
    props = properties.properties(told.get("properties", ""))
    health = fitness.health(told.get("health", ""))
    return (
        _version(props),
        _input(told.get("input", ""), props),
        _installing(props, told.get("verifier", "")),
        _keyboard(told.get("keyboards", "")),
        _lock(told.get("policy", ""), expected.pin_ref),
        *fitness.check_health(health, expected.limits),
        _clock(told.get("clock", ""), seen.asked_s, seen.answered_s),
        _left_over(told.get("note", "")),
        _automation(told.get("processes", "")),
    )


def _version(props: Mapping[str, str]) -> Finding:
    level, release = props.get("ro.build.version.sdk", ""), props.get("ro.build.version.release", "?")
    name = f"Android {release} (API level {level or '?'})"
    if not level.isdigit():
        return Finding("android", Level.FAIL, "it does not tell its API level", "look at `adb shell getprop`")
    if int(level) < OLDEST_API:
        return Finding("android", Level.FAIL, f"{name} is too old", "take a phone with Android 6 (API 23) or newer")
    if int(level) > NEWEST_API:
        return Finding("android", Level.WARN, f"{name} is newer than what was tested (API level {NEWEST_API})")
    return Finding("android", Level.OK, name)


def _input(said: str, props: Mapping[str, str]) -> Finding:
    advice = (
        "switch on `USB debugging (Security settings)` in the developer options (Xiaomi wants a SIM card and an account"
        " for it), or `Disable permission monitoring` (Oppo, OnePlus, realme), and restart the phone"
    )
    if "INJECT_EVENTS" in said or "SecurityException" in said:
        return Finding("input", Level.FAIL, "it refuses taps and typing over USB", advice)
    if "rc=0" not in said:
        words = f"`input` does not work: {' '.join(said.split())[:200] or 'no output'}"
        return Finding("input", Level.FAIL, words, "restart the phone, and try `adb shell input keyevent 0`")
    if _is_xiaomi(props) and props.get("persist.security.adbinput", "0") not in {"1", "true"}:
        return Finding("input", Level.WARN, "`USB debugging (Security settings)` is off as far as it tells", advice)
    return Finding("input", Level.OK, "taps and typing are allowed")


def _installing(props: Mapping[str, str], verifier: str) -> Finding:
    if _is_xiaomi(props) and props.get("persist.security.adbinstall", "0") not in {"1", "true"}:
        advice = "switch on `Install via USB` in the developer options"
        return Finding("install", Level.FAIL, "it does not let apps be installed over USB", advice)
    if verifier.strip() == "1":
        advice = "switch off `Verify apps over USB` in the developer options"
        return Finding("install", Level.WARN, "it may ask a person about each app that is installed over USB", advice)
    return Finding("install", Level.OK, "apps can be installed over USB")


def _is_xiaomi(props: Mapping[str, str]) -> bool:
    return "ro.miui.ui.version.name" in props or props.get("ro.product.manufacturer", "").lower() == "xiaomi"


def _keyboard(listed: str) -> Finding:
    if ADB_KEYBOARD in properties.input_methods(listed):
        return Finding("keyboard", Level.OK, "ADBKeyboard is installed")
    advice = "install it (github.com/senzhk/ADBKeyBoard)"
    return Finding("keyboard", Level.WARN, "ADBKeyboard is missing: only plain ASCII text can be typed", advice)


def _lock(policy: str, pin_ref: str | None) -> Finding:
    secure = window.lock_is_secure(policy)
    showing = window.keyguard_showing(policy)
    if secure and pin_ref is None:
        advice = "remove the screen lock, or name its PIN in WAYMARK_PHONE_PINS"
        return Finding("lock", Level.FAIL, "its screen is locked with a secret, and no PIN is configured", advice)
    if secure:
        return Finding("lock", Level.OK, f"locked with a secret, which is taken from {pin_ref}")
    if secure is None and showing is None:
        return Finding("lock", Level.WARN, "it does not tell whether its screen is locked")
    return Finding("lock", Level.OK, "no secret locks its screen")


def _clock(said: str, asked_s: float, answered_s: float) -> Finding:
    """The phone read its clock some time between question and answer, and tells whole seconds."""
    if not said.strip().isdigit():
        return Finding("clock", Level.WARN, "it does not tell its time")
    phone_s = int(said)
    off_s = phone_s - answered_s if phone_s > answered_s else min(0.0, phone_s + 1.0 - asked_s)
    if abs(off_s) <= CLOCK_LIMIT_S:
        return Finding("clock", Level.OK, f"its clock is right within {max(1.0, answered_s - asked_s):.0f} s")
    words = f"its clock is {abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}"
    advice = "switch on automatic date and time, with a network: servers refuse the app, and logs do not fit, otherwise"
    return Finding("clock", Level.FAIL, words, advice)


def _left_over(text: str) -> Finding:
    try:
        found = note.parse(text)
    except note.DamagedNoteError as error:
        return Finding("settings", Level.FAIL, str(error))
    if found is None:
        return Finding("settings", Level.OK, "no lease has changed its settings")
    names = ", ".join(
        name.partition("/")[2] for name, value in found.found.items() if value != note.WANTED.get(name, value)
    )
    return Finding(
        "settings",
        Level.WARN,
        f"lease {found.token} has changed its settings ({names or 'none that differ'}) and has not put them back",
        "nothing to do while a run uses it; otherwise start the device-agent, which puts them back",
    )


def _automation(listed: str) -> Finding:
    found = processes.holders(listed)
    if not found:
        return Finding("uiautomation", Level.OK, "no tool holds UiAutomation")
    names = ", ".join(map(str, found))
    advice = "end that tool, unless it is the device-agent's own server"
    return Finding("uiautomation", Level.WARN, f"UiAutomation is held by {names}", advice)
