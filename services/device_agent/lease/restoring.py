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
            f"n={NOTE_FILE}; b=0",
            f'if [ "$(head -n 1 $n 2>/dev/null)" != token={found.token} ]; then echo {_MARK} gone; exit 0; fi',
            *(_setting(name, found.found[name], late=late) for name in reversed(tuple(WANTED)) if name in found.found),
            *_keyboards(found, late=late),
            "if [ $b -eq 0 ]; then rm -f $n && sync; fi",
        )
    )
    return note.exclusively(fence.closed(body, token))


def _setting(name: str, value: str | None, *, late: bool) -> str:
    namespace, _, key = name.partition("/")
    if value is None:
        # The exit code of `delete` differs between versions: what counts is whether it is set afterwards.
        put = f'settings delete {namespace} {key} >/dev/null 2>&1; e=$(settings get {namespace} {key}); [ "$e" = null ]'
    else:
        put = f'e=$(settings put {namespace} {key} {quote(value)} 2>&1) && [ -z "$e" ]'
    act = f"if {put}; then echo {_MARK} restored {name}; else b=1; echo {_MARK} failed {name} $e; fi"
    told = "null" if value is None else value
    if not late:
        return act
    return (
        f'c=$(settings get {namespace} {key}); if [ "$c" = {quote(WANTED[name])} ] || [ "$c" = {quote(told)} ];'
        f" then {act}; else echo {_MARK} left {name}; fi"
    )


def _keyboards(found: Note, *, late: bool) -> Iterable[str]:
    """The phone's own keyboard is current, and ADBKeyboard enabled only where it was."""
    own = found.found.get(IME) or ""
    if "/" in own:
        act = (
            f"if e=$(ime set {quote(own)} 2>&1); then echo {_MARK} restored {IME}; "
            f"elif ime list -s -a | grep -qxF {quote(own)}; then b=1; echo {_MARK} failed {IME} $e; "
            f"else echo {_MARK} left {IME}; fi"
        )
        if late:
            yield (
                f'c=$(settings get secure default_input_method); if [ "$c" = {ADB_KEYBOARD} ]; then {act}; '
                f'elif [ "$c" != {quote(own)} ]; then echo {_MARK} left {IME}; fi'
            )
        else:
            yield act
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
