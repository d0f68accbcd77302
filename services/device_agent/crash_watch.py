"""Watches one phone for crashes: its log as it goes on, and what it remembers of the time when nobody listened.

Each occurrence becomes one event, however many sources tell of it: its id follows from phone, process and time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from contracts.device_agent import OWNER, CrashSeen
from contracts.orchestrator import ActionRequested
from contracts.subjects import event_filter
from services.device_agent import logcat, remembered
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError
from services.device_agent.crash_events import SLACK, Stored, crash_event, occurrences
from services.device_agent.crashes import Crash, CrashKind, Source
from services.device_agent.effects import DRIVEN, Attached
from services.device_agent.evidence import EXIT_INFO_API, Evidence, Reader
from services.device_agent.phone_clock import PhoneClock
from services.runtime import telemetry
from services.runtime.clock import Clock
from services.runtime.consumer import INFRASTRUCTURE
from services.runtime.log import Cause, ConflictError, Log, Write
from services.runtime.objects import Objects

T = TypeVar("T")

RECALL_EVERY_S = 60.0
"""How often the phone is asked how processes ended: its log does not tell of those that were killed for memory."""
MARGIN = timedelta(minutes=2)
"""So much of the time that was watched is looked at again: reports are written after what they tell of."""
SETTLED = timedelta(seconds=5)
"""What happened since is left to the log, which tells more, and to the next look at what the phone remembers."""
LONGEST_ABSENCE = timedelta(days=1)
"""What happened earlier is not told any more: nobody waits for it, and alerts would come by the hundred."""
_TOLD = 256
_RETRY_S = 1.0


@dataclass
class CrashWatch:
    """One phone's crashes, for as long as it is attached. `run` ends only when it is cancelled."""

    client: AdbClient
    log: Log
    objects: Objects
    clock: Clock
    attached: Attached
    device_id: UUID
    since: datetime | None = None
    """When the phone was watched last; None: it never was, and what happened before now is nobody's business."""
    _told: deque[tuple[str, int]] = field(default_factory=lambda: deque(maxlen=_TOLD))
    """Processes that ended, as the log told of them."""

    @property
    def _serial(self) -> str:
        return self.attached.phone.serial

    async def run(self) -> None:
        reader = Reader(self.client, self._serial, self.attached.phone.api)
        phone_clock = await self._until_read(lambda: self._clock(reader))
        since = phone_clock.here if self.since is None else max(self.since, phone_clock.here - LONGEST_ABSENCE)
        begin, until = _log_time(phone_clock, since), _log_time(phone_clock, phone_clock.here - SETTLED)
        past, at = await self._until_read(lambda: logcat.written(self.client, self._serial, begin, until))
        for crash in past:
            await self._tell(reader, crash, phone_clock)
        if self.since is not None:
            await self._recall_safely(reader, phone_clock, since)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(reader, at), name=f"log {self._serial}")
            # Older phones have reports alone, all of which would be read each time, and nothing that the log lacks.
            if self.attached.phone.api >= EXIT_INFO_API:
                tasks.create_task(self._recall_for_ever(reader), name=f"exits {self._serial}")

    async def _follow(self, reader: Reader, at: str) -> None:
        async with contextlib.aclosing(logcat.crashes(self.client, self._serial, at)) as crashes:
            async for crash in crashes:
                # Asked each time: clocks are set while phones run.
                await self._tell(reader, crash, await self._until_read(lambda: self._clock(reader)))

    async def _recall_for_ever(self, reader: Reader) -> None:
        since = self.clock.now()
        while True:
            await asyncio.sleep(RECALL_EVERY_S)
            begun = self.clock.now()
            phone_clock = await self._until_read(lambda: self._clock(reader))
            if await self._recall_safely(reader, phone_clock, since - MARGIN):
                since = begun

    async def _recall_safely(self, reader: Reader, phone_clock: PhoneClock, since: datetime) -> bool:
        """Whether the phone could be asked; where it could not, the same time is asked for again."""
        try:
            await self._recall(reader, phone_clock, since)
        except AdbError as error:
            telemetry.log.info("phone not asked how processes ended", serial=self._serial, error=str(error))
            return False
        return True

    async def _recall(self, reader: Reader, phone_clock: PhoneClock, since: datetime) -> None:
        if self.attached.phone.api >= EXIT_INFO_API:
            exits = [e for e in await reader.exits() if (e.process, e.pid) not in self._told]
            some = remembered.crashes(exits, (), phone_clock, since)
            tags = {tag for crash in some for tag in remembered.tags_of(crash.kind)}
            reports = await reader.reports(sorted(tags))
            found = remembered.crashes(exits, reports, phone_clock, since)
        else:
            found = remembered.reported(await reader.reports(remembered.TAGS), phone_clock, since)
        for crash in found:
            at = phone_clock.here_at(crash.time)
            if (crash.process, crash.pid) not in self._told and at is not None and at <= phone_clock.here - SETTLED:
                await self._tell(reader, crash, phone_clock)

    async def _tell(self, reader: Reader, crash: Crash, phone_clock: PhoneClock) -> None:
        """Reads what the phone has about it, stores that, and writes the event: once, whoever else told of it."""
        happened_at = phone_clock.here_at(crash.time)
        ids = occurrences(self.device_id, crash, happened_at)
        if crash.source is Source.LOGCAT or crash.kind is not CrashKind.ANR:
            self._told.append((crash.process, crash.pid))
        if await self._until_stored(lambda: self._is_told(ids)):
            return
        moment = (happened_at or self.clock.now()) + SLACK
        during = self.attached.last_before(moment) or await self._until_stored(lambda: self._asked_before(moment))
        evidence = await reader.gather(crash, phone_clock)
        stored = await self._until_stored(lambda: self._store(evidence))
        version = self.attached.versions.get(crash.package)
        event = crash_event(
            evidence.crash,
            ids[0],
            self.device_id,
            during,
            None if version is None else version.version_name,
            happened_at,
            stored,
            self.clock.now(),
        )
        await self._until_stored(lambda: self._append(event, None if during is None else during.sequence))

    async def _is_told(self, ids: tuple[UUID, ...]) -> bool:
        for occurrence_id in ids:
            if await self.log.last(event_filter(CrashSeen, key=occurrence_id)) is not None:
                return True
        return False

    async def _asked_before(self, moment: datetime) -> ActionRequested | None:
        """What was asked of the phone last, where this agent did nothing on it: another one did, or this one before a
        restart."""
        last = await self.log.last(event_filter(ActionRequested, route=self.device_id))
        if last is None or not isinstance(last.event, ActionRequested):
            return None
        return last.event if last.event.requested_at <= moment < last.event.requested_at + DRIVEN else None

    async def _store(self, evidence: Evidence) -> Stored:
        texts = (evidence.log, evidence.trace, evidence.exit_info)
        log, trace, ended = [None if text is None else await self.objects.put(text.encode(), "txt") for text in texts]
        return Stored(log, trace, ended, "; ".join(evidence.absent) or None)

    async def _append(self, event: CrashSeen, step: int | None) -> None:
        cause = Cause(event.occurrence_id, "device-agent-crash", event.run_id, None, step)
        # A conflict: another agent, or this one before a restart, told of this very crash.
        with contextlib.suppress(ConflictError):
            await self.log.append([Write(OWNER, event.key, 0, (event,))], cause, self.clock.now())

    async def _clock(self, reader: Reader) -> PhoneClock:
        """Raises `AdbError`; a phone that tells no time is believed to have ours."""
        found = await reader.clock(self.clock.now)
        now = self.clock.now()
        return PhoneClock(now.replace(tzinfo=None), now) if found is None else found

    async def _until_read(self, read: Callable[[], Awaitable[T]]) -> T:
        return await self._until(read, (AdbError,))

    async def _until_stored(self, store: Callable[[], Awaitable[T]]) -> T:
        return await self._until(store, INFRASTRUCTURE)

    async def _until(self, ask: Callable[[], Awaitable[T]], failures: tuple[type[Exception], ...]) -> T:
        """Waits out what is away: a crash is not forgotten because the store is restarted."""
        while True:
            try:
                return await ask()
            except failures as error:
                telemetry.log.info("crashes wait", serial=self._serial, error=repr(error))
                await asyncio.sleep(_RETRY_S)


def _log_time(phone_clock: PhoneClock, moment: datetime) -> str:
    """A moment as the phone's log writes it."""
    return f"{phone_clock.there_at(moment):%m-%d %H:%M:%S.%f}"[:-3]
