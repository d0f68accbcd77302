"""Typing: `input text` for what a key map can type, ADBKeyboard for every other character. Pure: builds shell commands.

The phone's own keyboard is put back in the same call. Where that call was cut off, the note of the lease has it (see
`lease/note.py`), and the next preparation or the end of the lease puts it back.
"""

from __future__ import annotations

import base64
import re

from services.device_agent.shell import command, quote

ADB_KEYBOARD = "com.android.adbkeyboard/.AdbIME"
BIND_TRIES = 30
"""Times a tenth of a second until ADBKeyboard is bound to the field; about one second on a phone."""

ENTER, DELETE, MOVE_END, FORWARD_DELETE = "66", "67", "123", "112"

_TYPEABLE = re.compile(r"[ -~]*")


def typeable(text: str) -> bool:
    """Whether `input text` can type it: printable ASCII. Anything else makes it throw a NullPointerException."""
    return _TYPEABLE.fullmatch(text) is not None


def type_ascii(text: str, present: int, submit: bool) -> str:
    """Empties the focused field, which shows `present` characters, and types printable ASCII into it."""
    parts = [_empty(present)] if present else []
    # `input text` reads %s as a space and has no escape for it: a literal %s is typed in two commands.
    parts += [command("input", "text", part.replace(" ", "%s")) for part in _around_percent_s(text)]
    if submit:
        parts.append(f"input keyevent {ENTER}")
    return " && ".join(parts) or "true"


def _around_percent_s(text: str) -> list[str]:
    pieces = text.split("%s")
    if len(pieces) == 1:
        return [text] if text else []
    parts = [f"{pieces[0]}%", *(f"s{piece}%" for piece in pieces[1:-1]), f"s{pieces[-1]}"]
    return [part for part in parts if part]


def _empty(present: int) -> str:
    # The cursor is where the finger fell: delete in both directions, which also reaches the lines of a long text.
    return f"input keyevent {' '.join([DELETE] * present)} && input keyevent {' '.join([FORWARD_DELETE] * present)}"


def type_any(text: str, submit: bool, keyboard: str = ADB_KEYBOARD) -> str:
    """Empties the focused field and types any text into it with ADBKeyboard; the exit code tells whether it was sent.

    The broadcast reports success even where nobody listens, so the caller reads the field back.
    """
    encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
    package = keyboard.partition("/")[0]
    steps = [
        f"am broadcast -a ADB_CLEAR_TEXT -p {package}",
        f"am broadcast -a ADB_INPUT_B64 -p {package} --es msg {quote(encoded)}",
    ]
    if submit:
        steps.append(f"input keyevent {ENTER}")
    return "\n".join(
        (
            "p=$(settings get secure default_input_method)",
            f"ime enable {keyboard} && ime set {keyboard} && {{",
            "i=0",
            f"while [ $i -lt {BIND_TRIES} ]; do",
            'i=$((i+1)); b=$(dumpsys input_method 2>/dev/null | grep -E "mCurId=|mBoundToMethod=")',
            f'if [ -z "$b" ] || echo $b | grep -q "mCurId={package}/.*mBoundToMethod=true"; then i={BIND_TRIES}',
            "else sleep 0.1; fi; done",
            " && ".join(steps) + "; }",
            "r=$?",
            'if echo "$p" | grep -q /; then ime set "$p"; fi',
            "[ $r -eq 0 ]",
        )
    )
