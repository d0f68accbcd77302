"""Making a phone ready for a lease, in one script: its own values are noted first, then what has to be different is
changed, then it is woken and unlocked. Safe to run again at any time of the lease. Pure: builds scripts, reads what
they print.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.device_agent import fence, fitness
from services.device_agent.keyboard import ADB_KEYBOARD
from services.device_agent.lease import note
from services.device_agent.lease.note import IME, KEPT, NOTE_FILE, WANTED, Note
from services.device_agent.parsers import window
from services.device_agent.shell import quote

UNLOCK_TRIES = 20
"""Times a tenth of a second until the keyguard has gone."""
_SWIPE_AT = 6
_WAKEUP, _ENTER = "224", "66"
_PART = "waymark-part"
_MARK = "waymark-lease:"

_KEYGUARD = "mShowingLockscreen=true|mDreamingLockscreen=true|isStatusBarKeyguard=true|mInputRestricted=true"


def prepare(token: int, resolution: tuple[int, int] | None) -> str:
    """The script that makes the phone ready for the lease `token`; `prepared` understands what it prints.

    `resolution` in pixels says where a finger swipes the keyguard away; without it only the system is asked.
    """
    return note.exclusively(fence.opened("\n".join((_noted(token), _changed(), _woken(resolution), _told())), token))


def _noted(token: int) -> str:
    """What is on the phone now; what was noted by a lease that nobody has restored stays the phone's own."""
    keys = " ".join((*WANTED, *KEPT))
    good = f'"$(grep -cE "^({note.LINE})$" $n.new)"'
    return "\n".join(
        (
            f"n={NOTE_FILE}",
            f'v=$(for k in {keys}; do echo "$k=$(settings get ${{k%/*}} ${{k#*/}})"; done)',
            f"if [ -e $n ]; then o=$(head -n 1 $n); {{ echo token={token}; tail -n +2 $n; }} > $n.new",
            f'else o=none; {{ echo token={token}; echo "$v"; echo end; }} > $n.new; fi',
            f'if [ {good} != "$(grep -c "" $n.new)" ] || [ "$(tail -n 1 $n.new)" != end ]; then',
            f"echo {_MARK} unreadable; cat $n.new; rm -f $n.new; exit 95; fi",
            f"sync && mv -f $n.new $n && sync || {{ echo {_MARK} unwritten; exit 96; }}",
            f'echo "{_MARK} noted $o"',
        )
    )


def _changed() -> str:
    wanted = " ".join(f"{name}={value}" for name, value in WANTED.items())
    cut_off = f'[ "$i" != {ADB_KEYBOARD} ] && echo "$i" | grep -q / && echo "$v" | grep -qx "{IME}={ADB_KEYBOARD}"'
    return "\n".join(
        (
            f"for s in {wanted}; do k=${{s%=*}}",
            'if ! echo "$v" | grep -qx "$s"; then',
            'if e=$(settings put ${k%/*} ${k#*/} ${s#*=} 2>&1) && [ -z "$e" ]; then',
            f'echo "{_MARK} changed $k"; else echo "{_MARK} refused $k"; fi; fi; done',
            # Where typing was cut off: the keyboard is the phone's own between two actions.
            f'i=$(grep "^{IME}=" $n); i=${{i#*=}}; if {cut_off}; then ime set "$i" >/dev/null; fi',
        )
    )


def _woken(resolution: tuple[int, int] | None) -> str:
    """Awake, then without keyguard. A secure one stays: only its secret opens it."""
    swipe = "input keyevent 82"
    if resolution is not None:
        width, height = resolution
        swipe = f"input swipe {width // 2} {height * 4 // 5} {width // 2} {height // 5} 300"
    return "\n".join(
        (
            f"dumpsys power | grep -q mWakefulness=Awake || {{ input keyevent {_WAKEUP} && echo {_MARK} woken; }}",
            f'if dumpsys window policy | grep -qE "{_KEYGUARD}"; then echo {_MARK} locked',
            "wm dismiss-keyguard >/dev/null 2>&1; i=0",
            f'while [ $i -lt {UNLOCK_TRIES} ] && p=$(dumpsys window policy) && echo "$p" | grep -qE "{_KEYGUARD}"; do',
            f'if echo "$p" | grep -q " secure=true"; then i={UNLOCK_TRIES}; else i=$((i+1))',
            f"if [ $i -eq {_SWIPE_AT} ]; then {swipe}; fi; sleep 0.1; fi; done; fi",
        )
    )


def _told() -> str:
    return "\n".join((f"echo {_PART}", "cat $n", f"echo {_PART}", _keyguard_told(), fitness.SCRIPT))


def _keyguard_told() -> str:
    return "dumpsys window policy; dumpsys power | grep mWakefulness="


def enter_secret(token: int, secret: str) -> str:
    """The script that types the secret into the keyguard, once; `unlocked` understands what it prints.

    It holds the secret in the clear: it must not get into any log.
    """
    return fence.opened(
        "\n".join(
            (
                "wm dismiss-keyguard >/dev/null 2>&1; sleep 0.3",
                f"input text {quote(secret)} && input keyevent {_ENTER}; i=0",
                f'while [ $i -lt {UNLOCK_TRIES} ] && dumpsys window policy | grep -qE "{_KEYGUARD}"; do',
                "i=$((i+1)); sleep 0.1; done",
                _keyguard_told(),
            )
        ),
        token,
    )


@dataclass(frozen=True)
class Prepared:
    """What the script of `prepare` did and saw."""

    note: Note
    taken_over: int | None
    """Token of the lease that had left a note; that of this very lease where it was prepared before."""
    changed: tuple[str, ...]
    refused: tuple[str, ...]
    """Settings that the phone would not change."""
    woken: bool
    was_locked: bool
    locked: bool
    """The keyguard is still there: it wants a secret."""
    awake: bool
    health: fitness.Health


class UnpreparedError(Exception):
    """The phone was not changed; the message says why, and what to do."""


def prepared(output: str) -> Prepared:
    """What the script printed behind the fence's line. Raises `UnpreparedError`, `DamagedNoteError`."""
    head, _, rest = output.partition(f"{_PART}\n")
    noted, _, seen = rest.partition(f"{_PART}\n")
    said = [line.removeprefix(_MARK).split() for line in head.splitlines() if line.startswith(_MARK)]
    words = {line[0] for line in said if line}
    if "unreadable" in words:
        raise UnpreparedError(f"its settings cannot be noted, so that they are not changed: {_quoted(head)}")
    if "unwritten" in words or "noted" not in words:
        raise UnpreparedError(
            "what it has set cannot be noted in /data/local/tmp, so that it is not changed: check its free space"
            f" ({_quoted(output)})"
        )
    found = note.parse(noted)
    if found is None:
        raise UnpreparedError(f"its note was gone at once: {_quoted(output)}")
    before = next(line[1] for line in said if line[0] == "noted")
    return Prepared(
        note=found,
        taken_over=int(before.removeprefix("token=")) if before != "none" else None,
        changed=tuple(line[1] for line in said if line[0] == "changed"),
        refused=tuple(line[1] for line in said if line[0] == "refused"),
        woken="woken" in words,
        was_locked="locked" in words,
        locked=window.keyguard_showing(seen) is True,
        awake=window.is_awake(seen) is not False,
        health=fitness.health(seen),
    )


def unlocked(output: str) -> bool:
    """Whether the keyguard has gone after `enter_secret`."""
    return window.keyguard_showing(output) is not True


def _quoted(output: str) -> str:
    return " ".join(output.split())[:300] or "no output"
