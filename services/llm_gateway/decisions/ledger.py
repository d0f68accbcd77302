"""The ledger of a run: its calls of a model, what each was charged, what all of them used.

The calls of a run are one aggregate. So two replicas that decide at once cannot both spend the rest of a budget: the
second one's append meets a conflict, and it decides again on what the first has started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from contracts.configs import LlmConfig
from contracts.event import Event
from contracts.llm_gateway import BudgetMark, CallFinished, CallStarted
from contracts.orchestrator import TurnRequested
from services.runtime.aggregate import Aggregate
from services.runtime.log import Recorded

_MARKS: Final[tuple[Literal[80, 100], ...]] = (80, 100)
_MOST_PERCENT: Final = 10_000
_MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True)
class Charge:
    """What something costs, or cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Charge) -> Charge:
        return Charge(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True)
class Budget:
    """What all calls of a run may use together; None is no limit."""

    tokens: int | None = None
    cost: Decimal | None = None

    @classmethod
    def of(cls, config: LlmConfig) -> Budget:
        return cls(config.token_budget_run, config.cost_budget_run)

    @classmethod
    def of_task(cls, asked: TurnRequested) -> Budget:
        return cls(asked.token_budget, None if asked.cost_budget is None else Decimal(asked.cost_budget))

    def nearer(self, other: Budget) -> Budget:
        """Of each kind the one that ends first."""
        tokens = [limit for limit in (self.tokens, other.tokens) if limit is not None]
        costs = [limit for limit in (self.cost, other.cost) if limit is not None]
        return Budget(min(tokens, default=None), min(costs, default=None))

    def fits(self, committed: Charge, more: Charge) -> bool:
        """Whether `more` can still be spent."""
        after = committed + more
        tokens_fit = self.tokens is None or after.tokens <= self.tokens
        return tokens_fit and (self.cost is None or after.cost <= self.cost)


@dataclass(frozen=True)
class OpenCall:
    """A call whose attempt number `attempt` was started by `instance`, who has given up by `deadline_at`.

    `reserved` is what this attempt is charged should its outcome stay unknown; `charged` are the attempts before it.
    `causes` counts why it was asked. `correction`: what the model is told of its last answer.
    """

    attempt: int
    instance: str
    deadline_at: datetime
    reserved: Charge
    charged: Charge
    causes: Mapping[str, int]
    correction: str | None = None


@dataclass(frozen=True)
class Ledger:
    """`used` is what finished calls were charged; `marked` are the budget marks that were told. `prompt_percent`:
    what a prompt has really been at most, in percent of its estimate; 100 where no estimate was too low."""

    open: Mapping[UUID, OpenCall] = field(default_factory=dict)
    finished: frozenset[UUID] = frozenset()
    used: Charge = field(default_factory=Charge)
    marked: frozenset[tuple[str, int]] = frozenset()
    prompt_percent: int = 100

    def committed(self, *, without: UUID | None = None) -> Charge:
        """Used, and what calls under way may still use."""
        total = self.used
        for call_id, call in self.open.items():
            if call_id != without:
                total += call.charged + call.reserved
        return total


LEDGER = Aggregate[Ledger]("ledger", "llm_gateway", Ledger, lambda s, r: evolve(s, r))


def evolve(ledger: Ledger, recorded: Recorded[Event]) -> Ledger:
    match recorded.event:
        case CallStarted() as started:
            return replace(
                ledger,
                open={**ledger.open, started.call_id: _opened(ledger, started)},
                prompt_percent=_learned(ledger, started.call_id, started.charged_prompt_tokens),
            )
        case CallFinished() as finished:
            charge = Charge(finished.prompt_tokens, finished.completion_tokens, Decimal(finished.cost))
            return replace(
                ledger,
                open={call_id: call for call_id, call in ledger.open.items() if call_id != finished.call_id},
                finished=ledger.finished | {finished.call_id},
                used=ledger.used + charge,
                marked=ledger.marked | {(mark.budget, mark.percent) for mark in finished.budgets_crossed},
                prompt_percent=_learned(ledger, finished.call_id, finished.prompt_tokens),
            )
        case _:
            return ledger


def _opened(ledger: Ledger, started: CallStarted) -> OpenCall:
    before = ledger.open.get(started.call_id)
    causes = {} if before is None else before.causes
    return OpenCall(
        attempt=started.attempt,
        instance=started.instance,
        deadline_at=started.deadline_at,
        reserved=Charge(
            started.estimated_prompt_tokens, started.estimated_completion_tokens, Decimal(started.estimate)
        ),
        charged=Charge(started.charged_prompt_tokens, started.charged_completion_tokens, Decimal(started.charged_cost)),
        causes={**causes, started.cause: causes.get(started.cause, 0) + 1},
        correction=None if started.correction is None else started.correction.clear,
    )


def _learned(ledger: Ledger, call_id: UUID, charged_tokens: int) -> int:
    """With what the last attempt of a call really cost: all that was charged, without the attempts before it."""
    call = ledger.open.get(call_id)
    if call is None or not call.reserved.prompt_tokens:
        return ledger.prompt_percent
    really = charged_tokens - call.charged.prompt_tokens
    percent = -(-really * ledger.prompt_percent // call.reserved.prompt_tokens)
    return min(max(ledger.prompt_percent, percent), _MOST_PERCENT)


def priced(config: LlmConfig, prompt_tokens: int, completion_tokens: int) -> Charge:
    """Tokens with their price, exactly."""
    parts = prompt_tokens * config.price_input_per_million + completion_tokens * config.price_output_per_million
    return Charge(prompt_tokens, completion_tokens, parts / _MILLION)


def shown(amount: Decimal) -> str:
    """An amount as plain decimal text, without exponent or superfluous zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def crossed(ledger: Ledger, budget: Budget, used: Charge, wanted: Charge) -> tuple[BudgetMark, ...]:
    """Marks of the budget that `used` reaches and that were not told yet. 100 is reached as well where `wanted` on top
    of it would not fit."""
    marks: list[BudgetMark] = []
    kinds: tuple[tuple[Literal["TOKENS", "COST"], Decimal, Decimal, Decimal | None], ...] = (
        ("TOKENS", Decimal(used.tokens), Decimal(wanted.tokens), _decimal(budget.tokens)),
        ("COST", used.cost, wanted.cost, budget.cost),
    )
    for kind, spent, more, limit in kinds:
        if limit is None:
            continue
        for percent in _MARKS:
            is_over = spent * 100 >= limit * percent or (percent == 100 and more > 0 and spent + more > limit)
            if is_over and (kind, percent) not in ledger.marked:
                marks.append(BudgetMark(budget=kind, percent=percent, used=shown(spent), limit=shown(limit)))
    return tuple(marks)


def _decimal(whole: int | None) -> Decimal | None:
    return None if whole is None else Decimal(whole)
