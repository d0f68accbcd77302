"""Lines of `logcat -v threadtime`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"^(?P<time>(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6})\s+(?:\S+\s+)??(?P<pid>\d+)\s+(?P<tid>\d+) "
    r"(?P<priority>[VDIWEFSA]) (?P<tag>.*?)\s*: ?(?P<message>.*)$"
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `time` is the phone's own clock as it prints it (`MM-DD HH:MM:SS.mmm`), without a zone."""

    time: str
    pid: int
    tid: int
    priority: str
    tag: str
    message: str


def line(text: str) -> LogLine | None:
    """The line, or None for what is no message (`--------- beginning of crash`, junk)."""
    match = _LINE.match(text.rstrip("\r\n"))
    if match is None:
        return None
    return LogLine(
        time=match["time"],
        pid=int(match["pid"]),
        tid=int(match["tid"]),
        priority=match["priority"],
        tag=match["tag"].strip(),
        message=match["message"],
    )
