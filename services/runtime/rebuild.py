"""Rebuilds a projection from the log: into a second schema beside the live one, which it then takes the place of.

The live tables stay readable and are kept up to date meanwhile. The swap renames both schemas in one transaction that
holds the live checkpoint; a reader that was in the middle of a batch finds its checkpoint gone and starts anew on the
rebuilt tables. The old tables are dropped after that: dropping them inside would wait for every query that reads them,
and could wait for a reader that waits for the swap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from nats.js import JetStreamContext

from services.runtime.catch_up import CatchUp, connect
from services.runtime.fingerprint import COMPARING_LIMIT_S, differences, fingerprints
from services.runtime.migrations import ensure_extensions, migrate
from services.runtime.projection import Projection

SUFFIX = "__rebuild"
OLD_SUFFIX = "__old"
_SWAP_LOCK_LIMIT_S = 30
_LAST_BATCH_S = 0.2
_CHECK_ROUNDS = 20

OnProgress = Callable[[int, int], None]
"""`on_progress(applied, to_come)`, events of the log so far and those still to be read."""


class RebuildError(Exception):
    """A rebuild cannot be done now. The live tables are as they were; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of a rebuild: events applied, those that could not be (they are parked), the last sequence.

    `differences`: where the rebuilt tables differ from the live ones; only a check looks for that.
    """

    schema: str
    events: int
    parked: int
    seq: int
    differences: tuple[str, ...] = ()


async def rebuild(
    projection: Projection, migrations: Path, js: JetStreamContext, dsn: str, on_progress: OnProgress | None = None
) -> Rebuilt:
    """Makes the tables of a projection anew and puts them in place. Raises `RebuildError`."""
    async with _aside(projection, migrations, js, dsn, on_progress) as side:
        await side.follow()
        await _swap(side, dsn, projection.schema)
    await _drop(dsn, projection.schema + OLD_SUFFIX)
    return side.result()


async def check(
    projection: Projection, migrations: Path, js: JetStreamContext, dsn: str, on_progress: OnProgress | None = None
) -> Rebuilt:
    """Makes the tables anew aside, compares them with the live ones at the same place of the log, drops them."""
    async with _aside(projection, migrations, js, dsn, on_progress) as side:
        await side.follow()
        return side.result(await _compare(side, dsn, projection.schema))


@dataclass
class _Side:
    """The schema that is being made, and how far it is."""

    catch_up: CatchUp
    connection: asyncpg.Connection
    on_progress: OnProgress | None
    seq: int = 0
    events: int = 0
    parked: int = 0

    async def follow(self, until: int | None = None) -> None:
        """Applies the log behind `seq`, to its end or up to sequence `until`."""
        stream = self.catch_up.read(self.seq, until_end=True, patience_s=_LAST_BATCH_S)
        async for batch, pending in stream:
            wanted = batch if until is None else [recorded for recorded in batch if recorded.seq <= until]
            if wanted:
                await self.catch_up.apply(self.connection, wanted, self.seq)
                self.seq = wanted[-1].seq
                self.events += len(wanted)
                if self.on_progress is not None:
                    self.on_progress(self.events, pending)
            if len(wanted) < len(batch):
                await stream.aclose()
                break
        self.parked = await self.connection.fetchval("SELECT count(*) FROM parked_events")

    def result(self, found: Sequence[str] = ()) -> Rebuilt:
        return Rebuilt(self.catch_up.projection.schema, self.events, self.parked, self.seq, tuple(found))


@asynccontextmanager
async def _aside(
    projection: Projection, migrations: Path, js: JetStreamContext, dsn: str, on_progress: OnProgress | None
) -> AsyncIterator[_Side]:
    """An empty second schema with the newest tables, gone afterwards unless it was swapped in."""
    schema = projection.schema + SUFFIX
    lock = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        name = f"waymark rebuild {projection.schema}"
        if not await lock.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name):
            raise RebuildError(f"another rebuild of {projection.schema} is under way: wait for it, or end it")
        await _drop(dsn, schema)
        await _drop(dsn, projection.schema + OLD_SUFFIX)
        await ensure_extensions(dsn)
        await migrate(dsn, schema, migrations)
        connection = await connect(dsn, schema)
        try:
            catch_up = CatchUp(projection, js, dsn, schema)
            yield _Side(catch_up, connection, on_progress, await catch_up.begin(connection))
        finally:
            await connection.close(timeout=5)
            await _drop(dsn, schema)
    finally:
        await lock.close(timeout=5)


async def _swap(side: _Side, dsn: str, schema: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=_SWAP_LOCK_LIMIT_S * 4)
    try:
        await connection.execute(f"SET lock_timeout = '{_SWAP_LOCK_LIMIT_S}s'")
        async with connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('waymark migrations ' || $1, 0))", schema
            )
            views = await _views(connection, schema)
            if await connection.fetchval("SELECT to_regclass($1)", f"{schema}.checkpoint") is not None:
                await _retire(side, connection, schema)
            else:
                await connection.execute(f"DROP SCHEMA IF EXISTS {schema}")
            await connection.execute(f"ALTER SCHEMA {schema}{SUFFIX} RENAME TO {schema}")
            for name, definition in views:
                await connection.execute(f"CREATE OR REPLACE VIEW {name} AS {definition}")
    except asyncpg.LockNotAvailableError as error:
        raise RebuildError(
            f"{schema}: its tables were locked for {_SWAP_LOCK_LIMIT_S} s, so nothing was swapped; try again later"
        ) from error
    except asyncpg.DependentObjectsStillExistError as error:
        raise RebuildError(f"schema {schema} holds tables that no migration of its service made: {error}") from error
    finally:
        await connection.close(timeout=5)


async def _retire(side: _Side, connection: asyncpg.Connection, schema: str) -> None:
    """Holds the live reader, goes as far as it had come, fences it, and moves its tables out of the way."""
    live = await connection.fetchval(f"SELECT max(seq) FROM (SELECT seq FROM {schema}.checkpoint FOR UPDATE) AS held")  # noqa: S608 - a schema's name
    if side.seq < (live or 0):
        await side.follow()
    await connection.execute(f"UPDATE {schema}.checkpoint SET seq = -1")  # noqa: S608 - a schema's name
    await _copy_grants(connection, schema)
    await connection.execute(f"ALTER SCHEMA {schema} RENAME TO {schema}{OLD_SUFFIX}")


async def _copy_grants(connection: asyncpg.Connection, schema: str) -> None:
    """Who may read the live schema and its tables (dashboards) may read the rebuilt ones."""
    for grant in await connection.fetch(_GRANTS, schema, schema + SUFFIX):
        await connection.execute(grant["sql"])


async def _views(connection: asyncpg.Connection, schema: str) -> list[tuple[str, str]]:
    """Views of other schemas that read this one, with their definitions. They are bound to the tables they were made
    on, whatever those are called later, so that they have to be made again."""
    await connection.execute("SET LOCAL search_path TO pg_catalog")  # then a definition names the schemas it reads
    views = await connection.fetch(_VIEWS, schema)
    for view in views:
        if view["is_materialized"]:
            raise RebuildError(
                f"the materialized view {view['name']} reads {schema}: drop it, rebuild, and create it again"
            )
    return [(view["name"], view["definition"]) for view in views]


async def _compare(side: _Side, dsn: str, schema: str) -> list[str]:
    """Compares at the sequence that the live tables have reached in one snapshot; waits while they are behind."""
    for _ in range(_CHECK_ROUNDS):
        live = await connect(dsn, schema)
        try:
            if await live.fetchval("SELECT to_regclass('checkpoint')") is None:
                raise RebuildError(f"there are no tables in schema {schema} to compare with: has its service run yet?")
            async with live.transaction(isolation="repeatable_read", readonly=True):
                name = side.catch_up.projection.name
                reached = await live.fetchval("SELECT seq FROM checkpoint WHERE name = $1", name) or 0
                if reached >= side.seq:
                    if reached > side.seq:
                        await side.follow(until=reached)
                    return await _differences(live, side, schema)
            await live.execute("SELECT pg_sleep(0.5)")
        finally:
            await live.close(timeout=5)
    raise RebuildError(
        f"the tables of {schema} do not come as far as sequence {side.seq}: is its service running? `waymark verify`"
        " shows how far each projection is"
    )


async def _differences(live: asyncpg.Connection, side: _Side, schema: str) -> list[str]:
    rebuilt = await asyncpg.connect(side.catch_up.dsn, timeout=10, command_timeout=COMPARING_LIMIT_S)
    try:
        return differences(await fingerprints(live, schema), await fingerprints(rebuilt, schema + SUFFIX))
    finally:
        await rebuilt.close(timeout=5)


async def _drop(dsn: str, schema: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=120)
    try:
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    finally:
        await connection.close(timeout=5)


_GRANTS = """
SELECT format('GRANT %s ON TABLE %I.%I TO %s', a.privilege_type, $2::text, c.relname,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS sql
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1
CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE c.relkind IN ('r', 'p', 'v') AND a.grantee <> c.relowner
  AND to_regclass(format('%I.%I', $2::text, c.relname)) IS NOT NULL
UNION ALL
SELECT format('GRANT %s ON SCHEMA %I TO %s', a.privilege_type, $2::text,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
WHERE n.nspname = $1 AND a.grantee <> n.nspowner
"""

_VIEWS = """
SELECT DISTINCT format('%I.%I', vn.nspname, v.relname) AS name, v.relkind = 'm' AS is_materialized,
       pg_get_viewdef(v.oid) AS definition
FROM pg_rewrite r
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
JOIN pg_namespace vn ON vn.oid = v.relnamespace AND vn.nspname <> $1
JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_namespace tn ON tn.oid = t.relnamespace AND tn.nspname = $1
"""
