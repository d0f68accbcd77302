"""Events of a run: its states, its actions, its steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.orchestrator.scripts import ScriptRef
from contracts.orchestrator.tasks import TaskSpec
from contracts.sealed import Sealed
from contracts.values import (
    AccountRef,
    Action,
    ActionType,
    CoverageProfile,
    CrashPicture,
    CrashStep,
    Gesture,
    ObjectRef,
    ResolvedApp,
    RunEventType,
    RunStatus,
    Sighting,
    Value,
)

Purpose = Literal[
    "INSTALL", "LAUNCH", "EXPLORE", "RECOVER", "VALIDATE", "REPRODUCE", "RESTORE", "SETUP", "STEP", "TURN"
]
"""Why an action is done: install the app, start it, try a gesture, get back, check locators, make a crash happen again,
leave the phone as it was; a step that sets the run up, a step of a task that is made of steps (or of a script that is
replayed); what a model wants in a turn of a task, a look at the screen for its first one included."""


class StepRef(Value):
    """A step of a script: its number, `3` or `3.1` within another, of how many, and what it says, without what is
    typed."""

    number: str
    of: int
    words: str


class RunUsage(Value):
    """What a run used of its model. Cost is a decimal as text."""

    turns: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: str = "0"
    model_ms: int = 0


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
    confirmed_apis: tuple[str, ...] = ()
    """HTTP calls of that configuration to which a person has to agree each time."""


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
    step: StepRef | None = None
    """The step of the script that this does, or a part of it."""
    turn: int | None = None
    """The turn of the task that this does."""
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
    screenshot: ObjectRef | None = None
    """What the phone showed afterwards; none where the picture could not be taken."""
    step: StepRef | None = None
    found: bool | None = None
    """Whether what the action looked for was seen; none: it looked for nothing."""
    turn: int | None = None
    sighting: Sighting | None = None
    """Where the target of the action was found, and by which of its locators."""
    error_code: str | None = None
    """Why the phone did not do it (`INPUT_DENIED`, `NOT_FOUND`, ..) or why nothing was seen (`NOT_IDLE`, ..)."""
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


class CrashTraced(Event, owner=OWNER, key="run_id"):
    """What the run knows of a crash of its app: the last pictures before it, and the way that leads to it again.

    Written when the crash is told (NOT_TRIED: `way` is the shortest way that the run's graph has, from a start of
    the app), again where the app has begun to start elsewhere, and at last (`final`) when the run has tried.
    REPRODUCED: `way` made the app crash in the same way; `minimal`: and without any one of its steps it did not.
    An empty way is the start of the app alone.
    """

    run_id: UUID
    occurrence_id: UUID
    crashed_by: int
    """Number of the run's action that crashed it."""
    package: str
    version_name: str | None
    kind: Literal["CRASH", "ANR", "NATIVE", "LOW_MEMORY"]
    stack_key: str
    verdict: Literal["NOT_TRIED", "REPRODUCED", "NOT_REPRODUCED"]
    final: bool = False
    """Whether the run says nothing more of it."""
    minimal: bool = False
    tries: int = 0
    steps: int = 0
    """Actions that the tries took."""
    way: tuple[CrashStep, ...] = ()
    source: Literal["GRAPH", "TRAIL"] = "GRAPH"
    """Whether the way comes from the graph, or from the actions as they were made since the app was started."""
    reason: str | None = None
    pictures: tuple[CrashPicture, ...] = ()
    """The five last before it, oldest first, each with the point that was touched on it next."""


class CrashAwaited(Event, owner=OWNER, key="run_id", deadline="until"):
    """The last action of a try is done: the phone's word of a crash is waited for, until `until` at the latest."""

    run_id: UUID
    stack_key: str
    until: datetime


class ReproductionTried(Event, owner=OWNER, key="run_id"):
    """One try to make a crash happen again is over. `kept` are the places, in the whole sequence of that `source`, of
    the steps that this try consisted of; `crashed_at` is how many of them were made when the same crash came, none
    where it did not come."""

    run_id: UUID
    stack_key: str
    source: Literal["GRAPH", "TRAIL"]
    kept: tuple[int, ...]
    crashed_at: int | None
    reason: str | None = None


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
    """Who paused it; `waymark` where it waits for a person or a model."""


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
    quiet: bool = False
    """Nobody is alerted: whoever asked for it sees it."""
    started_at: datetime
    ended_at: datetime
    failure_code: str | None = None
    """Why it failed, for programs, where its ending had a code."""
    kind: Literal["explore", "steps", "task", "replay"] | None = None
    result: Sealed[str] | None = None
    """What a task in plain language came to, in the model's words."""
    replayed: ScriptRef | None = None
    """The script that was replayed."""
    usage: RunUsage | None = None
    """What the model was asked and cost; none: it was not."""
