"""What an action is in the phone's own commands, and which of their outputs mean that nothing happened. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

from contracts.values import (
    Action,
    Await,
    Click,
    Input,
    Install,
    Navigate,
    Observe,
    Point,
    PressKey,
    Scroll,
    StartApp,
    Swipe,
    Touch,
    TypeInto,
    Uninstall,
)
from contracts.values.actions import Key
from services.device_agent.keyboard import type_any, type_ascii, typeable
from services.device_agent.shell import command

LONG_PRESS_MS = 700
"""Beyond the 400 to 500 ms after which Android calls a press long."""

FIELD_LENGTH_UNKNOWN = 64
"""Characters that are deleted from a field whose text nobody has read."""

_PACKAGE = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_ACTIVITY = re.compile(r"[A-Za-z0-9_.$]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")

_NEW_TASK_OR_TO_FRONT = "0x10200000"
"""FLAG_ACTIVITY_NEW_TASK | FLAG_ACTIVITY_RESET_TASK_IF_NEEDED, what a launcher itself sends."""


KEYS: dict[Key, int] = {
    "HOME": 3, "BACK": 4, "UP": 19, "DOWN": 20, "LEFT": 21, "RIGHT": 22, "VOLUME_UP": 24, "VOLUME_DOWN": 25,
    "POWER": 26, "TAB": 61, "ENTER": 66, "DELETE": 67, "MENU": 82, "SEARCH": 84, "ESCAPE": 111, "RECENTS": 187,
    "WAKE": 224,
}  # fmt: skip
"""Android's codes of keys."""
INPUT_DENIED, KEYBOARD_MISSING = "INPUT_DENIED", "KEYBOARD_MISSING"
"""Causes of a failure that concern more than the one action: the phone refuses all input, or all but ASCII text."""
NOT_SHOWN = "NOT_SHOWN"
"""Typing was done, and the field shows something else."""


_WAKE = "input keyevent 224 >/dev/null 2>&1; wm dismiss-keyguard >/dev/null 2>&1"
"""Turns the screen on and puts a lock screen without a PIN aside; nothing happens where neither is so."""
_END_CALL_KEY = "6"
_FULL_SCREEN = "1"
"""WINDOWING_MODE_FULLSCREEN; phones before Android 9 do not know the option."""


