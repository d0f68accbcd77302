"""What logcat holds after a crash and after an app stopped answering, in the wording of Android 11 to 14."""

from __future__ import annotations

from deploy.simulator.apps.lifecycle import short_name
from deploy.simulator.apps.state import SYSTEM_PID, Phone


def write_crash(phone: Phone, package: str, activity: str, trace: tuple[str, ...], now_s: float) -> None:
    """The uncaught exception in the crash buffer, and what the activity manager says of it."""
    pid = phone.installed[package].pid
    phone.write(now_s, "main", ("D", "AndroidRuntime", pid), "Shutting down VM")
    for message in ("FATAL EXCEPTION: main", f"Process: {package}, PID: {pid}", *trace):
        phone.write(now_s, "crash", ("E", "AndroidRuntime", pid), message)
    exception, _, reason = trace[0].partition(": ")
    crashed = f"[{pid},0,{package},548978246,{exception},{reason},OrderRepository.java,87]"
    phone.write(now_s, "events", ("I", "am_crash", SYSTEM_PID), crashed)
    finishing = f"  Force finishing activity {short_name(package, activity)}"
    phone.write(now_s, "main", ("W", "ActivityTaskManager", SYSTEM_PID), finishing)
    phone.write(now_s, "main", ("I", "Process", pid), f"Sending signal. PID: {pid} SIG: 9")
    died = f"Process {package} (pid {pid}) has died: fg  TOP "
    phone.write(now_s, "main", ("I", "ActivityManager", SYSTEM_PID), died)


def write_anr(phone: Phone, package: str, activity: str, now_s: float) -> None:
    """The report of the activity manager: who does not answer, why, and the load of the phone."""
    pid = phone.installed[package].pid
    window = f"{phone.random.getrandbits(28):07x} {package}/{activity} (server)"
    load = " / ".join(f"{phone.random.uniform(3, 11):.2f}" for _ in range(3))
    busy = phone.random.randint(70, 99)
    reason = f"Input dispatching timed out ({window} is not responding. Waited 5001ms for MotionEvent)"
    lines = (
        f"ANR in {package} ({short_name(package, activity)})",
        f"PID: {pid}",
        f"Reason: {reason}",
        f"Parent: {short_name(package, activity)}",
        "Frozen: false",
        f"Load: {load}",
        "CPU usage from 0ms to 5112ms later:",
        f"  {busy}% {pid}/{package}: {busy - 4}% user + 4% kernel / faults: 1204 minor",
        f"  6.1% {SYSTEM_PID}/system_server: 3.9% user + 2.2% kernel",
    )
    for line in lines:
        phone.write(now_s, "main", ("E", "ActivityManager", SYSTEM_PID), line)
    phone.write(now_s, "events", ("I", "am_anr", SYSTEM_PID), f"[0,{pid},{package},548978246,{reason}]")
