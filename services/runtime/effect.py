"""Effects: asked, started, finished. The start is in the log before the world is touched, the end after it.

Only one start of an effect can be in the log, and only one end; what the world itself guarantees (the fence on the
phone, an idempotency id of a channel) is up to `perform`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.runtime.aggregate import Aggregate
from services.runtime.reactor import Decider, Decision, Trigger

S = TypeVar("S")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Effect(Generic[S, Out]):
    """An effect as data.

    `begin` appends that it starts; it raises `LaterError` while another instance may still be at it. `pending` says
    whether, on this state, something remains to be performed. `perform` touches the world: `fresh` is true where this
    call has just appended the start, false where an earlier attempt did and its outcome must be found out. `finish`
    appends what came of it.
    """

    name: str
    aggregate: Aggregate[S]
    triggers: Mapping[type[Any], Callable[[Any], UUID | None]]
    begin: Callable[[S, Trigger[Any], datetime], Decision]
    pending: Callable[[S, Trigger[Any]], bool]
    perform: Callable[[S, Trigger[Any], bool], Awaitable[Out]]
    finish: Callable[[S, Trigger[Any], datetime, Out], Decision]


@dataclass
class Performer(Generic[S, Out]):
    """Runs one kind of effect."""

    effect: Effect[S, Out]
    decider: Decider[S]

    async def handle(self, key: UUID, trigger: Trigger[Any], *, part: str = "") -> None:
        """Start, act, end. A trigger that comes again goes on where the log says it stopped. `part` tells apart several
        effects of one trigger, so that each has events of its own."""
        started = await self.decider.decide(key, trigger, self.effect.begin, step=f"{part}.begin")
        states = self.decider.states
        loaded = await (states.get(key) if started else states.refresh(key))
        if not self.effect.pending(loaded.state, trigger):
            return
        if not started:  # Whoever has started it may still be at it: `begin` raises `LaterError` then.
            self.effect.begin(loaded.state, trigger, self.decider.clock.now())
        outcome = await self.effect.perform(loaded.state, trigger, bool(started))

        def finish(state: S, again: Trigger[Any], now: datetime) -> Decision:
            return self.effect.finish(state, again, now, outcome)

        await self.decider.decide(key, trigger, finish, step=f"{part}.finish")
