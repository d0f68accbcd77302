"""Tables of the orchestrator: apps, versions, tasks, runs with their events, people, configuration.

Values are copied from events, never computed. `task_run_events.id` is the event's place in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from contracts.device_agent import PhonePrepared, PhoneRestored
from contracts.event import Event
from contracts.orchestrator import (
    AppVersionSeen,
    ConfigChanged,
    RunFinished,
    RunNoted,
    RunPaused,
    RunResumed,
    RunStarted,
    StepFinished,
    TaskBlocked,
    TaskDropped,
    TaskGranted,
    TaskHeld,
    TaskQueued,
    TaskReleased,
    TaskUnblocked,
    UserSeen,
)
from contracts.values import ResolvedApp, RunEventType, RunStatus, TaskStatus
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, Statement, upsert

APP = upsert("apps", ["id", "name", "package_name", "created_at", "updated_at"], ["id"])
VERSION = upsert("app_versions", ["id", "app_id", "version_name", "version_code", "created_at"], ["id"])
TASK = upsert(
    "tasks",
    ["id", "app_version_id", "name", "coverage_profile", "coverage_config", "priority", "status", "created_by",
     "schedule_at", "created_at", "updated_at"],
    ["id"],
    ["status", "updated_at"],
)  # fmt: skip
TASK_STATUS = Statement("UPDATE tasks SET status = $2, status_reason = $3, updated_at = $4 WHERE id = $1", "tasks")
RUN = upsert(
    "task_runs",
    ["id", "task_id", "device_id", "orchestrator_version", "status", "start_at", "total_actions",
     "successful_actions", "coverage_screens", "metrics", "created_at"],
    ["id"],
)  # fmt: skip
RUN_PROGRESS = Statement(
    "UPDATE task_runs SET total_actions = $2, successful_actions = $3, coverage_screens = $4 WHERE id = $1",
    "task_runs",
)
RUN_END = Statement(
    "UPDATE task_runs SET status = $2, end_at = $3, total_actions = $4, successful_actions = $5,"
    " coverage_screens = $6, failure_reason = $7, metrics = $8 WHERE id = $1",
    "task_runs",
)
RUN_EVENT = upsert(
    "task_run_events", ["id", "task_run_id", "event_type", "detail", "occurred_at"], ["id", "occurred_at"]
)
USER = upsert("users", ["id", "account", "display_name", "roles", "created_at"], ["id"])
CONFIG = upsert(
    "integration_configs",
    ["id", "config_type", "name", "secret_ref", "config", "enabled", "updated_at"],
    ["id"],
    ["secret_ref", "config", "enabled", "updated_at"],
)

_TASK_ENDS = {
    RunStatus.SUCCEEDED: TaskStatus.COMPLETED,
    RunStatus.FAILED: TaskStatus.FAILED,
    RunStatus.CANCELLED: TaskStatus.FAILED,
}


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event."""
    event, at = recorded.event, recorded.time
    match event:
        case AppVersionSeen():
            return _app(event.app, at)
        case TaskQueued():
            return _task(event, at)
        case TaskDropped():
            return [Row(TASK_STATUS, (event.task_id, TaskStatus.FAILED, event.reason, at))]
        case TaskHeld():
            return [Row(TASK_STATUS, (event.task_id, TaskStatus.PAUSED, event.reason, at))]
        case TaskBlocked():
            return [Row(TASK_STATUS, (event.task_id, TaskStatus.QUEUED, event.reason, at))]
        case TaskReleased() | TaskUnblocked():
            return [Row(TASK_STATUS, (event.task_id, TaskStatus.QUEUED, None, at))]
        case TaskGranted():
            return [Row(TASK_STATUS, (event.task_id, TaskStatus.RUNNING, None, at))]
        case RunStarted():
            return [_run(event)]
        case StepFinished():
            return [Row(RUN_PROGRESS, (event.run_id, event.sequence, event.successful, event.screens))]
        case RunNoted():
            return [_run_event(recorded, event.run_id, event.event_type, event.detail)]
        case PhonePrepared():
            return [_run_event(recorded, event.run_id, RunEventType.NOTICE, _told("phone prepared", event))]
        case PhoneRestored():
            return [_run_event(recorded, event.run_id, RunEventType.RECOVERY, _told("phone restored", event))]
        case RunPaused():
            detail = {"state_from": "RUNNING", "state_to": "PAUSED", "by": event.by, "reason": event.reason}
            return _moved(recorded, event, TaskStatus.PAUSED, detail)
        case RunResumed():
            return _moved(
                recorded, event, TaskStatus.RUNNING, {"state_from": "PAUSED", "state_to": "RUNNING", "by": event.by}
            )
        case RunFinished():
            return _finished(recorded, event)
        case UserSeen():
            return [Row(USER, (event.user_id, event.account, event.display_name, list(event.roles), at))]
        case ConfigChanged():
            return [
                Row(
                    CONFIG,
                    (event.config_id, event.config_type, event.name, event.secret_ref, event.config, event.enabled, at),
                )
            ]
        case _:
            raise TypeError(f"the orchestrator's tables have no place for {event.type_name()}")


