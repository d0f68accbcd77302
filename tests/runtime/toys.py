"""A toy owner: events, aggregates and deciders that the runtime's tests play with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from nats.js import JetStreamContext
from pydantic import BaseModel

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.sealed import Sealed
from contracts.subjects import STREAM, aggregate_filter, event_subject
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.clock import SystemClock
from services.runtime.log import Cause, Log, Recorded, Write
from services.runtime.reactor import Create, Decision, Trigger

OWNER = "toy"
NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, UTC)


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class Added(Event, owner=OWNER, key="sum_id", route="scope"):
    """`amount` was added to a sum. `scope` keeps the events of one test apart."""

    sum_id: UUID
    amount: int
    scope: UUID | None = None
    text: str = ""


class Opened(Event, owner=OWNER, key="other_id"):
    """Another aggregate came into being."""

    other_id: UUID
    by: str = ""


class Words(BaseModel):
    inner: Sealed[str]


class Whispered(Event, owner=OWNER, key="sum_id"):
    """Something secret; `words` holds it one level down."""

    sum_id: UUID
    secret: Sealed[str]
    words: Words
    run_id: UUID | None = None


class Promised(Event, owner=OWNER, key="sum_id", route="scope", deadline="until"):
    """Something has to happen at `until`."""

    sum_id: UUID
    until: datetime | None
    scope: UUID | None = None


class Stepped(Event, owner=OWNER, key="run_id", route="scope"):
    """A run took a step."""

    run_id: UUID
    sequence: int
    scope: UUID | None = None


class Answered(Event, owner=OWNER, key="answer_id"):
    """Something in a run that tells no step."""

    answer_id: UUID
    run_id: UUID


@dataclass(frozen=True)
class Sum:
    """What was added, in order."""

    total: int = 0
    amounts: tuple[int, ...] = ()
    text: str = ""


def evolve(state: Sum, recorded: Recorded[Event]) -> Sum:
    match recorded.event:
        case Added() as added:
            return Sum(state.total + added.amount, (*state.amounts, added.amount), state.text + added.text)
        case _:
            return state


class SumCodec:
    def dump(self, state: Sum) -> str:
        return json.dumps([state.total, state.amounts, state.text], ensure_ascii=False)

    def load(self, text: str) -> Sum:
        total, amounts, words = json.loads(text)
        return Sum(total, tuple(amounts), words)


SHORT = Aggregate[Sum]("sum", OWNER, Sum, evolve)


def long_lived(every: int = 5) -> Aggregate[Sum]:
    return Aggregate[Sum]("long sum", OWNER, Sum, evolve, LongLived(SumCodec(), Snapshot, Receipt, every))


@dataclass(frozen=True)
class Ask:
    """A trigger: add this to the sum."""

    amount: int
    creates: tuple[Create, ...] = ()
    context: Any = None


def ask(amount: int = 1, *creates: Create) -> Trigger[Ask]:
    return Trigger(uuid4(), Ask(amount, creates), NOW)


def add(key: UUID) -> Any:
    """The decision that an `Ask` calls for."""

    def choose(_state: Sum, trigger: Trigger[Ask], _now: datetime) -> Decision:
        return Decision((Added(sum_id=key, amount=trigger.what.amount),), trigger.what.creates)

    return choose


def cause(name: str = "test") -> Cause:
    return Cause(uuid4(), name, None, None)


def added(key: UUID, *amounts: int, after: int = 0) -> Write:
    return Write(OWNER, key, after, tuple(Added(sum_id=key, amount=amount) for amount in amounts))


async def amounts(log: Log, key: UUID) -> list[int]:
    return [r.event.amount for r in await log.read(OWNER, key, from_leader=True) if isinstance(r.event, Added)]


async def publish_raw(js: JetStreamContext, event: Event, change: dict[str, Any]) -> int:
    """An event with other fields in its envelope than a writer of today would give it; its sequence."""
    from contracts.envelope import Envelope

    envelope = Envelope.wrap(event, event_id=uuid4(), time=NOW, causation_id=None, run_id=None, traceparent=None)
    body = json.dumps(envelope.model_dump(mode="json") | change).encode()
    return (await js.publish(event_subject(event), body, stream=STREAM)).seq


async def publish_future(js: JetStreamContext, event: Event) -> int:
    """An event of a version that nobody knows yet."""
    return await publish_raw(js, event, {"type": f"waymark.toy.{type(event).NAME}.v99"})


@dataclass
class MovingClock(SystemClock):
    """A clock that is set by hand."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at


def everything_of(key: UUID) -> str:
    return aggregate_filter(OWNER, key)


class Listed(Event, owner=OWNER, key="item_id"):
    """An item for the tests of projections. `parent_id` names another item that must have a row."""

    item_id: UUID
    name: str = ""
    parent_id: UUID | None = None
    secret: Sealed[str] | None = None


class Setting(Event, owner=OWNER, key="setting_id"):
    """For the tests of views."""

    setting_id: UUID
    value: int
