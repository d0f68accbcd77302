"""Events of the orchestrator: tasks, the fleet with its queue and leases, runs with their steps, configuration."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.requests import CoverageConfig, Limits
from contracts.sealed import Sealed
from contracts.values import (
    Action,
    ActionType,
    ConfigType,
    CoverageProfile,
    Gesture,
    ObjectRef,
    ResolvedApp,
    RunEventType,
    RunStatus,
    Value,
)

OWNER = "orchestrator"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


# --- tasks ------------------------------------------------------------------------------------------------------------


class TaskSpec(Value):
    """What is to be done, as it was accepted. Pinned in every event that needs it."""

    task_id: UUID
    name: str
    user: str
    user_id: UUID
    kind: Literal["explore"]
    package: str
    version: str | None = None
    profile: CoverageProfile
    coverage: CoverageConfig
    priority: int
    schedule_at: datetime | None = None
    serial: str | None = None
    limits: Limits
    validate_locators: bool = True
    seed: int = 0
    accepted_at: datetime


class TaskAccepted(Event, owner=OWNER, key="task_id"):
    task_id: UUID
    spec: TaskSpec


class TaskRejected(Event, owner=OWNER, key="task_id"):
    """A request was refused. `code` is for programs, `reason` for the person who sent it."""

    task_id: UUID
    user: str
    code: str
    reason: str


class TaskStopAsked(Event, owner=OWNER, key="task_id"):
    """Somebody wants a task ended, queued or running."""

    task_id: UUID
    user: str
    reason: str


class TaskPauseAsked(Event, owner=OWNER, key="task_id"):
    """Somebody wants a task held, or to go on. The fleet decides: it alone knows whether the task has a run."""

    task_id: UUID
    user: str
    pause: bool
    """True: pause; False: go on."""
    reason: str


class BudgetCrossed(Event, owner=OWNER, key="crossing_id"):
    """A task used `percent` of a budget. Its key is derived from run, budget and percent: each is crossed once."""

    crossing_id: UUID
    task_id: UUID
    run_id: UUID
    budget: Literal["TOKENS", "COST"]
    percent: int
    used: str
    limit: str


class UserSeen(Event, owner=OWNER, key="user_id"):
    user_id: UUID
    account: str
    display_name: str
    roles: tuple[str, ...] = ("QA",)


class ConfigChanged(Event, owner=OWNER, key="config_id"):
    """One named configuration, whole. The last one counts; a run pins the one that it began with by `version`."""

    config_id: UUID
    version: int
    config_type: ConfigType
    name: str
    secret_ref: str
    config: dict[str, Any]
    enabled: bool
    changed_by: str


# --- apps -------------------------------------------------------------------------------------------------------------


class AppVersionSeen(Event, owner=OWNER, key="app_version_id"):
    app_version_id: UUID
    app: ResolvedApp


# --- the fleet: queue, phones, leases ---------------------------------------------------------------------------------


class TaskWaiting(Event, owner=OWNER, key="fleet_id"):
    """Accepted, but no phone that is ready tells which version of the app there is. Goes on when one does."""

    fleet_id: UUID
    spec: TaskSpec


class TaskQueued(Event, owner=OWNER, key="fleet_id", deadline="due_at_queue"):
    fleet_id: UUID
    spec: TaskSpec
    app: ResolvedApp
    due_at_queue: datetime | None = None
    """When a scheduled task becomes due; none when it may start at once."""
    held: bool = False
    """Whether it was paused while it waited for its app: it gets no phone until it is released."""


class TaskDropped(Event, owner=OWNER, key="fleet_id"):
    """A task left the queue without a run."""

    fleet_id: UUID
    task_id: UUID
    reason: str
    failed: bool = False
    """True: nobody stopped it, it could not be done."""


class TaskBlocked(Event, owner=OWNER, key="fleet_id"):
    """No phone that is here could take the task, busy or not: it waits for one, until `give_up_at` at the latest."""

    fleet_id: UUID
    task_id: UUID
    reason: str
    since: datetime
    give_up_at: datetime


class TaskUnblocked(Event, owner=OWNER, key="fleet_id"):
    """There is a phone again that could take the task."""

    fleet_id: UUID
    task_id: UUID


class FleetWatchSet(Event, owner=OWNER, key="fleet_id", deadline="look_at"):
    """When the fleet looks next at the tasks that no phone could take."""

    fleet_id: UUID
    look_at: datetime


class TaskHeld(Event, owner=OWNER, key="fleet_id"):
    """A task that has no run yet is paused: it keeps its place and gets no phone."""

    fleet_id: UUID
    task_id: UUID
    reason: str
    by: str


class TaskReleased(Event, owner=OWNER, key="fleet_id"):
    """A held task may get a phone again."""

    fleet_id: UUID
    task_id: UUID
    by: str


class RunPauseAsked(Event, owner=OWNER, key="fleet_id"):
    """A task that is to be paused, or to go on, has a run: the fleet passes it on to that."""

    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    user: str
    pause: bool
    """True: pause; False: go on."""
    reason: str


class PhoneJoined(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    device_id: UUID
    session: int
    serial: str
    model: str
    api_level: int
    tags: dict[str, str] = Field(default_factory=dict)


class PhoneApps(Event, owner=OWNER, key="fleet_id"):
    """Which apps a phone has: package to version name and code. Tells which version a task can run on where."""

    fleet_id: UUID
    device_id: UUID
    session: int
    versions: dict[str, tuple[str, int | None]]


class PhoneLeft(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    device_id: UUID
    session: int
    reason: str


class TaskGranted(Event, owner=OWNER, key="fleet_id"):
    """A phone was given to a task: a lease. `lease_token` grows with every lease of the fleet; the phone's fence
    compares it."""

    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    device_id: UUID
    lease_token: int


class LeaseEnded(Event, owner=OWNER, key="fleet_id"):
    fleet_id: UUID
    task_id: UUID
    run_id: UUID
    device_id: UUID
    lease_token: int
    reason: str


# --- runs -------------------------------------------------------------------------------------------------------------

Purpose = Literal["LAUNCH", "EXPLORE", "RECOVER", "VALIDATE", "RESTORE"]
"""Why an action is done: start the app, try a gesture, get back, check locators, leave the phone as it was."""

StepOutcome = Literal["NEW_SCREEN", "NEW_STATE", "KNOWN_STATE", "NOTHING", "LEFT_APP", "CRASHED", "FAILED", "UNSEEN"]


class RunStarted(Event, owner=OWNER, key="run_id", deadline="watch_at"):
    run_id: UUID
    task_id: UUID
    fleet_id: UUID
    device_id: UUID
    serial: str
    lease_token: int
    spec: TaskSpec
    app: ResolvedApp
    orchestrator_version: str
    llm_config_version: int | None = None
    """Version of the model configuration that this run keeps; none: it explores alone."""
    llm_config_id: UUID | None = None
    started_at: datetime
    ends_at: datetime
    """When the run's time is up."""
    watch_at: datetime