class NotPossibleError(Exception):
    """The action cannot be done on this phone, or makes no sense; the message says what to change. Nothing was sent."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Facts:
    """What the translation needs to know of the phone and of what is in front."""

    adb_keyboard: str | None = None
    """The input method id of ADBKeyboard, None where it is not installed."""
    field_length: int | None = None
    """Characters in the field that an `Input` goes to, None where nobody has read them."""
    split_screen: bool = False
    """Whether the app shared the screen with another one when it was looked at last."""
    launcher: str | None = None
    """Launcher activity (full class name) of the package that a `Navigate` launches, None where unknown."""


def commands(action: Action, facts: Facts, text: str | None = None) -> str | None:
    """The shell command list that does the action; None where it does not touch the phone.

    `text` is the opened text of an `Input`. Raises `NotPossibleError` before anything is sent.
    """
    match action:
        case Click():
            return _click(action)
        case Input():
            if text is None:
                raise NotPossibleError("the text to type is sealed and could not be opened: its key was erased")
            return _input(action, facts, text)
        case Scroll():
            points = [_pixels(action.start), _pixels(action.end)]
            return f"input swipe {' '.join(points)} {max(action.duration_ms, 1)}"
        case Navigate():
            return _navigate(action, facts)
        case PressKey():
            return f"input keyevent {KEYS[action.key]}"
        case Observe() | Await():
            return None
        case Touch() | TypeInto() | Swipe():
            raise NotPossibleError("where it is to be done was not looked for")
        case StartApp():
            raise NotPossibleError("which app it is was not looked for")
        case Install() | Uninstall():
            raise NotPossibleError("installing and removing apps is no gesture")
        case _:
            assert_never(action)


def _pixels(point: Point) -> str:
    if point.x < 0 or point.y < 0:
        raise NotPossibleError(f"({point.x}, {point.y}) is outside the screen: take a point with x and y of 0 or more")
    return f"{point.x} {point.y}"


def _click(action: Click) -> str:
    point = _pixels(action.point)
    match action.press:
        case "TAP":
            return f"input tap {point}"
        case "LONG":
            return f"input swipe {point} {point} {LONG_PRESS_MS}"
        case "DOUBLE":
            return f"input tap {point} && input tap {point}"
        case _:
            assert_never(action.press)


def _input(action: Input, facts: Facts, text: str) -> str:
    focus = f"input tap {_pixels(action.point)}"
    if typeable(text):
        present = FIELD_LENGTH_UNKNOWN if facts.field_length is None else facts.field_length
        return f"{focus} && {type_ascii(text, present, action.submit)}"
    if facts.adb_keyboard is None:
        raise NotPossibleError(
            "this text has characters that `input text` cannot type, and ADBKeyboard is not on the phone: install it "
            "(github.com/senzhk/ADBKeyBoard) and try again",
            KEYBOARD_MISSING,
        )
    if "\0" in text:
        raise NotPossibleError("the text holds a NUL character: remove it")
    return f"{focus} && {{\n{type_any(text, action.submit, facts.adb_keyboard)}\n}}"


def _navigate(action: Navigate, facts: Facts) -> str:
    match action.to:
        case "BACK":
            return "input keyevent 4"
        case "HOME":
            return "input keyevent 3"
        case "LAUNCH":
            alone = facts.split_screen
            start = f"{_WAKE}; {_launch(_package(action), action.activity or facts.launcher, alone=alone)}"
            return f"{command('am', 'force-stop', _package(action))}; {start}" if action.restart else start
        case "END_CALL":
            return f"input keyevent {_END_CALL_KEY}"
        case "STOP":
            return command("am", "force-stop", _package(action))
        case "DEEP_LINK":
            if action.uri is None or not _URI.fullmatch(action.uri):
                raise NotPossibleError(f"a deep link needs a URI such as app://place, not {action.uri!r}")
            target = [_package(action)] if action.package is not None else []
            return command("am", "start", "-a", "android.intent.action.VIEW", "-d", action.uri, *target)
        case _:
            assert_never(action.to)


def _package(action: Navigate) -> str:
    if action.package is None:
        raise NotPossibleError(f"{action.to} needs an app: give its package name, e.g. com.example.app")
    return check_package(action.package)


def check_package(name: str) -> str:
    """The name, safe in a shell command; raises `NotPossibleError` for what is no package name."""
    if not _PACKAGE.fullmatch(name):
        raise NotPossibleError(f"{name!r} is no package name: write one like com.example.app")
    return name


def _launch(package: str, activity: str | None, *, alone: bool) -> str:
    if activity is None:
        return f"monkey -p {package} -c android.intent.category.LAUNCHER 1"
    if not _ACTIVITY.fullmatch(activity):
        raise NotPossibleError(f"{activity!r} is no activity: write a class name, e.g. {package}.MainActivity")
    start = ("am", "start", "-a", "android.intent.action.MAIN", "-c", "android.intent.category.LAUNCHER")
    whole = ("--windowingMode", _FULL_SCREEN) if alone else ()
    return command(*start, "-f", _NEW_TASK_OR_TO_FRONT, *whole, "-n", f"{package}/{activity}")


_ECHO = re.compile(r"^\s*(Starting: Intent|Broadcasting: Intent|Warning:|bash arg:|arg:|\s*:)")
"""Lines that repeat what was asked; a URI in them may hold any word."""

_SILENT_FAILURES = (
    (
        re.compile(r"INJECT_EVENTS"),
        "the phone refuses input: allow `USB debugging (Security settings)` in its developer options and reconnect it",
    ),
    (re.compile(r"Error type 3|Activity class .* does not exist"), "there is no such activity: is the app installed?"),
    (re.compile(r"monkey aborted|No activities found to run"), "the app has no launcher activity or is not installed"),
    (
        re.compile(r"NullPointerException.*null array"),
        "`input text` cannot type these characters: install ADBKeyboard on the phone",
    ),
    (re.compile(r"inaccessible or not found|: not found$"), "the phone lacks this command"),
    (re.compile(r"Unknown (id|input method)"), "the phone does not know this keyboard: install and enable it"),
    (re.compile(r"SecurityException|Permission Denial"), "the phone forbids it to the shell user"),
    (re.compile(r"unable to resolve Intent|No Activity found"), "no app on the phone opens this"),
    (re.compile(r"^\s*(?:[\w.$]*\.)?\w*(?:Exception|Error)\b(?!\s*stream)|^Exception occurred|^Error\b"), "it failed"),
    (re.compile(r"^(Killed|Aborted)\b"), "the phone ended the command: it is short of memory"),
)


def failure_code(output: str) -> str | None:
    """The cause, where what commands printed tells one that concerns more than this action."""
    return INPUT_DENIED if "INJECT_EVENTS" in output else None


def silent_failure(output: str) -> str | None:
    """Why commands did nothing although they exited 0, by what they printed; None where nothing speaks of failure."""
    lines = [line for line in output.splitlines() if not _ECHO.match(line)]
    for pattern, meaning in _SILENT_FAILURES:
        for line in lines:
            if pattern.search(line):
                return f"{meaning} ({line.strip()[:200]})"
    return None
