"""`dumpsys activity exit-info` (Android 11 and newer): how processes ended, kept over restarts of the phone."""

from __future__ import annotations

import re
from dataclasses import dataclass

CRASH, CRASH_NATIVE, ANR, LOW_MEMORY = 4, 5, 6, 3
IMPORTANCE_FOREGROUND = 100

_RECORD = re.compile(r"^\s*ApplicationExitInfo #\d+:", re.MULTILINE)
_TIME = re.compile(r"\btimestamp=(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})")
_PID = re.compile(r"\bpid=(\d+)")
_PROCESS = re.compile(r"\bprocess=(\S+)")
_REASON = re.compile(r"\breason=(\d+) \((.*?)\)(?= subreason=| status=|\s*$)", re.MULTILINE)
_IMPORTANCE = re.compile(r"\bimportance=(\d+)")
_DESCRIPTION = re.compile(r"\bdescription=(.*?)(?= state=|\n\s*state=|\s*\Z)", re.DOTALL)
_NEXT_PACKAGE = re.compile(r"^  package: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Exit:
    """One process that ended. `time` is the phone's clock, `YYYY-MM-DD HH:MM:SS.mmm`; `text` the record as printed."""

    time: str
    pid: int
    process: str
    reason: int
    reason_name: str
    importance: int
    description: str
    text: str


def exits(text: str) -> list[Exit]:
    """All records, as they come (the newest of a package first). Records that lack time, pid or reason are left out."""
    found = []
    for part in _RECORD.split(text)[1:]:
        record = _NEXT_PACKAGE.split(part)[0].rstrip()
        time, pid, process, reason = (p.search(record) for p in (_TIME, _PID, _PROCESS, _REASON))
        if time is None or pid is None or process is None or reason is None:
            continue
        importance, description = _IMPORTANCE.search(record), _DESCRIPTION.search(record)
        said = description[1].strip() if description is not None else ""
        found.append(
            Exit(
                time[1],
                int(pid[1]),
                process[1],
                int(reason[1]),
                reason[2],
                int(importance[1]) if importance is not None else 0,
                "" if said == "null" else said,
                record.strip("\n"),
            )
        )
    return found
