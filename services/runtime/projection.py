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
from services.runtime.log import Recorded


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
    """A statement with its values."""

    statement: Statement
    values: tuple[Any, ...]

    @property
    def place(self) -> tuple[str, Any]:
        return (self.statement.table, self.values[0])


Project = Callable[[Recorded[Event]], Iterable[Row]]


@dataclass(frozen=True)
class Projection:
    """What one service keeps in one schema. `events` are the kinds that `project` understands."""

    name: str
    schema: str
    events: tuple[type[Event], ...]
    project: Project


def grouped(rows: Iterable[Row]) -> list[tuple[Statement, list[tuple[Any, ...]]]]:
    """Rows in groups of one statement each, to be executed group by group.

    A row joins the last group of its statement, unless a later group writes the same row: then order matters, and it
    opens a new group. Foreign keys are deferred to the end of the transaction, so they set no order.
    """
    groups: list[tuple[Statement, list[tuple[Any, ...]]]] = []
    last_of_statement: dict[Statement, int] = {}
    last_of_place: dict[tuple[str, Any], int] = {}
    for row in rows:
        index = last_of_statement.get(row.statement)
        if index is None or index < last_of_place.get(row.place, -1):
            index = len(groups)
            groups.append((row.statement, []))
            last_of_statement[row.statement] = index
        groups[index][1].append(row.values)
        last_of_place[row.place] = index
    return groups


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
