"""What a phone has to say about a crash, read at once: its log around it, its own report, how the process ended.

Each part may be missing on a real phone: what is missing that this phone should have had is told, never an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.device_agent import remembered
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError
from services.device_agent.crashes import Crash, CrashKind, Source
from services.device_agent.parsers import dropbox, exit_info
from services.device_agent.parsers.dropbox import Entry
from services.device_agent.parsers.exit_info import Exit
from services.device_agent.phone_clock import ASK, PhoneClock, clock

TIMEOUT_S = 5.0
LOG_READ, LOG_BEFORE, LOG_LINES = 2000, 120, 200
"""Lines that are asked for; of them so many before the crash are kept, and so many in all."""
LARGEST_CHARS = 256_000
EXIT_INFO_API = 30
REPORT_PATIENCE_S = 3.0
"""How long the report of an ANR is waited for: the phone writes it while it tells of the ANR already."""
_PAUSE_S = 0.5
_MARKS = ("FATAL EXCEPTION", "*** *** ***", "ANR in ", "ACRA caught")
_NEWEST_TOMBSTONE = (
    'f=$(ls -t /data/tombstones/tombstone_* 2>/dev/null | grep -v pb | head -n 1); [ -n "$f" ] && cat "$f"'
)


@dataclass(frozen=True)
class Evidence:
    """A crash with what was found about it. Texts; None: not there. `absent` says in words what is missing."""

    crash: Crash
    log: str | None = None
    trace: str | None = None
    exit_info: str | None = None
    absent: tuple[str, ...] = field(default=())


class Reader:
    """Reads evidence off one phone."""

    def __init__(self, client: AdbClient, serial: str, api: int) -> None:
        self._client, self._serial, self._api = client, serial, api

    async def clock(self, now: Callable[[], datetime]) -> PhoneClock | None:
        """Where the phone's clock stands. `now()` gives this computer's time. Raises `AdbError`."""
        asked_at = now()
        answer = await self._client.shell(self._serial, ASK, TIMEOUT_S, "date")
        return clock(answer.text, asked_at, now())

    async def gather(self, crash: Crash, phone_clock: PhoneClock) -> Evidence:
        """Everything about one crash. Raises nothing of the phone's."""
        found = Evidence(crash)
        for read in (self._log, self._report, self._exit):
            try:
                found = await read(found, phone_clock)
            except AdbError as error:
                found = replace(found, absent=(*found.absent, str(error)))
        return found

    async def exits(self, package: str = "") -> list[Exit]:
        """How processes ended; nothing on Android 10 and older. Raises `AdbError`."""
        if self._api < EXIT_INFO_API:
            return []
        return exit_info.exits(await self._said(f"dumpsys activity exit-info {package}".rstrip(), "exit-info"))

    async def reports(self, tags: Sequence[str]) -> list[Entry]:
        """The phone's own reports. Raises `AdbError`."""
        command = "; ".join(f"dumpsys dropbox --print {tag}" for tag in tags)
        return dropbox.entries(await self._said(command, "dropbox")) if command else []

    async def _log(self, found: Evidence, _clock: PhoneClock) -> Evidence:
        crash = found.crash
        if crash.source is not Source.LOGCAT:
            return replace(found, absent=(*found.absent, "the phone's log no longer reaches back to it"))
        text = await self._said(f"logcat -d -v threadtime -t {LOG_READ}", "logcat -d")
        return replace(found, log=around(text, crash.time))

    async def _report(self, found: Evidence, phone_clock: PhoneClock) -> Evidence:
        crash, tags = found.crash, remembered.tags_of(found.crash.kind)
        if crash.kind is CrashKind.CRASH and crash.stack:
            return found  # The log has all that the report has.
        if not tags:
            return found
        until_s = time.monotonic() + REPORT_PATIENCE_S
        while True:
            report = remembered.report_of(crash, await self.reports(tags), phone_clock)
            if report is not None:
                crash = remembered.with_report(crash, report)
                return replace(found, crash=crash, trace=report.body[:LARGEST_CHARS])
            if crash.kind is not CrashKind.ANR or time.monotonic() > until_s:
                break
            await asyncio.sleep(_PAUSE_S)
        if crash.kind is CrashKind.NATIVE and f"pid: {crash.pid}," in (text := await self._tombstone()):
            return replace(found, trace=text[:LARGEST_CHARS])
        return replace(found, absent=(*found.absent, f"the phone keeps no {tags[0]} of it that the shell may read"))

    async def _tombstone(self) -> str:
        """The newest one, on phones whose shell may read them."""
        return await self._said(_NEWEST_TOMBSTONE, "tombstone")

    async def _exit(self, found: Evidence, _clock: PhoneClock) -> Evidence:
        if self._api < EXIT_INFO_API or found.crash.kind is CrashKind.ANR:
            return found  # A process that does not answer lives until somebody ends it.
        for last in (False, True):
            exits = await self.exits(found.crash.package)
            ended = next((e for e in exits if (e.pid, e.process) == (found.crash.pid, found.crash.process)), None)
            if ended is not None:
                return replace(found, exit_info=ended.text)
            if not last:
                await asyncio.sleep(_PAUSE_S)
        return replace(found, absent=(*found.absent, "exit-info has no record of it"))

    async def _said(self, command: str, name: str) -> str:
        answer = await self._client.shell(self._serial, command, TIMEOUT_S, name)
        return answer.stdout.decode(errors="replace")


def around(text: str, moment: str) -> str:
    """The lines around the first one of a moment (`MM-DD HH:MM:SS.mmm`): most from before it, 200 in all."""
    lines = [line for line in text.splitlines() if not line.startswith("--------- ")]
    after = [at for at, line in enumerate(lines) if line[: len(moment)] >= moment]
    # A busy phone writes many lines in a millisecond.
    reports = (at for at in after if any(mark in lines[at] for mark in _MARKS))
    at = next(reports, after[0] if after else len(lines))
    begin = max(min(at - LOG_BEFORE, len(lines) - LOG_LINES), 0)
    return "\n".join(lines[begin : begin + LOG_LINES]) + "\n"
