"""What logcat holds after a crash and after an app stopped answering, in the wording of Android 11 to 14."""

from __future__ import annotations

from random import Random

from deploy.simulator.apps.lifecycle import short_name
from deploy.simulator.apps.state import SYSTEM_PID, Phone
from deploy.simulator.world import ANR_TRACES

SIGNALS = {"SIGABRT": 6, "SIGBUS": 7, "SIGSEGV": 11}


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


def write_native_crash(phone: Phone, package: str, signal: str, frames: tuple[str, ...], now_s: float) -> None:
    """The signal in the crash buffer, and the block that `crash_dump` writes about it."""
    pid = phone.installed[package].pid
    thread = f"{pid} ({package[-15:]})"
    what = f"Fatal signal {SIGNALS[signal]} ({signal}), code 1 (SEGV_MAPERR), fault addr 0x0"
    phone.write(now_s, "crash", ("F", "libc", pid), f"{what} in tid {thread}, pid {thread}")
    dumper = pid + phone.random.randint(20, 60)
    for line in tombstone(phone.random, package, pid, signal, frames):
        phone.write(now_s, "crash", ("F", "DEBUG", dumper), line)
    crashed = f"[{pid},0,{package},548978246,Native crash,{signal},unknown,0]"
    phone.write(now_s, "events", ("I", "am_crash", SYSTEM_PID), crashed)
    died = f"Process {package} (pid {pid}) has died: fg  TOP "
    phone.write(now_s, "main", ("I", "ActivityManager", SYSTEM_PID), died)


def tombstone(random: Random, package: str, pid: int, signal: str, frames: tuple[str, ...]) -> list[str]:
    """The block of a native crash: its addresses differ each time. `frames`: file and symbol."""
    lines = [
        "*** " * 15 + "***",
        "Build fingerprint: 'sim/sim/sim:13/TP1A.220624.014/1:user/release-keys'",
        "Revision: '0'",
        "ABI: 'arm64'",
        "Process uptime: 12s",
        f"Cmdline: {package}",
        f"pid: {pid}, tid: {pid}, name: {package[-15:]}  >>> {package} <<<",
        "uid: 10123",
        f"signal {SIGNALS[signal]} ({signal}), code 1 (SEGV_MAPERR), fault addr 0x{random.getrandbits(40):016x}",
        "Cause: null pointer dereference",
        *(
            "    " + "  ".join(f"x{4 * row + at:<2} {random.getrandbits(48):016x}" for at in range(4))
            for row in range(2)
        ),
        f"{len(frames)} total frames",
        "backtrace:",
    ]
    for number, frame in enumerate(frames):
        file, _, symbol = frame.partition(" ")
        name = f" ({symbol}+{random.randrange(8, 400)})" if symbol else ""
        build = f" (BuildId: {random.getrandbits(128):032x})"
        lines.append(f"      #{number:02d} pc {random.getrandbits(20):016x}  {file}{name}{build}")
    return lines


def write_anr(phone: Phone, package: str, activity: str, trace: tuple[str, ...], now_s: float) -> None:
    """The report of the activity manager: who does not answer, why, and the load of the phone. What the threads do goes
    to a place that logcat does not show."""
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
    phone.write(now_s, ANR_TRACES, ("I", package, pid), "\n".join(trace))
    phone.write(now_s, "events", ("I", "am_anr", SYSTEM_PID), f"[0,{pid},{package},548978246,{reason}]")


def write_anr_end(phone: Phone, package: str, now_s: float) -> None:
    """The user has closed an app that did not answer."""
    pid = phone.installed[package].pid
    killing = f"Killing {pid}:{package}/u0a123 (adj 0): user request after error: Input dispatching timed out"
    phone.write(now_s, "system", ("I", "ActivityManager", SYSTEM_PID), killing)
