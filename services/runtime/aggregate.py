"""Aggregates: the events of one owner under one key, folded into a state by a pure function.

`Aggregates` keeps the states of one kind in memory and brings them up to date from the log. A long-lived kind has
snapshots, so that loading it costs its tail only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.subjects import NO_ROUTE
from services.runtime.log import Log, Recorded

S = TypeVar("S")

_SNAPSHOT_PART_CHARS = 60_000
"""Parts of a snapshot stay well below the size limit of an event, whatever their characters take in UTF-8."""


class StateCodec(Protocol[S]):
    """How a state of a long-lived aggregate becomes text and back."""

    def dump(self, state: S) -> str: ...

    def load(self, text: str) -> S: ...


@dataclass(frozen=True)
class LongLived(Generic[S]):
    """What an aggregate that is never finished needs: snapshots every `every` events, and receipts of its triggers."""

    codec: StateCodec[S]
    snapshot: type[SnapshotEvent]
    receipt: type[ReceiptEvent]
    every: int = 200


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """A kind of aggregate: who owns it, how it begins, how an event changes it. `step_of` tells of one that is a run at
    which step it is, so that what is decided on it gets into the trace of that step."""

    name: str
    owner: str
    initial: Callable[[], S]
    evolve: Callable[[S, Recorded[Event]], S]
    long_lived: LongLived[S] | None = None
    step_of: Callable[[S], int] | None = None


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """A state as of sequence `seq`. `ids` are the events of a short-lived aggregate; the set is shared with later
    states of the same aggregate, so that a long run does not copy it at each step."""

    state: S
    seq: int = 0
    events: int = 0
    ids: set[UUID] = field(default_factory=set)


class Aggregates(Generic[S]):
    """States of one kind, by key; at most `limit` are kept in memory."""

    def __init__(self, kind: Aggregate[S], log: Log, *, limit: int = 1000) -> None:
        self.kind = kind
        self._log = log
        self._limit = limit
        self._loaded: OrderedDict[UUID, Loaded[S]] = OrderedDict()

    async def get(self, key: UUID) -> Loaded[S]:
        """The state as far as this process knows it; a key that it does not know is loaded."""
        if (known := self._loaded.get(key)) is not None:
            self._loaded.move_to_end(key)
            return known
        return self._remember(key, await self._load(key))

    async def refresh(self, key: UUID) -> Loaded[S]:
        """The state with everything that the stream's leader has acknowledged."""
        known = await self.get(key)
        tail = await self._log.read(self.kind.owner, key, after=known.seq, from_leader=True)
        return self._remember(key, self._fold(known, tail))

    def advance(self, key: UUID, known: Loaded[S], appended: list[Recorded[Event]]) -> Loaded[S]:
        """Folds in what this process has just appended on top of `known`."""
        return self._remember(key, self._fold(known, appended)) if appended else known

    def forget(self, key: UUID) -> None:
        self._loaded.pop(key, None)

    def snapshot_due(self, before: Loaded[S], after: Loaded[S]) -> bool:
        long_lived = self.kind.long_lived
        return long_lived is not None and before.events // long_lived.every < after.events // long_lived.every

    def snapshot(self, key: UUID, loaded: Loaded[S]) -> tuple[SnapshotEvent, ...]:
        """The state as snapshot events, to be appended like any other."""
        long_lived = self.kind.long_lived
        assert long_lived is not None
        text = long_lived.codec.dump(loaded.state)
        parts = [text[i : i + _SNAPSHOT_PART_CHARS] for i in range(0, len(text), _SNAPSHOT_PART_CHARS)] or [""]
        return tuple(
            long_lived.snapshot(
                aggregate_key=key,
                aggregate=self.kind.name,
                events=loaded.events,
                part=number,
                parts=len(parts),
                state=part,
            )
            for number, part in enumerate(parts)
        )

    async def _load(self, key: UUID) -> Loaded[S]:
        start: Loaded[S] = Loaded(self.kind.initial())
        if self.kind.long_lived is not None:
            start = await self._from_snapshot(key, self.kind.long_lived) or start
        return self._fold(start, await self._log.read(self.kind.owner, key, after=start.seq))

    async def _from_snapshot(self, key: UUID, long_lived: LongLived[S]) -> Loaded[S] | None:
        subject = f"waymark.{self.kind.owner}.{long_lived.snapshot.NAME}.{key}.{NO_ROUTE}"
        last = await self._log.last(subject)
        if last is None or not isinstance(last.event, SnapshotEvent):
            return None
        text = last.event.state
        for seq in range(last.seq - 1, last.seq - last.event.parts, -1):  # One batch, so the parts lie side by side.
            part = await self._log.at(seq)
            assert part is not None
            assert isinstance(part.event, SnapshotEvent)
            text = part.event.state + text
        return Loaded(long_lived.codec.load(text), last.seq, last.event.events)

    def _fold(self, loaded: Loaded[S], tail: list[Recorded[Event]]) -> Loaded[S]:
        state, seq, events = loaded.state, loaded.seq, loaded.events
        for recorded in tail:
            seq = recorded.seq
            if isinstance(recorded.event, SnapshotEvent):
                continue
            state = self.kind.evolve(state, recorded)
            events += 1
            if self.kind.long_lived is None:
                loaded.ids.add(recorded.id)
        return Loaded(state, seq, events, loaded.ids)

    def _remember(self, key: UUID, loaded: Loaded[S]) -> Loaded[S]:
        self._loaded[key] = loaded
        self._loaded.move_to_end(key)
        while len(self._loaded) > self._limit:
            self._loaded.popitem(last=False)
        return loaded
