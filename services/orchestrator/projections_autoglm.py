"""Tables of tasks in plain language and of scripts, the first database design: schema `autoglm`.

Values come from events alone. Sealed fields are opened before: what a person may read of a task is readable here, a
password that was typed is not. A step's number is its place among the steps of its task. Steps of other tasks are left
out by the statements themselves: an action does not say what kind of task it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    ApiCallRequested,
    ApiCallTaken,
    ModelAwaited,
    NoteKept,
    PersonAnswered,
    PersonAsked,
    RunFinished,
    RunStarted,
    ScriptRecorded,
    ScriptReplayed,
    ScriptSwitched,
    StepFinished,
    TurnTaken,
)
from contracts.values import ObjectRef, RunStatus
from services.orchestrator.redacting import error_text
from services.orchestrator.task_steps import StepEnd, StepRow, step_id, steps_of
from services.runtime.log import Recorded
from services.runtime.projection import Place, Projection, Row, Statement, readable, storable, upsert

TASK = upsert(
    "tasks",
    ["id", "task_id", "session_id", "user_id", "task_description", "status", "created_at", "last_activity", "config",
     "thread_id", "script_id"],
    ["id"],
)  # fmt: skip
TASK_SEEN = Statement("UPDATE tasks SET last_activity = $2 WHERE id = $1", "tasks.last_activity")
"""Counts as a row beside the task's: steps look whether the task is there, and need not wait for each of these."""
TASK_END = Statement(
    "UPDATE tasks SET status = $2, last_activity = $3, end_time = $4, error_message = $5, result = $6 WHERE id = $1",
    "tasks",
)
TASK_SCRIPT = Statement("UPDATE tasks SET script_id = coalesce(script_id, $2) WHERE id = $1", "tasks")
STEP = Statement(
    """INSERT INTO task_steps (id, task_id, step_number, step_type, step_data, thinking, action_result,
           screenshot_path, duration_ms, success, error_message, created_at)
       SELECT $1::uuid, $2::text, coalesce((SELECT max(n.step_number) FROM task_steps n WHERE n.task_id = $2), 0) + 1,
           $3::text, $4::jsonb, $5::text, $6::jsonb,
           coalesce($7::text, CASE WHEN $8::text IS NOT NULL THEN (
               SELECT p.screenshot_path FROM task_steps p
               WHERE p.task_id = $2 AND p.step_type = 'screenshot' AND p.step_data->>'sha256' = $8
               ORDER BY p.step_number DESC LIMIT 1) END),
           $9::integer, $10::boolean, $11::text, $12::timestamptz
       WHERE EXISTS (SELECT FROM tasks t WHERE t.task_id = $2)
         AND NOT EXISTS (SELECT FROM task_steps d WHERE d.id = $1)""",
    "task_steps",
)
STEP_END = Statement(
    """UPDATE task_steps SET success = $2, action_result = coalesce($3, action_result),
           step_data = step_data || $4::jsonb, screenshot_path = coalesce($5, screenshot_path),
           duration_ms = coalesce($6, duration_ms), error_message = $7
       WHERE id = $1""",
    "task_steps",
)
SCREENSHOT = Statement(
    """INSERT INTO step_screenshots (id, task_id, step_id, screenshot_path, file_size, file_hash, compressed, metadata,
           created_at)
       SELECT $1::uuid, $2::text, $3::uuid, $4::text, $5::integer, $6::text, $7::boolean, $8::jsonb, $9::timestamptz
       WHERE EXISTS (SELECT FROM tasks t WHERE t.task_id = $2)
       ON CONFLICT (id) DO NOTHING""",
    "step_screenshots",
)
SCRIPT = Statement(
    """INSERT INTO scripts (id, task_id, task_name, description, total_steps, device_id, model_name, created_at,
           updated_at, script_data, script_metadata, script_version, checksum, is_active)
       VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $9, $10,
           $11::jsonb || jsonb_build_object('script_id', $1::text), $12, $13, true)
       ON CONFLICT (id) DO NOTHING""",
    "scripts",
)
"""Here and below, the first value is the script, of which each row is a version: recording one changes the others."""
SCRIPT_SUPERSEDED = Statement(
    "UPDATE scripts SET is_active = false, updated_at = $2 WHERE script_metadata->>'script_id' = $1 AND is_active",
    "scripts",
)
SCRIPT_REPLAYED = Statement(
    """UPDATE scripts SET success_rate = $3::text::numeric, execution_time = $4::text::numeric,
           script_metadata = script_metadata || $5::jsonb, updated_at = $6
       WHERE script_metadata->>'script_id' = $1 AND id = $2""",
    "scripts",
)
SCRIPT_SWITCHED = Statement(
    "UPDATE scripts SET is_active = $3, updated_at = $4 WHERE script_metadata->>'script_id' = $1 AND id = $2", "scripts"
)

