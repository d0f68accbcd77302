"""The reader of a projection: follows the log in order from its checkpoint, a transaction a batch."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import ValidationError

from contracts.envelope import UnknownEventError
from contracts.event import Event
from contracts.subjects import STREAM, event_filter
from services.runtime import telemetry
from services.runtime.consumer import INFRASTRUCTURE
from services.runtime.following import GapError, Ordered
from services.runtime.log import Recorded, decode
from services.runtime.projection import Projection
from services.runtime.provision import key_bucket
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.tables import CONNECTION_LOST, FencedError, Tables, Unreadable, connect, read_checkpoint

__all__ = ["AWAY", "CatchUp", "FencedError", "GapError", "behind", "connect", "count_after", "read_batches"]

PATIENCE_S = 2.0
_FETCH = 256
_GATHER_S = 0.05
"""Pause at the end of the log: under load one transaction then takes what came meanwhile, not one an event."""
_INACTIVE_S = 30.0
_RETRY_S = 1.0
_UNKNOWN_RETRY_S = 30.0
_MISFIT_RETRY_S = 5.0
AWAY = (*CONNECTION_LOST, asyncpg.PostgresError, OSError, *INFRASTRUCTURE)


@dataclass
class CatchUp:
    """Keeps one projection up to date, for ever. Several replicas may run: one reads, the others wait."""

    projection: Projection
    js: JetStreamContext
    dsn: str
    schema: str
    last_progress: datetime | None = None
    standby: bool = True
    tables: Tables = field(init=False)

    def __post_init__(self) -> None:
        self.tables = Tables(self.projection)

    async def run(self) -> None:
        """Until cancelled. Outages of PostgreSQL or NATS are waited out; an unknown event version, and SQL that
        does not fit the tables, stop it until somebody mends that, and it says so."""
        while True:
            try:
                async with self._connection() as connection:
                    await self._follow(connection)
            except UnknownEventError as unknown:
                telemetry.log.error("projection stopped", projection=self.projection.name, error=str(unknown))
                await asyncio.sleep(_UNKNOWN_RETRY_S)
            except asyncpg.SyntaxOrAccessError as defect:
                # Tables that another release migrates, or that a rebuild swaps, fit again by themselves.
                reason = f"its SQL does not fit the tables of schema {self.schema}: {defect}"
                telemetry.log.error("projection stopped", projection=self.projection.name, error=reason)
                await asyncio.sleep(_MISFIT_RETRY_S)
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
        return await self.tables.begin(connection)

    async def apply(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]], checkpoint: int) -> None:
        """One transaction: the rows of the batch, and the checkpoint behind it. After `begin`. Raises `FencedError`."""
        await self.tables.apply(connection, batch, checkpoint)

    async def read(
        self, after: int, *, until_end: bool = False, patience_s: float = PATIENCE_S
    ) -> AsyncGenerator[tuple[list[Recorded[Event]], int], None]:
        """What `read_batches` gives of this projection's events, opened where it wants them so."""
        sealer = Sealer(BucketKeyStore(await key_bucket(self.js))) if self.projection.opened else None
        stream = read_batches(
            self.js, self.projection.events, after, until_end=until_end, patience_s=patience_s, sealer=sealer
        )
        async with aclosing(stream) as batches:
            async for batch in batches:
                yield batch

    async def _follow(self, connection: asyncpg.Connection) -> None:
        checkpoint = await self.begin(connection)
        async with aclosing(self.read(checkpoint)) as batches:
            async for batch, pending in batches:
                if batch:
                    await self.apply(connection, batch, checkpoint)
                    checkpoint = batch[-1].seq
                    self.last_progress = batch[-1].time
                    telemetry.PROJECTED.labels(self.projection.name).inc(len(batch))
                telemetry.LAG.labels(self.projection.name).set(pending)
                telemetry.PARKED.labels(self.projection.name).set(len(self.tables.parked_keys))
                if batch and pending == 0:
                    await asyncio.sleep(_GATHER_S)


async def read_batches(
    js: JetStreamContext,
    events: Sequence[type[Event]],
    after: int,
    *,
    until_end: bool = False,
    patience_s: float = PATIENCE_S,
    sealer: Sealer | None = None,
) -> AsyncGenerator[tuple[list[Recorded[Event]], int], None]:
    """Events of these kinds behind sequence `after`, in order, in batches, each with how many are still to come.

    Ends at the end of the log with `until_end`, else never. A batch that is not full is waited for `patience_s` long.
    Sealed fields stay sealed without `sealer`; what cannot be read is an `Unreadable`. Raises `GapError`, and
    `UnknownEventError` behind a batch of what lies before the unknown event.
    """
    ordered = Ordered(await js.pull_subscribe("", stream=STREAM, config=_reading(events, after)))
    try:
        if until_end and (await ordered.subscription.consumer_info()).num_pending == 0:
            return
        while True:
            messages = await ordered.fetch(_FETCH, timeout_s=patience_s)
            batch, unknown = await _decoded(messages, sealer)
            yield batch, ordered.pending
            if unknown is not None:
                raise unknown
            if until_end and ordered.pending == 0:
                return
    finally:
        await ordered.subscription.unsubscribe()


async def _decoded(
    messages: Sequence[Msg], sealer: Sealer | None
) -> tuple[list[Recorded[Event]], UnknownEventError | None]:
    """Events up to the first of an unknown type or version, and that one's error."""
    batch: list[Recorded[Event]] = []
    for message in messages:
        try:
            batch.append(await decode(message.metadata.sequence.stream, message.data, sealer))
        except UnknownEventError as unknown:
            return batch, unknown
        except ValidationError as error:
            batch.append(_unreadable(message, error))
    return batch, None


def _unreadable(message: Msg, error: ValidationError) -> Recorded[Event]:
    """What no writer of this system wrote: told by its subject, at the time when it was stored."""
    _, owner, name, key, _ = message.subject.split(".")
    event = Unreadable(
        unreadable_key=UUID(key) if _is_uuid(key) else UUID(int=0),
        event_type=f"waymark.{owner}.{name}",
        reason=f"it cannot be read: {error}",
        body=message.data.decode(errors="replace"),
    )
    meta = message.metadata
    return Recorded(meta.sequence.stream, UUID(int=meta.sequence.stream), meta.timestamp, None, None, None, event)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def count_after(js: JetStreamContext, events: Sequence[type[Event]], after: int) -> int:
    """How many events of these kinds lie behind sequence `after`."""
    info = await js.add_consumer(STREAM, _reading(events, after))
    await js.delete_consumer(STREAM, info.name)
    return info.num_pending or 0


async def behind(js: JetStreamContext, dsn: str, projection: Projection) -> int:
    """How many events of the log a projection's tables do not have yet."""
    connection = await connect(dsn, projection.schema)
    try:
        checkpoint = await read_checkpoint(connection, projection.name)
    finally:
        await connection.close(timeout=5)
    return await count_after(js, projection.events, checkpoint)


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
