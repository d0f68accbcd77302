"""What the device-agent decides: whether a phone counts as ready, and what became of an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.device_agent import (
    ActionFinished,
    ActionStarted,
    Capture,
    CheckResult,
    DeviceHeartbeat,
    DeviceLost,
    DeviceReady,
    DeviceRegistered,
    PackagesSeen,
    Receipt,
    Snapshot,
)
from contracts.event import Event
from contracts.orchestrator import ActionRequested, LeaseEnded
from contracts.subjects import derived_id
from contracts.values import ActionStatus, AppVersion, DeviceType, Install, InstalledFiles, Sighting
from services.device_agent.performing import Performed, Result
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, LaterError, Trigger

LONGEST_ACTION_S = 60.0
HEARTBEAT_EVERY_S = 60.0
POOL = "default"


def device_id_of(serial: str) -> UUID:
    """The id of a phone by its serial in Waymark: mostly that of adb, see `identity`."""
    return derived_id("device", serial)


def place_of(agent: str) -> str:
    """Where an agent `INSTANCE@PLACE` is: which adb server it is at."""
    return agent.rpartition("@")[2]


# --- phones -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PhoneFound:
    """A phone answers: what it is."""

    serial: str
    model: str
    os_version: str
    api_level: int
    device_type: DeviceType
    resolution: str | None
    tags: dict[str, str]
    hardware_serial: str | None = None
    agent: str | None = None
    """Who tells it, `INSTANCE@PLACE`; likewise below."""


@dataclass(frozen=True)
class PhoneGone:
    serial: str
    reason: str
    agent: str | None = None


@dataclass(frozen=True)
class PhoneBeat:
    serial: str
    battery_percent: int | None
    temperature_celsius: float | None
    agent: str | None = None


@dataclass(frozen=True)
class AppsFound:
    serial: str
    packages: tuple[AppVersion, ...]
    agent: str | None = None


Noticed = PhoneFound | PhoneGone | PhoneBeat | AppsFound


class Device(BaseModel):
    """State of a phone's aggregate."""

    model_config = ConfigDict(frozen=True)

    registered: DeviceRegistered | None = None
    session: int = 0
    ready: bool = False
    beat_at: datetime | None = None
    packages: tuple[AppVersion, ...] = ()
    agent: str | None = None
    """Who holds the phone, as of the last `DeviceReady`."""


class _Codec:
    def dump(self, state: Device) -> str:
        return state.model_dump_json()

    def load(self, text: str) -> Device:
        return Device.model_validate_json(text)


DEVICE = Aggregate[Device](
    "device", "device_agent", Device, lambda s, r: evolve_device(s, r), LongLived(_Codec(), Snapshot, Receipt)
)


def decide_device(state: Device, trigger: Trigger[Noticed], now: datetime) -> Decision:
    """Events about a phone; nothing where the log knows it already (another agent saw it too)."""
    what = trigger.what
    device_id = device_id_of(what.serial)
    if not isinstance(what, PhoneFound) and not _is_holder(state, what.agent):
        return NOTHING
    match what:
        case PhoneFound():
            return Decision(_found(state, what, device_id))
        case PhoneGone():
            if not state.ready:
                return NOTHING
            gone = DeviceLost(
                device_id=device_id,
                session=state.session,
                serial=what.serial,
                reason=what.reason,
                agent=what.agent,
            )
            return Decision((gone,))
        case PhoneBeat():
            if not state.ready or (
                state.beat_at is not None and now - state.beat_at < timedelta(seconds=HEARTBEAT_EVERY_S - 1)
            ):
                return NOTHING
            beat = DeviceHeartbeat(
                device_id=device_id,
                session=state.session,
                battery_percent=what.battery_percent,
                temperature_celsius=what.temperature_celsius,
            )
            return Decision((beat,))
        case AppsFound():
            if not state.ready or state.packages == what.packages:
                return NOTHING
            return Decision((PackagesSeen(device_id=device_id, session=state.session, packages=what.packages),))
        case _:
            assert_never(what)


def registered(found: PhoneFound) -> DeviceRegistered:
    return DeviceRegistered(
        device_id=device_id_of(found.serial),
        serial=found.serial,
        model=found.model,
        os_version=found.os_version,
        api_level=found.api_level,
        device_type=found.device_type,
        resolution=found.resolution,
        tags=found.tags,
        hardware_serial=found.hardware_serial,
        agent=found.agent,
    )


def _is_holder(state: Device, agent: str | None) -> bool:
    """Whether the agent is where the phone was found last. Agents at one adb server hold its phones together."""
    return state.agent is None or agent is None or place_of(agent) == place_of(state.agent)


def _found(state: Device, found: PhoneFound, device_id: UUID) -> tuple[Event, ...]:
    """Found where it was: nothing new. Found elsewhere: a new session there, whether or not the old place lost it."""
    events: list[Event] = []
    now_registered = registered(found)
    if state.registered is None or state.registered.model_copy(update={"agent": found.agent}) != now_registered:
        events.append(now_registered)
    if not state.ready or (found.agent is not None and (state.agent is None or not _is_holder(state, found.agent))):
        events.append(
            DeviceReady(
                device_id=device_id,
                session=state.session + 1,
                serial=found.serial,
                model=found.model,
                api_level=found.api_level,
                pool=POOL,
                tags=found.tags,
                agent=found.agent,
            )
        )
    return tuple(events)


def evolve_device(state: Device, recorded: Recorded[Event]) -> Device:
    event = recorded.event
    match event:
        case DeviceRegistered():
            return state.model_copy(update={"registered": event})
        case DeviceReady():
            return state.model_copy(
                update={"session": event.session, "ready": True, "packages": (), "agent": event.agent}
            )
        case DeviceLost():
            return state.model_copy(update={"ready": False})
        case DeviceHeartbeat():
            return state.model_copy(update={"beat_at": recorded.time})
        case PackagesSeen():
            return state.model_copy(update={"packages": event.packages})
        case _:
            return state


