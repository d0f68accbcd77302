"""All SQL that the command reads tables with. Rows come back as dictionaries whose keys are the columns' names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from contracts.values import TaskStatus
from services.cli.errors import CliError, ExitCode

Rows = list[dict[str, Any]]

LAST = "last"
"""Stands for the newest run wherever a run is named."""

_LEAST_PREFIX = 4


async def devices(sql: asyncpg.Connection) -> Rows:
    return await _rows(
        sql,
        """SELECT d.id, d.serial, d.model, d.os_version, d.device_type, d.resolution, d.status, d.last_heartbeat_at,
                  count(r.id) AS runs, d.tags
           FROM device_agent.devices d LEFT JOIN orchestrator.task_runs r ON r.device_id = d.id
           GROUP BY d.id ORDER BY d.serial""",
    )


async def tasks(sql: asyncpg.Connection, limit: int) -> Rows:
    return await _rows(
        sql,
        """SELECT t.id, t.name, a.package_name AS app, v.version_name AS version, t.coverage_profile, t.priority,
                  t.status, t.status_reason AS reason, u.account AS by, t.schedule_at, t.created_at
           FROM orchestrator.tasks t
           JOIN orchestrator.app_versions v ON v.id = t.app_version_id JOIN orchestrator.apps a ON a.id = v.app_id
           LEFT JOIN orchestrator.users u ON u.id = t.created_by
           ORDER BY t.created_at DESC, t.id LIMIT $1""",
        limit,
    )


async def runs(sql: asyncpg.Connection, limit: int, run: UUID | None = None) -> Rows:
    return await _rows(
        sql,
        """SELECT r.id, r.task_id, t.name, a.package_name AS app, v.version_name AS version, d.serial, r.status,
                  r.start_at, r.end_at, coalesce(r.end_at - r.start_at, NULL) AS took, r.total_actions,
                  r.successful_actions, r.coverage_screens, r.failure_reason
           FROM orchestrator.task_runs r
           JOIN orchestrator.tasks t ON t.id = r.task_id
           JOIN orchestrator.app_versions v ON v.id = t.app_version_id JOIN orchestrator.apps a ON a.id = v.app_id
           LEFT JOIN device_agent.devices d ON d.id = r.device_id
           WHERE $2::uuid IS NULL OR r.id = $2 ORDER BY r.start_at DESC, r.id LIMIT $1""",
        limit,
        run,
    )


async def find_run(sql: asyncpg.Connection, given: str) -> tuple[UUID, UUID]:
    """Run and task that `given` names: the id of either, its beginning, or `last`. Raises `CliError`."""
    if given == LAST:
        row = await sql.fetchrow("SELECT id, task_id FROM orchestrator.task_runs ORDER BY start_at DESC, id LIMIT 1")
        if row is None:
            raise CliError("there is no run yet: `waymark run explore --app PACKAGE` starts one", ExitCode.NOT_FOUND)
        return row["id"], row["task_id"]
    found = await sql.fetch(
        """SELECT id, task_id FROM orchestrator.task_runs
           WHERE starts_with(id::text, $1) OR starts_with(task_id::text, $1) ORDER BY start_at DESC LIMIT 2""",
        _prefix(given),
    )
    row = _only(found, given, "run", "waymark runs")
    return row["id"], row["task_id"]


async def find_task(sql: asyncpg.Connection, given: str) -> UUID:
    """The task that `given` names, whether or not it has a run yet: its id or its run's, the beginning, or `last`."""
    if given == LAST:
        return (await find_run(sql, given))[1]
    found = await sql.fetch(
        """SELECT DISTINCT t.id FROM orchestrator.tasks t LEFT JOIN orchestrator.task_runs r ON r.task_id = t.id
           WHERE starts_with(t.id::text, $1) OR starts_with(r.id::text, $1) LIMIT 2""",
        _prefix(given),
    )
    task: UUID = _only(found, given, "task", "waymark tasks")["id"]
    return task


async def going_on(sql: asyncpg.Connection, task_id: UUID) -> str | None:
    """The status of a task that is not over; None where it is, or where its rows are not there yet."""
    status: str | None = await sql.fetchval("SELECT status FROM orchestrator.tasks WHERE id = $1", task_id)
    return None if status in {None, TaskStatus.COMPLETED, TaskStatus.FAILED} else status


async def find_alert(sql: asyncpg.Connection, given: str) -> UUID:
    found = await sql.fetch("SELECT id FROM alerter.alerts WHERE starts_with(id::text, $1) LIMIT 2", _prefix(given))
    alert: UUID = _only(found, given, "alert", "waymark alerts")["id"]
    return alert


