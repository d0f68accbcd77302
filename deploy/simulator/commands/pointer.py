"""`input`: taps, swipes, text and keys."""

from __future__ import annotations

from deploy.simulator.faults import FaultKind
from deploy.simulator.shell.call import Call, Program

from .keycodes import character, key_name

_SOURCES = frozenset(
    {"touchscreen", "touchpad", "touchnavigation", "mouse", "keyboard", "dpad", "gamepad", "joystick", "stylus"}
)
_USAGE = """Usage: input [<source>] [-d DISPLAY_ID] <command> [<arg>...]

The sources are:
      touchscreen
      keyboard
      mouse

The commands and default sources are:
      text <string> (Default: touchscreen)
      keyevent [--longpress|--doubletap] <key code number or name> ... (Default: keyboard)
      tap <x> <y> (Default: touchscreen)
      swipe <x1> <y1> <x2> <y2> [duration(ms)] (Default: touchscreen)
      draganddrop <x1> <y1> <x2> <y2> [duration(ms)] (Default: touchscreen)
      motionevent <DOWN|UP|MOVE|CANCEL> <x> <y> (Default: touchscreen)
"""
_DEFAULT_SWIPE_MS = 300


async def _input(call: Call) -> int:
    words = list(call.arguments)
    if words and words[0] in _SOURCES:
        words.pop(0)
    if words[:1] == ["-d"]:
        del words[:2]
    if not words:
        call.err(f"Error: Insufficient arguments\n{_USAGE}")
        return 255
    verb, arguments = words[0], words[1:]
    if (fault := call.phone.faults.take(FaultKind.INJECT_DENIED, call.text)) is not None:
        call.phone.note_fault(fault, call.service)
        return _denied(call, verb)
    try:
        duration_ms = _act(call, verb, arguments)
    except _Refusal as refusal:
        call.err(str(refusal))
        return 255 if call.phone.profile.api >= 30 else 1
    except (ValueError, IndexError):
        call.err(f"Error: Invalid arguments for command: {verb}\n{_USAGE}")
        return 255
    latency = call.phone.latency
    await call.wait(latency.input_s + duration_ms / 1000 * latency.gesture_scale)
    return 0


class _Refusal(Exception):  # noqa: N818  what the phone prints, not an error of ours
    pass


def _act(call: Call, verb: str, arguments: list[str]) -> int:
    """Does it; the milliseconds that the gesture itself lasts."""
    screen = call.phone.screen
    match verb:
        case "tap":
            x, y = (int(float(word)) for word in arguments)
            screen.tap(x, y, call.service)
            return 0
        case "swipe" | "draganddrop" | "press":
            x1, y1, x2, y2 = (int(float(word)) for word in arguments[:4])
            duration_ms = int(arguments[4]) if len(arguments) > 4 else _DEFAULT_SWIPE_MS
            screen.swipe((x1, y1), (x2, y2), duration_ms, call.service)
            return duration_ms
        case "text":
            _type(call, " ".join(arguments))
            return 0
        case "keyevent":
            _press(call, arguments)
            return 0
        case "motionevent":
            _motion(call, arguments[0].upper(), int(float(arguments[1])), int(float(arguments[2])))
            return 0
        case _:
            raise _Refusal(f"Error: Unknown command: {verb}\n{_USAGE}")


def _type(call: Call, text: str) -> None:
    """`%s` is a space. The key character map has no key for anything but ASCII: the real command then dies."""
    if not text:
        raise ValueError("no text")
    text = text.replace("%s", " ")
    if not text.isascii():
        heading = "Exception occurred while executing 'text':\n" if call.phone.profile.api >= 30 else ""
        raise _Refusal(
            f"{heading}java.lang.NullPointerException: Attempt to get length of null array\n"
            "\tat com.android.server.input.InputShellCommand.sendText(InputShellCommand.java:398)\n"
            "\tat com.android.server.input.InputShellCommand.runText(InputShellCommand.java:384)\n"
        )
    call.phone.screen.text(text, call.service)


def _press(call: Call, arguments: list[str]) -> None:
    codes = [word for word in arguments if not word.startswith("--")]
    if not codes:
        raise ValueError("no key")
    names = [key_name(code) for code in codes]
    for code, name in zip(codes, names, strict=True):
        if name is None:
            raise _Refusal(f"Error: Unknown keycode: {code}\n{_USAGE}")
        typed = character(name)
        if typed is not None:
            call.phone.screen.text(typed, call.service)
        else:
            call.phone.screen.key(name, call.service)


def _motion(call: Call, action: str, x: int, y: int) -> None:
    """DOWN, MOVE and UP are one gesture: what they add up to reaches the screen at UP."""
    screen = call.phone.screen
    if action == "DOWN":
        screen.pressed_at = (x, y)
    elif action == "UP" and screen.pressed_at is not None:
        start, screen.pressed_at = screen.pressed_at, None
        screen.swipe(start, (x, y), _DEFAULT_SWIPE_MS, call.service)
    elif action not in ("MOVE", "UP", "CANCEL"):
        raise ValueError(action)


def _denied(call: Call, verb: str) -> int:
    """What phones print whose vendor wants "USB debugging (Security settings)" switched on as well."""
    if call.phone.profile.api >= 30:
        call.err(
            f"Exception occurred while executing '{verb}':\n"
            "java.lang.SecurityException: Injecting input events requires the caller (or the source of the "
            "instrumentation, if any) to have the INJECT_EVENTS permission.\n"
            "\tat com.android.server.input.InputManagerService.injectInputEventToTarget(InputManagerService.java:780)\n"
        )
        return 255
    call.err(
        "java.lang.SecurityException: Injecting to another application requires INJECT_EVENTS permission\n"
        "\tat android.os.Parcel.readException(Parcel.java:1683)\n"
    )
    return 1


PROGRAMS: dict[str, Program] = {"input": _input}
