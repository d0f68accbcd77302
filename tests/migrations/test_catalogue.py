"""The migrations create what the designs describe: nothing is missing, and nothing is there unexplained."""

from __future__ import annotations

import copy
import enum
from collections.abc import AsyncIterator

import asyncpg
import pytest

from contracts import values
from tests.migrations import first_design, second_design
from tests.migrations.model import Catalogue, Column, Table

FOUNDATION = {"checkpoint", "parked_events", "schema_migrations", "migration_history"}
ARCHIVES = {"tasks_archive": "tasks", "task_steps_archive": "task_steps"}
# ADR 0011: columns that partitioning needs and the design lacks. ADR 0017: why a task is in its status.
ADDED = {
    "notifier.alert_notifications": {"created_at": Column("timestamp with time zone", True, "now()")},
    "orchestrator.tasks": {"status_reason": Column("text", False, None)},
}
# ADR 0011: a foreign key that cannot point at a partitioned table, kept by triggers instead.
BY_TRIGGER = {("step_screenshots", "step_id")}

ENUMERATIONS: dict[tuple[str, str], type[enum.StrEnum]] = {
    ("devices", "device_type"): values.DeviceType,
    ("devices", "status"): values.DeviceStatus,
    ("tasks", "coverage_profile"): values.CoverageProfile,
    ("tasks", "status"): values.TaskStatus,
    ("task_runs", "status"): values.RunStatus,
    ("task_run_events", "event_type"): values.RunEventType,
    ("task_actions", "action_type"): values.ActionType,
    ("task_actions", "status"): values.ActionStatus,
    ("screens", "orientation"): values.Orientation,
    ("elements", "visibility"): values.Visibility,
    ("locator_candidates", "strategy"): values.Strategy,
    ("locator_candidates", "source"): values.LocatorSource,
    ("element_validations", "validation_type"): values.ValidationType,
    ("element_validations", "status"): values.ValidationStatus,
    ("alerts", "alert_type"): values.AlertType,
    ("alerts", "severity"): values.Severity,
    ("alerts", "status"): values.AlertStatus,
    ("alert_notifications", "channel"): values.Channel,
    ("alert_notifications", "send_status"): values.SendStatus,
    ("integration_configs", "config_type"): values.ConfigType,
}


def expected(schema: str, name: str, design: Table) -> Table:
    """A design's table with the changes that the decision records give reasons for."""
    table = copy.deepcopy(design)
    table.columns |= ADDED.get(f"{schema}.{name}", {})
    if table.partitioned_by is not None:
        table.primary_key = (*table.primary_key, table.partitioned_by)
    # ADR 0010: those inside a schema hold, at the end of a projection's transaction.
    table.foreign_keys = {
        column: f"{target} DEFERRABLE"
        for column, target in table.foreign_keys.items()
        if target.startswith(f"{schema}.") and (name, column) not in BY_TRIGGER
    }
    return table


def designed(schema: str) -> dict[str, Table]:
    if schema == first_design.SCHEMA:
        return {name: expected(schema, name, table) for name, table in first_design.TABLES.items()}
    owned = {name for name, owner in second_design.OWNERS.items() if owner == schema}
    return {name: expected(schema, name, second_design.TABLES[name]) for name in owned}


SCHEMAS = sorted({*second_design.OWNERS.values(), first_design.SCHEMA})


@pytest.fixture
async def catalogue(migrated_database: str) -> AsyncIterator[Catalogue]:
    connection = await asyncpg.connect(migrated_database, server_settings={"search_path": ""})
    yield Catalogue(connection)
    await connection.close()


@pytest.mark.system
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_schema_holds_the_designs_tables_and_no_others(catalogue: Catalogue, schema: str) -> None:
    there = await catalogue.tables(schema)
    archives = set(ARCHIVES) if schema == first_design.SCHEMA else set()
    assert set(there) == set(designed(schema)) | FOUNDATION | archives


@pytest.mark.system
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_each_table_is_as_its_design_says(catalogue: Catalogue, schema: str) -> None:
    there = await catalogue.tables(schema)
    for name, table in designed(schema).items():
        assert list(there[name].columns) == list(table.columns), name
        assert there[name] == table, name


@pytest.mark.system
async def test_archives_are_like_their_tables(catalogue: Catalogue) -> None:
    there = await catalogue.tables(first_design.SCHEMA)
    for archive, name in ARCHIVES.items():
        assert there[archive].columns == there[name].columns
        assert there[archive].primary_key == there[name].primary_key
        assert there[archive].uniques == there[name].uniques
        assert there[archive].enumerations == there[name].enumerations
        assert sorted(there[archive].indexes.values()) == sorted(there[name].indexes.values())


@pytest.mark.system
async def test_script_summary_joins_active_scripts_with_their_tasks(migrated_database: str) -> None:
    connection = await asyncpg.connect(migrated_database, server_settings={"search_path": "autoglm,public"})
    try:
        await connection.execute(
            """
            INSERT INTO scripts (task_id, task_name, description, script_data, script_metadata, is_active) VALUES
                ('known', '搜索', '', '{}', '{}', true), ('unknown', 'n', '', '{}', '{}', true),
                ('known', 'old', '', '{}', '{}', false);
            INSERT INTO tasks
                (task_id, session_id, user_id, task_description, status, created_at, last_activity, config)
            VALUES ('known', 'session', 'alice', '', 'completed', '2024-12-16', '2024-12-16', '{}')
            """
        )
        rows = await connection.fetch("SELECT * FROM script_summary ORDER BY task_id")
    finally:
        await connection.close()
    assert tuple(rows[0].keys()) == first_design.SCRIPT_SUMMARY
    found = [(row["task_name"], row["task_status"], row["user_id"], row["session_id"]) for row in rows]
    assert found == [("搜索", "completed", "alice", "session"), ("n", None, None, None)]


@pytest.mark.system
async def test_the_unique_index_of_package_names_has_the_designs_name(catalogue: Catalogue) -> None:
    text = await catalogue.connection.fetchval(
        "SELECT pg_get_indexdef('orchestrator.idx_apps_package_name'::pg_catalog.regclass)"
    )
    assert text == "CREATE UNIQUE INDEX idx_apps_package_name ON orchestrator.apps USING btree (package_name)"


def test_the_contracts_enumerations_are_the_designs() -> None:
    of_the_design = {
        (name, column): members
        for name, table in second_design.TABLES.items()
        for column, members in table.enumerations.items()
    }
    assert {key: frozenset(enumeration) for key, enumeration in ENUMERATIONS.items()} == of_the_design


def test_a_changed_column_would_be_noticed() -> None:
    changed = copy.deepcopy(second_design.TABLES["devices"])
    changed.columns["serial"] = Column("text", False, None)
    assert changed != second_design.TABLES["devices"]
