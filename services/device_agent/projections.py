"""Tables of the device-agent: phones, and every action that was asked for with what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.device_agent import (
    ActionFinished,
    ActionStarted,
    DeviceHeartbeat,
    DeviceLost,
    DeviceReady,
    DeviceRegistered,
)
from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    LeaseEnded,
    PhoneDescribed,
    PhoneJoined,
    PhoneReinstated,
    PhoneRetired,
    PhoneTagged,
    TaskGranted,
)
from contracts.screen_indexer import CaptureIndexed
from contracts.values import ActionStatus, DeviceStatus
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, Statement, upsert

DEVICE = upsert(
    "devices",
    ["id", "serial", "model", "os_version", "device_type", "resolution", "status", "tags", "last_heartbeat_at",
     "created_at"],
    ["id"],
    ["model", "os_version", "device_type", "resolution", "last_heartbeat_at"],
)  # fmt: skip
DEVICE_READY = Statement(
    "UPDATE devices SET status = CASE WHEN status = 'DECOMMISSIONED' THEN status ELSE $2 END, last_heartbeat_at = $3"
    " WHERE id = $1",
    "devices",
)
DEVICE_BUSY = Statement(
    "UPDATE devices SET status = $2 WHERE id = $1 AND status NOT IN ('OFFLINE', 'DECOMMISSIONED')", "devices"
)
DEVICE_LOST = Statement("UPDATE devices SET status = $2 WHERE id = $1 AND status <> 'DECOMMISSIONED'", "devices")
DEVICE_STATUS = Statement("UPDATE devices SET status = $2 WHERE id = $1", "devices")
DEVICE_TAGS = Statement("UPDATE devices SET tags = $2 WHERE id = $1", "devices")
DEVICE_BEAT = Statement("UPDATE devices SET last_heartbeat_at = $2 WHERE id = $1", "devices")
ACTION = upsert(
    "task_actions",
    ["id", "task_run_id", "sequence", "action_type", "params", "status", "llm_log_id", "created_at"],
    ["id", "created_at"],
)
ACTION_STARTED = Statement("UPDATE task_actions SET started_at = $2 WHERE id = $1", "task_actions")
ACTION_FINISHED = Statement(
    "UPDATE task_actions SET status = $2, started_at = $3, completed_at = $4, duration_ms = $5, error_code = $6,"
    " error_message = $7 WHERE id = $1",
    "task_actions",
)
ACTION_SCREEN = Statement("UPDATE task_actions SET screen_id = $2 WHERE id = $1", "task_actions")


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event."""
    event, at = recorded.event, recorded.time
    match event:
        case DeviceRegistered():
            return [_device(event, recorded)]
        case DeviceReady():
            return [Row(DEVICE_READY, (event.device_id, DeviceStatus.AVAILABLE, at))]
        case DeviceLost():
            return [Row(DEVICE_LOST, (event.device_id, DeviceStatus.OFFLINE))]
        case DeviceHeartbeat():
            return [Row(DEVICE_BEAT, (event.device_id, at))]
        case TaskGranted():
            return [Row(DEVICE_BUSY, (event.device_id, DeviceStatus.BUSY))]
        case LeaseEnded():
            return [Row(DEVICE_BUSY, (event.device_id, DeviceStatus.AVAILABLE))]
        case PhoneJoined():
            return _joined(event)
        case PhoneDescribed() | PhoneTagged():
            return [Row(DEVICE_TAGS, (event.device_id, event.all_tags))]
        case PhoneRetired():
            return [Row(DEVICE_STATUS, (event.device_id, DeviceStatus.DECOMMISSIONED))]
        case PhoneReinstated():
            here = DeviceStatus.BUSY if event.leased else DeviceStatus.AVAILABLE
            return [Row(DEVICE_STATUS, (event.device_id, here if event.present else DeviceStatus.OFFLINE))]
        case ActionRequested():
            return [_action(event)]
        case ActionStarted():
            return [Row(ACTION_STARTED, (event.action_id, at))]
        case ActionFinished():
            return [_finished(event)]
        case CaptureIndexed():
            return [] if event.screen_id is None else [Row(ACTION_SCREEN, (event.action_id, event.screen_id))]
        case _:
            raise TypeError(f"the device-agent's tables have no place for {event.type_name()}")


PROJECTION = Projection(
    name="device_agent",
    schema="device_agent",
    events=(
        DeviceRegistered,
        DeviceReady,
        DeviceLost,
        DeviceHeartbeat,
        TaskGranted,
        LeaseEnded,
        PhoneJoined,
        PhoneDescribed,
        PhoneTagged,
        PhoneRetired,
        PhoneReinstated,
        ActionRequested,
        ActionStarted,
        ActionFinished,
        CaptureIndexed,
    ),
    project=project,
)


def _device(event: DeviceRegistered, recorded: Recorded[Event]) -> Row:
    values = (
        event.device_id,
        event.serial,
        event.model,
        event.os_version,
        event.device_type,
        event.resolution,
        DeviceStatus.OFFLINE,
        event.tags,
        recorded.time,
        recorded.time,
    )
    return Row(DEVICE, values)


def _joined(event: PhoneJoined) -> list[Row]:
    """Tags that the fleet knows, and a run that kept its phone while that was away."""
    rows = [Row(DEVICE_BUSY, (event.device_id, DeviceStatus.BUSY))] if event.leased else []
    return [*rows, Row(DEVICE_TAGS, (event.device_id, event.all_tags))] if event.all_tags else rows


def _action(event: ActionRequested) -> Row:
    params = {
        **event.action.model_dump(mode="json"),
        "purpose": event.purpose,
        "gesture_id": event.gesture_id,
        "state_id": event.state_id,
    }
    values = (
        event.action_id,
        event.run_id,
        event.sequence,
        event.action.type,
        params,
        ActionStatus.PENDING,
        event.call_id,
        event.requested_at,
    )
    return Row(ACTION, values)


def _finished(event: ActionFinished) -> Row:
    values = (
        event.action_id,
        event.status,
        event.started_at,
        event.completed_at,
        event.duration_ms,
        event.error_code,
        event.error_message,
    )
    return Row(ACTION_FINISHED, values)
