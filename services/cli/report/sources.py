"""SQL that a report reads. Tables of services that have not run yet count as empty: a report needs none but the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

Rows = list[dict[str, Any]]


async def run_row(sql: asyncpg.Connection, run_id: UUID) -> dict[str, Any] | None:
    row = await sql.fetchrow(
        """SELECT r.*, t.name AS task_name, t.coverage_profile, u.account, a.id AS app_id, a.package_name,
                  a.name AS app_name, v.id AS app_version_id, v.version_name, v.version_code, d.serial, d.model,
                  d.os_version, d.resolution
           FROM orchestrator.task_runs r
           JOIN orchestrator.tasks t ON t.id = r.task_id
           JOIN orchestrator.app_versions v ON v.id = t.app_version_id JOIN orchestrator.apps a ON a.id = v.app_id
           LEFT JOIN orchestrator.users u ON u.id = t.created_by
           LEFT JOIN device_agent.devices d ON d.id = r.device_id
           WHERE r.id = $1""",
        run_id,
    )
    return None if row is None else dict(row)


async def screens(sql: asyncpg.Connection, ids: Sequence[UUID]) -> Rows:
    return await _rows(sql, "SELECT * FROM screen_indexer.screens WHERE id = ANY ($1::uuid[])", list(ids))


async def screens_of_version(sql: asyncpg.Connection, version_id: UUID) -> Rows:
    return await _rows(sql, "SELECT * FROM screen_indexer.screens WHERE app_version_id = $1", version_id)


async def elements(sql: asyncpg.Connection, screens: Sequence[UUID]) -> Rows:
    """In reading order."""
    return await _rows(
        sql,
        """SELECT * FROM screen_indexer.elements WHERE screen_id = ANY ($1::uuid[])
           ORDER BY screen_id, (bounds->>'y')::int, (bounds->>'x')::int, id""",
        list(screens),
    )


async def locators(sql: asyncpg.Connection, screens: Sequence[UUID]) -> Rows:
    """Best first within an element."""
    return await _rows(
        sql,
        """SELECT l.* FROM screen_indexer.locator_candidates l JOIN screen_indexer.elements e ON e.id = l.element_id
           WHERE e.screen_id = ANY ($1::uuid[])
           ORDER BY l.element_id, l.is_primary DESC, l.score DESC, l.strategy, l.id""",
        list(screens),
    )


async def checks(sql: asyncpg.Connection, screens: Sequence[UUID], run_id: UUID) -> Rows:
    """Per locator: how often it was tried and found, in this run and ever, and the last word about it."""
    if not await _exists(sql, "locator_validator.element_validations"):
        return []
    return await _rows(
        sql,
        """SELECT c.locator_candidate_id AS id,
                  count(*) FILTER (WHERE c.status IN ('PASSED', 'FAILED')) AS checks,
                  count(*) FILTER (WHERE c.status = 'PASSED') AS passes,
                  count(*) FILTER (WHERE c.task_run_id = $2 AND c.status IN ('PASSED', 'FAILED')) AS run_checks,
                  count(*) FILTER (WHERE c.task_run_id = $2 AND c.status = 'PASSED') AS run_passes,
                  (array_agg(c.status ORDER BY c.attempt_at DESC, c.id))[1] AS last_status
           FROM locator_validator.element_validations c
           JOIN screen_indexer.locator_candidates l ON l.id = c.locator_candidate_id
           JOIN screen_indexer.elements e ON e.id = l.element_id
           WHERE e.screen_id = ANY ($1::uuid[]) GROUP BY c.locator_candidate_id""",
        list(screens),
        run_id,
    )


async def errors(sql: asyncpg.Connection, run_id: UUID) -> dict[int, str]:
    """By the number of the step."""
    rows = await sql.fetch(
        "SELECT sequence, coalesce(error_message, error_code) AS error FROM device_agent.task_actions"
        " WHERE task_run_id = $1 AND error_code IS NOT NULL",
        run_id,
    )
    return {row["sequence"]: row["error"] for row in rows}


async def alerts(sql: asyncpg.Connection, run_id: UUID) -> Rows:
    if not await _exists(sql, "alerter.alerts"):
        return []
    return await _rows(
        sql,
        """SELECT a.severity, a.alert_type, a.status, a.message, a.triggered_at, s.metadata->>'name' AS screen
           FROM alerter.alerts a LEFT JOIN screen_indexer.screens s ON s.id = a.screen_id
           WHERE a.task_run_id = $1 ORDER BY a.severity, a.triggered_at, a.id""",
        run_id,
    )


async def diffs(sql: asyncpg.Connection, base: UUID, target: UUID) -> Rows:
    return await _rows(
        sql,
        """SELECT d.* FROM screen_indexer.screen_diffs d
           JOIN screen_indexer.screens b ON b.id = d.base_screen_id
           JOIN screen_indexer.screens t ON t.id = d.target_screen_id
           WHERE b.app_version_id = $1 AND t.app_version_id = $2 ORDER BY t.captured_at, d.id""",
        base,
        target,
    )


async def _rows(sql: asyncpg.Connection, query: str, *values: Any) -> Rows:
    return [dict(row) for row in await sql.fetch(query, *values)]


async def _exists(sql: asyncpg.Connection, table: str) -> bool:
    return await sql.fetchval("SELECT to_regclass($1)", table) is not None
