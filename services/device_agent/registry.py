"""Watches the phones behind an adb server and tells when one appears, is ready, or is lost.

The decisions are in `presence`; here are the clock, the adb server's list, the heartbeats and the reconnections.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from dataclasses import dataclass

import structlog

from services.device_agent import presence
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError, AdbServerGone
from services.device_agent.presence import Appeared, Change, Lost, Presence, Ready, Reconnect, Rules

HEARTBEAT_EVERY_S = 5.0
HEARTBEAT_TIMEOUT_S = 3.0
TICK_S = 0.25
SERVER_PAUSE_S, LONGEST_SERVER_PAUSE_S = 0.5, 10.0
INBOX = 1_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Listed:
    states: dict[str, str] | None


@dataclass(frozen=True)
class _Beat:
    serial: str
    answered: bool


class Registry:
    """The phones behind one adb server. `addresses` (`host:port`) are connected and kept connected.

    `heartbeat_every_s` is also how long a ready phone can be frozen before the first beat is missed.
    """

    def __init__(
        self,
        client: AdbClient,
        addresses: Iterable[str] = (),
        *,
        rules: Rules | None = None,
        heartbeat_every_s: float = HEARTBEAT_EVERY_S,
        heartbeat_timeout_s: float = HEARTBEAT_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._clock = client, clock
        self._every_s, self._timeout_s = heartbeat_every_s, heartbeat_timeout_s
        self._presence = presence.begun(rules or Rules(), frozenset(addresses), clock())
        self._inbox: asyncio.Queue[_Listed | _Beat] = asyncio.Queue(INBOX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._beating: dict[str, asyncio.Task[None]] = {}
        self._connecting: set[str] = set()
        self._defect: BaseException | None = None

    @property
    def ready(self) -> frozenset[str]:
        """Serials of the phones that are ready now."""
        return self._presence.ready

    @property
    def there(self) -> frozenset[str]:
        """Serials of the phones that adb calls well and that are not known to be frozen, ready or soon to be."""
        return self._presence.there

    async def changes(self) -> AsyncGenerator[Appeared | Ready | Lost, None]:
        """What happens to the phones, for as long as it is listened to. Close it to stop watching."""
        self._spawn(self._follow_list())
        try:
            while True:
                for change in await self._next():
                    match change:
                        case Reconnect(address):
                            if address not in self._connecting:
                                self._spawn(self._reconnect(address))
                        case _:
                            yield change
        finally:
            await self._stop()

    async def _next(self) -> list[Change]:
        """Changes by the next input, or by the passing of time."""
        changes: list[Change] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK_S):
                item = await self._inbox.get()
                changes += self._take(item)
        if self._defect is not None:
            raise self._defect
        self._presence, more = presence.passed(self._presence, self._clock())
        self._keep_beating(self._presence)
        return changes + more

    def _take(self, item: _Listed | _Beat) -> list[Change]:
        now_s = self._clock()
        match item:
            case _Listed(states):
                self._presence, changes = presence.listed(self._presence, states, now_s)
            case _Beat(serial, answered):
                self._presence, changes = presence.beat(self._presence, serial, answered, now_s)
        return changes

    def _keep_beating(self, now: Presence) -> None:
        for serial in now.to_beat - self._beating.keys():
            self._beating[serial] = self._spawn(self._beat(serial))
        for serial in self._beating.keys() - now.to_beat:
            self._beating.pop(serial).cancel()

    async def _follow_list(self) -> None:
        pause_s = SERVER_PAUSE_S
        while True:
            try:
                async with contextlib.aclosing(self._client.track_devices()) as lists:
                    async for states in lists:
                        pause_s = SERVER_PAUSE_S
                        await self._inbox.put(_Listed(states))
            except AdbServerGone as error:
                log.warning("adb server gone", reason=str(error), retry_in_s=pause_s)
                await self._inbox.put(_Listed(None))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_SERVER_PAUSE_S)

    async def _beat(self, serial: str) -> None:
        while True:
            answered = False
            try:
                answer = await self._client.shell(serial, "echo waymark", self._timeout_s, "heartbeat")
                answered = answer.stdout.strip() == b"waymark"
            except AdbError as error:
                log.info("heartbeat missed", serial=serial, reason=str(error))
            await self._inbox.put(_Beat(serial, answered))
            # A phone that has just missed one is asked again soon: it may only have been busy.
            await asyncio.sleep(self._every_s if answered else min(self._every_s, 1.0))

    async def _reconnect(self, address: str) -> None:
        self._connecting.add(address)
        try:
            await self._client.disconnect(address)
            await self._client.connect(address)
        except AdbError as error:
            log.info("phone cannot be connected yet", address=address, reason=str(error))
        finally:
            self._connecting.discard(address)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._defect = task.exception()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._beating.clear()
