"""The note on the phone: what it had of itself before Waymark changed anything, so that whoever comes later can put it
back, also after a crash of the agent, a kill, a cable that was pulled in the middle of a script.

One file, written whole and durably (`mv`, `sync`) before the first change, removed after the last one was taken back.
Its first line is `token=N`, the lease that it belongs to; then a line `namespace/name=value` a setting (`null`: not
set); the last line is `end`. Values are never empty and hold no blanks, except for the keyboards, which may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.device_agent.keyboard import ADB_KEYBOARD

NOTE_FILE = "/data/local/tmp/waymark.lease"
LOCK_DIRECTORY = f"{NOTE_FILE}.lock"
LOCK_TRIES = 300
"""Times a tenth of a second that a script waits for another one that prepares or restores the phone: a phone of Android
6 needs a second for each setting. For one that does not name itself it waits a fifteenth of that."""

IME = "secure/default_input_method"
ENABLED_IMES = "secure/enabled_input_methods"
WANTED: Mapping[str, str] = {
    "global/window_animation_scale": "0",
    "global/transition_animation_scale": "0",
    "global/animator_duration_scale": "0",
    "global/stay_on_while_plugged_in": "7",  # AC, USB and wireless: BatteryManager.BATTERY_PLUGGED_*
    "system/accelerometer_rotation": "0",
    "system/user_rotation": "0",
}
"""Settings that are changed for a lease, with the value that each gets."""
KEPT = (IME, ENABLED_IMES)
"""Settings that are noted only: typing changes them."""

LINE = "token=[0-9]+|(global|system)/[a-z_]+=[!-~]+|secure/[a-z_]+=[!-~]*|end"
"""A good line of the note, for `grep -E` on the phone and for the parser."""

_LINE = re.compile(LINE)


@dataclass(frozen=True)
class Note:
    """Token of the lease, and the phone's own values by `namespace/name`; None: the setting was not set."""

    token: int
    found: Mapping[str, str | None]

    @property
    def adb_keyboard_was_enabled(self) -> bool:
        return ADB_KEYBOARD in (self.found.get(ENABLED_IMES) or "").split(":")


class DamagedNoteError(Exception):
    """The note is there and cannot be understood. The message says what to do."""


def parse(text: str) -> Note | None:
    """The note by `cat`; None where there is none. Raises `DamagedNoteError`: guessing would lose the phone's own
    values."""
    lines = text.replace("\r\n", "\n").splitlines()
    if not lines:
        return None
    lines = lines[: lines.index("end")] if "end" in lines else []
    if not lines or not lines[0].startswith("token=") or not all(_LINE.fullmatch(line) for line in lines):
        raise DamagedNoteError(
            f"{NOTE_FILE} is damaged: look at it, set what it names by hand, and remove it with"
            f" `adb shell rm {NOTE_FILE}`"
        )
    pairs = (line.partition("=") for line in lines[1:])
    found = {name: None if value == "null" else value for name, _, value in pairs}
    return Note(int(lines[0].removeprefix("token=")), found)


def exclusively(body: str) -> str:
    """A script that runs `body` while no other one prepares or restores the phone; its exit code is that of `body`.

    A killed agent's script may go on running on the phone: the lock holds the next one back until it has ended. It
    names its holder, so that one that died (a reboot, no memory) holds nobody back.
    """
    return "\n".join(
        (
            f"l={LOCK_DIRECTORY}; i=0",
            "until mkdir $l 2>/dev/null; do",
            'p=$(cat $l/pid 2>/dev/null); i=$((i+1)); if [ -z "$p" ]; then i=$((i+14))',
            "elif ! kill -0 $p 2>/dev/null; then rm -rf $l; fi",
            f"if [ $i -gt {LOCK_TRIES} ]; then echo waymark-fence: busy; exit 93; fi",
            "sleep 0.1; done",
            "echo $$ > $l/pid",
            "(",
            body,
            ")",
            "r=$?; rm -rf $l; exit $r",
        )
    )


def unlock() -> str:
    """Removes a lock of which nobody knows the holder."""
    return f"rm -rf {LOCK_DIRECTORY}"


def show() -> str:
    """Prints the note, or nothing."""
    return f"if [ -e {NOTE_FILE} ]; then cat {NOTE_FILE}; fi"
