"""Follows a phone's log and tells of crashes while they happen. Survives a phone that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncGenerator

import structlog

from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError
from services.device_agent.crashes import Crash, CrashFinder
from services.device_agent.parsers import logcat
from services.device_agent.shell import quote

TAGS = "AndroidRuntime:E ActivityManager:E ACRA:E DEBUG:E crash_dump64:E crash_dump32:E '*:S'"
"""Filtered on the phone: a busy one writes thousands of other lines a second."""
QUIET_S = 0.3
"""Silence after which a report is complete."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
REMEMBERED = 256
TIME_TIMEOUT_S = 5.0
DUMP_TIMEOUT_S = 20.0

log = structlog.get_logger(__name__)

_TIME = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")


def command(since: str) -> str:
    """Follows the log from `since` on: the phone's time, `MM-DD HH:MM:SS.mmm`. `ValueError` for anything else."""
    if not _TIME.fullmatch(since):
        raise ValueError(f"{since!r} is no time of a log: write MM-DD HH:MM:SS.mmm")
    # Without -b it reads what is needed: `crash` (exceptions, signals), `main` (apps' own handlers), `system` (ANRs).
    return f"logcat -v threadtime -T {quote(since)} {TAGS}"


def dump_command(since: str) -> str:
    """What the log holds from `since` on, and then ends. `ValueError` as above."""
    return command(since).replace("logcat ", "logcat -d ", 1)


async def written(client: AdbClient, serial: str, since: str, until: str) -> tuple[list[Crash], str]:
    """Crashes and ANRs that are in the log from `since` on, and from when to follow it. Raises `AdbError`.

    A report at the end of the log that began after `until` may not be whole yet: it is left to whoever follows.
    """
    answer = await client.shell(serial, dump_command(since), DUMP_TIMEOUT_S, "logcat -d")
    finder = CrashFinder()
    lines = (logcat.line(text) for text in answer.stdout.decode(errors="replace").splitlines())
    found = [crash for line in lines if line is not None for crash in finder.feed(line)]
    at = finder.unfinished_since or since
    return [*found, *(crash for crash in finder.flush() if crash.time <= until)], at


async def crashes(client: AdbClient, serial: str, since: str | None = None) -> AsyncGenerator[Crash, None]:
    """Crashes and ANRs from `since` on (None: from now), each once, for as long as it is listened to.

    Where the phone leaves, it waits (longer each time, 30 s at most) and goes on from the last line that was read. A
    crash that falls into the seam of two connections is told once: the same process, time and stack is the same crash.
    """
    told: deque[tuple[int, str, str]] = deque(maxlen=REMEMBERED)
    pause_s, at = FIRST_PAUSE_S, since
    while True:
        finder = CrashFinder()
        try:
            at = at or await _phone_time(client, serial)
            async for crash in _followed(client, serial, command(at), finder):
                pause_s = FIRST_PAUSE_S
                if (crash.pid, crash.time, crash.key) not in told:
                    told.append((crash.pid, crash.time, crash.key))
                    yield crash
        except AdbError as error:
            log.info("log of the phone interrupted, following again", serial=serial, pause_s=pause_s, reason=str(error))
        # A report that was cut off is read again from its beginning.
        at = finder.unfinished_since or at
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _phone_time(client: AdbClient, serial: str) -> str:
    answer = await client.shell(serial, "date '+%m-%d %H:%M:%S'", TIME_TIMEOUT_S, "date")
    return f"{answer.stdout.decode(errors='replace').strip()}.000"


async def _followed(client: AdbClient, serial: str, cmd: str, finder: CrashFinder) -> AsyncGenerator[Crash, None]:
    """Crashes as their reports become complete: by the next report, by silence, or by the end of the log."""
    async with contextlib.aclosing(client.stream(serial, cmd)) as lines:
        upcoming = asyncio.ensure_future(anext(lines, None))
        try:
            while True:
                ready, _ = await asyncio.wait({upcoming}, timeout=QUIET_S if finder.is_reading else None)
                if not ready:
                    found = finder.flush()
                else:
                    text = upcoming.result()
                    if text is None:
                        break
                    upcoming = asyncio.ensure_future(anext(lines, None))
                    line = logcat.line(text)
                    found = [] if line is None else finder.feed(line)
                for crash in found:
                    yield crash
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
    for crash in finder.flush():
        yield crash
