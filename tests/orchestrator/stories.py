"""Given events, when a trigger comes, then events: decisions told as stories, without a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from contracts.event import Event
from contracts.subjects import NAMESPACE
from services.runtime.aggregate import Aggregate
from services.runtime.log import Recorded
from services.runtime.reactor import Decision, LaterError, Trigger

S = TypeVar("S")
E = TypeVar("E", bound=Event)

BEGIN = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@dataclass
class Story(Generic[S]):
    """One aggregate and the triggers that reach it. A trigger that had its effect is not decided on again, as in the
    runtime. `later` holds those that asked to come again."""

    aggregate: Aggregate[S]
    decide: Callable[[S, Trigger[Any], datetime], Decision]
    now: datetime = BEGIN
    events: list[Event] = field(default_factory=list)
    created: list[Event] = field(default_factory=list)
    records: list[Recorded[Event]] = field(default_factory=list)
    """What the log would hold of the aggregate."""
    later: list[Trigger[Any]] = field(default_factory=list)
    state: S = field(init=False)
    _decided: set[UUID] = field(default_factory=set)
    _seq: int = 0

    def __post_init__(self) -> None:
        self.state = self.aggregate.initial()

    def given(self, *events: Event) -> Story[S]:
        for event in events:
            self._fold(event, None)
        return self

    def when(self, what: Any, *, after_s: float = 1.0, trigger_id: UUID | None = None) -> list[Event]:
        """Lets time pass, then delivers. The events that were appended, those of other aggregates included."""
        self.now += timedelta(seconds=after_s)
        self._seq += 1
        return self.deliver(Trigger(trigger_id or uuid5(NAMESPACE, f"trigger {self._seq}"), what, self.now))

    def deliver(self, trigger: Trigger[Any]) -> list[Event]:
        if trigger.id in self._decided:
            return []
        try:
            decision = self.decide(self.state, trigger, self.now)
        except LaterError:
            self.later.append(trigger)
            return []
        created = [event for create in decision.creates for event in create.events]
        if decision.empty:
            return []
        self._decided.add(trigger.id)
        for event in decision.events:
            self._fold(event, trigger.id)
        self.created += created
        return [*decision.events, *created]

    def again(self, after_s: float = 1.0) -> list[Event]:
        """Delivers what asked to come again."""
        self.now += timedelta(seconds=after_s)
        waiting, self.later = self.later, []
        return [event for trigger in waiting for event in self.deliver(trigger)]

    def last(self, kind: type[E]) -> E:
        return next(event for event in reversed([*self.events, *self.created]) if isinstance(event, kind))

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in (*self.events, *self.created) if isinstance(event, kind)]

    def _fold(self, event: Event, cause: UUID | None) -> None:
        self.events.append(event)
        self.records.append(recorded(event, len(self.events), self.now, cause))
        self.state = self.aggregate.evolve(self.state, self.records[-1])


def recorded(event: Event, seq: int = 1, time: datetime = BEGIN, cause: UUID | None = None) -> Recorded[Event]:
    event_id = uuid5(NAMESPACE, f"{event.type_name()} {event.key} {seq}")
    return Recorded(seq, event_id, time, cause, getattr(event, "run_id", None), None, event)


def names(events: list[Event]) -> list[str]:
    return [event.NAME for event in events]
