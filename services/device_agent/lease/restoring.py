"""Putting back what a lease has changed on a phone, from the note that lies on it. Pure: builds scripts, reads output.

Two calls: `end` closes the fence for the lease, so that nothing of it is let through any more, and prints the note;
`restore` puts back what it names and removes it. Both may be sent as often as one likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.device_agent import fence
from services.device_agent.keyboard import ADB_KEYBOARD
from services.device_agent.lease import note
from services.device_agent.lease.note import ENABLED_IMES, IME, NOTE_FILE, WANTED, Note
from services.device_agent.shell import quote

_MARK = "waymark-lease:"


def end(token: int) -> str:
    """Ends the lease on the phone and prints the note, or nothing where there is none."""
    return note.exclusively(fence.closed(note.show(), token))


def restore(found: Note, token: int, *, late: bool) -> str:
    """Puts back the values of the note, as long as it is still that one, and removes it where all went well.

    `late`: the lease ended a while ago. What has neither the value that Waymark set nor the one that it found was set
    by somebody since, and is left alone.
    """
    body = "\n".join(
        (
            f"n={NOTE_FILE}; m={_MARK}; b=0",
            f'if [ "$(head -n 1 $n 2>/dev/null)" != token={found.token} ]; then echo $m gone; exit 0; fi',
            _settings(found, late=late),
            *_keyboards(found, late=late),
            "if [ $b -eq 0 ]; then rm -f $n && sync; fi",
        )
    )
    return note.exclusively(fence.closed(body, token))


def _settings(found: Note, *, late: bool) -> str:
    """Each in turn, in the opposite order of the changes. `put` says nothing where it succeeds; the exit code of
    `delete` differs between versions, so that what counts is whether the setting is set afterwards."""
    told = {name: "null" if value is None else value for name, value in found.found.items()}
    words = " ".join(quote(f"{name}={WANTED[name]}={told[name]}") for name in reversed(tuple(WANTED)) if name in told)
    changed_since = 'c=$(settings get $t $x); if [ "$c" != "$w" ] && [ "$c" != "$v" ]; then echo $m left $k; else'
    return "\n".join(
        (
            f"for s in {words}; do k=${{s%%=*}}; v=${{s#*=}}; w=${{v%%=*}}; v=${{v#*=}}; t=${{k%/*}}; x=${{k#*/}}",
            changed_since if late else "if true; then",
            'if [ "$v" = null ]; then settings delete $t $x >/dev/null 2>&1; e=$(settings get $t $x); [ "$e" = null ]',
            'else e=$(settings put $t $x "$v" 2>&1) && [ -z "$e" ]; fi',
            "if [ $? -eq 0 ]; then echo $m restored $k; else b=1; echo $m failed $k $e; fi; fi; done",
        )
    )


def _keyboards(found: Note, *, late: bool) -> Iterable[str]:
    """The phone's own keyboard is current, and ADBKeyboard enabled only where it was. One that is not installed any
    more is left out."""
    own = found.found.get(IME) or ""
    if "/" in own:
        name = quote(own)
        act = (
            f"if e=$(ime set {name} 2>&1); then echo $m restored {IME}; elif ime list -s -a | grep -qxF {name};"
            f" then b=1; echo $m failed {IME} $e; else echo $m left {IME}; fi"
        )
        current = "$(settings get secure default_input_method)"
        foreign = f'elif [ "$c" != {name} ]; then echo $m left {IME}; fi'
        changed_since = f'c={current}; if [ "$c" = {ADB_KEYBOARD} ]; then {act}; {foreign}'
        yield changed_since if late else act
    if ENABLED_IMES in found.found and not found.adb_keyboard_was_enabled:
        yield f"if ime list -s | grep -qxF {ADB_KEYBOARD}; then ime disable {ADB_KEYBOARD} >/dev/null || b=1; fi"


@dataclass(frozen=True)
class Restored:
    """What came of `restore`. `failed`: what the phone said, by setting."""

    restored: Mapping[str, str | None] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


def restored(found: Note, output: str) -> Restored:
    """What the script printed behind the fence's line."""
    back: dict[str, str | None] = {}
    left: list[str] = []
    failed: dict[str, str] = {}
    for line in output.splitlines():
        if not line.startswith(_MARK):
            continue
        match line.removeprefix(_MARK).split(maxsplit=2):
            case ["restored", name]:
                back[name] = found.found[name]
            case ["left", name]:
                left.append(name)
            case ["failed", name, *said]:
                failed[name] = said[0][:300] if said else "the phone did not do it"
            case _:
                pass
    return Restored(back, tuple(left), failed)
