"""A call as the machinery sees it: somebody asks, with a question of one of two kinds, and an answer means something.

What differs between a screen of an exploration and a turn of a task is behind `Question`; attempts, budgets and ends of
calls are the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from contracts.configs import LlmConfig
from contracts.orchestrator import AdviceRequested, TurnRequested
from contracts.values import TurnRead
from services.llm_gateway.decisions.exchange import Reply, Request
from services.llm_gateway.decisions.ledger import Budget

Asked = AdviceRequested | TurnRequested


@dataclass(frozen=True)
class Answer:
    """What an answer means: an order of gestures and texts for them (advice), or what to do (a turn). `dropped` was
    left out of it, counted by reason."""

    order: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    turn: TurnRead | None = None


class MalformedAnswerError(Exception):
    """The answer is not what was asked for. The message says why, in words that the model can be told; `answer` is what
    there is of it."""

    def __init__(self, why: str, answer: Answer | None = None) -> None:
        super().__init__(why)
        self.answer = answer or Answer()


class Question(Protocol):
    """What is asked. The same event always gives the same question. `correction` is what a model is told of its last
    answer where that could not be used; None: it gave none."""

    def nothing_to_ask(self) -> str | None:
        """Why nothing has to be sent, if that is so."""
        ...

    def corrections(self) -> int:
        """How often an answer that cannot be used is asked for again."""
        ...

    def flags(self) -> dict[str, Any]:
        """What of the question somebody who looks after safety wants to see."""
        ...

    def reserved_tokens(self, correction: str | None) -> int:
        """Prompt tokens that a request may cost at most, estimated from above."""
        ...

    def sent_tokens(self, correction: str | None) -> int:
        """Prompt tokens of a request where the endpoint does not count them."""
        ...

    def request(self, correction: str | None, picture_url: str | None) -> Request:
        """What is sent."""
        ...

    def read(self, reply: Reply) -> Answer:
        """What an answer means. Raises `MalformedAnswerError`."""
        ...

    def correction(self, reply: Reply, why: str) -> str:
        """What the model is told of an answer that cannot be used."""
        ...


@dataclass(frozen=True)
class Asking:
    """A trigger: what is to be asked, by whom, with which configuration (or the `problem` why there is none), and the
    reply to the attempt number `attempt`, once there is one. Without a configuration there may be no question."""

    asked: Asked
    instance: str
    config: LlmConfig | None
    question: Question | None
    problem: str = ""
    secret_ref: str = "none"  # noqa: S105 - a reference, and to nothing
    attempt: int = 0
    reply: Reply | None = None

    @property
    def screen_id(self) -> UUID | None:
        return self.asked.screen_id if isinstance(self.asked, AdviceRequested) else self.asked.screen.screen_id

    @property
    def state_id(self) -> str:
        """Empty where the screen belongs to no state."""
        return self.asked.state_id if isinstance(self.asked, AdviceRequested) else self.asked.screen.state_id or ""

    def budget(self, config: LlmConfig) -> Budget:
        """What all calls of the run may use: the configuration's budget, and a task's own where that is nearer."""
        own = Budget.of(config)
        if isinstance(self.asked, AdviceRequested):
            return own
        return own.nearer(Budget.of_task(self.asked))