class StateAdded(Event, owner=OWNER, key="run_id"):
    """A state that this run sees for the first time, with everything that can be tried in it."""

    run_id: UUID
    state_id: str
    screen_id: UUID
    screen_name: str
    package: str
    activity: str | None
    inside: bool
    """Whether it belongs to the app under test."""
    gestures: tuple[Gesture, ...]
    screenshot: ObjectRef | None = None
    """What it looked like then; none where the picture could not be taken."""


class ActionRequested(Event, owner=OWNER, key="run_id", route="device_id"):
    """Please do this on the phone. Read by whichever device-agent holds it; void after `expires_at`."""

    run_id: UUID
    task_id: UUID
    device_id: UUID
    serial: str
    action_id: UUID
    sequence: int
    lease_token: int
    package: str
    purpose: Purpose
    action: Action
    state_id: str | None = None
    gesture_id: str | None = None
    plan_id: UUID | None = None
    call_id: UUID | None = None
    expires_at: datetime
    requested_at: datetime


class StepFinished(Event, owner=OWNER, key="run_id"):
    run_id: UUID
    task_id: UUID
    sequence: int
    action_id: UUID
    purpose: Purpose
    action_type: ActionType
    outcome: StepOutcome
    from_state: str | None
    to_state: str | None
    screen_id: UUID | None
    gesture_id: str | None
    succeeded: bool
    successful: int
    """Successful actions of the run so far, this one included."""
    duration_ms: int
    screens: int
    states: int
    from_screen_id: UUID | None = None
    """Screen on which the gesture was made."""
    element_hash: str | None = None
    """Element that the gesture was made on; none for keys and scrolling without one."""


