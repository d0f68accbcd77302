"""Finds crashes and ANRs in the lines of logcat. Pure: lines in, crashes out."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.device_agent import native_stacks, stacks
from services.device_agent.parsers.logcat import LogLine

STACK_LINES = 400
"""Lines of one crash that are kept."""
OPEN_REPORTS = 32
"""Reports that are being collected at one time; the oldest is closed for a new one."""
QUIET_LINES = 200
"""Lines of others after which a report is complete."""


class CrashKind(StrEnum):
    CRASH = "CRASH"
    """An exception that nobody caught."""
    NATIVE = "NATIVE"
    """A signal in native code."""
    ANR = "ANR"
    """The app did not answer in time."""
    LOW_MEMORY = "LOW_MEMORY"
    """It was killed for memory while it was in front."""


class Source(StrEnum):
    """What told of a crash."""

    LOGCAT = "LOGCAT"
    EXIT_INFO = "EXIT_INFO"
    """How its process ended, without a stack."""
    DROPBOX = "DROPBOX"
    """The same, with the stack of the phone's own report."""


@dataclass(frozen=True)
class Crash:
    """One crash or ANR. `time` is the phone's clock as logcat prints it.

    `exception` is the type of the outermost exception, the signal, or `ANR`; `message` what stood behind it. `normal`
    is the normal form of the stack and `key` its short name: equal for the same crash, whenever it happens.
    """

    kind: CrashKind
    process: str
    pid: int
    time: str
    thread: str | None
    exception: str
    message: str
    stack: tuple[str, ...]
    normal: str
    key: str
    source: Source = Source.LOGCAT

    @property
    def package(self) -> str:
        """The app: a process is its package, or its package and `:name`."""
        return self.process.partition(":")[0]


@dataclass
class _Report:
    kind: CrashKind
    first: LogLine
    lines: list[str] = field(default_factory=list)
    since: int = 0


_FATAL = re.compile(r"^FATAL EXCEPTION(?: IN SYSTEM PROCESS)?: (?P<thread>.*)$")
_CAUGHT = re.compile(r"^\w+ caught a \S+ for (?P<process>[\w.:]+)")
_PROCESS = re.compile(r"^Process: (?P<process>[\w.:]+)(?:, PID: (?P<pid>\d+))?")
_ANR = re.compile(r"^ANR in (?P<process>[\w.:]+)(?: \((?P<component>[\w./$]+)\))?")
_PID = re.compile(r"^PID: (\d+)")
_REASON = re.compile(r"^Reason: (.*)")
_NATIVE_HEAD = re.compile(r"^(?:\*\*\* ){4,}")
_NATIVE_PROCESS = re.compile(r"pid: (?P<pid>\d+), tid: \d+, name: (?P<thread>.*?)\s+>>> (?P<process>\S+) <<<")
_NATIVE_SIGNAL = re.compile(r"signal \d+ \((?P<signal>SIG\w+)\)(?P<rest>.*)")
_ANR_END = re.compile(r"^(?:Load:|CPU usage|-----)")


