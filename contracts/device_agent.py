"""Events of the device-agent: is the phone there, did the action happen, did the app crash."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.values import (
    ActionStatus,
    ActionType,
    AppVersion,
    Bounds,
    DeviceType,
    Foreground,
    InstalledFiles,
    LocatorCheck,
    ObjectRef,
    Sighting,
    ValidationStatus,
    Value,
    WindowSeen,
)

OWNER = "device_agent"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class DeviceRegistered(Event, owner=OWNER, key="device_id"):
    """A phone was seen for the first time, or came back with other properties (an update of Android)."""

    device_id: UUID
    serial: str
    model: str
    os_version: str
    api_level: int
    device_type: DeviceType
    resolution: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    hardware_serial: str | None = None
    """The phone's own serial number, where it has a unique one: by it the phone is known again on another way."""
    agent: str | None = None
    """Who holds it, `INSTANCE@PLACE`: the agent's name and the adb server that the phone is connected to."""


class DeviceReady(Event, owner=OWNER, key="device_id"):
    """The phone answers. `session` counts its appearances; whoever knows a later one ignores this."""

    device_id: UUID
    session: int
    serial: str
    model: str
    api_level: int
    pool: str
    tags: dict[str, str] = Field(default_factory=dict)
    agent: str | None = None
    """Who holds it from now on, as in `DeviceRegistered`."""


class DeviceLost(Event, owner=OWNER, key="device_id"):
    """Told by whoever held the phone."""

    device_id: UUID
    session: int
    serial: str
    reason: str
    agent: str | None = None


class DeviceHeartbeat(Event, owner=OWNER, key="device_id"):
    """The phone still answers; at most once a minute."""

    device_id: UUID
    session: int
    battery_percent: int | None = None
    temperature_celsius: float | None = None


class PackagesSeen(Event, owner=OWNER, key="device_id"):
    """Installed apps that a person may want to explore, read without a lease."""

    device_id: UUID
    session: int
    packages: tuple[AppVersion, ...]


class Capture(Value):
    """What was seen on the phone after an action. Where a part is missing, its `.._absent` says why.

    `screenshot_absent`: SECURE, BLACK, TRUNCATED, UNAVAILABLE. `hierarchy_absent`: NOT_IDLE, NULL_ROOT, EMPTY,
    MALFORMED, UNAVAILABLE, UIAUTOMATION_HELD (another tool has what hierarchies are read with; `hierarchy_said` names
    it and its process). `stable` is false where the screen never stopped changing. `hierarchy` is that of the window
    in front, whatever its `source`; `windows` are all in sight, from the front to the back.
    """

    capture_id: UUID
    screenshot: ObjectRef | None = None
    screenshot_absent: str | None = None
    hierarchy: ObjectRef | None = None
    hierarchy_absent: str | None = None
    hierarchy_said: str | None = None
    """What the phone said about a hierarchy that is missing."""
    split_screen: bool = False
    """The app shares the screen with another one."""
    foreground: Foreground
    versions: tuple[AppVersion, ...] = ()
    """Versions of the apps that have a window in the hierarchy, and of the one in front."""
    width: int
    height: int
    rotation: int = 0
    stable: bool = True
    source: Literal["UIAUTOMATOR_DUMP", "UIAUTOMATOR_SERVER"] = "UIAUTOMATOR_DUMP"
    windows: tuple[WindowSeen, ...] = ()
    captured_at: datetime


class CheckResult(Value):
    """What came of trying a locator; `check` is what was asked for."""

    check: LocatorCheck
    status: ValidationStatus
    latency_ms: int
    found: Bounds | None = None
    screenshot: ObjectRef | None = None
    notes: str | None = None


class ActionStarted(Event, owner=OWNER, key="action_id"):
    """Written before the phone is touched. Another instance resolves it only after `deadline_at`."""

    action_id: UUID
    run_id: UUID
    device_id: UUID
    instance: str
    lease_token: int
    sequence: int
    deadline_at: datetime