KINDS = frozenset({"task", "replay"})
_ENDS = {RunStatus.SUCCEEDED: "completed", RunStatus.FAILED: "error", RunStatus.CANCELLED: "stopped"}


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event. Its sealed fields are open, or can be read by nobody any more."""
    event, at = recorded.event, recorded.time
    match event:
        case RunStarted():
            return [_task(event, at)] if event.spec.kind in KINDS else []
        case RunFinished():
            return [*_steps(event, at), _task_end(event, at)] if event.kind in KINDS else []
        case (
            TurnTaken() | ActionRequested() | StepFinished() | NoteKept() | PersonAsked() | PersonAnswered()
            | ModelAwaited() | ApiCallRequested() | ApiCallTaken()
        ):  # fmt: skip
            rows = list(_steps(event, at))
            return [*rows, Row(TASK_SEEN, (event.task_id, at), _row_of(event.task_id))] if rows else []
        case ScriptRecorded():
            return _script(event, at)
        case ScriptReplayed():
            return [_replayed(event, at)]
        case ScriptSwitched():
            return [Row(SCRIPT_SWITCHED, (str(event.script_id), event.version_id, event.active, at))]
        case _:
            raise TypeError(f"the tables of tasks in plain language have no place for {event.type_name()}")


PROJECTION = Projection(
    name="autoglm",
    schema="autoglm",
    events=(
        RunStarted,
        TurnTaken,
        ActionRequested,
        StepFinished,
        NoteKept,
        PersonAsked,
        PersonAnswered,
        ModelAwaited,
        ApiCallRequested,
        ApiCallTaken,
        RunFinished,
        ScriptRecorded,
        ScriptReplayed,
        ScriptSwitched,
    ),
    project=project,
    opened=True,
)


def _task(event: RunStarted, at: Any) -> Row:
    spec = event.spec
    config = {
        "kind": spec.kind, "name": spec.name, "app": event.app.package, "app_version": event.app.version_name,
        "serial": event.serial, "device_id": str(event.device_id), "limits": spec.limits.model_dump(mode="json"),
        "rules": None if spec.rules is None else spec.rules.model_dump(mode="json"),
        "replay": None if spec.replay is None else spec.replay.model_dump(mode="json"),
        "model_config": None if event.llm_config_id is None else str(event.llm_config_id),
        "model_config_version": event.llm_config_version, "priority": spec.priority, "where": list(spec.where),
        "account": None if event.account is None else event.account.name,
        "orchestrator_version": event.orchestrator_version, "ends_at": event.ends_at.isoformat(),
    }  # fmt: skip
    goal = readable(spec.goal) or (f"replay {spec.replay.name}" if spec.replay is not None else spec.name)
    values = (
        spec.task_id,
        str(spec.task_id),
        str(spec.group or spec.scheduled_by or spec.task_id),
        spec.user,
        storable(goal),
        "running",
        spec.accepted_at,
        at,
        storable(config),
        str(event.run_id),
        None if spec.replay is None else spec.replay.version_id,
    )
    return Row(TASK, values)


def _task_end(event: RunFinished, at: Any) -> Row:
    reason = None if event.status is RunStatus.SUCCEEDED else error_text(event.failure_reason)
    values = (
        event.task_id,
        _ENDS[event.status],
        at,
        event.ended_at,
        storable(reason),
        storable(readable(event.result)),
    )
    return Row(TASK_END, values)


def _steps(event: Event, at: Any) -> Iterator[Row]:
    for step in steps_of(event):
        if isinstance(step, StepEnd):
            values = (step.id, step.success, storable(step.result), storable(step.data), step.path, step.duration_ms,
                      storable(step.error))  # fmt: skip
            yield Row(STEP_END, values)
            continue
        yield Row(STEP, _step_values(step, at), _row_of(step.task_id))
        if step.picture is not None:
            yield _screenshot(step, step.picture, at)


def _row_of(task_id: UUID) -> tuple[Place, ...]:
    return (("tasks", task_id),)


def _step_values(step: StepRow, at: Any) -> tuple[Any, ...]:
    return (
        step.id,
        str(step.task_id),
        step.kind,
        storable(step.data),
        storable(step.thinking),
        storable(step.result),
        step.path,
        step.sha256,
        step.duration_ms,
        step.success,
        storable(step.error),
        at,
    )


def _screenshot(step: StepRow, picture: ObjectRef, at: Any) -> Row:
    """PNG as it came from the phone: nothing of it was lost, so it does not count as compressed."""
    key = step_id("picture", step.id)
    metadata = {"key": picture.key, "sequence": step.data.get("sequence"), "turn": step.data.get("turn")}
    values = (key, str(step.task_id), step.id, step.path, picture.size_bytes, picture.sha256, False, metadata, at)
    return Row(SCREENSHOT, values, _row_of(step.task_id))


def _script(event: ScriptRecorded, at: Any) -> Iterator[Row]:
    """A version takes the place of those before. An imported one comes from no task: it has its script's id there."""
    data = event.data
    metadata = {
        **event.metadata, "version": event.version, "origin": event.origin,
        "user": event.user, "task_id": _text(event.task_id), "run_id": _text(event.run_id),
        "repairs": list(event.repairs), "defaults": readable(event.defaults), "recorded_ms": event.duration_ms,
    }  # fmt: skip
    values = (
        str(event.script_id),
        event.version_id,
        str(event.task_id or event.script_id),
        event.name,
        storable(data.description),
        len(data.steps),
        event.serial,
        event.model_name,
        at,
        storable(data.model_dump(mode="json", exclude_none=True)),
        storable(metadata),
        str(event.version),
        event.checksum,
    )
    yield Row(SCRIPT_SUPERSEDED, (str(event.script_id), at))
    yield Row(SCRIPT, values)
    if event.task_id is not None:
        yield Row(TASK_SCRIPT, (event.task_id, event.version_id))


def _replayed(event: ScriptReplayed, at: Any) -> Row:
    metadata = {"replays": event.replays, "successes": event.successes, "last_reason": error_text(event.reason),
                "last_run_id": str(event.run_id)}  # fmt: skip
    values = (
        str(event.script_id),
        event.version_id,
        event.success_rate,
        event.execution_time_s,
        storable(metadata),
        at,
    )
    return Row(SCRIPT_REPLAYED, values)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
