"""`dumpsys dropbox --print TAG`: reports of crashes and ANRs that the phone keeps for days, stacks included."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"^={10,}\s*$", re.MULTILINE)
_HEAD = re.compile(r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? (?P<tag>[A-Za-z_]+) \((?P<kind>[^)]*)\)\s*$")
_FIELD = re.compile(r"^(Process|PID|Package|Timestamp|Subject): *(.*)$", re.MULTILINE)
_CMDLINE = re.compile(r"pid: (\d+), tid: \d+, name: .*?>>> (\S+) <<<")
_ANR_CMDLINE = re.compile(r"^Cmd ?line: (\S+)", re.MULTILINE)
_ANR_PID = re.compile(r"^----- pid (\d+) at ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One report. `time` is the phone's clock in whole seconds, when it was written down; pid None: it does not say."""

    time: str
    tag: str
    process: str | None
    pid: int | None
    body: str


def entries(text: str) -> list[Entry]:
    """All readable reports, oldest first as printed. Entries whose contents are gone or no text are left out."""
    found = []
    for block in _LINE.split(text)[1:]:
        head, _, body = block.lstrip("\n").partition("\n")
        match = _HEAD.match(head.rstrip())
        if match is None or "text" not in match["kind"] or not body.strip():
            continue
        fields = dict(_FIELD.findall(body[:4000]))
        native, threads = _CMDLINE.search(body), _ANR_PID.search(body)
        process = fields.get("Process") or (native[2] if native else None)
        pid_text = fields.get("PID") or (native[1] if native else None) or (threads[1] if threads else None)
        if process is None and (line := _ANR_CMDLINE.search(body)) is not None:
            process = line[1]
        pid = int(pid_text) if pid_text and pid_text.isdigit() else None
        found.append(Entry(match["time"], match["tag"], process, pid, body.rstrip() + "\n"))
    return found
