"""Events a second that a projection takes, held against the bare loop over the same events and tables.

The bare loop fetches 256, validates, and writes the same rows with `executemany`, one commit a batch: no checkpoint,
no order of rows, no gaps, no parking. Both run in this process, in turns; the ratio is taken inside a round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from contracts.envelope import Envelope
from contracts.subjects import STREAM, event_filter
from deploy.embedded.platform import Platform, projections
from deploy.embedded.stack import Stack
from services.runtime.catch_up import CatchUp, connect, read_checkpoint
from services.runtime.log import Recorded
from services.runtime.migrations import migrate
from services.runtime.projection import Projection
from services.runtime.provision import provision
from tests.bench.replicas import Message, replicas
from tests.bench.report import Figure, at_least
from tests.bench.steps import folder_for_servers
from tests.system.exploring import caught_up, finished, start

_EVENTS = 30_000
_ROUNDS = 3
_FETCH = 256
_BATCH = 500
_LIMIT_S = 120.0
_SERVICES = Path("services")


async def measure() -> list[Figure]:
    with folder_for_servers() as folder:
        recorded = await _record(folder / "recorded")
        async with Stack(folder / "replayed") as stack:
            client = await nats.connect(stack.nats_url)
            try:
                await provision(client.jetstream(timeout=10))
                await _publish(client, replicas(recorded, -(-_EVENTS // len(recorded))))
                return await _compare(client.jetstream(timeout=10), stack.postgres_dsn)
            finally:
                await client.close()


async def _record(folder: Path) -> list[Message]:
    """Every event of one exploration of the demo app."""
    folder.mkdir()
    async with Platform(folder, phones=["demo@1"]) as platform:
        await start(platform, platform.serials[0], max_steps=60)
        await finished(platform)
        await caught_up(platform)
        js = platform.nats.jetstream(timeout=10)
        total = (await js.stream_info(STREAM)).state.messages
        subscription = await _subscribed(js, ["waymark.>"])
        found: list[Message] = []
        while len(found) < total:
            messages = await subscription.fetch(_FETCH, timeout=5)
            found += [Message(message.subject, message.data) for message in messages]
        return found


async def _publish(client: Client, messages: Iterable[Message]) -> None:
    """In atomic batches, the quickest way into a log that acknowledges nothing before it is on the disk."""
    coming = iter(messages)
    for number in count():
        batch = list(islice(coming, _BATCH))
        if not batch:
            return
        for position, message in enumerate(batch, 1):
            headers = {"Nats-Batch-Id": f"bench-{number}", "Nats-Batch-Sequence": str(position)}
            if position < len(batch):
                await client.publish(message.subject, message.payload, headers=headers)
        last = await client.request(
            batch[-1].subject, batch[-1].payload, timeout=30, headers=headers | {"Nats-Batch-Commit": "1"}
        )
        assert b'"error"' not in last.data, last.data


@dataclass(frozen=True)
class Ground:
    """What both ways work on."""

    js: JetStreamContext
    dsn: str
    projection: Projection
    events: int


async def _compare(js: JetStreamContext, dsn: str) -> list[Figure]:
    measured = [projection for projection in projections() if (_SERVICES / projection.name).is_dir()]
    grounds = [Ground(js, dsn, projection, await _count(js, projection)) for projection in measured]
    grounds = [ground for ground in grounds if ground.events > _EVENTS // 20]
    ways: list[tuple[str, Callable[[Ground], Awaitable[float]]]] = [("catch-up", _catch_up), ("bare", _bare)]
    seconds: dict[tuple[str, str], list[float]] = {}
    for number in range(_ROUNDS):
        for ground in grounds:
            contents = []
            for name, way in ways if number % 2 else reversed(ways):
                await _empty_tables(ground)
                seconds.setdefault((ground.projection.name, name), []).append(await way(ground))
                contents.append(await _row_counts(ground))
            assert contents[0] == contents[1], f"{ground.projection.name}: other rows: {contents}"
    return _figures(grounds, seconds)


def _figures(grounds: list[Ground], seconds: dict[tuple[str, str], list[float]]) -> list[Figure]:
    def total(name: str) -> list[float]:
        return [sum(seconds[ground.projection.name, name][i] for ground in grounds) for i in range(_ROUNDS)]

    events = sum(ground.events for ground in grounds)
    found = [
        at_least("catch-up against bare loop", _ratio(total("bare"), total("catch-up")), "", 0.70),
        Figure("catch-up", events / median(total("catch-up")), "events/s"),
        Figure("bare loop", events / median(total("bare")), "events/s"),
    ]
    for ground in grounds:
        name = ground.projection.name
        bare, catch_up = seconds[name, "bare"], seconds[name, "catch-up"]
        found += [
            Figure(f"{name}: ratio of {ground.events} events", _ratio(bare, catch_up), ""),
            Figure(f"{name}: catch-up", ground.events / median(catch_up), "events/s"),
            Figure(f"{name}: bare loop", ground.events / median(bare), "events/s"),
        ]
    return found


def _ratio(bare: list[float], catch_up: list[float]) -> float:
    return median(one / other for one, other in zip(bare, catch_up, strict=True))


async def _catch_up(ground: Ground) -> float:
    """Seconds until the checkpoint has passed the last event."""
    projection = ground.projection
    last = await _last(ground.js, projection)
    watcher = await connect(ground.dsn, projection.schema)
    began_s = time.perf_counter()
    running = asyncio.create_task(CatchUp(projection, ground.js, ground.dsn, projection.schema).run())
    try:
        async with asyncio.timeout(_LIMIT_S):
            while await read_checkpoint(watcher, projection.name) < last:
                await asyncio.sleep(0.01)
        took_s = time.perf_counter() - began_s
        assert await watcher.fetchval("SELECT count(*) FROM parked_events") == 0
        return took_s
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await watcher.close()


async def _bare(ground: Ground) -> float:
    began_s, done = time.perf_counter(), 0
    connection = await connect(ground.dsn, ground.projection.schema)
    subscription = await _subscribed(ground.js, [event_filter(event) for event in ground.projection.events])
    try:
        async with asyncio.timeout(_LIMIT_S):
            while done < ground.events:
                messages = await subscription.fetch(_FETCH, timeout=5)
                statements: dict[str, list[tuple[Any, ...]]] = {}
                for message in messages:
                    for row in ground.projection.project(_read(message.metadata.sequence.stream, message.data)):
                        statements.setdefault(row.statement.sql, []).append(row.values)
                async with connection.transaction():
                    await connection.execute("SET CONSTRAINTS ALL DEFERRED")
                    for sql, rows in statements.items():
                        await connection.executemany(sql, rows)
                done += len(messages)
        return time.perf_counter() - began_s
    finally:
        await subscription.unsubscribe()
        await connection.close()


def _read(seq: int, payload: bytes) -> Recorded[Any]:
    envelope = Envelope.model_validate_json(payload)
    return Recorded(
        seq, envelope.id, envelope.time, envelope.causationid, envelope.runid, envelope.traceparent, envelope.open()
    )


async def _empty_tables(ground: Ground) -> None:
    schema = ground.projection.schema
    admin = await asyncpg.connect(ground.dsn)
    await admin.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await migrate(ground.dsn, schema, _SERVICES / ground.projection.name / "migrations")
    await admin.execute(f"SET search_path TO {schema}, public")
    await admin.execute("SELECT ensure_partitions(now()::date), ensure_partitions((now() + interval '1 month')::date)")
    await admin.execute("CHECKPOINT")  # What an earlier round has written is not flushed in this one.
    await admin.close()


async def _row_counts(ground: Ground) -> dict[str, int]:
    admin = await asyncpg.connect(ground.dsn)
    try:
        tables = await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", ground.projection.schema)
        ours = [row[0] for row in tables if row[0] not in {"checkpoint", "schema_migrations", "migration_history"}]
        return {
            table: await admin.fetchval(f"SELECT count(*) FROM {ground.projection.schema}.{table}") for table in ours
        }
    finally:
        await admin.close()


async def _subscribed(js: JetStreamContext, filters: list[str]) -> JetStreamContext.PullSubscription:
    config = ConsumerConfig(
        filter_subjects=filters,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=30,
        mem_storage=True,
    )
    return await js.pull_subscribe("", stream=STREAM, config=config)


async def _count(js: JetStreamContext, projection: Projection) -> int:
    subscription = await _subscribed(js, [event_filter(event) for event in projection.events])
    pending = (await subscription.consumer_info()).num_pending or 0
    await subscription.unsubscribe()
    return pending


async def _last(js: JetStreamContext, projection: Projection) -> int:
    """Sequence of the last event that the projection reads."""
    found = 0
    for event in projection.events:
        with suppress(nats.js.errors.NotFoundError):
            message = await js.get_msg(STREAM, subject=event_filter(event), seq=None)
            found = max(found, message.seq or 0)
    return found
