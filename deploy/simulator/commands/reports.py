"""`dumpsys dropbox`: the phone's own reports of crashes and ANRs, kept when its log has lost them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.simulator.shell.call import Call
from deploy.simulator.world import ANR_TRACES, LogLine

_NATIVE = re.compile(r"pid: (\d+), tid: \d+, name: .*>>> (\S+) <<<")
_KILLED = re.compile(r"Killing (\d+):([\w.:]+)/\S+ \(adj \d+\): (.*)")
_LOW_MEMORY = re.compile(r"Kill '([\w.:]+)' \((\d+)\), uid \d+, oom_score_adj (\d+)")
_TAGS = {
    "crash": ("data_app_crash",),
    "native": ("data_app_native_crash", "SYSTEM_TOMBSTONE"),
    "anr": ("data_app_anr",),
}


@dataclass
class Trouble:
    """Something that went wrong with a process. `said` is Android's word for it, `lines` the report in the log."""

    kind: str
    process: str
    pid: int
    at_s: float
    said: str
    lines: list[str] = field(default_factory=list)

    @property
    def package(self) -> str:
        return self.process.partition(":")[0]


def troubles(log: Sequence[LogLine]) -> list[Trouble]:
    """Crashes, native crashes, ANRs and their ends, kills for memory: as the log tells of them, oldest first."""
    found: list[Trouble] = []
    reading: dict[tuple[int, str], list[str]] = {}
    for line in log:
        block = reading.get((line.pid, line.tag))
        if line.message.startswith(("FATAL EXCEPTION", "*** *** ")):
            reading[line.pid, line.tag] = [line.message]
        elif block is not None:
            block.append(line.message)
        lines = reading.get((line.pid, line.tag), [])
        if line.message.startswith("Process: ") and line.tag == "AndroidRuntime":
            process = line.message.removeprefix("Process: ").partition(",")[0]
            found.append(Trouble("crash", process, line.pid, line.at_s, "crash", lines))
        elif line.tag == "DEBUG" and (native := _NATIVE.search(line.message)):
            found.append(Trouble("native", native[2], int(native[1]), line.at_s, "native crash", lines))
        elif line.message.startswith("ANR in "):
            found.append(Trouble("anr", line.message.split()[2], 0, line.at_s, "", [line.message]))
            reading[line.pid, line.tag] = found[-1].lines
        elif line.buffer == ANR_TRACES and found and found[-1].kind == "anr":
            found[-1].pid, found[-1].said = line.pid, line.message
        elif killed := _KILLED.match(line.message):
            kind = "anr end" if "after error" in killed[3] or "anr" in killed[3] else "killed"
            found.append(Trouble(kind, killed[2], int(killed[1]), line.at_s, killed[3]))
        elif line.tag == "lowmemorykiller" and (low := _LOW_MEMORY.match(line.message)):
            found.append(Trouble("low memory", low[1], int(low[2]), line.at_s, "null"))
    return found


def moment(at_s: float) -> str:
    """The phone's clock as `dumpsys` writes it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s)) + f".{int(at_s * 1000) % 1000:03d}"


def dump_dropbox(call: Call) -> str:
    """`dumpsys dropbox [--print] [TAG]`: without --print the heads only."""
    words = [word for word in call.arguments[1:] if not word.startswith("-")]
    printed = any(word in {"--print", "-p"} for word in call.arguments)
    entries = [
        (tag, trouble)
        for trouble in troubles(call.phone.log(0.0))
        for tag in _TAGS.get(trouble.kind, ())
        if not words or tag in words
    ]
    lines = [f"Drop box contents: {len(entries)} entries", "Max entries: 1000"]
    lines += [f"Searching for: {' '.join(words)}"] if words else []
    lines.append("")
    for tag, trouble in entries:
        body = _body(call, tag, trouble)
        kind = "compressed text" if tag == "SYSTEM_TOMBSTONE" else "text"
        lines.append("=" * 40)
        lines.append(f"{moment(trouble.at_s)[:19]} {tag} ({kind}, {len(body.encode())} bytes)")
        lines.append(body if printed else body[:60].replace("\n", "/") + "...")
    if not entries:
        lines.append("(No entries found.)")
    return "\n".join(lines) + "\n"


def _body(call: Call, tag: str, trouble: Trouble) -> str:
    if tag == "SYSTEM_TOMBSTONE":
        return "\n".join(["isPrevious: true", "Build: sim/sim/sim:13", "", *trouble.lines, ""])
    head = [f"Process: {trouble.process}"]
    head += [f"PID: {trouble.pid}"] if call.phone.profile.api >= 30 and trouble.pid else []
    head += ["Flags: 0x38a8be46", f"Package: {trouble.package} v1 (1.0)", "Foreground: Yes"]
    match trouble.kind:
        case "crash":
            return "\n".join([*head, "Build: sim/sim/sim:13", "", *trouble.lines[2:], ""])
        case "native":
            return "\n".join([*head, "Build: sim/sim/sim:13", "", *trouble.lines, ""])
        case _:
            reason = next((line.removeprefix("Reason: ") for line in trouble.lines if line.startswith("Reason: ")), "")
            return "\n".join([*head, f"Subject: {reason}", "Build: sim/sim/sim:13", "", *_threads(trouble), ""])


def _threads(trouble: Trouble) -> list[str]:
    number = trouble.pid
    return [
        f"----- pid {number} at {moment(trouble.at_s)} -----",
        f"Cmd line: {trouble.process}",
        "Build fingerprint: 'sim/sim/sim:13/TP1A.220624.014/1:user/release-keys'",
        "suspend all histogram:\tSum: 153us 99% C.I. 3us-74us Avg: 25.500us Max: 74us",
        "DALVIK THREADS (2):",
        '"Signal Catcher" daemon prio=10 tid=6 Runnable',
        '  | group="system" sCount=0 ucsCount=0 flags=0 obj=0x12c00228 self=0xb4000070ed1b7c00',
        "  (no managed stack frames)",
        "",
        '"main" prio=5 tid=1 Blocked',
        '  | group="main" sCount=1 ucsCount=0 flags=1 obj=0x720dc1f8 self=0xb4000070ed0c2be0',
        f"  | sysTid={number} nice=-10 cgrp=top-app sched=0/0 handle=0x7217e144f8",
        "  | state=S schedstat=( 421365721 61290432 703 ) utm=34 stm=7 core=4 HZ=100",
        *trouble.said.split("\n"),
        "",
        f"----- end {number} -----",
    ]
