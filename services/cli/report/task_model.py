"""What the report of a task in plain language or of a replay shows, as plain immutable values. Points are pixels of the
screen that they are on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from services.cli.report.model import CrashView, Picture

Tone = Literal["good", "bad", "warn", "plain"]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that belongs to a step beside its result: a person's answer, a note, a call, a guard, a failure."""

    heading: str
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class CardView:
    """A turn of the task, or a step of what is replayed: what was seen and touched, thought, done, and came of it.

    `verdict` is what became of the model's answer; none for steps that no model was asked about.
    """

    number: int
    label: str
    at: datetime
    words: str
    picture: Picture
    point: tuple[int, int] | None = None
    end: tuple[int, int] | None = None
    screen: str = ""
    verdict: str | None = None
    thinking: str = ""
    typed: str | None = None
    came: str = ""
    done: bool | None = None
    """Whether the phone did it; none where nothing was asked of the phone."""
    remarks: tuple[Remark, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)
    model_ms: int = 0
    attempts: int = 0
    phone_ms: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ScriptView:
    """The script that was recorded or repaired. `version`: none until its history has given it one."""

    script_id: UUID
    version: int | None
    name: str
    origin: str
    steps: tuple[str, ...]
    parameters: tuple[str, ...]
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskReport:
    """Everything that the page shows; drawing it needs nothing else."""

    run_id: UUID
    task_id: UUID
    kind: str
    name: str
    goal: str
    user: str
    package: str
    version: str
    serial: str
    phone: str
    status: str
    reason: str | None
    result: str
    started_at: datetime
    ended_at: datetime | None
    actions: int
    successful: int
    cards: tuple[CardView, ...]
    notes: tuple[tuple[str, str], ...] = ()
    """Where each was read, and what."""
    script: ScriptView | None = None
    replayed: str | None = None
    rules: tuple[str, ...] = ()
    crashes: tuple[CrashView, ...] = ()
    written_at: datetime | None = None

    @property
    def turns(self) -> int:
        return sum(card.verdict is not None for card in self.cards)

    @property
    def prompt_tokens(self) -> int:
        return sum(card.prompt_tokens for card in self.cards)

    @property
    def completion_tokens(self) -> int:
        return sum(card.completion_tokens for card in self.cards)

    @property
    def cost(self) -> Decimal:
        return sum((card.cost for card in self.cards), Decimal(0))

    @property
    def model_ms(self) -> int:
        return sum(card.model_ms for card in self.cards)

    @property
    def phone_ms(self) -> int:
        return sum(card.phone_ms for card in self.cards)
