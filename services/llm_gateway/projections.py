"""Table of the llm-gateway: every call of a model, once it has ended. Prompt and answer stay sealed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from contracts.event import Event
from contracts.llm_gateway import CallFinished
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, upsert

CALL = upsert(
    "llm_logs",
    ["id", "task_run_id", "task_action_id", "screen_id", "model_name", "prompt_tokens", "completion_tokens",
     "latency_ms", "request_payload", "response_payload", "safety_flags", "error_code", "cost", "created_at"],
    ["id", "created_at"],
)  # fmt: skip


def project(recorded: Recorded[Event]) -> Iterable[Row]:
    """Rows of one event. A question about a screen belongs to no action yet: `task_action_id` is none."""
    event = recorded.event
    match event:
        case CallFinished():
            values = (
                event.call_id,
                event.run_id,
                None,
                event.screen_id,
                event.model_name,
                event.prompt_tokens,
                event.completion_tokens,
                event.latency_ms,
                event.request_payload.model_dump(mode="json"),
                event.response_payload.model_dump(mode="json"),
                event.safety_flags,
                event.error_code,
                Decimal(event.cost),
                recorded.time,
            )
            return [Row(CALL, values)]
        case _:
            raise TypeError(f"the llm-gateway's table has no place for {event.type_name()}")


PROJECTION = Projection(name="llm_gateway", schema="llm_gateway", events=(CallFinished,), project=project)