PROJECTION = Projection(
    name="orchestrator",
    schema="orchestrator",
    events=(
        AppVersionSeen,
        TaskQueued,
        TaskDropped,
        TaskBlocked,
        TaskUnblocked,
        TaskHeld,
        TaskReleased,
        TaskGranted,
        RunStarted,
        StepFinished,
        RunNoted,
        RunPaused,
        RunResumed,
        RunFinished,
        UserSeen,
        ConfigChanged,
        PhonePrepared,
        PhoneRestored,
    ),
    project=project,
)


def _app(app: ResolvedApp, at: Any) -> list[Row]:
    return [
        Row(APP, (app.app_id, app.name, app.package, at, at)),
        Row(VERSION, (app.app_version_id, app.app_id, app.version_name, app.version_code, at)),
    ]


def _task(event: TaskQueued, at: Any) -> Iterator[Row]:
    """The app comes first: a task's row refers to its version, whose own event follows in the same batch."""
    yield from _app(event.app, at)
    spec = event.spec
    values = (
        spec.task_id,
        event.app.app_version_id,
        spec.name,
        spec.profile,
        spec.coverage.model_dump(mode="json"),
        spec.priority,
        TaskStatus.PAUSED if event.held else TaskStatus.QUEUED,
        spec.user_id,
        spec.schedule_at,
        spec.accepted_at,
        at,
    )
    yield Row(TASK, values)


def _run(event: RunStarted) -> Row:
    metrics = {"serial": event.serial, "lease_token": event.lease_token}
    values = (
        event.run_id,
        event.task_id,
        event.device_id,
        event.orchestrator_version,
        RunStatus.RUNNING,
        event.started_at,
        0,
        0,
        0,
        metrics,
        event.started_at,
    )
    return Row(RUN, values)


def _run_event(recorded: Recorded[Event], run_id: Any, kind: RunEventType, detail: dict[str, Any]) -> Row:
    return Row(RUN_EVENT, (recorded.seq, run_id, kind, detail, recorded.time))


def _told(what: str, event: PhonePrepared | PhoneRestored) -> dict[str, Any]:
    ids = {"lease_id", "device_id", "run_id"}
    return {"what": what, **event.model_dump(mode="json", exclude=ids, exclude_defaults=True)}


def _moved(
    recorded: Recorded[Event], event: RunPaused | RunResumed, status: TaskStatus, detail: dict[str, Any]
) -> list[Row]:
    return [
        Row(TASK_STATUS, (event.task_id, status, detail.get("reason"), recorded.time)),
        _run_event(recorded, event.run_id, RunEventType.STATE_CHANGE, detail),
    ]


def _finished(recorded: Recorded[Event], event: RunFinished) -> list[Row]:
    values = (
        event.run_id,
        event.status,
        event.ended_at,
        event.total_actions,
        event.successful_actions,
        len(event.screens),
        event.failure_reason,
        {
            **event.metrics,
            "states": event.states,
            "activities_reached": list(event.activities_reached),
            "activities_declared": list(event.activities_declared),
        },
    )
    detail = {"state_from": "RUNNING", "state_to": event.status, "reason": event.failure_reason}
    return [
        Row(RUN_END, values),
        Row(TASK_STATUS, (event.task_id, _TASK_ENDS[event.status], event.failure_reason, recorded.time)),
        _run_event(recorded, event.run_id, RunEventType.STATE_CHANGE, detail),
    ]