class CrashFinder:
    """Fed with lines in the order of the log; gives each crash when its report is complete, or at `flush`."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[int, str], _Report] = OrderedDict()
        self._line = 0
        self._newest: str | None = None

    @property
    def is_reading(self) -> bool:
        """Whether a report has begun and may go on."""
        return bool(self._open)

    @property
    def unfinished_since(self) -> str | None:
        """From which time of the log to read on: the oldest report that is not complete, else the newest line."""
        return min((report.first.time for report in self._open.values()), default=self._newest)

    def feed(self, line: LogLine) -> list[Crash]:
        """Takes one line; what it completes."""
        self._line += 1
        self._newest = line.time
        done: list[Crash] = []
        where = (line.pid, line.tag)
        kind = _begins(line)
        if kind is not None:
            done += self._close(where)
            if len(self._open) >= OPEN_REPORTS:
                done += self._close(next(iter(self._open)))
            self._open[where] = _Report(kind, line)
        report = self._open.get(where)
        if report is not None:
            report.since = self._line
            if len(report.lines) < STACK_LINES:
                report.lines.append(line.message)
        for other in [key for key, open_ in self._open.items() if self._line - open_.since > QUIET_LINES]:
            done += self._close(other)
        return done

    def flush(self) -> list[Crash]:
        """What is still open: call it when the log has been quiet for a moment."""
        return [crash for where in list(self._open) for crash in self._close(where)]

    def _close(self, where: tuple[int, str]) -> list[Crash]:
        report = self._open.pop(where, None)
        crash = None if report is None else _crash(report)
        return [] if crash is None else [crash]


def _begins(line: LogLine) -> CrashKind | None:
    """Whether a report begins at this line."""
    if line.priority in "EF":
        if line.tag == "ActivityManager" and _ANR.match(line.message):
            return CrashKind.ANR
        if line.tag == "AndroidRuntime" and _FATAL.match(line.message):
            return CrashKind.CRASH
        if line.tag == "ACRA" and _CAUGHT.match(line.message):
            return CrashKind.CRASH
        if line.tag in {"DEBUG", "crash_dump64", "crash_dump32"} and _NATIVE_HEAD.match(line.message):
            return CrashKind.NATIVE
    return None


def _crash(report: _Report) -> Crash | None:
    match report.kind:
        case CrashKind.ANR:
            return _anr(report)
        case CrashKind.NATIVE:
            return _native(report)
        case CrashKind.CRASH:
            return _exception(report)
        case CrashKind.LOW_MEMORY:
            return None  # The log has no report of it.


def _exception(report: _Report) -> Crash | None:
    process, pid, thread, body = None, report.first.pid, None, []
    for message in report.lines:
        if found := _FATAL.match(message):
            thread = found["thread"].strip()
        elif found := _PROCESS.match(message) or _CAUGHT.match(message):
            process = found["process"]
            pid = int(found.groupdict().get("pid") or pid)
        elif not message.startswith("PID:"):
            body.append(message)
    if process is None or not body:
        return None
    exception, _, text = body[0].strip().partition(": ")
    return _made(report, (process, pid, thread), (exception, text), body)


def _native(report: _Report) -> Crash | None:
    head = next((found for message in report.lines if (found := _NATIVE_PROCESS.search(message))), None)
    signal = next((found for message in report.lines if (found := _NATIVE_SIGNAL.search(message))), None)
    if head is None:
        return None
    name, rest = (signal["signal"], signal["rest"].lstrip(", ")) if signal else ("native crash", "")
    body = [
        message for message in report.lines if "pc " in message or "signal " in message or "Abort message" in message
    ]
    return _made(report, (head["process"], int(head["pid"]), head["thread"]), (name, rest), body)


def _anr(report: _Report) -> Crash | None:
    head = _ANR.match(report.lines[0])
    if head is None:
        return None
    pid = next((int(found[1]) for message in report.lines if (found := _PID.match(message))), 0)
    reason = next((found[1] for message in report.lines if (found := _REASON.match(message))), "")
    body = []
    for message in report.lines:
        if _ANR_END.match(message):
            break
        body.append(message)
    normal = anr_key(head["process"], head["component"], reason, [])
    return Crash(
        CrashKind.ANR,
        head["process"],
        pid,
        report.first.time,
        None,
        "ANR",
        reason,
        tuple(body),
        normal,
        stacks.key(normal),
    )


def anr_key(process: str, component: str | None, reason: str, frames: Sequence[str]) -> str:
    """The normal form of an ANR: what was waited for, and what the main thread was doing meanwhile, where that is known
    (`frames`), else the activity."""
    # What stands in brackets is the window, the event and the milliseconds waited; in braces, the object's hash.
    sort = stacks.masked(re.sub(r"\{[0-9a-f]+ ", "{# ", reason).partition(" (")[0].strip())
    if frames:
        return "\n".join(("ANR", sort, *(f"at {frame}" for frame in stacks.telling_frames(frames))))
    package, _, name = (component or "").partition("/")
    where = f"{package}/{package}{name}" if name.startswith(".") else component
    return "\n".join(("ANR", where or process, sort))


def _made(report: _Report, who: tuple[str, int, str | None], head: tuple[str, str], body: list[str]) -> Crash:
    """`who` is process, pid and thread; `head` exception and message."""
    is_native = report.kind is CrashKind.NATIVE
    normal = native_stacks.normalise(report.lines) if is_native else stacks.normalise(body)
    return Crash(report.kind, who[0], who[1], report.first.time, who[2], *head, tuple(body), normal, stacks.key(normal))


def find(lines: Iterable[LogLine]) -> list[Crash]:
    """All crashes of a finished log."""
    finder = CrashFinder()
    found = [crash for line in lines for crash in finder.feed(line)]
    return found + finder.flush()
