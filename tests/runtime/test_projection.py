"""Rows in groups of one statement give what rows one by one give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.projection import Row, Statement, grouped, upsert

Table = dict[tuple[str, Any], list[Any]]

_STATEMENTS = (
    Statement("set a", "a"),
    Statement("append a", "a"),
    upsert("b", ("id", "at"), ("id", "at")),
    Statement("set b", "b"),
    Statement("append b", "b"),
)

rows = st.lists(
    st.builds(
        lambda statement, key, value: Row(statement, (key, value)),
        st.sampled_from(_STATEMENTS),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    max_size=40,
)


def run(tables: Table, statement: Statement, values: tuple[Any, ...]) -> None:
    """As PostgreSQL would: an update finds its row only where one was inserted before; an insert, only where not."""
    place = (statement.table, values[0])
    if statement.sql.startswith("INSERT"):
        tables.setdefault(place, [values])
    elif place in tables and statement.sql.startswith("set"):
        tables[place] = [values]
    elif place in tables or statement.table == "a":
        tables.setdefault(place, []).append((statement.sql, values))


@given(rows)
def test_groups_executed_one_after_the_other_equal_rows_one_after_the_other(given_rows: list[Row]) -> None:
    one_by_one: Table = {}
    for row in given_rows:
        run(one_by_one, row.statement, row.values)
    in_groups: Table = {}
    groups = grouped(given_rows)
    for statement, values in groups:
        for value in values:
            run(in_groups, statement, value)
    assert in_groups == one_by_one
    assert sum(len(values) for _, values in groups) == len(given_rows)


@given(st.permutations(range(6)))
def test_rows_that_do_not_meet_are_one_group_a_statement(order: list[int]) -> None:
    pairs = [Row(_STATEMENTS[i % 2 * 2], (i, i)) for i in order]
    assert len(grouped(pairs)) == len({row.statement for row in pairs})


@pytest.mark.parametrize(("update", "end"), [((), "DO NOTHING"), (("name",), "DO UPDATE SET name = EXCLUDED.name")])
def test_an_upsert_names_its_row(update: tuple[str, ...], end: str) -> None:
    statement = upsert("items", ("id", "seq", "name"), ("id", "seq"), update)
    assert statement.sql == f"INSERT INTO items (id, seq, name) VALUES ($1, $2, $3) ON CONFLICT (id, seq) {end}"
    assert Row(statement, ("x", 7, "n")).place == ("items", "x")


def test_an_upsert_whose_first_value_does_not_name_its_row_is_refused() -> None:
    with pytest.raises(ValueError, match="it is id that names a row"):
        upsert("items", ("seq", "id"), ("id", "seq"))


def test_an_update_of_a_row_follows_its_insert_although_another_row_was_updated_before() -> None:
    """A batch that begins in the middle of one action and has the whole of the next."""
    insert, start = upsert("actions", ("id", "at"), ("id", "at")), Statement("UPDATE actions ..", "actions")
    groups = grouped([Row(start, ("one", 2)), Row(insert, ("two", 3)), Row(start, ("two", 4))])
    assert groups == [(start, [("one", 2)]), (insert, [("two", 3)]), (start, [("two", 4)])]
