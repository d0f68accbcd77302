"""The reader of a projection: follows the log in order from its checkpoint, a transaction a batch."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from contracts.envelope import UnknownEventError
from contracts.event import Event
from contracts.subjects import STREAM, event_filter
from services.runtime import telemetry
from services.runtime.consumer import INFRASTRUCTURE
from services.runtime.log import Recorded, decode
from services.runtime.projection import Projection, grouped

_FETCH = 256
_INACTIVE_S = 30.0
_RETRY_S = 1.0
_DATA_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
AWAY = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.PostgresError, OSError, *INFRASTRUCTURE)


class FencedError(Exception):
    """Another reader moved the checkpoint. Start anew from where it is now."""


class GapError(Exception):
    """The consumer skipped a message or was lost. Start anew from the checkpoint."""


@dataclass
class CatchUp:
    """Keeps one projection up to date, for ever. Several replicas may run: one reads, the others wait."""

    projection: Projection
    js: JetStreamContext
    dsn: str
    schema: str
    last_progress: datetime | None = None
    standby: bool = True
    _parked_keys: set[UUID] = field(default_factory=set)
    _months: set[date] = field(default_factory=set)
    _checkpoint_table: int = 0

    async def run(self) -> None:
        """Until cancelled. Outages of PostgreSQL or NATS are waited out; an unknown event version stops and says so."""
        while True:
            try:
                async with self._connection() as connection:
                    await self._follow(connection)
            except UnknownEventError as unknown:
                telemetry.log.error("projection stopped", projection=self.projection.name, error=str(unknown))
                await asyncio.sleep(30 * _RETRY_S)
            except (FencedError, GapError, *AWAY) as error:
                telemetry.log.warning("projection starts anew", projection=self.projection.name, error=repr(error))
                await asyncio.sleep(_RETRY_S)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await connect(self.dsn, self.schema)
        try:
            lock = zlib.crc32(f"projection:{self.projection.schema}".encode())
            self.standby = True
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):
                await asyncio.sleep(_RETRY_S)
            self.standby = False
            yield connection
        finally:
            self.standby = True
            await connection.close(timeout=5)

    async def begin(self, connection: asyncpg.Connection) -> int:
        """Where the tables are now: sequence of the last event in them. Everything known from before is forgotten."""
        checkpoint = await read_checkpoint(connection, self.projection.name)
        self._checkpoint_table = await connection.fetchval("SELECT 'checkpoint'::regclass::oid::bigint")
        parked = await connection.fetch("SELECT key FROM parked_events")
        self._parked_keys = {row["key"] for row in parked}
        self._months = set()
        return checkpoint

    async def _follow(self, connection: asyncpg.Connection) -> None:
        checkpoint = await self.begin(connection)
        async for batch, pending in read_batches(self.js, self.projection.events, checkpoint):
            if batch:
                await self.apply(connection, batch, checkpoint)
                checkpoint = batch[-1].seq
                self.last_progress = batch[-1].time
                telemetry.PROJECTED.labels(self.projection.name).inc(len(batch))
            telemetry.LAG.labels(self.projection.name).set(pending)
            telemetry.PARKED.labels(self.projection.name).set(len(self._parked_keys))

    async def apply(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]], checkpoint: int) -> None:
        """One transaction: the rows of the batch, and the checkpoint behind it. After `begin`. Raises `FencedError`."""
        await self._ensure_partitions(connection, batch)
        if not any(recorded.event.key in self._parked_keys for recorded in batch):
            try:
                async with connection.transaction():
                    await self._write(connection, batch)
                    await self._move(connection, checkpoint, batch[-1])
            except _DATA_ERRORS:
                pass
            else:
                return
        async with connection.transaction():
            for recorded in batch:
                await self._write_or_park(connection, recorded)
            await self._move(connection, checkpoint, batch[-1])

    async def _ensure_partitions(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]]) -> None:
        """Partitions of the months of a batch and of the month after each, before any row of theirs is written."""
        for month in sorted({recorded.time.date().replace(day=1) for recorded in batch} - self._months):
            await connection.execute("SELECT ensure_partitions($1)", month)
            await connection.execute("SELECT ensure_partitions(($1::date + interval '1 month')::date)", month)
            self._months.add(month)

    async def _write(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]]) -> None:
        await connection.execute("SET CONSTRAINTS ALL DEFERRED")
        rows = [row for recorded in batch for row in self.projection.project(recorded)]
        for statement, values in grouped(rows):
            if len(values) == 1:
                await connection.execute(statement.sql, *values[0])
            else:
                await connection.executemany(statement.sql, values)

    async def _write_or_park(self, connection: asyncpg.Connection, recorded: Recorded[Event]) -> None:
        reason = "an earlier event of this key is parked"
        if recorded.event.key not in self._parked_keys:
            try:
                async with connection.transaction():
                    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    for row in self.projection.project(recorded):
                        await connection.execute(row.statement.sql, *row.values)
            except _DATA_ERRORS as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                return
        telemetry.log.error("event parked", projection=self.projection.name, seq=recorded.seq, reason=reason)
        self._parked_keys.add(recorded.event.key)
        await connection.execute(
            "INSERT INTO parked_events (seq, event_type, key, reason, data, parked_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (seq) DO NOTHING",
            recorded.seq,
            recorded.event.type_name(),
            recorded.event.key,
            reason,
            recorded.event.model_dump(mode="json"),
            recorded.time,
        )

    async def _move(self, connection: asyncpg.Connection, old: int, last: Recorded[Event]) -> None:
        """The very table counts too: after a rebuild another one has its name, whose rows this reader did not see."""
        moved = await connection.execute(
            "UPDATE checkpoint SET seq = $1, updated_at = $2"
            " WHERE name = $3 AND seq = $4 AND tableoid = $5::bigint::oid",
            last.seq,
            last.time,
            self.projection.name,
            old,
            self._checkpoint_table,
        )
        if moved != "UPDATE 1":
            raise FencedError(f"checkpoint of {self.projection.name} is no longer {old}")


async def connect(dsn: str, schema: str) -> asyncpg.Connection:
    """A connection whose unqualified names mean `schema`, with JSON as Python values."""
    connection = await asyncpg.connect(
        dsn,
        timeout=10,
        command_timeout=60,
        server_settings={
            "search_path": f"{schema}, public",
            "application_name": f"waymark-{schema}",
            "timezone": "UTC",
        },
    )
    await connection.set_type_codec("jsonb", encoder=_json_text, decoder=json.loads, schema="pg_catalog")
    return connection


async def read_checkpoint(connection: asyncpg.Connection, name: str) -> int:
    """Sequence of the last event in the tables; 0 for a projection that begins."""
    await connection.execute(
        "INSERT INTO checkpoint (name, seq, updated_at) VALUES ($1, 0, '1970-01-01 00:00:00+00')"
        " ON CONFLICT (name) DO NOTHING",
        name,
    )
    return int(await connection.fetchval("SELECT seq FROM checkpoint WHERE name = $1", name))


async def read_batches(
    js: JetStreamContext,
    events: Sequence[type[Event]],
    after: int,
    *,
    until_end: bool = False,
    patience_s: float = 2.0,
) -> AsyncGenerator[tuple[list[Recorded[Event]], int], None]:
    """Events of these kinds behind sequence `after`, in order, in batches, each with how many are still to come.

    Ends at the end of the log with `until_end`, else never. A batch that is not full is waited for `patience_s` long.
    Sealed fields stay sealed. Raises `GapError`.
    """
    config = _reading(events, after)
    subscription = await js.pull_subscribe("", stream=STREAM, config=config)
    expected = 1
    try:
        if until_end and (await subscription.consumer_info()).num_pending == 0:
            return
        while True:
            try:
                messages = await subscription.fetch(_FETCH, timeout=patience_s)
            except TimeoutError:
                messages = []
            if not messages:
                yield [], (await subscription.consumer_info()).num_pending or 0
                continue
            batch: list[Recorded[Event]] = []
            for message in messages:
                if message.metadata.sequence.consumer != expected:
                    raise GapError(f"expected delivery {expected}, got {message.metadata.sequence.consumer}")
                expected += 1
                batch.append(await decode(message.metadata.sequence.stream, message.data, None))
            pending = messages[-1].metadata.num_pending
            yield batch, pending
            if until_end and pending == 0:
                return
    finally:
        await subscription.unsubscribe()


async def count_after(js: JetStreamContext, events: Sequence[type[Event]], after: int) -> int:
    """How many events of these kinds lie behind sequence `after`."""
    subscription = await js.pull_subscribe("", stream=STREAM, config=_reading(events, after))
    try:
        return (await subscription.consumer_info()).num_pending or 0
    finally:
        await subscription.unsubscribe()


def _reading(events: Sequence[type[Event]], after: int) -> ConsumerConfig:
    return ConsumerConfig(
        filter_subjects=[event_filter(event) for event in events],
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=_INACTIVE_S,
        mem_storage=True,
        num_replicas=1,
    )


async def behind(js: JetStreamContext, dsn: str, projection: Projection) -> int:
    """How many events of the log a projection's tables do not have yet."""
    connection = await connect(dsn, projection.schema)
    try:
        checkpoint = await read_checkpoint(connection, projection.name)
    finally:
        await connection.close(timeout=5)
    config = ConsumerConfig(
        filter_subjects=[event_filter(event) for event in projection.events],
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=checkpoint + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=_INACTIVE_S,
        mem_storage=True,
        num_replicas=1,
    )
    info = await js.add_consumer(STREAM, config)
    await js.delete_consumer(STREAM, info.name)
    return info.num_pending or 0


def _json_text(value: Any) -> str:
    """Sorted keys: PostgreSQL keeps jsonb in an order of its own, but what is compared should not depend on it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
