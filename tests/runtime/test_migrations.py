"""Migrations: applied once and in order, whoever runs them; an edited file is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest

from services.runtime.migrations import MigrationError, folders, migrate, read_folder
from services.runtime.tables import CONNECTION_LOST
from tests.conftest import SERVICES

FOUNDATION = ["foundation-001"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "001_first.sql").write_text("CREATE TABLE first (id int PRIMARY KEY)")
    (tmp_path / "002_second.sql").write_text("CREATE TABLE second (id int REFERENCES first (id))")
    return tmp_path


def test_files_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("1000_last.sql", "002_b.sql", "001_a.sql"):
        (tmp_path / name).write_text("SELECT 1")
    assert [migration.version for migration in read_folder(tmp_path)] == ["001", "002", "1000"]


@pytest.mark.parametrize("name", ["1_short.sql", "001-dash.sql", "001_Upper.sql", "first.sql"])
def test_a_file_with_another_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=r"rename it to NNN_name.sql"):
        read_folder(tmp_path)


def test_a_number_given_twice_is_refused(folder: Path) -> None:
    (folder / "002_other.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="version 002 is taken by other"):
        read_folder(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="holds no migration"):
        read_folder(tmp_path)


def test_every_service_has_its_schema() -> None:
    assert list(folders(SERVICES)) == [
        "alerter", "autoglm", "device_agent", "llm_gateway", "locator_validator", "notifier", "orchestrator",
        "screen_indexer",
    ]  # fmt: skip


@pytest.mark.system
async def test_a_fresh_schema_gets_all_and_a_repetition_nothing(database: str, folder: Path) -> None:
    assert await migrate(database, "shop", folder) == [*FOUNDATION, "001", "002"]
    assert await migrate(database, "shop", folder) == []
    (folder / "003_third.sql").write_text("ALTER TABLE second ADD COLUMN note text")
    assert await migrate(database, "shop", folder) == ["003"]

    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT to_regclass('shop.second') IS NOT NULL")
        recorded = await connection.fetch("SELECT version FROM shop.schema_migrations ORDER BY version")
        history = await connection.fetch("SELECT version, name FROM shop.migration_history ORDER BY version")
    finally:
        await connection.close()
    assert [row["version"] for row in recorded] == ["001", "002", "003", *FOUNDATION]
    assert [tuple(row) for row in history][:3] == [("001", "first"), ("002", "second"), ("003", "third")]


@pytest.mark.system
async def test_concurrent_runners_apply_each_file_once(database: str, folder: Path) -> None:
    (folder / "003_slow.sql").write_text("SELECT pg_sleep(0.2)")
    applied = await asyncio.gather(*(migrate(database, "shop", folder) for _ in range(5)))
    assert sorted(applied, key=len) == [[], [], [], [], [*FOUNDATION, "001", "002", "003"]]


@pytest.mark.system
async def test_an_edited_file_is_refused_and_nothing_is_applied(database: str, folder: Path) -> None:
    await migrate(database, "shop", folder)
    (folder / "001_first.sql").write_text("CREATE TABLE first (id bigint PRIMARY KEY)")
    (folder / "003_third.sql").write_text("CREATE TABLE third ()")
    with pytest.raises(MigrationError, match="001_first was edited after it had been applied; restore it"):
        await migrate(database, "shop", folder)
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT to_regclass('shop.third')") is None
    finally:
        await connection.close()


@pytest.mark.system
async def test_a_missing_and_a_late_file_are_refused(database: str, folder: Path) -> None:
    await migrate(database, "shop", folder)
    second = (folder / "002_second.sql").rename(folder / "002_second.gone")
    with pytest.raises(MigrationError, match="002_second was applied but its file is gone"):
        await migrate(database, "shop", folder)
    second.rename(folder / "002_second.sql")
    (folder / "000_late.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="000_late is older than number 2"):
        await migrate(database, "shop", folder)


@pytest.mark.system
async def test_a_failing_file_leaves_no_trace_and_the_ones_before_it_stay(database: str, folder: Path) -> None:
    (folder / "003_wrong.sql").write_text("CREATE TABLE third (); SELECT no_such_column")
    with pytest.raises(MigrationError, match=r"shop: migration 003_wrong failed: column .*no_such_column"):
        await migrate(database, "shop", folder)
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT to_regclass('shop.third')") is None
        assert await connection.fetchval("SELECT max(version) FROM shop.schema_migrations WHERE version < 'a'") == "002"
    finally:
        await connection.close()


@pytest.mark.system
async def test_a_server_that_stops_is_not_a_failure_of_the_file_and_the_next_try_goes_on(
    database: str, folder: Path
) -> None:
    (folder / "003_long.sql").write_text("SELECT pg_sleep(60)")
    connection = await asyncpg.connect(database)
    running = asyncio.create_task(migrate(database, "shop", folder))
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE query = 'SELECT pg_sleep(60)' AND datname = current_database()"
    )
    async with asyncio.timeout(20):
        while not await connection.fetch(end):
            await asyncio.sleep(0.01)
        with pytest.raises(CONNECTION_LOST):
            await running
    await connection.close()
    (folder / "003_long.sql").write_text("SELECT 1")
    assert await migrate(database, "shop", folder) == ["003"]


async def test_a_schema_with_an_odd_name_is_refused(folder: Path) -> None:
    with pytest.raises(MigrationError, match="is no schema name"):
        await migrate("postgresql://127.0.0.1:1/none", 'shop"; DROP', folder)


async def _tables(connection: asyncpg.Connection, schema: str) -> list[tuple[str, ...]]:
    """Everything that a schema holds, as the server itself would write it down, without the schema's name."""
    rows = await connection.fetch(
        """
        SELECT 'column' AS kind, table_name || '.' || column_name AS name,
               concat_ws(' ', data_type, is_nullable, column_default, numeric_precision, numeric_scale) AS text
        FROM information_schema.columns WHERE table_schema = $1
        UNION ALL
        SELECT 'constraint', conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = $1::regnamespace
        UNION ALL
        SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = $1
        UNION ALL
        SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE relnamespace = $1::regnamespace AND NOT tgisinternal
        UNION ALL
        SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = $1
        UNION ALL
        SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = $1::regnamespace
        """,
        schema,
    )
    return sorted((row["kind"], *(row[part].replace(f"{schema}.", "") for part in ("name", "text"))) for row in rows)