class PlanPending(Event, owner=OWNER, key="run_id", deadline="until"):
    """A screen that is new to the run: its locators are waited for, until `until` at the latest."""

    run_id: UUID
    plan_id: UUID
    screen_id: UUID
    state_id: str
    until: datetime


class AdviceRequested(Event, owner=OWNER, key="run_id", deadline="expires_at"):
    """The model is asked about a state. SCREEN: which elements of a new screen matter, and what to type. STUCK: what to
    try where exploration alone finds nothing more."""

    run_id: UUID
    task_id: UUID
    call_id: UUID
    question: Literal["SCREEN", "STUCK"]
    state_id: str
    screen_id: UUID
    screen_name: str
    package: str
    gestures: tuple[Gesture, ...]
    tried: dict[str, int] = Field(default_factory=dict)
    """How often each gesture was made on this screen in this run; those that never were are left out."""
    screenshot: ObjectRef | None
    config_version: int
    config_id: UUID | None = None
    """Whose version that is; none: the model configuration that had this version last."""
    expires_at: datetime


class AdviceTaken(Event, owner=OWNER, key="run_id"):
    """What the run keeps of an answer: texts by gesture (sealed, like all that is typed), and gestures in the order to
    try them."""

    run_id: UUID
    call_id: UUID
    state_id: str
    order: tuple[str, ...] = ()
    texts: Sealed[dict[str, str]] | None = None
    tokens: int = 0
    cost: str = "0"


class WatchSet(Event, owner=OWNER, key="run_id", deadline="watch_at"):
    """When the run looks next whether its step, its plan or its time is overdue."""

    run_id: UUID
    watch_at: datetime


class RunNoted(Event, owner=OWNER, key="run_id"):
    """Something in a run that a person wants to read later. A row of `task_run_events`."""

    run_id: UUID
    event_type: RunEventType
    detail: dict[str, Any]


class RunEnding(Event, owner=OWNER, key="run_id"):
    """The run is over but for leaving the phone as it should be. `status` and `reason` are those it will end with."""

    run_id: UUID
    status: RunStatus
    reason: str | None


class RunPaused(Event, owner=OWNER, key="run_id"):
    run_id: UUID
    task_id: UUID
    reason: str
    by: str


class RunResumed(Event, owner=OWNER, key="run_id"):
    run_id: UUID
    task_id: UUID
    by: str


class RunFinished(Event, owner=OWNER, key="run_id"):
    run_id: UUID
    task_id: UUID
    fleet_id: UUID
    device_id: UUID
    lease_token: int
    app: ResolvedApp
    profile: CoverageProfile
    status: RunStatus
    failure_reason: str | None
    total_actions: int
    successful_actions: int
    screens: tuple[UUID, ...]
    states: int
    activities_reached: tuple[str, ...]
    activities_declared: tuple[str, ...]
    metrics: dict[str, Any]
    started_at: datetime
    ended_at: datetime
