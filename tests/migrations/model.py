"""A table as a database design describes it, and as PostgreSQL's catalogue does, in the same terms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import asyncpg

# One line of a transcription: the words of the design in a fixed order.
LINE = re.compile(
    r"(?P<name>\w+) (?P<type>\S+)(?P<pk> pk)?(?P<not_null> not null)?(?P<unique> unique)?"
    r"(?: default (?P<default>.+?))?(?: in (?P<values>[\w|]+))?"
    r"(?: -> (?P<target>\w+\.\w+)\((?P<target_column>\w+)\)(?P<cascade> cascade)?)?"
)
TYPES = {"timestamptz": "timestamp with time zone", "bigserial": "bigint"}


@dataclass(frozen=True)
class Column:
    type: str
    not_null: bool
    default: str | None


@dataclass
class Table:
    """`foreign_keys`: column -> target; `indexes`: name -> how and over what; `checks`: conditions without a list."""

    columns: dict[str, Column]
    primary_key: tuple[str, ...]
    uniques: set[tuple[str, ...]]
    enumerations: dict[str, frozenset[str]]
    foreign_keys: dict[str, str]
    checks: set[str]
    indexes: dict[str, str]
    partitioned_by: str | None = None


def transcribe(
    lines: str,
    indexes: dict[str, str] | None = None,
    uniques: set[tuple[str, ...]] = frozenset(),
    checks: set[str] = frozenset(),
    partitioned_by: str | None = None,
) -> Table:
    """A design's table from one line a column: `name type [pk] [not null] [unique] [default x] [in A|B] [-> t(c)]`."""
    table = Table({}, (), set(uniques), {}, {}, set(checks), dict(indexes or {}), partitioned_by)
    for line in filter(None, (line.strip() for line in lines.splitlines())):
        word = LINE.fullmatch(line)
        assert word, f"cannot read {line!r}"
        name = word["name"]
        not_null = bool(word["pk"] or word["not_null"])
        table.columns[name] = Column(TYPES.get(word["type"], word["type"]), not_null, word["default"])
        if word["pk"]:
            table.primary_key = (name,)
        if word["unique"]:
            table.uniques.add((name,))
        if word["values"]:
            table.enumerations[name] = frozenset(word["values"].split("|"))
        if word["target"]:
            cascade = " ON DELETE CASCADE" if word["cascade"] else ""
            table.foreign_keys[name] = f"{word['target']}({word['target_column']}){cascade}"
    return table


@dataclass
class Catalogue:
    """Reads what is really there. The search path is empty, so that PostgreSQL writes every name with its schema."""

    connection: asyncpg.Connection
    _values: re.Pattern[str] = field(default=re.compile(r"'([^']*)'::text"), init=False)

    async def tables(self, schema: str) -> dict[str, Table]:
        """All tables of a schema but the partitions."""
        rows = await self.connection.fetch(
            "SELECT oid, relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition",
            schema,
        )
        return {row["relname"]: await self._table(row["oid"]) for row in rows}

    async def _table(self, oid: int) -> Table:
        table = Table(await self._columns(oid), (), set(), {}, {}, set(), await self._indexes(oid))
        table.partitioned_by = await self.connection.fetchval(
            "SELECT attname FROM pg_partitioned_table JOIN pg_attribute ON attrelid = partrelid"
            " AND attnum = partattrs[0] WHERE partrelid = $1 AND partstrat = 'r'",
            oid,
        )
        constraints = await self.connection.fetch(
            "SELECT contype::text, pg_get_constraintdef(c.oid) AS text, array(SELECT attname::text FROM"
            " unnest(conkey) WITH ORDINALITY k(n, i) JOIN pg_attribute ON attrelid = conrelid AND attnum = n"
            " ORDER BY i) AS names FROM pg_constraint c WHERE conrelid = $1",
            oid,
        )
        for row in constraints:
            names, text = tuple(row["names"]), row["text"]
            if row["contype"] == "p":
                table.primary_key = names
            elif row["contype"] == "u":
                table.uniques.add(names)
            elif row["contype"] == "f":
                table.foreign_keys[names[0]] = text.split(" REFERENCES ")[1]
            elif row["contype"] == "c" and "= ANY (ARRAY[" in text:
                table.enumerations[names[0]] = frozenset(self._values.findall(text))
            elif row["contype"] == "c":
                table.checks.add(text.removeprefix("CHECK "))
        return table

    async def _columns(self, oid: int) -> dict[str, Column]:
        rows = await self.connection.fetch(
            "SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, pg_get_expr(adbin, adrelid) AS text"
            " FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
            " WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            oid,
        )
        return {row["attname"]: Column(row["type"], row["attnotnull"], row["text"]) for row in rows}

    async def _indexes(self, oid: int) -> dict[str, str]:
        """Name -> `method (columns) [where]`; those of keys have the design's name or none, and are left out."""
        rows = await self.connection.fetch(
            "SELECT c.relname, pg_get_indexdef(c.oid) AS text FROM pg_index i JOIN pg_class c ON c.oid = indexrelid"
            " WHERE indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid"
            " AND k.conrelid = $1 AND k.contype IN ('p', 'u'))",
            oid,
        )
        return {row["relname"]: row["text"].split(" USING ")[1].replace("public.", "") for row in rows}
