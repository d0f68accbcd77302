"""Rebuilding tables beside the live ones: equal, in order, fenced; a failure leaves the live ones as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import nats
import pytest
from nats.js import JetStreamContext

from contracts.event import Event
from contracts.orchestrator import UserSeen
from deploy.embedded.nats import Nats
from services.runtime.catch_up import CatchUp, FencedError, connect, read_batches
from services.runtime.fingerprint import NotComparableError, identical
from services.runtime.log import Cause, Log, Recorded, Write
from services.runtime.migrations import migrate
from services.runtime.projection import Projection, Row, upsert
from services.runtime.provision import key_bucket
from services.runtime.rebuild import OLD_SUFFIX, SUFFIX, RebuildError, check, rebuild
from services.runtime.sealing import BucketKeyStore, Sealer

pytestmark = pytest.mark.system

AT = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
PEOPLE = upsert("people", ["id", "account", "seen_at"], ["id"], ["account", "seen_at"])
TABLE = (
    "CREATE TABLE people (id uuid PRIMARY KEY, account text NOT NULL CHECK (account <> 'broken'), seen_at timestamptz);"
)
MENDED = "ALTER TABLE people DROP CONSTRAINT people_account_check;"


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    event = recorded.event
    assert isinstance(event, UserSeen)
    return [Row(PEOPLE, (event.user_id, event.account, recorded.time))]


PROJECTION = Projection("people", "people", (UserSeen,), project)


@dataclass
class World:
    """A log with people, and the live tables of them."""

    js: JetStreamContext
    log: Log
    dsn: str
    migrations: Path

    async def see(self, account: str, key: UUID | None = None, after: int = 0) -> Recorded[Event]:
        user_id = key or uuid4()
        event = UserSeen(user_id=user_id, account=account, display_name=account)
        write = Write("orchestrator", user_id, after, (event,))
        [recorded] = await self.log.append([write], Cause(uuid4(), "test", None, None), AT + timedelta(days=after))
        return recorded

    async def project_all(self) -> None:
        """Brings the live tables to the end of the log."""
        await migrate(self.dsn, "people", self.migrations)
        connection = await connect(self.dsn, "people")
        catch_up = CatchUp(PROJECTION, self.js, self.dsn, "people")
        seq = await catch_up.begin(connection)
        async for batch, _ in read_batches(self.js, PROJECTION.events, seq, until_end=True, patience_s=0.2):
            await catch_up.apply(connection, batch, seq)
            seq = batch[-1].seq
        await connection.close()

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        connection = await connect(self.dsn, "people")
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()


@pytest.fixture
async def world(own_nats: Nats, database: str, tmp_path: Path) -> AsyncIterator[World]:
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "001_people.sql").write_text(TABLE)
    client = await nats.connect(own_nats.url)
    js = client.jetstream(timeout=10)
    yield World(js, Log(client, Sealer(BucketKeyStore(await key_bucket(js)))), database, migrations)
    await client.close()


async def test_a_rebuild_applies_in_order_what_was_parked_once_it_can_be_applied(world: World) -> None:
    bob = await world.see("broken")
    await world.see("alice")
    await world.see("bob", bob.event.key, bob.seq)
    await world.project_all()
    assert await world.rows("SELECT account FROM people") == [("alice",)]
    assert await world.rows("SELECT seq FROM parked_events ORDER BY seq") == [(1,), (3,)]
    assert (await rebuild(PROJECTION, world.migrations, world.js, world.dsn)).parked == 2
    (world.migrations / "002_mended.sql").write_text(MENDED)
    checked = await check(PROJECTION, world.migrations, world.js, world.dsn)
    assert [line.partition(":")[0] for line in checked.differences] == ["parked_events", "people"]
    rebuilt = await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    assert (rebuilt.events, rebuilt.parked, rebuilt.seq) == (3, 0, 3)
    assert await world.rows("SELECT account FROM people ORDER BY account") == [("alice",), ("bob",)]
    assert await world.rows("SELECT count(*) FROM parked_events") == [(0,)]


async def test_a_reader_that_began_before_the_swap_writes_nothing_after_it(world: World) -> None:
    await world.see("alice")
    await world.project_all()
    live = await connect(world.dsn, "people")
    reader = CatchUp(PROJECTION, world.js, world.dsn, "people")
    seq = await reader.begin(live)
    await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    await world.see("bob")
    batches = [b async for b, _ in read_batches(world.js, PROJECTION.events, seq, until_end=True, patience_s=0.2)]
    with pytest.raises(FencedError):
        await reader.apply(live, batches[0], seq)
    assert await world.rows("SELECT account FROM people") == [("alice",)]
    await reader.apply(live, batches[0], await reader.begin(live))
    await live.close()
    assert (await check(PROJECTION, world.migrations, world.js, world.dsn)).differences == ()


async def test_a_rebuild_makes_tables_that_are_not_there_and_clears_up_after_one_that_was_killed(world: World) -> None:
    await world.see("alice")
    for suffix in (SUFFIX, OLD_SUFFIX):
        await migrate(world.dsn, "people" + suffix, world.migrations)
    with pytest.raises(RebuildError, match="no tables"):
        await check(PROJECTION, world.migrations, world.js, world.dsn)
    await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    assert await world.rows("SELECT account FROM people") == [("alice",)]
    assert await world.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'people%'") == [("people",)]


async def test_two_rebuilds_at_once_are_refused_and_strange_tables_are_left_alone(world: World) -> None:
    await world.see("alice")
    other = await asyncpg.connect(world.dsn)
    await other.execute("SELECT pg_advisory_lock(hashtextextended('waymark rebuild people', 0))")
    with pytest.raises(RebuildError, match="another rebuild"):
        await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    await other.execute("SELECT pg_advisory_unlock_all()")
    await other.execute("CREATE SCHEMA people CREATE TABLE precious (id int)")
    with pytest.raises(RebuildError, match="no migration"):
        await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    assert await other.fetchval("SELECT count(*) FROM people.precious") == 0
    await other.close()


async def test_comparing_sees_a_value_a_row_and_a_table_more(world: World) -> None:
    await world.see("alice")
    await world.project_all()
    await rebuild(PROJECTION, world.migrations, world.js, world.dsn)
    await migrate(world.dsn, "copy", world.migrations)
    assert [line.partition(":")[0] for line in await identical(world.dsn, "people", "copy")] == ["checkpoint", "people"]
    connection = await asyncpg.connect(world.dsn)
    await connection.execute("INSERT INTO copy.checkpoint SELECT * FROM people.checkpoint")
    await connection.execute("INSERT INTO copy.people SELECT * FROM people.people")
    assert await identical(world.dsn, "people", "copy") == []
    await connection.execute("UPDATE copy.people SET seen_at = seen_at + interval '1 microsecond'")
    assert await identical(world.dsn, "people", "copy") == ["people: 1 rows on both sides, with other values"]
    await connection.execute("CREATE TABLE copy.more (id int)")
    with pytest.raises(NotComparableError, match=r"copy\.more"):
        await identical(world.dsn, "people", "copy")
    await connection.close()
