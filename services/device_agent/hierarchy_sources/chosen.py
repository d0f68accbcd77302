"""The source of a phone: the one that is preferred where it works, the other one where it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from prometheus_client import Counter

from services.device_agent.adb.client import AdbClient
from services.device_agent.hierarchy_sources.choice import Choice
from services.device_agent.hierarchy_sources.dump import DumpSource
from services.device_agent.hierarchy_sources.preference import Preference
from services.device_agent.hierarchy_sources.resident import (
    END_OURS,
    PREPARE_TIMEOUT_S,
    ResidentServer,
    held_words,
    holders,
)
from services.device_agent.hierarchy_sources.server import ServerSource
from services.device_agent.hierarchy_sources.source import Device, SourceFailedError
from services.device_agent.meanwhile import Keep
from services.device_agent.parsers.hierarchy_dump import Absence, Dump
from services.device_agent.reading import Reading, Shot, Source
from services.runtime.telemetry import log

IDLE_S = 120.0
"""A server that was asked nothing for so long is ended: other tools may want UiAutomation."""

READ = Counter("waymark_hierarchies_total", "Hierarchies by the source that read them", ["source", "result"])
SWITCHED = Counter(
    "waymark_hierarchy_source_switches_total", "Phones whose hierarchies come from elsewhere now", ["to"]
)
FAILED = Counter("waymark_hierarchy_source_failures_total", "Times that a source did not work at all", ["source"])


class ChosenSource:
    """Reads with the source that `Choice` says, and keeps the account for it. One reading at a time."""

    def __init__(
        self,
        client: AdbClient,
        device: Device,
        preference: Preference = Preference.AUTO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device, self._clock = device, clock
        self._choice = Choice(preference)
        self._dump = DumpSource(device)
        self._server = ServerSource(device, ResidentServer(client, device))
        self._last: Source | None = None

    @property
    def name(self) -> Source:
        """What would read now."""
        return self._choice.source(self._clock())

    async def read(self, before: Shot, on_hierarchy: Keep | None = None) -> Reading:
        """See `HierarchySource`; a source that does not work is no error here but a reason in the reading."""
        read = await self._read(before, on_hierarchy)
        result = "READ" if read.dump.absence is None else read.dump.absence.name
        READ.labels(read.source.name, result).inc()
        if read.source is not self._last:
            if self._last is not None:
                SWITCHED.labels(read.source.name).inc()
            log.info("source of hierarchies", serial=self._device.serial, source=read.source.name)
            self._last = read.source
        return read

    async def _read(self, before: Shot, on_hierarchy: Keep | None) -> Reading:
        if self.name is Source.DUMP:
            return await self._by_dump(before)
        try:
            read = await self._server.read(before, on_hierarchy)
        except SourceFailedError as error:
            self._choice = self._choice.server_failed(self._clock())
            FAILED.labels(Source.SERVER.name).inc()
            log.warning("uiautomator2 server failed", serial=self._device.serial, error=str(error),
                        failures=self._choice.failures)  # fmt: skip
            # Whatever state it is in: as long as it runs, the dump cannot.
            await self._server.stop()
            if error.held:
                return Reading(Dump(None, Absence.UIAUTOMATION_HELD, str(error)), Source.SERVER)
            if self._choice.preference is Preference.SERVER:
                return Reading(Dump(None, Absence.FAILED, str(error)), Source.SERVER)
            return await self._by_dump(before)
        self._choice = self._choice.server_read()
        return read

    async def _by_dump(self, before: Shot) -> Reading:
        read = await self._dump.read(before)
        if read.dump.absence is Absence.KILLED:
            read = await self._killed(before, read)
        if read.dump.absence is not None:
            self._choice = self._choice.dump_failed(self._clock())
        return read

    async def _killed(self, before: Shot, read: Reading) -> Reading:
        """Why the dump was killed: a server that an agent left when it died is ended, another tool is named."""
        if (await self._device.shell(END_OURS, PREPARE_TIMEOUT_S, "server")).rc == 0:
            return await self._dump.read(before)
        found = await holders(self._device)
        if not found and "already registered" not in read.dump.said:
            return read
        FAILED.labels(Source.DUMP.name).inc()
        return replace(read, dump=Dump(None, Absence.UIAUTOMATION_HELD, held_words(found)))

    async def stop(self, *, reachable: bool = True) -> None:
        await self._server.stop(reachable=reachable)

    async def rest(self) -> None:
        """Ends a server that nobody asked for a while. To be called from time to time."""
        if self._server.server.is_ready and time.monotonic() - self._server.server.asked_s >= IDLE_S:
            await self._server.stop()
