"""Proves that what the services keep fits together: references across schemas, objects, checkpoints, dead letters.

Foreign keys hold inside a schema only, because each service projects at its own pace. Once all have caught up, nothing
may refer to what is not there; this looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from nats.js import JetStreamContext

from services.cli.dead_letters import read_letters
from services.cli.services import Kept
from services.runtime.catch_up import count_after
from services.runtime.objects import Objects

SHOWN = 5
OBJECTS_CHECKED = 2000
_AT_ONCE = 16
_POLL_S = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `problems` counts what is wrong, `examples` names some of it."""

    check: str
    looked_at: int
    problems: int
    examples: tuple[str, ...] = ()
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.problems == 0


@dataclass(frozen=True)
class Reference:
    """A column, or a part of one, that holds ids of another schema's rows."""

    table: str
    column: str
    target: str
    key: str = "id"

    @property
    def value(self) -> str:
        """The column of a row called `s`."""
        return self.column if "s." in self.column else f"s.{self.column}"

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column} → {self.target}"


REFERENCES = (
    Reference("orchestrator.task_runs", "device_id", "device_agent.devices"),
    Reference("orchestrator.tasks", "created_by", "orchestrator.users"),
    Reference("device_agent.task_actions", "task_run_id", "orchestrator.task_runs"),
    Reference("device_agent.task_actions", "screen_id", "screen_indexer.screens"),
    Reference("device_agent.task_actions", "llm_log_id", "llm_gateway.llm_logs"),
    Reference("screen_indexer.screens", "app_version_id", "orchestrator.app_versions"),
    Reference("screen_indexer.screens", "source_task_run_id", "orchestrator.task_runs"),
    Reference("screen_indexer.screens", "source_action_id", "device_agent.task_actions"),
    Reference("locator_validator.element_validations", "locator_candidate_id", "screen_indexer.locator_candidates"),
    Reference("locator_validator.element_validations", "task_run_id", "orchestrator.task_runs"),
    Reference("llm_gateway.llm_logs", "task_run_id", "orchestrator.task_runs"),
    Reference("llm_gateway.llm_logs", "task_action_id", "device_agent.task_actions"),
    Reference("llm_gateway.llm_logs", "screen_id", "screen_indexer.screens"),
    Reference("alerter.alerts", "task_run_id", "orchestrator.task_runs"),
    Reference("alerter.alerts", "screen_id", "screen_indexer.screens"),
    Reference("alerter.alerts", "element_id", "screen_indexer.elements"),
    Reference("alerter.alerts", "ack_by", "orchestrator.users"),
    Reference("notifier.alert_notifications", "alert_id", "alerter.alerts"),
    Reference("autoglm.step_screenshots", "step_id", "autoglm.task_steps"),
    Reference("autoglm.task_steps", "screenshot_path", "autoglm.step_screenshots", "screenshot_path"),
    Reference("autoglm.tasks", "id", "orchestrator.tasks"),
    Reference("autoglm.tasks", "thread_id::uuid", "orchestrator.task_runs"),
    Reference("autoglm.tasks", "user_id", "orchestrator.users", "account"),
    Reference("autoglm.tasks", "(s.config->>'device_id')::uuid", "device_agent.devices"),
    Reference("autoglm.tasks", "(s.config->>'model_config')::uuid", "orchestrator.integration_configs"),
    Reference("autoglm.scripts", "(s.script_metadata->>'run_id')::uuid", "orchestrator.task_runs"),
)

OBJECTS = (
    ("screen_indexer.screens", "screenshot_path"),
    ("screen_indexer.screens", "screenshot_thumb_path"),
    ("screen_indexer.screens", "dom_path"),
    ("screen_indexer.screen_diffs", "diff_detail_path"),
    ("locator_validator.element_validations", "screenshot_path"),
    ("autoglm.step_screenshots", "metadata->>'key'"),
)
"""Columns that hold keys of the object store, or `absent:<reason>`."""

_CANDIDATES = "screen_indexer.locator_candidates"
_TEMPLATES = f"SELECT locator_value FROM {_CANDIDATES} WHERE strategy = 'IMAGE_TEMPLATE'"  # noqa: S608 - a table's name


async def verify(
    sql: asyncpg.Connection, js: JetStreamContext, objects: Objects, kept: Sequence[Kept], *, timeout_s: float
) -> list[Finding]:
    """Everything there is to check, once the projections have caught up or `timeout_s` is over."""
    listed = await sql.fetch("SELECT schemaname || '.' || tablename FROM pg_tables")
    present = {row[0] for row in listed}
    deadline_s = time.monotonic() + timeout_s
    findings = [_complete(present)]
    findings += [await _caught_up(sql, js, one, deadline_s) for one in kept if _checkpoint(one) in present]
    findings += [await _dangling(sql, one) for one in REFERENCES if {one.table, one.target} <= present]
    findings.append(await _stored(sql, objects, present))
    findings.append(await _dead_triggers(js))
    return findings


