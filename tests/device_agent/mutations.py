"""The same crash as another phone would log it, and logs in which more than one thing happens. Seeded.

A mutation changes what a second occurrence may change. Some of it the normaliser has rules for (pids, times, numbers of
lambdas). For the rest it has none by which it could undo it: messages become other texts, a person's own data among
them; frames of the framework are renamed, dropped and doubled, as Android's next version does; lines are wrapped as
terminals and mails wrap them; lines of other processes, and the crash of another app, stand between those of this one.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from services.device_agent import stacks

_FRAME = re.compile(r"^\s*at ([\w.$<>-]+)\((.*)\)\s*$")
_HEAD = re.compile(r"^\s*(Caused by: )?((?:[a-z_]\w*\.)+[A-Z][\w.$]*)(: .*)?$")
_MORE = re.compile(r"^\s*\.\.\. (\d+) more")
_TEXTS = (
    "找不到订单 8812 的用户 王小明",
    "Attempt to read row 7 of user mia@example.com at https://example.com/a?x=1",
    '{"id": "c0ffee12-3456-7890-abcd-ef0123456789", "name": "at home (Berlin)"}',
    "file:///storage/emulated/0/DCIM/IMG_20240101_101010.jpg: permission denied",
    "expected (but was) at line 3: com.example.Fake$Inner@1f2e3d4c",
    "",
)
_OTHERS = (
    ("I", "chatty", "uid=10123 expire 5 lines"),
    ("W", "InputDispatcher", "channel 'a1b2c3 com.x/.Y (server)' ~ Consumer closed"),
    ("E", "BpBinder", "onTransact failed: java.lang.Exception: not this one"),
    ("D", "OkHttp", "\tat line 4 of the answer (200)"),
    ("E", "System", "java.lang.IllegalStateException: of somebody else"),
    ("E", "System", "\tat com.other.app.Main.run(Main.java:1)"),
)


@dataclass(frozen=True)
class Trace:
    """A stack as its program printed it, without the log around it."""

    name: str
    lines: tuple[str, ...]


def traces(name: str, text: str) -> list[Trace]:
    """The traces in a file of the corpus, cleaned of log prefixes and of everything that is not one.

    Several in one file are of one report: a later one is kept only where it says the same exception again.
    """
    found: list[list[str]] = []
    for raw in text.splitlines():
        line = stacks.bare(raw).rstrip()
        head = _HEAD.match(line)
        if head and not head[1] and (head[2].endswith(("Exception", "Error")) or head[3]):
            found.append([line.strip()])
        elif found and (_FRAME.match(line) or _MORE.match(line) or (head and head[1])):
            found[-1].append(line.strip() if head else "\t" + line.strip())
    whole = [lines for lines in found if any(_FRAME.match(line) for line in lines)]
    return [Trace(name, tuple(lines)) for lines in whole]


class Mutant:
    """One occurrence of a trace: `log(pid..)` is what its phone's log holds."""

    def __init__(self, trace: Trace, seed: int, package: str) -> None:
        self.dice = random.Random(seed)
        self.package = package
        self.lines = [self._line(line) for line in trace.lines]
        self.lines = self._framework(self.lines)

    def _line(self, line: str) -> str:
        dice = self.dice
        if (head := _HEAD.match(line)) is not None:
            text = dice.choice(_TEXTS)
            return f"{head[1] or ''}{head[2]}" + (f": {text}" if text else "")
        if _MORE.match(line):
            return f"\t... {dice.randint(1, 60)} more"
        line = re.sub(r"(?<=:)\d+(?=\))", lambda _: str(dice.randint(1, 9999)), line)
        line = re.sub(r"(?<=access\$)\d+|(?<=-wrap)\d+|(?<=Lambda\$)\d+|(?<=Proxy)\d+", self._number, line)
        line = re.sub(r"(lambda\$\w+?\$)\d+", lambda found: found[1] + self._number(found), line)
        return re.sub(r"(-\$\$Lambda\$\w+\$)[\w-]+", lambda found: f"{found[1]}{dice.getrandbits(60):x}", line)

    def _number(self, _match: object) -> str:
        return str(self.dice.randint(0, 9999))

    def _framework(self, lines: list[str]) -> list[str]:
        """Another version of Android: its frames that the app did not call itself are other ones, more or fewer."""
        out: list[str] = []
        for at, line in enumerate(lines):
            frame = _FRAME.match(line)
            below = _FRAME.match(lines[at + 1]) if at + 1 < len(lines) else None
            has_app = any((f := _FRAME.match(x)) and not stacks.is_framework(f[1]) for x in lines)
            calls_itself = below is not None and not stacks.is_framework(below[1])
            if frame and has_app and stacks.is_framework(frame[1]) and not calls_itself:
                luck = self.dice.random()
                if luck < 0.25:
                    continue
                if luck < 0.5:
                    out.append(f"\tat android.app.Internal{self.dice.randint(1, 99)}.dispatch(Internal.java:1)")
            out.append(line)
        return out

    def log(self) -> list[str]:
        """Its lines in `threadtime`, some of them wrapped as a log wraps a long one."""
        dice = self.dice
        pid, tid, moment = dice.randint(1000, 32000), dice.randint(1000, 32000), self._moment()
        thread = dice.choice(
            ["main", f"AsyncTask #{dice.randint(1, 9)}", f"pool-{dice.randint(1, 9)}-thread-1", "工作线程"]
        )
        head = [f"FATAL EXCEPTION: {thread}", f"Process: {self.package}, PID: {pid}"]
        wide = dice.choice([90, 120, 10_000])
        body = [line[at : at + wide] for line in self.lines for at in range(0, len(line), wide)]
        return [f"{moment} {pid:5} {tid:5} E AndroidRuntime: {line}" for line in [*head, *body]]

    def _moment(self) -> str:
        dice = self.dice
        day, hour = f"{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}", dice.randint(0, 23)
        return f"{day} {hour:02d}:{dice.randint(0, 59):02d}:{dice.randint(0, 59):02d}.{dice.randint(0, 999):03d}"


def noisy(lines: list[str], seed: int, other: list[str] | None = None) -> list[str]:
    """The lines in their order, with those of other processes between them, and of another crash."""
    dice = random.Random(seed)
    out: list[str] = []
    rest = list(other or [])
    moment = lines[0][:18]
    for line in lines:
        while rest and dice.random() < 0.6:
            out.append(rest.pop(0))
        while dice.random() < 0.4:
            priority, tag, text = dice.choice(_OTHERS)
            pid = dice.randint(33_000, 40_000)
            out.append(f"{moment} {pid:5} {pid:5} {priority} {tag}: {text}")
        out.append(line)
    return out + rest
