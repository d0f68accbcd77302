"""CPU time of everything that this process has started, by what it is."""

from __future__ import annotations

import psutil

_NAMES = {
    "deploy.simulator": "simulator",
    "nats-server": "nats",
    "rclone": "s3",
    "postgres": "postgres",
    "adb": "adb server",
}


def cpu_seconds() -> dict[str, float]:
    """Seconds of user and system time so far, by service or server. Backends that ended count with their parent."""
    found: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            name, times = _name(process.cmdline()), process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        ended = times.children_user + times.children_system if name == "postgres" else 0.0
        found[name] = found.get(name, 0.0) + times.user + times.system + ended
    return found


def memory_bytes() -> dict[str, int]:
    """Memory that is each one's own (private, resident) now, by service or server."""
    found: dict[str, int] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            name, own = _name(process.cmdline()), process.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
        found[name] = found.get(name, 0) + own
    return found


def busy_seconds() -> float:
    """CPU time that the whole machine has spent on anything, this process and strangers included."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def used_between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Seconds used, the largest first."""
    used = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    return dict(sorted(used.items(), key=lambda item: item[1], reverse=True))


def _name(argv: list[str]) -> str:
    if any(argument.endswith("guard.py") for argument in argv):
        return "guards"
    for argument in argv:
        if argument.startswith("services."):
            return argument.removeprefix("services.")
    line = " ".join(argv)
    return next((name for mark, name in _NAMES.items() if mark in line), "other")
