"""Crashes that the phone remembers when its log has lost them: processes that ended, and reports of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.device_agent import native_stacks, stacks
from services.device_agent.crashes import Crash, CrashKind, Source, anr_key
from services.device_agent.parsers import exit_info
from services.device_agent.parsers.dropbox import Entry
from services.device_agent.parsers.exit_info import Exit
from services.device_agent.phone_clock import PhoneClock

TAGS = ("data_app_crash", "data_app_native_crash", "data_app_anr", "system_app_crash", "system_app_anr")
"""Kinds of reports that tell of apps; SYSTEM_TOMBSTONE holds the native ones in full."""
SAME_WITHIN = timedelta(minutes=2)
"""A report is written within so long of the crash: an ANR's holds the stacks of many processes."""
_SUBJECT = re.compile(r"^Subject: *(.*)$", re.MULTILINE)
_HEADER_END = "\n\n"
_KINDS = {
    exit_info.CRASH: CrashKind.CRASH,
    exit_info.CRASH_NATIVE: CrashKind.NATIVE,
    exit_info.ANR: CrashKind.ANR,
    exit_info.LOW_MEMORY: CrashKind.LOW_MEMORY,
}
_TAG_OF = {
    CrashKind.CRASH: ("data_app_crash", "system_app_crash"),
    CrashKind.NATIVE: ("SYSTEM_TOMBSTONE", "data_app_native_crash"),
    CrashKind.ANR: ("data_app_anr", "system_app_anr"),
    CrashKind.LOW_MEMORY: (),
}


def crashes(exits: Iterable[Exit], reports: Sequence[Entry], clock: PhoneClock, since: datetime) -> list[Crash]:
    """What happened after `since`, oldest first: each process that ended badly, with its stack where a report has it.

    An app that was killed for memory is told of where it was in front: everything behind is killed every day.
    """
    found = []
    for ended in exits:
        kind = _KINDS.get(ended.reason)
        at = clock.here_at(ended.time)
        if kind is None or at is None or at <= since:
            continue
        if kind is CrashKind.LOW_MEMORY and ended.importance > exit_info.IMPORTANCE_FOREGROUND:
            continue
        crash = _of_exit(ended, kind)
        report = report_of(crash, reports, clock)
        found.append((at, crash if report is None else with_report(crash, report)))
    return [crash for _, crash in sorted(found, key=lambda pair: pair[0])]


def reported(reports: Iterable[Entry], clock: PhoneClock, since: datetime) -> list[Crash]:
    """The same from the reports alone, oldest first: Android 10 and older keep nothing of how processes ended."""
    found = []
    for report in reports:
        kind = next((kind for kind, tags in _TAG_OF.items() if report.tag in tags), None)
        at = clock.here_at(report.time)
        if kind is None or report.tag == "SYSTEM_TOMBSTONE" or report.process is None or at is None or at <= since:
            continue
        subject = _SUBJECT.search(report.body)
        said = subject[1].strip() if subject is not None else ""
        ended = Exit(report.time, report.pid or 0, report.process, 0, report.tag, 0, said, "")
        found.append((at, with_report(_of_exit(ended, kind), report)))
    return [crash for _, crash in sorted(found, key=lambda pair: pair[0])]


def _of_exit(ended: Exit, kind: CrashKind) -> Crash:
    said = ended.description or ended.reason_name
    if kind is CrashKind.ANR:
        said = said.removeprefix("user request after error: ").removeprefix("bg anr: ")
        normal = anr_key(ended.process, None, said, [])
    else:
        normal = "\n".join((kind.value, ended.process, stacks.masked(said)))
    return Crash(
        kind=kind,
        process=ended.process,
        pid=ended.pid,
        time=ended.time,
        thread=None,
        exception={CrashKind.ANR: "ANR", CrashKind.LOW_MEMORY: "LOW_MEMORY"}.get(kind, ended.reason_name),
        message=said,
        stack=(),
        normal=normal,
        key=stacks.key(normal),
        source=Source.EXIT_INFO,
    )


def tags_of(kind: CrashKind) -> tuple[str, ...]:
    """Kinds of the phone's own reports that tell of such a crash, the fullest first."""
    return _TAG_OF[kind]


def report_of(crash: Crash, reports: Iterable[Entry], clock: PhoneClock) -> Entry | None:
    """The phone's own report of a crash: of the same process and pid where it has one, written soon after it."""
    at = clock.here_at(crash.time)
    tags = _TAG_OF[crash.kind]
    best: tuple[int, timedelta, Entry] | None = None
    for report in reports:
        written = clock.here_at(report.time)
        if report.tag not in tags or at is None or written is None or not _same_process(crash, report):
            continue
        late = written - at
        # Reports have whole seconds, cut off.
        if -timedelta(seconds=2) <= late <= SAME_WITHIN:
            rank = (tags.index(report.tag), abs(late), report)
            best = rank if best is None or rank[:2] < best[:2] else best
    return None if best is None else best[2]


def _same_process(crash: Crash, report: Entry) -> bool:
    if report.pid is not None and report.pid != crash.pid:
        return False
    # The kernel knows the last 15 characters of a process's name only, and tombstones of old phones print those.
    return report.process == crash.process or (report.pid == crash.pid and crash.process.endswith(report.process or ""))


def with_report(crash: Crash, report: Entry) -> Crash:
    """The crash with the stack that the report has; an ANR is then told apart by what its main thread was doing."""
    lines = report.body.splitlines()
    match crash.kind:
        case CrashKind.ANR:
            main = main_thread(lines)
            if not main:
                return crash
            normal = anr_key(crash.process, None, crash.message, stacks.frames_of(main))
            return replace(crash, stack=(*crash.stack, *main), normal=normal, key=stacks.key(normal))
        case CrashKind.CRASH if not crash.stack:
            body = [line for line in report.body.partition(_HEADER_END)[2].splitlines() if line.strip()] or lines
            exception, _, message = body[0].strip().partition(": ")
            normal = stacks.normalise(body)
            return _stacked(crash, exception, message, body, normal)
        case CrashKind.NATIVE if not crash.stack:
            body = [line for line in lines if "pc " in line or "signal " in line or "Abort message" in line]
            normal = native_stacks.normalise(body)
            return _stacked(crash, normal.partition("\n")[0], crash.message, body, normal)
        case _:
            return crash


def _stacked(crash: Crash, exception: str, message: str, body: list[str], normal: str) -> Crash:
    return replace(
        crash,
        exception=exception,
        message=message,
        stack=tuple(body),
        normal=normal,
        key=stacks.key(normal),
        source=Source.DROPBOX,
    )


def main_thread(lines: Sequence[str]) -> list[str]:
    """The main thread's part of the threads of an ANR: from its name to the next blank line."""
    begin = next((at for at, line in enumerate(lines) if line.startswith('"main" ')), None)
    if begin is None:
        return []
    part = []
    for line in lines[begin:]:
        if not line.strip():
            break
        if not line.lstrip().startswith("| "):
            part.append(line.rstrip())
    return part