# --- actions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Action:
    """State of an action's aggregate."""

    started: ActionStarted | None = None
    finished: bool = False


ACTION = Aggregate[Action]("action", "device_agent", Action, lambda s, r: evolve_action(s, r))


@dataclass(frozen=True)
class Outcome:
    """What an effect found out: how the action went, what was seen, what the locators did, how long adb took."""

    performed: Performed
    capture: Capture | None
    checks: tuple[CheckResult, ...]
    declared_activities: tuple[str, ...]
    started_at: datetime
    adb_ms: int
    resolved: bool
    """An earlier attempt was found, whose end nobody saw."""
    sighting: Sighting | None = None
    installed: InstalledFiles | None = None
    """What the phone has, after an installation that succeeded."""


def begin_action(
    instance: str, holds: Callable[[str], bool]
) -> Callable[[Action, Trigger[ActionRequested], datetime], Decision]:
    """The decision to start. `instance` is this agent's name `NAME@PLACE` (kept over a restart, if it has one of its
    own); `holds` tells whether it holds a phone now.

    An action that was started at another place, from which the phone has come here, is taken over at once: that place
    has let go of the phone, and the phone's fence tells whether it was attempted there.
    """

    def begin(state: Action, trigger: Trigger[ActionRequested], now: datetime) -> Decision:
        asked = trigger.what
        if state.finished:
            return NOTHING
        if state.started is not None:
            is_here = place_of(state.started.instance) == place_of(instance) or not holds(asked.serial)
            if state.started.instance != instance and is_here and now < state.started.deadline_at:
                raise LaterError("another agent is at it", 1.0)
            return NOTHING
        if now >= asked.expires_at:
            return Decision((_expired(asked, now),))
        if not holds(asked.serial):
            raise LaterError(f"{asked.serial} is not connected here", 0.5)
        started = ActionStarted(
            action_id=asked.action_id,
            run_id=asked.run_id,
            device_id=asked.device_id,
            instance=instance,
            lease_token=asked.lease_token,
            sequence=asked.sequence,
            deadline_at=_deadline(asked, now),
        )
        return Decision((started,))

    return begin


def _deadline(asked: ActionRequested, now: datetime) -> datetime:
    """Until when another agent leaves the action to this one. An installation may take all the time it was given."""
    if isinstance(asked.action, Install):
        return asked.expires_at
    return min(asked.expires_at, now + timedelta(seconds=LONGEST_ACTION_S))


def is_pending(state: Action, _trigger: Trigger[ActionRequested]) -> bool:
    return state.started is not None and not state.finished


def finish_action(state: Action, trigger: Trigger[ActionRequested], now: datetime, outcome: Outcome) -> Decision:
    if state.finished:
        return NOTHING
    asked = trigger.what
    status, code, message = _verdict(outcome)
    finished = ActionFinished(
        action_id=asked.action_id,
        run_id=asked.run_id,
        device_id=asked.device_id,
        sequence=asked.sequence,
        action_type=asked.action.type,
        status=status,
        started_at=outcome.started_at,
        completed_at=now,
        duration_ms=int((now - outcome.started_at).total_seconds() * 1000),
        adb_ms=outcome.adb_ms,
        error_code=code,
        error_message=message,
        capture=outcome.capture,
        checks=outcome.checks,
        declared_activities=outcome.declared_activities,
        sighting=outcome.sighting,
        installed=outcome.installed,
    )
    return Decision((finished,))


def _verdict(outcome: Outcome) -> tuple[ActionStatus, str | None, str | None]:
    performed = outcome.performed
    match performed.result:
        case Result.DONE:
            return ActionStatus.SUCCESS, None, None
        case Result.DUPLICATE | Result.UNKNOWN:
            return ActionStatus.FAILED, "OUTCOME_UNKNOWN", performed.reason
        case Result.STALE:
            return ActionStatus.SKIPPED, "LEASE_LOST", performed.reason
        case (
            Result.FAILED
            | Result.IMPOSSIBLE
            | Result.NOT_FOUND
            | Result.GUARD
            | Result.REFUSED
            | Result.NOT_FIT
            | Result.NOT_ATTEMPTED
        ):
            return ActionStatus.FAILED, performed.code or performed.result.value, performed.reason
        case _:
            assert_never(performed.result)


def _expired(asked: ActionRequested, now: datetime) -> ActionFinished:
    return ActionFinished(
        action_id=asked.action_id,
        run_id=asked.run_id,
        device_id=asked.device_id,
        sequence=asked.sequence,
        action_type=asked.action.type,
        status=ActionStatus.SKIPPED,
        started_at=now,
        completed_at=now,
        duration_ms=0,
        adb_ms=0,
        error_code="EXPIRED",
        error_message=f"nobody could do it before {asked.expires_at.isoformat()}",
    )


def evolve_action(state: Action, recorded: Recorded[Event]) -> Action:
    match recorded.event:
        case ActionStarted() as started:
            return replace(state, started=started)
        case ActionFinished():
            return replace(state, finished=True)
        case _:
            return state


ACTION_TRIGGERS: dict[type[Any], Callable[[Any], UUID | None]] = {ActionRequested: lambda e: e.action_id}
TRIGGERS: dict[type[Any], Callable[[Any], UUID | None]] = {
    ActionRequested: lambda e: e.device_id,
    LeaseEnded: lambda e: e.device_id,
}
"""What the durable of a phone delivers, with the phone that it concerns."""