@pytest.mark.system
@pytest.mark.parametrize("schema", sorted(folders(SERVICES)))
async def test_a_second_schema_gets_identical_tables(migrated_database: str, schema: str) -> None:
    await migrate(migrated_database, f"{schema}_rebuild", folders(SERVICES)[schema])
    connection = await asyncpg.connect(migrated_database)
    try:
        first = await _tables(connection, schema)
        second = await _tables(connection, f"{schema}_rebuild")
        # and the swap of a rebuild leaves nothing that still refers to the old name
        await connection.execute(f"ALTER SCHEMA {schema} RENAME TO old")
        await connection.execute(f"ALTER SCHEMA {schema}_rebuild RENAME TO {schema}")
        await connection.execute("DROP SCHEMA old CASCADE")
        assert await _tables(connection, schema) == first
    finally:
        await connection.close()
    assert len(first) > 20
    assert second == first


@pytest.mark.system
async def test_partitions_are_named_as_each_design_names_them(migrated_database: str) -> None:
    connection = await asyncpg.connect(migrated_database)
    try:
        made = {}
        for schema in folders(SERVICES):
            await connection.execute(f"SET search_path TO {schema}, public")
            rows = await connection.fetch("SELECT * FROM ensure_partitions($1)", date(2025, 11, 17))
            made[schema] = [row[0] for row in rows]
            assert await connection.fetch("SELECT * FROM ensure_partitions($1)", date(2025, 11, 30)) == []
    finally:
        await connection.close()
    assert made == {
        "alerter": ["alerts_2025_11"],
        "autoglm": ["task_steps_y2025m11"],
        "device_agent": ["task_actions_2025_11"],
        "llm_gateway": ["llm_logs_2025_11"],
        "locator_validator": ["element_validations_2025_11"],
        "notifier": ["alert_notifications_2025_11"],
        "orchestrator": ["task_run_events_2025_11"],
        "screen_indexer": [],
    }