def _complete(present: set[str]) -> Finding:
    """Every table that the other checks read is there; what is not cannot be checked."""
    wanted = {name for one in REFERENCES for name in (one.table, one.target)} | {table for table, _ in OBJECTS}
    missing = sorted(wanted - present)
    note = "" if not missing else "a service makes its tables when it starts"
    return Finding("tables of all services", len(wanted), len(missing), tuple(missing), note)


async def _caught_up(sql: asyncpg.Connection, js: JetStreamContext, kept: Kept, deadline_s: float) -> Finding:
    """A projection is at the end of the log, and nothing of it is parked."""
    schema, check = kept.projection.schema, f"projection {kept.projection.name}"
    while True:
        seq = await sql.fetchval(f"SELECT seq FROM {schema}.checkpoint WHERE name = $1", kept.projection.name) or 0  # noqa: S608 - a schema's name
        behind = await count_after(js, kept.projection.events, seq)
        if behind == 0 or time.monotonic() > deadline_s:
            break
        await asyncio.sleep(_POLL_S)
    parked = await sql.fetch(f"SELECT seq, event_type, reason FROM {schema}.parked_events ORDER BY seq")  # noqa: S608 - a schema's name
    examples = [f"{behind} events behind sequence {seq}: is the service running?"] if behind else []
    examples += [f"parked: sequence {row['seq']} {row['event_type']}: {row['reason']}" for row in parked[:SHOWN]]
    return Finding(check, seq, behind + len(parked), tuple(examples), note=f"at sequence {seq}")


async def _dangling(sql: asyncpg.Connection, reference: Reference) -> Finding:
    column, target, key = reference.value, reference.target, reference.key
    refers = f"SELECT {column} AS id FROM {reference.table} s WHERE {column} IS NOT NULL"  # noqa: S608 - names from REFERENCES
    counted = await sql.fetchval(f"SELECT count(*) FROM ({refers}) AS found")  # noqa: S608 - names from REFERENCES
    rows = await sql.fetch(
        f"SELECT id, count(*) AS rows FROM ({refers}"  # noqa: S608 - names from REFERENCES
        f" AND NOT EXISTS (SELECT FROM {target} t WHERE t.{key} = {column})) AS dangling GROUP BY id ORDER BY id"
    )
    examples = tuple(f"{row['id']} ({row['rows']} rows)" for row in rows[:SHOWN])
    return Finding(reference.name, counted, sum(row["rows"] for row in rows), examples)


async def _stored(sql: asyncpg.Connection, objects: Objects, present: set[str]) -> Finding:
    """Objects that tables name are in the store; above a bound a sample is looked at, the same one each time."""
    named = [(table, column) for table, column in OBJECTS if table in present]
    if not named:
        return Finding("objects in the store", 0, 0)
    parts = [f"SELECT {column} AS key FROM {table} WHERE {column} IS NOT NULL" for table, column in named]  # noqa: S608 - names from OBJECTS
    union = " UNION ".join([*parts, *([_TEMPLATES] if _CANDIDATES in present else [])])
    query = f"SELECT key FROM ({union}) AS named WHERE key NOT LIKE 'absent:%'"  # noqa: S608 - names from OBJECTS
    total = await sql.fetchval(f"SELECT count(*) FROM ({query}) AS found")  # noqa: S608 - names from OBJECTS
    keys = [row["key"] for row in await sql.fetch(f"{query} ORDER BY md5(key), key LIMIT {OBJECTS_CHECKED}")]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def is_missing(key: str) -> bool:
        async with gate:
            return not await objects.exists(key)

    missing = [key for key, gone in zip(keys, await asyncio.gather(*map(is_missing, keys)), strict=True) if gone]
    note = "" if total == len(keys) else f"a sample of {len(keys)} of {total}"
    return Finding("objects in the store", len(keys), len(missing), tuple(missing[:SHOWN]), note)


async def _dead_triggers(js: JetStreamContext) -> Finding:
    """Refused requests are answers; a trigger that could not be handled is work that was not done."""
    letters = await read_letters(js)
    dead = [letter for letter in letters if letter.kind != "request"]
    examples = tuple(f"{one.seq}: {one.letter.consumer}: {one.letter.reason[:200]}" for one in dead[:SHOWN])
    refused = len(letters) - len(dead)
    return Finding("dead letters of triggers", len(dead), len(dead), examples, f"{refused} refused requests aside")


def _checkpoint(kept: Kept) -> str:
    return f"{kept.projection.schema}.checkpoint"
