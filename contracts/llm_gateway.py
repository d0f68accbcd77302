"""Events of the llm-gateway: calls of a model, asked once, paid once.

The key of both is the run: its calls are one aggregate, so that what they spend together is counted exactly.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.sealed import Sealed
from contracts.values import Value

OWNER = "llm_gateway"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


AskCause = Literal["QUESTION", "LOST", "MALFORMED", "TIMEOUT", "RATE_LIMITED", "UNAVAILABLE"]
"""Why a model is asked: for the first time, or again because of what became of the attempt before."""


class BudgetMark(Value):
    """`percent` of a run's budget is used. 100 is also said when the next call would not fit any more."""

    budget: Literal["TOKENS", "COST"]
    percent: Literal[80, 100]
    used: str
    limit: str


class CallStarted(Event, owner=OWNER, key="run_id"):
    """A model is about to be asked, for the `attempt`-th time. `estimate` is what an unknown outcome is charged.

    `deadline_at`: whoever started it has given up by then. The `charged` fields are what the attempts before it cost.
    Costs are decimals as text.
    """

    call_id: UUID
    run_id: UUID
    attempt: int
    cause: AskCause = "QUESTION"
    model_name: str
    instance: str
    estimate: str
    estimated_prompt_tokens: int = 0
    estimated_completion_tokens: int = 0
    charged_prompt_tokens: int = 0
    charged_completion_tokens: int = 0
    charged_cost: str = "0"
    deadline_at: datetime
    correction: Sealed[str] | None = None
    """What the model is told of its last answer, which could not be used."""


class CallFinished(Event, owner=OWNER, key="run_id"):
    """What came of a call. Prompt and answer are sealed, and what is to be typed; `order` and `texts` (by gesture) are
    what the answer means.

    Tokens and cost are those of all attempts, lost ones at their estimate. `error_code`: TIMEOUT, RATE_LIMITED,
    UNAVAILABLE, MALFORMED, REFUSED, BUDGET, UNCONFIGURED, UNKNOWN_OUTCOME or EXPIRED; none where there is an answer.
    """

    call_id: UUID
    run_id: UUID
    task_id: UUID
    screen_id: UUID | None
    state_id: str
    model_name: str
    prompt_tokens: int
    completion_tokens: int
    latency_ms: int
    cost: str
    request_payload: Sealed[dict[str, Any]]
    response_payload: Sealed[dict[str, Any]]
    safety_flags: dict[str, Any] = Field(default_factory=dict)
    error_code: str | None = None
    order: tuple[str, ...] = ()
    texts: Sealed[dict[str, str]] | None = None
    attempts: int = 0
    """How often the model was asked."""
    tokens_used_run: int = 0
    """Tokens of this run so far, this call included."""
    cost_used_run: str = "0"
    turn: Sealed[dict[str, Any]] | None = None
    """What the answer to a `TurnRequested` means: a `TurnRead`. There also where the answer was MALFORMED."""
    budgets_crossed: tuple[BudgetMark, ...] = ()
    """Marks that this call is the first of its run to reach: each is told once a run."""


class ApiCallStarted(Event, owner=OWNER, key="call_id"):
    """A registered HTTP call is about to be made. It is made once at most: whoever finds it begun and not ended says
    that its outcome is unknown."""

    call_id: UUID
    run_id: UUID
    name: str
    instance: str
    deadline_at: datetime


class ApiCallFinished(Event, owner=OWNER, key="call_id"):
    """What came of an HTTP call: its status, and what of its answer the model is told. `error_code`: UNREGISTERED,
    UNCONFIGURED (there is no usable configuration, or its secret cannot be had), REFUSED (a parameter is missing or
    not known), TIMEOUT, UNAVAILABLE, FAILED (an HTTP status that is an error), UNKNOWN_OUTCOME or EXPIRED."""

    call_id: UUID
    run_id: UUID
    task_id: UUID
    turn: int
    name: str
    status: int | None = None
    answer: Sealed[str] | None = None
    latency_ms: int = 0
    error_code: str | None = None
    error_message: str | None = None