@pytest.mark.system
async def test_partitions_begin_and_end_with_the_month_in_utc(migrated_database: str) -> None:
    connection = await asyncpg.connect(migrated_database, server_settings={"timezone": "Asia/Shanghai"})
    try:
        await connection.execute("SET search_path TO alerter, public")
        insert = (
            "INSERT INTO alerts (id, alert_type, severity, message, status, triggered_at)"
            " VALUES (gen_random_uuid(), 'SYSTEM', 'P1', 'x', 'OPEN', $1) RETURNING tableoid::regclass::text"
        )
        inside = datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
        outside = datetime(2025, 1, 1, tzinfo=UTC)
        assert await connection.fetchval(insert, inside) == "alerts_default"
        await connection.execute("SELECT ensure_partitions('2024-12-05')")
        assert await connection.fetchval(insert, inside) == "alerts_2024_12"
        assert await connection.fetchval(insert, outside) == "alerts_default"
        # the row that had arrived before the partition is in it now
        assert await connection.fetchval("SELECT count(*) FROM alerts_2024_12") == 2
        assert await connection.fetchval("SELECT count(*) FROM alerts") == 3
    finally:
        await connection.close()


@pytest.mark.system
async def test_partitions_are_refused_where_no_service_lives(migrated_database: str) -> None:
    connection = await asyncpg.connect(migrated_database)
    try:
        with pytest.raises(asyncpg.RaiseError, match="set search_path"):
            await connection.execute("SELECT alerter.ensure_partitions('2024-12-05')")
    finally:
        await connection.close()


@pytest.mark.system
async def test_steps_and_screenshots_hold_together_without_a_foreign_key(migrated_database: str) -> None:
    connection = await asyncpg.connect(migrated_database)  # search_path is not set: triggers find their own schema
    try:
        await connection.execute(
            """
            INSERT INTO autoglm.tasks (task_id, session_id, user_id, task_description, status, created_at,
                                       last_activity, config)
            VALUES ('t', 's', 'u', '搜索美食', 'running', '2024-12-16', '2024-12-16', '{}')
            """
        )
        step = await connection.fetchval(
            """
            INSERT INTO autoglm.task_steps (task_id, step_number, step_type, step_data, created_at)
            VALUES ('t', 1, 'action', '{}', '2024-12-16') RETURNING id
            """
        )
        shoot = "INSERT INTO autoglm.step_screenshots (task_id, step_id, screenshot_path) VALUES ('t', $1, $2)"
        await connection.execute(shoot, step, "a.png")
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="which does not exist"):
            await connection.execute(shoot, "00000000-0000-0000-0000-000000000000", "b.png")

        count = "SELECT count(*) FROM autoglm.step_screenshots"
        async with connection.transaction():
            await connection.execute("SET LOCAL search_path TO autoglm, public")
            await connection.execute("SELECT ensure_partitions('2024-12-01')")  # moves the step out of the default
        assert await connection.fetchval("SELECT tableoid::regclass::text FROM autoglm.task_steps") == (
            "autoglm.task_steps_y2024m12"
        )
        assert await connection.fetchval(count) == 1
        await connection.execute("DELETE FROM autoglm.task_steps WHERE id = $1", step)
        assert await connection.fetchval(count) == 0
    finally:
        await connection.close()
