"""Projections: one ordered reader a service folds the log into its tables, one transaction a batch.

A projection is a pure function from an event to statements with their values. Rows and checkpoint commit together, so
a crash repeats a batch or does not; an advisory lock keeps replicas on standby. An event that cannot be projected is
parked with everything that refers to it, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.event import Event
from contracts.sealed import Sealed
from services.runtime.log import Recorded

ERASED = "[erased]"
"""Stands in a row for what was sealed with a key that is gone."""

Place = tuple[str, Any]
"""A row of a table: the table's name, and the row's id."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement of a projection. `table` and its first value, the row's id, name the row that it writes.

    The time column that partitioned tables carry in their keys is no part of that name: it never tells two rows with
    one id apart, and statements that do without it have to meet those that do not.
    """

    sql: str
    table: str


@dataclass(frozen=True, slots=True)
class Row:
    """A statement with its values. `reads`: other rows that the statement looks at, so that it stays behind what writes
    them."""

    statement: Statement
    values: tuple[Any, ...]
    reads: tuple[Place, ...] = ()

    @property
    def place(self) -> Place:
        return (self.statement.table, self.values[0])


Project = Callable[[Recorded[Event]], Iterable[Row]]


@dataclass(frozen=True)
class Projection:
    """What one service keeps in one schema. `events` are the kinds that `project` understands.

    `opened`: sealed fields are opened before, as far as their keys are still there; else they come as they are kept.
    """

    name: str
    schema: str
    events: tuple[type[Event], ...]
    project: Project
    opened: bool = False


def grouped(rows: Iterable[Row]) -> list[tuple[Statement, list[tuple[Any, ...]]]]:
    """Rows in groups of one statement each, to be executed group by group.

    A row joins the last group of its statement, unless a later group writes a row that it writes or reads, or reads the
    one that it writes: then order matters, and it opens a new group. Foreign keys are deferred to the end of the
    transaction, so they set no order.
    """
    groups: list[tuple[Statement, list[tuple[Any, ...]]]] = []
    last_of_statement: dict[Statement, int] = {}
    last_write: dict[Place, int] = {}
    last_read: dict[Place, int] = {}
    for row in rows:
        before = [last_write.get(place, -1) for place in (row.place, *row.reads)]
        index = last_of_statement.get(row.statement)
        if index is None or index < max(*before, last_read.get(row.place, -1)):
            index = len(groups)
            groups.append((row.statement, []))
            last_of_statement[row.statement] = index
        groups[index][1].append(row.values)
        last_write[row.place] = index
        last_read.update(dict.fromkeys(row.reads, index))
    return groups


def readable(field: Sealed[Any] | None) -> Any:
    """What a sealed field holds, for a projection that has it opened; `ERASED` where nobody can read it any more."""
    if field is None or (field.clear is None and field.cipher is None):
        return None
    return ERASED if field.clear is None else field.clear


def storable(value: Any) -> Any:
    """A JSON value as PostgreSQL takes it: it refuses NUL, and halves of surrogate pairs, in every text."""
    match value:
        case str():
            return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        case list() | tuple():
            return [storable(item) for item in value]
        case dict():
            return {storable(name): storable(item) for name, item in value.items()}
        case _:
            return value


def upsert(table: str, columns: Sequence[str], key: Sequence[str], update: Sequence[str] = ()) -> Statement:
    """`INSERT .. ON CONFLICT (key) DO UPDATE SET ..` (or DO NOTHING without `update`), values in order of `columns`.

    Raises `ValueError` where the first column is not the first of the key: the first value names the row.
    """
    if columns[0] != key[0]:
        raise ValueError(f"{table}: the first column is {columns[0]}, but it is {key[0]} that names a row")
    names = ", ".join(columns)
    places = ", ".join(f"${i}" for i in range(1, len(columns) + 1))
    then = "NOTHING" if not update else "UPDATE SET " + ", ".join(f"{c} = EXCLUDED.{c}" for c in update)
    sql = f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT ({', '.join(key)}) DO {then}"  # noqa: S608 - names come from the projection's own source
    return Statement(sql, table)
