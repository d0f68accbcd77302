"""Events of the llm-gateway: calls of a model, asked once, paid once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.sealed import Sealed

OWNER = "llm_gateway"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class CallStarted(Event, owner=OWNER, key="call_id"):
    """A model is about to be asked, for the `attempt`-th time. `estimate` is what an unknown outcome is charged."""

    call_id: UUID
    run_id: UUID
    attempt: int
    model_name: str
    instance: str
    estimate: str
    deadline_at: datetime


class CallFinished(Event, owner=OWNER, key="call_id"):
    """What came of a call. Prompt and answer are sealed; `order` and `texts` are what the answer means."""

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
    texts: dict[str, str] = Field(default_factory=dict)
    tokens_used_run: int = 0
    """Tokens of this run so far, this call included."""