class ActionFinished(Event, owner=OWNER, key="action_id"):
    """What came of an action. `error_code` OUTCOME_UNKNOWN: it was attempted, nobody can say whether it happened.
    NOT_FOUND: its target was not on the screen; GUARD: the screen or the element is not what its guard expects. In both
    nothing was touched."""

    action_id: UUID
    run_id: UUID
    device_id: UUID
    sequence: int
    action_type: ActionType
    status: ActionStatus
    started_at: datetime
    completed_at: datetime
    duration_ms: int
    adb_ms: int
    error_code: str | None = None
    error_message: str | None = None
    capture: Capture | None = None
    checks: tuple[CheckResult, ...] = ()
    declared_activities: tuple[str, ...] = ()
    """Activities that the launched app declares; only after a launch."""
    sighting: Sighting | None = None
    """What came of looking for the target of the action, where it has one."""
    installed: InstalledFiles | None = None
    """What the phone has installed; only after an installation that succeeded."""


class CrashSeen(Event, owner=OWNER, key="occurrence_id"):
    """An app crashed, stopped answering or was killed for memory while it was in front (LOW_MEMORY).

    `stack_key` is equal for the same cause whatever the pids and numbers. `source` is what told of it first: the log,
    or what the phone keeps of processes that ended (EXIT_INFO) and of their stacks (DROPBOX) where the log had lost it.
    """

    occurrence_id: UUID
    device_id: UUID
    run_id: UUID | None = None
    package: str
    version_name: str | None = None
    """Of the app that crashed, where the phone knows it: tells crashes of two versions apart."""
    kind: Literal["CRASH", "ANR", "NATIVE", "LOW_MEMORY"]
    process: str
    exception: str
    message: str
    stack: str
    stack_key: str
    seen_at: datetime
    source: Literal["LOGCAT", "EXIT_INFO", "DROPBOX"] = "LOGCAT"
    happened_at: datetime | None = None
    """When the phone says that it happened, by this computer's clock; none: the phone told no time."""
    action_id: UUID | None = None
    """The run's action that was the last to begin before it."""
    log: ObjectRef | None = None
    """The phone's log around it, whatever apps wrote there: names, numbers and addresses of people may be in it."""
    trace: ObjectRef | None = None
    """The tombstone of a native crash, the threads of an ANR, the phone's own report of a crash."""
    exit_info: ObjectRef | None = None
    """What the phone remembers of how the process ended."""
    evidence_absent: str | None = None
    """Why a part of the evidence is missing that this phone should have had."""


class PhonePrepared(Event, owner=OWNER, key="lease_id"):
    """A phone was made ready for a lease. Told at its first action, and again where something had to be changed anew
    (it was restarted in the middle of a run). Settings are named `namespace/name`."""

    lease_id: UUID
    device_id: UUID
    run_id: UUID
    serial: str
    lease_token: int
    found: dict[str, str | None]
    """The phone's own values, as they will be put back; none: not set."""
    changed: tuple[str, ...] = ()
    """Settings that now have other values."""
    unchanged: tuple[str, ...] = ()
    """Settings that the phone refused to change."""
    woken: bool = False
    unlocked: bool = False
    taken_over: int | None = None
    """Token of an earlier lease whose changes were still on the phone: its values are the phone's own."""


class PhoneRestored(Event, owner=OWNER, key="lease_id"):
    """What a lease had changed on a phone was put back. Told again where the first time something failed."""

    lease_id: UUID
    device_id: UUID
    run_id: UUID
    serial: str
    lease_token: int
    restored: dict[str, str | None] = Field(default_factory=dict)
    left: tuple[str, ...] = ()
    """Settings that somebody had changed since: they keep what they have."""
    failed: dict[str, str] = Field(default_factory=dict)
    """Settings that could not be put back, with what the phone said. It is tried again when the phone is attached."""
    late: bool = False
    """The lease had ended while the phone, or its agent, was away."""
