"""One service as a real process on a log of its own; the test is everybody else: it appends what they would."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nats.js import JetStreamContext

from contracts.event import Event
from contracts.subjects import DEAD_LETTERS, STREAM, derived_id
from contracts.topology import Durable
from deploy.embedded.platform import Platform
from deploy.embedded.stack import POSTGRES_DSN, Stack
from services.runtime.catch_up import connect, read_batches
from services.runtime.clock import SystemClock
from services.runtime.dead_letters import DeadLetter
from services.runtime.log import Cause, Log, Recorded, Write
from services.runtime.projection import Projection
from services.runtime.provision import key_bucket
from services.runtime.sealing import BucketKeyStore, Sealer

LIMIT_S = 20.0
_POLL_S = 0.03

T = TypeVar("T")


@dataclass
class OneService:
    """`platform` runs the service; `log` is where the test writes."""

    name: str
    dsn: str
    platform: Platform
    js: JetStreamContext
    log: Log
    sealer: Sealer

    @classmethod
    @asynccontextmanager
    async def running(
        cls, name: str, stack: Stack, database: str, folder: Path, environ: Mapping[str, str] | None = None
    ) -> AsyncIterator[OneService]:
        """A NATS server of its own beside the shared PostgreSQL and S3, and the service on it."""
        async with Stack(folder / "own", environ={**_without_nats(stack), POSTGRES_DSN: database}) as own:
            platform = Platform(folder, services=(name,), stack=own, environ=environ or {})
            async with platform:
                js = platform.nats.jetstream(timeout=10)
                sealer = Sealer(BucketKeyStore(await key_bucket(js)))
                yield cls(name, database, platform, js, Log(platform.nats, sealer), sealer)

    async def append(self, event: Event) -> Recorded[Event]:
        """Appends an event behind what there is under its key."""
        known = await self.log.read(event.OWNER, event.key, from_leader=True)
        after = known[-1].seq if known else 0
        now = SystemClock().now()
        cause = Cause(derived_id("test", event.model_dump_json(), after), "test", None, None)
        (recorded,) = await self.log.append([Write(event.OWNER, event.key, after, (event,))], cause, now)
        return recorded

    async def events(self, *kinds: type[Event]) -> list[Recorded[Event]]:
        """Everything of these kinds that is in the log, in order."""
        found: list[Recorded[Event]] = []
        async for batch, _ in read_batches(self.js, kinds, 0, until_end=True):
            found += batch
        return found

    async def wait_for(self, count: int, *kinds: type[Event]) -> list[Recorded[Event]]:
        """The events of these kinds once there are `count`; fails where there are more."""
        found = await self.until(lambda: self.events(*kinds), lambda events: len(events) >= count)
        assert len(found) == count, [type(r.event).__name__ for r in found]
        return found

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the service's schema, once its projection has seen the whole log."""
        await self._projected()
        connection = await connect(self.dsn, self.name)
        try:
            return [dict(row) for row in await connection.fetch(sql, *values)]
        finally:
            await connection.close()

    async def reset(self, *durables: Durable) -> None:
        """Delivers everything again from the beginning, and waits until it was dealt with."""
        for durable in durables:
            await self.js.reset_consumer(durable.stream, durable.name, seq=1)
        await self.idle(*durables)

    async def idle(self, *durables: Durable) -> None:
        """Waits until these consumers have nothing to deliver and nothing in hand."""
        for durable in durables:
            await self.until(
                lambda d=durable: self.js.consumer_info(d.stream, d.name),  # type: ignore[misc]
                lambda info: info.num_pending == 0 and info.num_ack_pending == 0,
            )

    async def last_seq(self) -> int:
        return int((await self.js.stream_info(STREAM)).state.last_seq)

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        """The dead letters, once there are this many."""
        info = await self.until(
            lambda: self.js.stream_info(DEAD_LETTERS), lambda stream: stream.state.messages >= count
        )
        assert info.state.messages == count
        messages = [await self.js.get_msg(DEAD_LETTERS, seq) for seq in range(1, info.state.last_seq + 1)]
        return [DeadLetter.model_validate_json(message.data or b"") for message in messages]

    async def until(self, look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            assert self.platform.dead() == [], self._logs()
            seen = await look()
            if good(seen):
                return seen
            assert time.monotonic() < deadline_s, f"not within {LIMIT_S} s; last seen: {seen}\n{self._logs()}"
            await asyncio.sleep(_POLL_S)

    async def _projected(self) -> None:
        async def lag() -> tuple[int, int]:
            connection = await connect(self.dsn, self.name)
            try:
                there = await connection.fetchval("SELECT to_regclass('checkpoint') IS NOT NULL")
                seq = await connection.fetchval("SELECT max(seq) FROM checkpoint") if there else None
            finally:
                await connection.close()
            last = await self._last_projected_seq()
            return (-1 if seq is None else seq, last)

        await self.until(lag, lambda seen: seen[0] >= seen[1])

    async def _last_projected_seq(self) -> int:
        events = await self.events(*_projection(self.name).events)
        return events[-1].seq if events else 0

    def _logs(self) -> str:
        return "\n".join(path.read_text()[-4000:] for path in sorted((self.platform.folder / "logs").glob("*.log")))


def _projection(name: str) -> Projection:
    found: Projection = importlib.import_module(f"services.{name}.projections").PROJECTION
    return found


def _without_nats(stack: Stack) -> dict[str, str]:
    return {name: value for name, value in stack.environ().items() if "NATS" not in name}
