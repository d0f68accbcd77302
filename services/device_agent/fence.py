"""The last fence: a phone refuses stale leases and repeated actions itself.

A mutating command reaches the phone as ONE shell call. It compares the lease's token and the action's number with a
small file on the phone, records them durably, and only then acts. So an agent that was stopped past its lease is
refused by the phone, a redelivered action is not repeated, and after a crash the file tells what was attempted.

The file holds one line, `<token> <number>`: the newest attempt. Tokens grow with every lease of a phone, numbers grow
within a lease. The comparison and the record are one critical section (a directory as lock: `mkdir` is atomic on every
Android, `flock` is not everywhere), so that an old and a new agent cannot pass at the same moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

FENCE_FILE = "/data/local/tmp/waymark.fence"
LOCK_TRIES = 50
"""Times a tenth of a second that the call waits for another call's critical section, which takes milliseconds."""

LARGEST = 2**31 - 1
"""mksh computes in 32 bits."""

_MARK = "waymark-fence:"
_VERDICT = re.compile(rb"^waymark-fence: (\w+)(?: (.*))?$")
_RECORD = re.compile(rb"([0-9]+) ([0-9]+)\r?\n")


class Verdict(StrEnum):
    """What became of an action that was sent through the fence."""

    DONE = "DONE"
    """Attempted, and its commands exited 0."""
    FAILED = "FAILED"
    """Attempted, and a command exited with another code."""
    DUPLICATE = "DUPLICATE"
    """This lease attempted it, or a later one, before: not repeated."""
    STALE = "STALE"
    """A newer lease has used the phone: refused."""
    BUSY = "BUSY"
    """Another call holds the lock, or died holding it: not attempted, `unlock()` and send again."""
    BROKEN = "BROKEN"
    """The file cannot be read or written: not attempted."""


_EXIT_CODES = {Verdict.STALE: 91, Verdict.DUPLICATE: 92, Verdict.BUSY: 93, Verdict.BROKEN: 94}


@dataclass(frozen=True)
class Outcome:
    """The verdict, the exit code of the call, and what the action printed (or why the fence refused it)."""

    verdict: Verdict
    rc: int
    text: str

    @property
    def attempted(self) -> bool:
        """Whether the phone was touched by this call."""
        return self.verdict in {Verdict.DONE, Verdict.FAILED}


class Attempt(StrEnum):
    """What the file says about an action whose outcome nobody saw."""

    ATTEMPTED = "ATTEMPTED"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    UNKNOWN = "UNKNOWN"
    """A newer lease has overwritten the file, or it cannot be read."""


