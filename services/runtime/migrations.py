"""Versioned, forward-only migrations of one schema: checksummed, recorded, safe against concurrent runners."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.runtime.tables import CONNECTION_LOST

CONNECT_LIMIT_S = 15.0
LOCK_LIMIT_S = 60.0
STATEMENT_LIMIT_S = 600.0
FILE_NAME = re.compile(r"(?P<version>\d{3,})_(?P<name>[a-z0-9_]+)\.sql")
SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

# What every schema has besides its service's tables (checkpoint, parked events, partitions). Applied first, and
# recorded under versions of its own, so that it can grow independently of the services.
FOUNDATION = Path(__file__).parent / "foundation"
FOUNDATION_PREFIX = "foundation-"

# Both designs name a table for what was applied: the first keeps the version, the second the history.
LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS migration_history (
    version text PRIMARY KEY REFERENCES schema_migrations (version),
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    duration_ms integer NOT NULL
);
"""


class MigrationError(RuntimeError):
    """The migrations of a schema cannot be applied; the message says which file and what to do."""


@dataclass(frozen=True)
class Migration:
    """One file `NNN_name.sql`; `checksum` is the SHA-256 of its bytes, `version` the number behind its prefix."""

    version: str
    number: int
    name: str
    sql: str
    checksum: str


def read_folder(folder: Path, prefix: str = "") -> list[Migration]:
    """The migrations of a folder in the order of their numbers. Raises MigrationError on a file that does not fit."""
    found: dict[str, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        parts = FILE_NAME.fullmatch(path.name)
        if parts is None:
            raise MigrationError(f"{path}: rename it to NNN_name.sql (digits, lower-case letters, underscores)")
        version = prefix + parts["version"]
        if version in found:
            raise MigrationError(f"{path}: version {version} is taken by {found[version].name}; give it another number")
        data = path.read_bytes()
        found[version] = Migration(
            version, int(parts["version"]), parts["name"], data.decode(), hashlib.sha256(data).hexdigest()
        )
    if not found:
        raise MigrationError(
            f"{folder} holds no migration (NNN_name.sql): is it the right folder, and installed whole?"
        )
    return sorted(found.values(), key=lambda migration: migration.number)


def folders(services: Path) -> dict[str, Path]:
    """Schema -> folder for all services below `services`.

    `<service>/migrations` belongs to the schema of the service's name, `<service>/migrations_<schema>` to another one
    that the service owns as well.
    """
    found = {path.parent.name: path for path in services.glob("*/migrations") if path.is_dir()}
    found |= {path.name.removeprefix("migrations_"): path for path in services.glob("*/migrations_*") if path.is_dir()}
    return dict(sorted(found.items()))


async def ensure_extensions(dsn: str) -> None:
    """Create what the migrations expect in schema public: pg_trgm. Needs a role that may create extensions."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_LIMIT_S, command_timeout=LOCK_LIMIT_S)
    try:
        # Two runners at once would both find it missing: IF NOT EXISTS does not lock.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('waymark extensions', 0))")
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
    finally:
        await connection.close()


async def migrate(dsn: str, schema: str, folder: Path) -> list[str]:
    """Bring `schema` to the newest version of `folder`, creating it first; the versions applied now, in order.

    Each file runs in a transaction of its own with `search_path = <schema>, public`, together with its record. Other
    runners on the same schema wait. Raises MigrationError when an applied file was edited or is missing, when a new
    file is older than an applied one, or when a file fails (the ones before it stay applied); a connection that is lost
    meanwhile is not the file's failure, and is raised as it is.
    """
    if not SCHEMA_NAME.fullmatch(schema):
        raise MigrationError(f"{schema!r} is no schema name: use lower-case letters, digits and underscores")
    series = {FOUNDATION_PREFIX: read_folder(FOUNDATION, FOUNDATION_PREFIX), "": read_folder(folder)}
    applied: list[str] = []
    connection = await asyncpg.connect(dsn, timeout=CONNECT_LIMIT_S, command_timeout=STATEMENT_LIMIT_S)
    try:
        await _lock(connection, schema)
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        await connection.execute(f"SET search_path TO {schema}, public")
        await connection.execute(LEDGER)
        for prefix, migrations in series.items():
            for migration in await _pending(connection, schema, prefix, migrations):
                await _apply(connection, schema, migration)
                applied.append(migration.version)
    finally:
        await connection.close()  # releases the lock
    return applied


async def _lock(connection: asyncpg.Connection, schema: str) -> None:
    """One runner per schema in a database, for as long as its connection lives."""
    await connection.execute(f"SET lock_timeout = '{LOCK_LIMIT_S:.0f}s'")
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('waymark migrations ' || $1, 0))", schema)
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError(
            f"{schema}: another runner has been migrating for more than {LOCK_LIMIT_S:.0f} s; wait for it, or end it"
        ) from error


async def _pending(
    connection: asyncpg.Connection, schema: str, prefix: str, migrations: list[Migration]
) -> list[Migration]:
    """What is not applied yet, after checking that what was applied is still what the folder says."""
    rows = await connection.fetch(
        "SELECT version, name, checksum FROM migration_history WHERE version ~ ('^' || $1 || '[0-9]+$')", prefix
    )
    known = {migration.version: migration for migration in migrations}
    for row in rows:
        migration = known.get(row["version"])
        label = f"{schema}: migration {row['version']}_{row['name']}"
        if migration is None:
            raise MigrationError(f"{label} was applied but its file is gone; restore it (this code may be older)")
        if migration.checksum != row["checksum"]:
            raise MigrationError(f"{label} was edited after it had been applied; restore it and add a new migration")
    applied = {row["version"] for row in rows}
    newest = max((known[version].number for version in applied), default=0)
    pending = [migration for migration in migrations if migration.version not in applied]
    for migration in pending:
        if migration.number < newest:
            raise MigrationError(
                f"{schema}: migration {migration.version}_{migration.name} is older than number {newest},"
                f" which is applied; give it a number above"
            )
    return pending


async def _apply(connection: asyncpg.Connection, schema: str, migration: Migration) -> None:
    began = time.monotonic()
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            duration_ms = round((time.monotonic() - began) * 1000)
            await connection.execute("INSERT INTO schema_migrations (version) VALUES ($1)", migration.version)
            await connection.execute(
                "INSERT INTO migration_history (version, name, checksum, duration_ms) VALUES ($1, $2, $3, $4)",
                migration.version, migration.name, migration.checksum, duration_ms,
            )  # fmt: skip
    except CONNECTION_LOST:
        raise
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{schema}: migration {migration.version}_{migration.name} failed: {error}") from error
