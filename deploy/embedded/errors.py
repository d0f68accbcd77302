"""What a server says when it cannot start, and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

HINTS: dict[str, str] = {
    r"GLIBC_[\d.]+' not found": (
        "the bundled server needs glibc 2.34 or newer (Debian 12, Ubuntu 22.04): install the system's own server"
        " (Debian: postgresql-15 and postgresql-contrib) or name one in WAYMARK_POSTGRES_DSN"
    ),
    r"No space left on device|Check free disk space": "the disk is full: free some space, or choose another folder",
    r"ddress already in use": "the port is taken: stop what listens there, or let a free port be chosen",
    r'invalid value for parameter "(?:log_t|T|t)ime[zZ]one"|could not open directory ".*zoneinfo"': (
        "time zone data is missing: install it (Debian: tzdata), so that /usr/share/zoneinfo exists"
    ),
    r"cannot be run as root|must be started under an unprivileged user": (
        "PostgreSQL does not run as root and user namespaces are not available: run as an ordinary user"
    ),
    r"unshare failed|Operation not permitted": (
        "user namespaces are not allowed here: run as an ordinary user, or name a server in WAYMARK_POSTGRES_DSN"
    ),
    r"Permission denied": "its user may not read the program or write the folder: choose another folder",
    r"database files are incompatible with server": (
        "the folder was made by another PostgreSQL version: remove it, or install that version"
    ),
}


class EmbeddedError(RuntimeError):
    """A server of the embedded stack cannot start or stop; the message says what to do."""


class PortTakenError(EmbeddedError):
    """The port that a server was to listen on belongs to somebody else."""


def hint(said: str) -> str | None:
    """What to do about a server's last words; None when they are not known."""
    return next((advice for pattern, advice in HINTS.items() if re.search(pattern, said)), None)


def explain(name: str, said: str, log: Path | None = None) -> EmbeddedError:
    """The error for a server that ended with `said`, its last lines included."""
    lines = [line for line in said.strip().splitlines() if line.strip()][-5:]
    advice = hint(said) or (f"see {log}" if log else "see its output")
    error = PortTakenError if re.search(r"ddress already in use", said) else EmbeddedError
    return error(f"{name} did not start: {advice}. It said:\n  " + "\n  ".join(lines or ["(nothing)"]))
