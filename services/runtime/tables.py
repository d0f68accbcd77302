"""The tables of one projection: batches of events are written with the checkpoint behind them, in one transaction.

An event that cannot be projected is parked with its key; later events of the key, and those whose rows refer to what
the parked one would have made, wait with it. The rest goes on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from contracts.event import Event
from services.runtime import telemetry
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, grouped, storable

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)
"""What a statement meets where its connection has ended or is about to: a server that stops says so first, and what is
asked between these words and the end is an error of the client's own."""
_DATA_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


class FencedError(Exception):
    """Another reader moved the checkpoint. Start anew from where it is now."""


class ProjectionDefectError(Exception):
    """The projection's own code failed on an event: that event is parked like one that its tables refuse."""


class Unreadable(Event):
    """Stands for an event whose bytes cannot be read though its version is known: there is only its key."""

    unreadable_key: UUID
    event_type: str
    reason: str
    body: str

    KEY = "unreadable_key"


@dataclass
class Tables:
    """Writes one projection. What it knows of parked keys and partitions is read anew by `begin`."""

    projection: Projection
    parked_keys: set[UUID] = field(default_factory=set)
    _months: set[date] = field(default_factory=set)
    _checkpoint_table: int = 0

    async def begin(self, connection: asyncpg.Connection) -> int:
        """Where the tables are now: sequence of the last event in them. Everything known from before is forgotten."""
        checkpoint = await read_checkpoint(connection, self.projection.name)
        self._checkpoint_table = await connection.fetchval("SELECT 'checkpoint'::regclass::oid::bigint")
        parked = await connection.fetch("SELECT key FROM parked_events")
        self.parked_keys = {row["key"] for row in parked}
        self._months = set()
        return checkpoint

    async def apply(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]], checkpoint: int) -> None:
        """One transaction: the rows of the batch, and the checkpoint behind it. After `begin`. Raises `FencedError`."""
        await self._ensure_partitions(connection, batch)
        if not any(self._waits(recorded) for recorded in batch):
            try:
                async with connection.transaction():
                    await self._write(connection, batch)
                    await self._move(connection, checkpoint, batch[-1])
            except (ProjectionDefectError, *_DATA_ERRORS):
                pass  # Which event it is shows when they are written one by one.
            else:
                return
        async with connection.transaction():
            for recorded in batch:
                await self._write_or_park(connection, recorded)
            await self._move(connection, checkpoint, batch[-1])

    def _waits(self, recorded: Recorded[Event]) -> bool:
        return isinstance(recorded.event, Unreadable) or recorded.event.key in self.parked_keys

    async def _ensure_partitions(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]]) -> None:
        """Partitions of the months of a batch and of the month after each, before any row of theirs is written."""
        for month in sorted({recorded.time.date().replace(day=1) for recorded in batch} - self._months):
            await connection.execute("SELECT ensure_partitions($1)", month)
            await connection.execute("SELECT ensure_partitions(($1::date + interval '1 month')::date)", month)
            self._months.add(month)

    async def _write(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]]) -> None:
        await connection.execute("SET CONSTRAINTS ALL DEFERRED")
        rows = [row for recorded in batch for row in self._rows(recorded)]
        for statement, values in grouped(rows):
            if len(values) == 1:
                await connection.execute(statement.sql, *values[0])
            else:
                await connection.executemany(statement.sql, values)

    def _rows(self, recorded: Recorded[Event]) -> list[Row]:
        try:
            return list(self.projection.project(recorded))
        except Exception as error:
            raise ProjectionDefectError(f"{type(error).__name__}: {error}") from error

    async def _write_or_park(self, connection: asyncpg.Connection, recorded: Recorded[Event]) -> None:
        reason = recorded.event.reason if isinstance(recorded.event, Unreadable) else _EARLIER
        if not self._waits(recorded):
            try:
                async with connection.transaction():
                    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    for row in self._rows(recorded):
                        await connection.execute(row.statement.sql, *row.values)
            except ProjectionDefectError as error:
                reason = str(error)
                telemetry.log.error("projection failed", projection=self.projection.name, exc_info=error)
            except _DATA_ERRORS as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                return
        await self._park(connection, recorded, reason)

    async def _park(self, connection: asyncpg.Connection, recorded: Recorded[Event], reason: str) -> None:
        telemetry.log.error("event parked", projection=self.projection.name, seq=recorded.seq, reason=reason)
        event = recorded.event
        self.parked_keys.add(event.key)
        await connection.execute(
            "INSERT INTO parked_events (seq, event_type, key, reason, data, parked_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (seq) DO NOTHING",
            recorded.seq,
            event.event_type if isinstance(event, Unreadable) else event.type_name(),
            event.key,
            storable(reason),
            storable(event.model_dump(mode="json")),
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


_EARLIER = "an earlier event of this key is parked"


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


def _json_text(value: Any) -> str:
    """Sorted keys: PostgreSQL keeps jsonb in an order of its own, but what is compared should not depend on it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