async def find_screen(sql: asyncpg.Connection, given: str) -> UUID:
    """A screen by the beginning of its id, or by its name where that is unique (newest app version first)."""
    by_id = "SELECT id FROM screen_indexer.screens WHERE starts_with(id::text, $1) LIMIT 2"
    found = await sql.fetch(by_id, given.lower()) if len(given) >= _LEAST_PREFIX else []
    if not found:
        found = await sql.fetch(
            "SELECT id FROM screen_indexer.screens WHERE lower(metadata->>'name') = lower($1)"
            " ORDER BY created_at DESC LIMIT 1",
            given,
        )
    screen: UUID = _only(found, given, "screen", "waymark screens")["id"]
    return screen


async def find_element(sql: asyncpg.Connection, given: str) -> UUID:
    found = await sql.fetch(
        "SELECT id FROM screen_indexer.elements WHERE starts_with(id::text, $1) LIMIT 2", _prefix(given)
    )
    element: UUID = _only(found, given, "element", "waymark locators SCREEN")["id"]
    return element


async def screens(
    sql: asyncpg.Connection, limit: int, *, app: str | None, version: str | None, run: UUID | None
) -> Rows:
    return await _rows(
        sql,
        """SELECT s.id, s.metadata->>'name' AS name, a.package_name AS app, v.version_name AS version,
                  s.metadata->>'activity' AS activity, s.primary_text, s.captured_at, s.source_task_run_id AS run,
                  (SELECT count(*) FROM screen_indexer.elements e WHERE e.screen_id = s.id) AS elements,
                  (SELECT count(*) FROM screen_indexer.elements e JOIN screen_indexer.locator_candidates l
                     ON l.element_id = e.id WHERE e.screen_id = s.id) AS locators,
                  s.screenshot_path, s.dom_path
           FROM screen_indexer.screens s
           LEFT JOIN orchestrator.app_versions v ON v.id = s.app_version_id
           LEFT JOIN orchestrator.apps a ON a.id = v.app_id
           WHERE ($2::text IS NULL OR a.package_name = $2) AND ($3::text IS NULL OR v.version_name = $3)
             AND ($4::uuid IS NULL OR s.id IN (SELECT screen_id FROM device_agent.task_actions WHERE task_run_id = $4))
           ORDER BY a.package_name, v.version_name, s.captured_at, s.id LIMIT $1""",
        limit,
        app,
        version,
        run,
    )


async def locators(sql: asyncpg.Connection, *, screen: UUID | None, element: UUID | None) -> Rows:
    """Locators of one screen or element, those of an element in the order to try them."""
    return await _rows(
        sql,
        """SELECT l.id, l.element_id, s.metadata->>'name' AS screen,
                  coalesce(e.accessibility_label, e.text_value, e.content_desc, e.resource_id, e.element_type)
                    AS element,
                  row_number() OVER (PARTITION BY l.element_id
                                     ORDER BY l.is_primary DESC, l.score DESC, l.strategy, l.id) AS rank,
                  CASE l.strategy WHEN 'CUSTOM' THEN 'UiSelector' ELSE l.strategy END AS strategy,
                  l.locator_value, l.score::float8 AS score, l.is_primary, l.source, l.dynamic_flags,
                  CASE WHEN l.last_verified_at IS NOT NULL THEN l.success_rate::float8 END AS success_rate,
                  l.last_verified_at
           FROM screen_indexer.locator_candidates l
           JOIN screen_indexer.elements e ON e.id = l.element_id JOIN screen_indexer.screens s ON s.id = e.screen_id
           WHERE ($1::uuid IS NULL OR s.id = $1) AND ($2::uuid IS NULL OR e.id = $2)
           ORDER BY (e.bounds->>'y')::int, (e.bounds->>'x')::int, e.id, rank""",
        screen,
        element,
    )


async def alerts(sql: asyncpg.Connection, limit: int, *, statuses: list[str] | None, run: UUID | None) -> Rows:
    return await _rows(
        sql,
        """SELECT a.id, a.severity, a.alert_type, a.status, a.message, a.triggered_at, a.resolved_at, a.ack_at,
                  u.account AS ack_by, a.task_run_id AS run, s.metadata->>'name' AS screen
           FROM alerter.alerts a LEFT JOIN orchestrator.users u ON u.id = a.ack_by
           LEFT JOIN screen_indexer.screens s ON s.id = a.screen_id
           WHERE ($2::text[] IS NULL OR a.status = ANY ($2)) AND ($3::uuid IS NULL OR a.task_run_id = $3)
           ORDER BY a.triggered_at DESC, a.id LIMIT $1""",
        limit,
        statuses,
        run,
    )


