"""Events of a run: its states, its actions, its steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.orchestrator.tasks import TaskSpec
from contracts.sealed import Sealed
from contracts.values import (
    AccountRef,
    Action,
    ActionType,
    CoverageProfile,
    Gesture,
    ObjectRef,
    ResolvedApp,
    RunEventType,
    RunStatus,
)

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
    account: AccountRef | None = None
    """The test account that the run has, until its end."""


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
    error_code: str | None = None
    """Why the phone did not do it (`INPUT_DENIED`, `KEYBOARD_MISSING`, ..) or why nothing was seen (`NOT_IDLE`, ..)."""
    error_message: str | None = None


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
    code: str | None = None
    """Why it failed, for programs: NOT_FIT where the phone was not fit for it."""


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
    failure_code: str | None = None
    """Why it failed, for programs, where its ending had a code."""
