"""`dumpsys activity exit-info`: why processes ended (Android 11 and newer), as the apps' own log tells."""

from __future__ import annotations

from itertools import groupby

from deploy.simulator.components import uid
from deploy.simulator.shell.call import Call

from .reports import Trouble, moment, troubles

_REASONS = {
    "crash": "4 (APP CRASH(EXCEPTION))",
    "native": "5 (APP CRASH(NATIVE))",
    "anr end": "6 (ANR)",
    "low memory": "3 (LOW_MEMORY)",
}


def dump_exit_info(call: Call) -> str:
    """By package, newest first; of one package where it is named. What `logcat -c` cleared is still here."""
    if not call.phone.profile.exit_info:
        return "Bad activity command, or no activities match: exit-info\n"
    wanted = call.arguments[2] if len(call.arguments) > 2 else None
    ended = [t for t in troubles(call.phone.log(0.0)) if t.kind in _REASONS and wanted in (None, t.package)]
    lines = ["ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)"]
    lines.append(f"Last Timestamp of Persistence Into Persistent Storage: {moment(call.phone.now_s())}")
    for package, some in groupby(sorted(ended, key=lambda t: (t.package, -t.at_s)), key=lambda t: t.package):
        lines += [f"  package: {package}", f"    Historical Process Exit for uid={uid(package)}"]
        for number, trouble in enumerate(some):
            lines += [f"        ApplicationExitInfo #{number}:", *_record(trouble)]
    return "\n".join(lines) + "\n"


def _record(ended: Trouble) -> list[str]:
    number = uid(ended.package)
    uids = f"realUid={number} packageUid={number} definingUid={number} user=0"
    return [
        f"          timestamp={moment(ended.at_s)} pid={ended.pid} {uids}",
        f"          process={ended.process} reason={_REASONS[ended.kind]} subreason=0 (UNKNOWN) status=0",
        f"          importance=100 pss=0.00 rss=0.00 description={ended.said} state=empty trace=null",
    ]
