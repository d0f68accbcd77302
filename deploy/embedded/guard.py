"""Runs one server and ends it when whoever started the guard is gone, however it went.

Started as a script (`python -I -S guard.py ..`), so that it imports nothing but the standard library. Standard input is
a pipe that the starter holds open: its end means that the starter died (kill -9 included). Should the guard itself be
killed, the kernel kills the server (PR_SET_PDEATHSIG); the guard has a single thread, so that the signal means the
process and not one of its threads.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> Callable[[], None]:
    """A hook for the child, between fork and exec: the kernel kills it when `parent` ends."""
    libc = ctypes.CDLL(None, use_errno=True)

    def hook() -> None:
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != parent:
            os._exit(125)

    return hook


def wait_for_reason(child: subprocess.Popen[bytes], signals: int) -> None:
    """Return when the child ended, the starter ended or a signal asks to stop."""
    while child.poll() is None:
        ready, _, _ = select.select([sys.stdin.fileno(), signals], [], [])
        if sys.stdin.fileno() in ready and os.read(sys.stdin.fileno(), 64) == b"":
            return
        if signals in ready and {signal.SIGTERM, signal.SIGINT} & set(os.read(signals, 64)):
            return


def stop(child: subprocess.Popen[bytes], stop_signal: signal.Signals, grace_s: float) -> int:
    """End the child in good order, or by force after `grace_s`; its exit code."""
    if child.poll() is None:
        child.send_signal(stop_signal)
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stop-signal", default="SIGTERM")
    parser.add_argument("--grace-s", type=float, default=10.0)
    parser.add_argument("--uid", type=int, help="run the server as this user and group (the guard is root)")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()

    signals, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)

    child = subprocess.Popen(
        options.argv,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 - the guard has one thread
        user=options.uid,
        group=options.uid,
        extra_groups=None if options.uid is None else [],
    )
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    wait_for_reason(child, signals)
    code = stop(child, signal.Signals[options.stop_signal], options.grace_s)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
