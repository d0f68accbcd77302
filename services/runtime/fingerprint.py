"""Whether two schemas hold the same: a checksum over every table, rows in the order of their primary key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import asyncpg

COMPARING_LIMIT_S = 600.0
_OWN_TIMES = ("schema_migrations", "migration_history")
"""What records when migrations ran: true of the schema, not of what is projected into it."""


class NotComparableError(Exception):
    """A table cannot be compared row by row. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Rows of one table and the SHA-256 of their `COPY` text."""

    rows: int
    sha256: str


async def identical(dsn: str, one: str, other: str) -> list[str]:
    """What differs between two schemas, a line a table; empty where they hold the same, byte for byte.

    Both are read as of one moment. Raises `NotComparableError` for a table without a primary key.
    """
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=COMPARING_LIMIT_S)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return differences(await fingerprints(connection, one), await fingerprints(connection, other))
    finally:
        await connection.close(timeout=5)


async def fingerprints(connection: asyncpg.Connection, schema: str) -> dict[str, Fingerprint]:
    """Every table of a schema; a partitioned one counts as a whole. Meant for one repeatable-read transaction."""
    found: dict[str, Fingerprint] = {}
    for table in await connection.fetch(_TABLES, schema, list(_OWN_TIMES)):
        if not table["key"]:
            raise NotComparableError(f"{schema}.{table['name']} has no primary key, so its rows have no order")
        found[table["name"]] = await _fingerprint(connection, schema, table["name"], table["key"])
    return found


def differences(one: dict[str, Fingerprint], other: dict[str, Fingerprint]) -> list[str]:
    """A line for each table that only one side has or that holds something else."""
    lines = []
    for table in sorted(one.keys() | other.keys()):
        ours, theirs = one.get(table), other.get(table)
        if ours is None or theirs is None:
            lines.append(f"{table}: only in the {'second' if ours is None else 'first'} schema")
        elif ours.rows != theirs.rows:
            lines.append(f"{table}: {ours.rows} rows against {theirs.rows}")
        elif ours != theirs:
            lines.append(f"{table}: {ours.rows} rows on both sides, with other values")
    return lines


async def _fingerprint(connection: asyncpg.Connection, schema: str, table: str, key: list[str]) -> Fingerprint:
    digest = hashlib.sha256()

    async def take(data: bytes) -> None:
        digest.update(data)

    order = ", ".join(f'"{column}"' for column in key)
    query = f'SELECT * FROM "{schema}"."{table}" ORDER BY {order}'  # noqa: S608 - names come from the catalogue
    done = await connection.copy_from_query(query, output=take, timeout=COMPARING_LIMIT_S)
    return Fingerprint(int(done.removeprefix("COPY ")), digest.hexdigest())


_TABLES = """
SELECT c.relname AS name,
       coalesce(array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
                FILTER (WHERE a.attnum IS NOT NULL), '{}') AS key
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($2::text[])
GROUP BY c.relname
ORDER BY c.relname
"""
