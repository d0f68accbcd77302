"""Events of a task in plain language: its turns (look, ask the model, act), and what people are asked meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.sealed import Sealed
from contracts.values import ApiName, Guard, ObjectRef, Point, Value

PersonQuestion = Literal["CONFIRM", "TAKE_OVER", "CHOOSE", "STUCK"]
"""Why a person is asked: may this be done; do this on the phone; which one; the task gets no further."""
PersonVerdict = Literal["CONFIRMED", "DENIED", "DONE", "ANSWERED", "TIMED_OUT"]


class ScreenAsked(Value):
    """The screen that a turn is about. Where a part is missing, its `.._absent` says why, as in a `Capture`."""

    package: str
    app_name: str = ""
    activity: str | None = None
    screen_id: UUID | None = None
    screen_name: str = ""
    state_id: str | None = None
    screenshot: ObjectRef | None = None
    screenshot_absent: str | None = None
    hierarchy: ObjectRef | None = None
    hierarchy_absent: str | None = None
    width: int = 0
    height: int = 0


class TurnRequested(Event, owner=OWNER, key="run_id", deadline="expires_at"):
    """The model is asked what to do next. `purpose` REPAIR: only for one step of a script whose element is gone; `goal`
    then is that step in words.

    `context` is a `TurnContext`. Budgets are those of the task: what its calls may use in all; none: the
    configuration's own count alone. Costs are decimals as text.
    """

    run_id: UUID
    task_id: UUID
    call_id: UUID
    turn: int
    purpose: Literal["STEP", "REPAIR"] = "STEP"
    goal: Sealed[str]
    context: Sealed[dict[str, Any]]
    screen: ScreenAsked
    config_id: UUID | None = None
    config_version: int
    token_budget: int | None = None
    cost_budget: str | None = None
    expires_at: datetime


class TurnTaken(Event, owner=OWNER, key="run_id"):
    """What the run makes of an answer. ACT: an action follows; REFUSE: a rule forbids it, or a person did; MISREAD: the
    answer could not be understood; AWAY: no answer came. `reason` says why for REFUSE, MISREAD and AWAY.

    ASK: a person is asked first (to agree, to do it, to choose); where they agree, the action follows in this turn.

    `words` is what the model wants, without what is typed; `read` is the whole of it (a `TurnRead`). `rule`: which kind
    of rule forbids it.
    """

    run_id: UUID
    task_id: UUID
    turn: int
    call_id: UUID
    verdict: Literal["ACT", "ASK", "NOTE", "CALL", "FINISH", "REFUSE", "MISREAD", "AWAY"]
    words: str
    reason: str | None = None
    rule: Literal["PACKAGE", "ACTION", "SENSITIVE", "SECRET", "DENIED", "PAUSED"] | None = None
    read: Sealed[dict[str, Any]] | None = None
    point: Point | None = None
    """Where the screen is touched."""
    guard: Guard | None = None
    """How the screen and the element are known again when the turn is replayed."""
    screenshot: ObjectRef | None = None
    """What the model was asked about."""
    model_name: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: str = "0"
    latency_ms: int = 0
    attempts: int = 0


class NoteKept(Event, owner=OWNER, key="run_id"):
    """The task keeps something that it read."""

    run_id: UUID
    task_id: UUID
    turn: int
    app: str
    screen_name: str = ""
    text: Sealed[str]


class PersonAsked(Event, owner=OWNER, key="run_id", deadline="until"):
    """The run waits for a person, until `until` at the latest; then `otherwise` holds. `words` is what is asked,
    without what would be typed."""

    run_id: UUID
    task_id: UUID
    ask_id: UUID
    turn: int
    question: PersonQuestion
    words: str
    detail: Sealed[str] | None = None
    """The whole of it."""
    screenshot: ObjectRef | None = None
    point: Point | None = None
    by: str | None = None
    """Who has the phone already: somebody took it over without being asked, or is at what was asked."""
    quiet: bool = False
    """Nobody is alerted: whoever started the task sits in front of it."""
    otherwise: PersonVerdict = "TIMED_OUT"
    asked_at: datetime
    until: datetime


class PersonSaid(Event, owner=OWNER, key="task_id"):
    """Somebody answers a task, or takes it over without being asked. Told to the task's run."""

    task_id: UUID
    user: str
    kind: Literal["confirm", "deny", "takeover", "answer"]
    text: Sealed[str] | None = None
    ask_id: UUID | None = None
    """Which question it answers; none: the one that is open when it is said."""
    answer_id: UUID | None = None
    """Under this key a `TaskRejected` says why it changed nothing, where that is so."""


class PersonAnswered(Event, owner=OWNER, key="run_id"):
    """The waiting is over. `by`: none where the time was up."""

    run_id: UUID
    task_id: UUID
    ask_id: UUID
    verdict: PersonVerdict
    by: str | None = None
    text: Sealed[str] | None = None


class ApiCallRequested(Event, owner=OWNER, key="run_id", deadline="expires_at"):
    """A registered HTTP call is to be made for a task. `notes` are what was kept so far, by turn."""

    run_id: UUID
    task_id: UUID
    call_id: UUID
    turn: int
    call: ApiName
    instruction: Sealed[str]
    notes: Sealed[dict[str, str]] | None = None
    config_id: UUID | None = None
    config_version: int
    expires_at: datetime


class ApiCallTaken(Event, owner=OWNER, key="run_id"):
    """What came of an HTTP call of the task, as its model is told. `error_code`: as in `ApiCallFinished`."""

    run_id: UUID
    task_id: UUID
    call_id: UUID
    turn: int
    name: str
    status: int | None = None
    answer: Sealed[str] | None = None
    error_code: str | None = None
    error_message: str | None = None


class ModelAwaited(Event, owner=OWNER, key="run_id", deadline="until"):
    """The model does not answer: the task is held, and asks again at `until`."""

    run_id: UUID
    task_id: UUID
    turn: int
    tries: int
    reason: str
    until: datetime
