"""Tables follow the log in order, a transaction a batch; what cannot be projected waits and holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from nats.js import JetStreamContext
from structlog.testing import capture_logs

from contracts import event as event_module
from contracts.event import Event
from contracts.sealed import Sealed
from contracts.subjects import STREAM, event_filter, event_subject
from deploy.embedded.databases import ensure_database
from deploy.embedded.postgres import Postgres
from services.runtime import catch_up as catch_up_module
from services.runtime import migrations
from services.runtime.catch_up import CatchUp, FencedError, behind, count_after, read_batches
from services.runtime.log import Cause, Log, Recorded, Write
from services.runtime.projection import Projection, Row, Statement, upsert
from services.runtime.tables import connect
from tests.runtime.conftest import until
from tests.runtime.relay import Relay
from tests.runtime.toys import NOW, OWNER, Listed, cause, publish_future, publish_raw

pytestmark = pytest.mark.system

_FOUNDATION = "\n".join(path.read_text() for path in sorted(migrations.FOUNDATION.glob("*.sql")))
_TABLES = """
CREATE TABLE items (
    item_id uuid PRIMARY KEY, name text NOT NULL CHECK (name <> 'forbidden'),
    parent_id uuid REFERENCES items DEFERRABLE, secret jsonb
);
CREATE TABLE sightings (seq bigint, at timestamptz, name text, PRIMARY KEY (seq, at)) PARTITION BY RANGE (at);
CREATE TABLE sightings_default PARTITION OF sightings DEFAULT;
"""
_ITEM = upsert("items", ("item_id", "name", "parent_id", "secret"), ("item_id",), ("name", "parent_id", "secret"))
_SIGHT = Statement("INSERT INTO sightings (seq, at, name) VALUES ($1, $2, $3)", "sightings")


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    listed = recorded.event
    assert isinstance(listed, Listed)
    if listed.name == "defect":
        raise KeyError("a defect in a projection")
    secret = None if listed.secret is None else listed.secret.model_dump(mode="json")
    yield Row(_ITEM, (listed.item_id, listed.name, listed.parent_id, secret))
    yield Row(_SIGHT, (recorded.seq, recorded.time, listed.name))


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up_module, "_RETRY_S", 0.05)
    monkeypatch.setattr(catch_up_module, "_UNKNOWN_RETRY_S", 0.2)


@dataclass
class Book:
    """The tables of one test, which begin where the log is now."""

    js: JetStreamContext
    log: Log
    dsn: str
    projection: Projection
    connection: asyncpg.Connection

    def reader(self) -> CatchUp:
        return CatchUp(self.projection, self.js, self.dsn, self.projection.schema)

    @asynccontextmanager
    async def read(self, reader: CatchUp | None = None) -> AsyncIterator[CatchUp]:
        reader = reader or self.reader()
        running = asyncio.create_task(reader.run())
        try:
            yield reader
        finally:
            running.cancel()
            (ended,) = await asyncio.gather(running, return_exceptions=True)
            assert isinstance(ended, asyncio.CancelledError), ended

    async def list(self, *events: Listed, at: datetime = NOW) -> list[int]:
        """Appends each under its key; their sequences."""
        found = []
        for event in events:
            known = await self.log.read(OWNER, event.item_id, from_leader=True)
            why = Cause(uuid4(), "test", None, None)
            write = Write(OWNER, event.item_id, known[-1].seq if known else 0, (event,))
            (recorded,) = await self.log.append([write], why, at)
            found.append(recorded.seq)
        return found

    async def names(self) -> list[str]:
        return [row["name"] for row in await self.connection.fetch("SELECT name FROM sightings ORDER BY seq")]

    async def checkpoint(self) -> int:
        return int(await self.connection.fetchval("SELECT seq FROM checkpoint"))

    async def parked(self) -> list[tuple[int, UUID]]:
        rows = await self.connection.fetch("SELECT seq, key FROM parked_events ORDER BY seq")
        return [tuple(row) for row in rows]

    async def reach(self, seq: int) -> None:
        async def there() -> bool:
            return await self.checkpoint() >= seq

        await until(there, f"the checkpoint coming to {seq}")


async def make_tables(connection: asyncpg.Connection, schema: str, begin: int) -> None:
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute(_FOUNDATION + _TABLES)
    await connection.execute("INSERT INTO checkpoint VALUES ($1, $2, now())", schema, begin)


@pytest.fixture
async def book(js: JetStreamContext, log: Log, database: str) -> AsyncIterator[Book]:
    schema = f"toy_{uuid4().hex[:8]}"
    begin = (await js.stream_info(STREAM)).state.last_seq
    connection = await connect(database, schema)
    await make_tables(connection, schema, begin)
    yield Book(js, log, database, Projection(schema, schema, (Listed,), project), connection)
    await connection.close()


def item(name: str = "", **more: Any) -> Listed:
    return Listed(item_id=more.pop("item_id", None) or uuid4(), name=name, **more)


async def test_rows_follow_the_log_in_its_order(book: Book) -> None:
    wanted = [f"item {number}" for number in range(40)]
    seqs = await book.list(*(item(name) for name in wanted[:20]))
    async with book.read() as reader:
        await book.reach(seqs[-1])
        seqs = await book.list(*(item(name) for name in wanted[20:]))
        await book.reach(seqs[-1])
        assert await book.names() == wanted
        assert not reader.standby
        assert reader.last_progress == NOW
        assert await behind(book.js, book.dsn, book.projection) == 0
    assert await book.parked() == []


async def test_more_than_a_batch_is_read_from_the_checkpoint_on(book: Book) -> None:
    key = uuid4()
    many = Write(OWNER, key, 0, tuple(item(f"n{number}", item_id=key) for number in range(600)))
    appended = await book.log.append([many], cause(), NOW)
    assert await count_after(book.js, (Listed,), appended[99].seq) == 500
    async with book.read():
        await book.reach(appended[-1].seq)
    assert await book.names() == [f"n{number}" for number in range(600)]
    assert await book.connection.fetchval("SELECT name FROM items") == "n599"
    async with book.read():  # A second life begins behind the last row.
        seqs = await book.list(item("later"))
        await book.reach(seqs[-1])
    assert len(await book.names()) == 601


async def test_rows_and_checkpoint_commit_together(book: Book) -> None:
    seqs = await book.list(item("one"))
    batch = [r async for found, _ in read_batches(book.js, (Listed,), seqs[0] - 1, until_end=True) for r in found]
    reader = book.reader()
    checkpoint = await reader.begin(book.connection)
    with pytest.raises(FencedError):
        await reader.apply(book.connection, batch, checkpoint + 1)
    assert await book.names() == []
    assert await book.checkpoint() == checkpoint
    await reader.apply(book.connection, batch, checkpoint)
    assert (await book.names(), await book.checkpoint()) == (["one"], seqs[0])
    with pytest.raises(FencedError):
        await reader.apply(book.connection, batch, checkpoint)
    assert await book.names() == ["one"]


@pytest.mark.parametrize("bad", ["forbidden", "defect", "with\x00NUL"])
async def test_what_cannot_be_projected_is_parked_with_its_key_and_what_refers_to_it(book: Book, bad: str) -> None:
    key = uuid4()
    events = [
        item("before"),
        item(bad, item_id=key),
        item("its child", parent_id=key),
        item("of the same key", item_id=key),
        item("after"),
    ]
    seqs = await book.list(*events)
    with capture_logs() as said:
        async with book.read() as reader:
            await book.reach(seqs[-1])
            assert await book.names() == ["before", "after"]
            assert reader.tables.parked_keys == {key, events[2].item_id}
    assert await book.parked() == [(seqs[1], key), (seqs[2], events[2].item_id), (seqs[3], key)]
    assert [entry["seq"] for entry in said if entry["event"] == "event parked"] == seqs[1:4]
    reasons = [row["reason"] for row in await book.connection.fetch("SELECT reason FROM parked_events ORDER BY seq")]
    assert reasons[2] == "an earlier event of this key is parked"
    async with book.read():  # Remembered over a restart.
        seqs += await book.list(item("of the same key again", item_id=key), item("and on"))
        await book.reach(seqs[-1])
    assert await book.names() == ["before", "after", "and on"]
    assert len(await book.parked()) == 4


async def test_an_event_that_nobody_can_read_is_parked_under_its_subjects_key(book: Book) -> None:
    key = uuid4()
    (first,) = await book.list(item("before"))
    malformed = await publish_raw(book.js, item(item_id=key), {"data": {"item_id": "no id"}})
    garbage = (await book.js.publish(event_subject(item(item_id=key)), b"\xff\x00", stream=STREAM)).seq
    (last,) = await book.list(item("after"))
    async with book.read():
        await book.reach(last)
    assert await book.names() == ["before", "after"]
    assert await book.parked() == [(malformed, key), (garbage, key)]
    assert first < malformed < garbage < last


async def test_an_unknown_version_stops_the_tables_just_before_it_and_a_newer_reader_goes_on(book: Book) -> None:
    (first,) = await book.list(item("before"))
    unknown = await publish_future(book.js, item("of tomorrow"))
    (last,) = await book.list(item("after"))
    with capture_logs() as said:
        async with book.read():
            await book.reach(first)
            await until(lambda: [e for e in said if e["event"] == "projection stopped"], "it saying so")
            assert await book.names() == ["before"]
            assert await book.parked() == []

            newer = type("Listed", (Listed,), {"__module__": __name__}, owner=OWNER, key="item_id", version=99)
            try:
                await book.reach(last)
            finally:
                del event_module._REGISTRY[newer.type_name()]
    assert first < unknown < last
    assert await book.names() == ["before", "of tomorrow", "after"]
    assert "v99" in next(e for e in said if e["event"] == "projection stopped")["error"]


async def test_sql_that_does_not_fit_the_tables_stops_them_and_says_so_until_they_do(book: Book) -> None:
    (first,) = await book.list(item("before"))
    with capture_logs() as said:
        async with book.read():
            await book.reach(first)
            await book.connection.execute("ALTER TABLE items RENAME COLUMN name TO title")
            (last,) = await book.list(item("after"))
            await until(lambda: [e for e in said if e["event"] == "projection stopped"], "it saying so")
            await book.connection.execute("ALTER TABLE items RENAME COLUMN title TO name")
            await book.reach(last)
    assert await book.names() == ["before", "after"]
    assert await book.parked() == []
    assert '"name"' in next(e for e in said if e["event"] == "projection stopped")["error"]


async def test_of_two_readers_one_stands_by_and_takes_over(book: Book) -> None:
    first, second = book.reader(), book.reader()
    async with book.read(first):
        await until(lambda: not first.standby, "the first reader's beginning")
        following = book.read(second)
        await following.__aenter__()
        (seq,) = await book.list(item("one"))
        await book.reach(seq)
        assert (first.standby, second.standby) == (False, True)
    try:
        (seq,) = await book.list(item("two"))
        await book.reach(seq)
        assert (first.standby, second.standby) == (True, False)
    finally:
        await following.__aexit__(None, None, None)
    assert await book.names() == ["one", "two"]


async def test_a_checkpoint_that_moved_makes_the_reader_start_anew_from_there(book: Book) -> None:
    async with book.read():
        (seq,) = await book.list(item("one"))
        await book.reach(seq)
        with capture_logs() as said:
            # As after a rebuild by somebody else, who has seen more already.
            await book.connection.execute("UPDATE checkpoint SET seq = seq + 1")
            (skipped, seen) = await book.list(item("two"), item("three"))
            await book.reach(seen)
            assert any("FencedError" in e.get("error", "") for e in said)
    assert skipped == seq + 1
    assert await book.names() == ["one", "three"]


async def test_a_deleted_consumer_is_made_again(book: Book) -> None:
    async with book.read():
        (seq,) = await book.list(item("one"))
        await book.reach(seq)
        mine = [
            c for c in await book.js.consumers_info(STREAM) if event_filter(Listed) in (c.config.filter_subjects or ())
        ]
        assert mine
        for info in mine:
            await book.js.delete_consumer(STREAM, info.name)
        (seq,) = await book.list(item("two"))
        await book.reach(seq)
    assert await book.names() == ["one", "two"]


async def test_partitions_are_there_before_rows_of_their_month(book: Book) -> None:
    async def partitions() -> set[str]:
        rows = await book.connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'sightings'::regclass"
        )
        return {row["name"] for row in rows}

    seqs = await book.list(item("november"), at=datetime(2027, 11, 30, 23, 59, tzinfo=UTC))
    seqs += await book.list(item("december"), at=datetime(2027, 12, 31, tzinfo=UTC))
    async with book.read():
        await book.reach(seqs[-1])
    months = {f"sightings_{month}" for month in ("2027_11", "2027_12", "2028_01")}
    assert await partitions() == {"sightings_default", *months}
    assert await book.connection.fetchval("SELECT count(*) FROM sightings_default") == 0


async def test_sealed_fields_stay_sealed_in_rows(book: Book) -> None:
    (seq,) = await book.list(item("secretive", secret=Sealed.of("hunter2")))
    async with book.read():
        await book.reach(seq)
    secret = await book.connection.fetchval("SELECT secret FROM items")
    assert secret["clear"] is None
    assert secret["cipher"]["text"]
    assert "hunter2" not in str(secret)


async def test_a_reader_that_meets_the_last_words_of_a_server_before_the_end_of_its_connection_starts_anew(
    book: Book,
) -> None:
    async with Relay(book.dsn) as relay, book.read(replace(book.reader(), dsn=relay.url)):
        (seq,) = await book.list(item("one"))
        await book.reach(seq)
        with capture_logs() as said:
            await book.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await asyncio.wait_for(relay.ended.wait(), 10)
            (seq,) = await book.list(item("two"))
            await until(lambda: [e for e in said if e["event"] == "projection starts anew"], "it starting anew")
            relay.ends.set()
            await book.reach(seq)
    assert await book.names() == ["one", "two"]
    assert await book.parked() == []


async def test_without_postgresql_it_waits_and_catches_up(js: JetStreamContext, log: Log, tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", "toy-password")
    await asyncio.to_thread(server.start)
    try:
        dsn = await ensure_database(server.dsn("postgres"), "toy")
        schema, begin = "toy", (await js.stream_info(STREAM)).state.last_seq
        connection = await connect(dsn, schema)
        await make_tables(connection, schema, begin)
        book = Book(js, log, dsn, Projection(schema, schema, (Listed,), project), connection)
        async with book.read():
            (seq,) = await book.list(item("one"))
            await book.reach(seq)
            await connection.close()
            with capture_logs() as said:
                await asyncio.to_thread(server.kill)
                (seq,) = await book.list(item("two"))
                await until(lambda: [e for e in said if e["event"] == "projection starts anew"], "its noticing")
                await asyncio.to_thread(server.start)
            book.connection = await connect(dsn, schema)
            await book.reach(seq)
            assert await book.names() == ["one", "two"]
        await book.connection.close()
    finally:
        await asyncio.to_thread(server.stop)