async def scripts(sql: asyncpg.Connection, limit: int) -> Rows:
    """The newest version of each script. How its replays went is none where there was none."""
    return await _rows(
        sql,
        """SELECT id, name, version, active, steps, by, origin, replays,
                  CASE WHEN replays > 0 THEN success_rate END AS success_rate,
                  CASE WHEN replays > 0 THEN execution_time END AS execution_time, checksum, version_id, updated_at
           FROM (
             SELECT DISTINCT ON (script_metadata->>'script_id') script_metadata->>'script_id' AS id, task_name AS name,
                    (script_metadata->>'version')::int AS version, is_active AS active, total_steps AS steps,
                    script_metadata->>'user' AS by, script_metadata->>'origin' AS origin,
                    coalesce((script_metadata->>'replays')::int, 0) AS replays, success_rate::float8 AS success_rate,
                    execution_time::float8 AS execution_time, checksum, id AS version_id, updated_at
             FROM autoglm.scripts
             ORDER BY script_metadata->>'script_id', (script_metadata->>'version')::int DESC
           ) newest ORDER BY updated_at DESC, id LIMIT $1""",
        limit,
    )


async def find_script(sql: asyncpg.Connection, given: str) -> UUID:
    """The script that the beginning of an id, or of a version's, names, or anybody's name. Raises `CliError`."""
    found = await sql.fetch(
        """SELECT DISTINCT script_metadata->>'script_id' AS id FROM autoglm.scripts
           WHERE task_name = $2
              OR $3 AND (starts_with(script_metadata->>'script_id', $1) OR starts_with(id::text, $1))
           ORDER BY 1 LIMIT 2""",
        given.lower(),
        given.strip(),
        len(given) >= _LEAST_PREFIX,
    )
    if len(found) > 1:
        raise CliError(
            f"more than one script is called {given!r}, or has an id that begins so: give the id of the one that is"
            " meant, `waymark scripts list` has them",
            ExitCode.USAGE,
        )
    return UUID(_only(found, given, "script", "waymark scripts list")["id"])


async def configs(sql: asyncpg.Connection) -> Rows:
    return await _rows(
        sql,
        """SELECT id, config_type, name, enabled, secret_ref, config, updated_at
           FROM orchestrator.integration_configs ORDER BY config_type, name""",
    )


async def diffs(sql: asyncpg.Connection, base: UUID, target: UUID) -> Rows:
    """Screens that are in both versions, with what changed."""
    return await _rows(
        sql,
        """SELECT d.id, t.metadata->>'name' AS screen, b.metadata->>'name' AS was, d.base_screen_id, d.target_screen_id,
                  d.diff_summary, d.diff_detail_path, d.generated_at
           FROM screen_indexer.screen_diffs d
           JOIN screen_indexer.screens b ON b.id = d.base_screen_id
           JOIN screen_indexer.screens t ON t.id = d.target_screen_id
           WHERE b.app_version_id = $1 AND t.app_version_id = $2 ORDER BY t.metadata->>'name', d.id""",
        base,
        target,
    )


async def version_pairs(sql: asyncpg.Connection, base: str, target: str, app: str | None) -> Rows:
    """Apps that have both versions, with the ids of these."""
    return await _rows(
        sql,
        """SELECT a.id AS app_id, a.package_name AS app, b.id AS base_id, t.id AS target_id
           FROM orchestrator.apps a
           JOIN orchestrator.app_versions b ON b.app_id = a.id AND b.version_name = $1
           JOIN orchestrator.app_versions t ON t.app_id = a.id AND t.version_name = $2
           WHERE $3::text IS NULL OR a.package_name = $3 ORDER BY a.package_name""",
        base,
        target,
        app,
    )


async def _rows(sql: asyncpg.Connection, query: str, *values: Any) -> Rows:
    return [dict(row) for row in await sql.fetch(query, *values)]


def _prefix(given: str) -> str:
    if len(given) < _LEAST_PREFIX:
        raise CliError(f"{given!r} is too short: give {_LEAST_PREFIX} characters of an id at least", ExitCode.USAGE)
    return given.lower()


def _only(found: list[Any], given: str, what: str, listing: str) -> Any:
    if not found:
        raise CliError(f"there is no {what} {given!r}; `{listing}` lists those there are", ExitCode.NOT_FOUND)
    if len(found) > 1:
        raise CliError(f"more than one {what} begins with {given!r}: give more of its id", ExitCode.USAGE)
    return found[0]
