"""Reactors: a trigger arrives, its aggregate is loaded, a pure function decides, the decision is appended.

A decision is retried until it is appended on top of everything that was there, so any number of replicas is correct
without locks; a trigger that comes again finds its own result and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from contracts.event import Event
from contracts.subjects import derived_id
from services.runtime.aggregate import Aggregate, Aggregates, Loaded
from services.runtime.clock import Clock
from services.runtime.log import Cause, ConflictError, Log, Recorded, UnknownOutcomeError, Write, derive_event_id
from services.runtime.telemetry import current_traceparent

S = TypeVar("S")
T = TypeVar("T")

_ATTEMPTS = 60
_BACKOFF_S = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Waits between attempts; the last one repeats. In sum about 26 s: longer than a stream takes to elect a leader."""


class GaveUpError(Exception):
    """The decision could not be appended for now. Infrastructure is away or busy: deliver the trigger again later."""


class LaterError(Exception):
    """The trigger cannot be decided yet. Deliver it again after `delay_s`; nothing is wrong."""

    def __init__(self, why: str, delay_s: float) -> None:
        super().__init__(why)
        self.delay_s = delay_s


@dataclass(frozen=True, slots=True)
class Trigger(Generic[T]):
    """What a reactor decides on: an event of the log, a fired timer, a request of a person."""

    id: UUID
    what: T
    time: datetime
    run_id: UUID | None = None
    traceparent: str | None = None
    seq: int = 0

    @staticmethod
    def of(recorded: Recorded[Event]) -> Trigger[Event]:
        return Trigger(recorded.id, recorded.event, recorded.time, recorded.run_id, recorded.traceparent, recorded.seq)


