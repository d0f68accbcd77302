"""What goes to an endpoint in one request, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from services.llm_gateway.grammars.shown import ToolCall

Outcome = Literal["TEXT", "TIMEOUT", "RATE_LIMITED", "UNAVAILABLE", "REFUSED", "UNCONFIGURED"]


@dataclass(frozen=True)
class Request:
    """What is sent beside model and length: `messages` and `tools` as the chat completions API takes them. What is
    None, or empty, is left to the endpoint."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    temperature: float | None = None
    top_p: float | None = None
    extra_body: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """What is set of it beside the messages, by its name in the API."""
        given = {"tools": self.tools, "temperature": self.temperature, "top_p": self.top_p}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Reply:
    """What came of one request. `usage` (prompt and completion tokens) is what the endpoint counted, if it did.

    `thinking`: what the endpoint keeps apart from the answer. `may_have_cost`: nobody knows whether the endpoint did
    the work; it is charged at its estimate.
    """

    outcome: Outcome
    text: str = ""
    finish_reason: str = ""
    usage: tuple[int, int] | None = None
    may_have_cost: bool = False
    latency_ms: int = 0
    retry_after_s: float | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    tool_calls: tuple[ToolCall, ...] = ()
    thinking: str = ""

    @property
    def said(self) -> str:
        """All that the model wrote, for its length."""
        calls = (f"{call.name} {call.arguments}" for call in self.tool_calls)
        return "\n".join(part for part in (self.thinking, self.text, *calls) if part)
