"""`dumpsys activity exit-info`: why processes ended (Android 11 and newer), as the apps' own log tells."""

from __future__ import annotations

import time

from deploy.simulator.components import uid
from deploy.simulator.shell.call import Call
from deploy.simulator.world import LogLine

_REASONS = {"crash": (4, "CRASH"), "anr": (6, "ANR")}


def dump_exit_info(call: Call) -> str:
    """Newest first, of one package where it is named."""
    if not call.phone.profile.exit_info:
        return "Bad activity command, or no activities match: exit-info\n"
    wanted = call.arguments[2] if len(call.arguments) > 2 else None
    lines = ["ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)"]
    for number, (line, kind, package) in enumerate(reversed(_ends(call.phone.log(0.0)))):
        if wanted is not None and package != wanted:
            continue
        code, name = _REASONS[kind]
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(line.at_s)) + f".{int(line.at_s * 1000) % 1000:03d}"
        lines += [
            f"  package: {package}",
            f"    Historical Process Exit for uid={uid(package)}",
            f"        ApplicationExitInfo #{number}:",
            f"          timestamp={when} pid={line.pid} realUid={uid(package)} packageUid={uid(package)}",
            f"          process={package} reason={code} ({name}) subreason=0 (UNKNOWN) status=0",
            f"          importance=100 description={name.lower()} state=empty trace=null",
        ]
    return "\n".join(lines) + "\n"


def _ends(log: tuple[LogLine, ...]) -> list[tuple[LogLine, str, str]]:
    """Each crash and ANR: its line, its kind, its package."""
    found = []
    for line in log:
        if line.message.startswith("Process: "):
            found.append((line, "crash", line.message.removeprefix("Process: ").partition(",")[0]))
        elif line.message.startswith("ANR in "):
            found.append((line, "anr", line.message.split()[2]))
    return found