@dataclass(frozen=True, slots=True)
class Create:
    """A further aggregate that a decision brings into being, expecting that it does not exist.

    `shared`: anybody may have made it (an app version, a screen), then it is left out; otherwise the whole decision is
    void where it exists, because somebody has already decided.
    """

    events: tuple[Event, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Events of the leading aggregate, and further aggregates to create: all or nothing."""

    events: tuple[Event, ...] = ()
    creates: tuple[Create, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.events and not self.creates


NOTHING = Decision()


@dataclass(frozen=True)
class Reactor(Generic[S]):
    """A reactor as data. `triggers` says for each class of trigger which aggregate leads (None: not for us).

    `decide` is pure: it reads the state, the trigger and the time of the decision, nothing else. What else it needs of
    the world, `prepare` puts into the trigger, anew for each attempt, and the decision pins it in its events.
    """

    name: str
    aggregate: Aggregate[S]
    triggers: Mapping[type[Any], Callable[[Any], UUID | None]]
    decide: Callable[[S, Trigger[Any], datetime], Decision]
    prepare: Callable[[Trigger[Any]], Awaitable[Trigger[Any]]] | None = None


@dataclass
class Decider(Generic[S]):
    """Appends decisions about one kind of aggregate. `on_appended` is told what a decision has written and the state
    after it, once at most: for what may get lost, such as telemetry."""

    name: str
    aggregate: Aggregate[S]
    log: Log
    clock: Clock
    on_appended: Callable[[list[Recorded[Event]], S], None] | None = None
    states: Aggregates[S] = field(init=False)

    def __post_init__(self) -> None:
        self.states = Aggregates(self.aggregate, self.log)

    async def decide(
        self,
        key: UUID,
        trigger: Trigger[Any],
        choose: Callable[[S, Trigger[Any], datetime], Decision],
        *,
        step: str = "",
        prepare: Callable[[Trigger[Any]], Awaitable[Trigger[Any]]] | None = None,
        once: bool = True,
    ) -> list[Recorded[Event]]:
        """One decision under `key`, appended. Empty where it was taken before, or where there is nothing to do.

        `step` tells apart several decisions on one trigger (started, finished). An empty decision counts only on a
        state that comes from the stream's leader: a stale one must not eat a trigger. `once=False` is for what this
        process noticed itself and will never be delivered again: such a decision needs no receipt.
        Raises `GaveUpError`, and `LaterError` as `choose` does.
        """
        cause = Cause(trigger.id, self.name + step, trigger.run_id, current_traceparent() or trigger.traceparent)
        certain = False
        for attempt in range(_ATTEMPTS):
            try:
                loaded = await (self.states.refresh(key) if certain else self.states.get(key))
                if derive_event_id(cause, 0) in loaded.ids:
                    return []
                ready = trigger if prepare is None else await prepare(trigger)
                now = self.clock.now()
                decision = choose(loaded.state, ready, now)
                if not decision.empty:
                    return await self._append(key, loaded, decision, cause, now, once=once)
                if certain:
                    return []
                certain = True
            except ConflictError:
                certain = True
                if await self._decided_elsewhere(decision, cause):
                    self.states.forget(key)
                    return []
                await _back_off(attempt)
            except UnknownOutcomeError:
                certain = True
                await _back_off(attempt)
        raise GaveUpError(f"{self.name}{step}: {_ATTEMPTS} attempts on {key} met a conflict or no answer")

    async def decided(self, trigger: Trigger[Any], *, step: str = "") -> bool:
        """Whether the log has a decision of this decider, of a long-lived kind, on the trigger."""
        return await self.log.exists(self.aggregate.owner, _receipt_id(self.name + step, trigger.id))

    async def _append(
        self, key: UUID, loaded: Loaded[S], decision: Decision, cause: Cause, now: datetime, *, once: bool
    ) -> list[Recorded[Event]]:
        writes = [Write(self.aggregate.owner, key, loaded.seq, decision.events)] if decision.events else []
        for create in decision.creates:
            first = create.events[0]
            if not (create.shared and await self.log.exists(first.OWNER, first.key)):
                writes.append(Write(first.OWNER, first.key, 0, create.events))
        if once:
            writes += self._receipt(cause)
        appended = await self.log.append(writes, self._at_step(cause, key, loaded), now)
        after = self.states.advance(key, loaded, appended[: len(decision.events)])
        if self.on_appended is not None:
            self.on_appended(appended, after.state)
        if self.states.snapshot_due(loaded, after):
            await self._snapshot(key, after, cause, now)
        return appended

    def _at_step(self, cause: Cause, key: UUID, loaded: Loaded[S]) -> Cause:
        """A run's key is its id: what somebody asked of it, or a timer, belongs to the step at which it is."""
        step_of = self.aggregate.step_of
        return cause if step_of is None else replace(cause, run_id=key, step=step_of(loaded.state))

    def _receipt(self, cause: Cause) -> Sequence[Write]:
        long_lived = self.aggregate.long_lived
        if long_lived is None:
            return ()
        receipt_id = _receipt_id(cause.decider, cause.id)
        receipt = long_lived.receipt(receipt_id=receipt_id, reactor=cause.decider, trigger_id=cause.id)
        return (Write(self.aggregate.owner, receipt_id, 0, (receipt,)),)

    async def _snapshot(self, key: UUID, state: Loaded[S], cause: Cause, now: datetime) -> None:
        """A snapshot saves time only: where somebody was faster, the next one will do."""
        write = Write(self.aggregate.owner, key, state.seq, self.states.snapshot(key, state))
        try:
            appended = await self.log.append([write], cause.at_step(".snapshot"), now)
        except (ConflictError, UnknownOutcomeError):
            self.states.forget(key)
        else:
            self.states.advance(key, state, appended)

    async def _decided_elsewhere(self, decision: Decision, cause: Cause) -> bool:
        """Whether something that this decision wants to create, its receipt included, is there already."""
        wanted = [create.events[0] for create in decision.creates if not create.shared]
        keys = [(event.OWNER, event.key) for event in wanted]
        keys += [(write.owner, write.key) for write in self._receipt(cause)]
        for owner, key in keys:
            if await self.log.exists(owner, key):
                return True
        return False


def _receipt_id(decider: str, trigger_id: UUID) -> UUID:
    return derived_id("receipt", decider, trigger_id)


async def _back_off(attempt: int) -> None:
    await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