def fenced(action: str, token: int, number: int, file: str = FENCE_FILE) -> str:
    """The shell script that does `action` (a shell command list) once at most, under this lease only.

    Its first line on stdout is the fence's own; what follows is the action's. Raises `ValueError` for numbers out of
    0..2^31-1.
    """
    for name, value in (("token", token), ("number", number)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
            raise ValueError(f"the fence's {name} must be a whole number of 0..{LARGEST}, not {value!r}")
    repeated = f"if [ $t -eq {token} ] && [ $n -ge {number} ]; then {_leave(Verdict.DUPLICATE)}; fi"
    then = f"{repeated}\n{_record(token, number)}"
    return "\n".join((_compared(token, then, file), f"echo {_MARK} passed", action))


def opened(action: str, token: int, file: str = FENCE_FILE) -> str:
    """The shell script that does `action` as often as it is sent, but only while the lease has not ended on the phone
    and no newer one has begun there. From then on older leases are refused."""
    over = f"if [ $t -eq {token} ] && [ $n -eq {LARGEST} ]; then {_leave(Verdict.STALE)}; fi"
    begin = f"if [ $t -lt {token} ]; then {_record(token, 0)}; fi"
    return "\n".join((_compared(token, f"{over}\n{begin}", file), f"echo {_MARK} passed", action))


def closed(action: str, token: int, file: str = FENCE_FILE) -> str:
    """The shell script that ends a lease on the phone, so that nothing of it is let through any more, and then does
    `action`; refused where a newer lease has begun. What it does puts things back, so that a full storage, which
    takes no record, does not hold it up."""
    record = f"{{ {_write(token, LARGEST)}; }} 2>/dev/null"
    return "\n".join((_compared(token, record, file), f"echo {_MARK} passed", action))


def _record(token: int, number: int) -> str:
    return f"{_write(token, number)} || {{ {_leave(Verdict.BROKEN)}; }}"


def _write(token: int, number: int) -> str:
    return f"echo {token} {number} > $f.new && mv -f $f.new $f && sync"


def _compared(token: int, then: str, file: str) -> str:
    """The critical section: refuses what is older than the file's token, else does `then`."""
    return "\n".join(
        (
            f"f={file}; i=0",
            "until mkdir $f.lock 2>/dev/null; do",
            f"i=$((i+1)); if [ $i -gt {LOCK_TRIES} ]; then {_refuse(Verdict.BUSY)}; fi",
            "sleep 0.1; done",
            "t=0; n=0",
            # grep and not `[`: mksh takes a word for a variable there, so that a damaged file would count as 0.
            # One line in all, and it is a good one: 11.
            'if [ -e $f ]; then c=$(grep -cE "^[0-9]+ [0-9]+$" $f)$(grep -c "" $f)',
            f'if [ "$c" != 11 ]; then {_leave(Verdict.BROKEN)}; fi; read t n < $f; fi',
            f"if [ $t -gt {token} ]; then {_leave(Verdict.STALE)}; fi",
            then,
            "rmdir $f.lock",
        )
    )


def _refuse(verdict: Verdict) -> str:
    return f"echo {_MARK} {verdict.lower()} $t $n; exit {_EXIT_CODES[verdict]}"


def _leave(verdict: Verdict) -> str:
    return f"rmdir $f.lock; {_refuse(verdict)}"


def outcome(rc: int, stdout: bytes, stderr: bytes) -> Outcome:
    """Reads what the script of `fenced` left: exit code and both streams.

    Only the first line of stdout is believed to be the fence's, so an action cannot be mistaken for a refusal.
    """
    first, _, rest = stdout.partition(b"\n")
    said = _VERDICT.match(first.rstrip(b"\r"))
    if said is None:
        text = (stdout + stderr).decode(errors="replace").strip()
        return Outcome(Verdict.BROKEN, rc, f"the fence did not run on the phone (exit code {rc}): {text or 'silence'}")
    if said[1] == b"passed":
        text = "\n".join(part for part in (rest.decode(errors="replace"), stderr.decode(errors="replace")) if part)
        return Outcome(Verdict.DONE if rc == 0 else Verdict.FAILED, rc, text.strip())
    verdict = Verdict(said[1].decode().upper())
    return Outcome(verdict, rc, _words(verdict, (said[2] or b"").decode(errors="replace").strip()))


def _words(verdict: Verdict, seen: str) -> str:
    match verdict:
        case Verdict.STALE:
            return f"a newer lease drives this phone (token and number {seen}): this one has ended, ask for another"
        case Verdict.DUPLICATE:
            return f"already attempted (token and number {seen}): observe the phone instead of repeating the action"
        case Verdict.BUSY:
            return f"{FENCE_FILE}.lock is held: another command is running, or died; remove the lock and try again"
        case _:
            return (
                f"{FENCE_FILE} cannot be read or written: check the phone's free space; "
                f"if it holds anything but two numbers, remove it with `adb shell rm {FENCE_FILE}`"
            )


def unlock(file: str = FENCE_FILE) -> str:
    """Removes a lock that a killed call left behind; harmless where there is none. Nothing else is changed."""
    return f"rmdir {file}.lock 2>/dev/null; true"


def read_attempt(file: str = FENCE_FILE) -> str:
    """The command whose output `attempted` understands."""
    return f"if [ -e {file} ]; then cat {file}; else echo none; fi"


def attempted(content: bytes, token: int, number: int) -> Attempt:
    """Whether the action was attempted, by what `read_attempt` prints (`none`: the phone never had a fence file).

    A later number of the same lease counts as attempted, because a lease uses its numbers in order.
    """
    if content.strip() == b"none":
        return Attempt.NOT_ATTEMPTED
    seen = _RECORD.fullmatch(content)
    if seen is None:
        return Attempt.UNKNOWN
    seen_token, seen_number = int(seen[1]), int(seen[2])
    if seen_token > token:
        return Attempt.UNKNOWN
    return Attempt.ATTEMPTED if seen_token == token and seen_number >= number else Attempt.NOT_ATTEMPTED
