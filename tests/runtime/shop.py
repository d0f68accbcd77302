"""A small shop, complete enough to crash: a request becomes an order, the order is booked in a long-lived ledger that
asks for a job, the job touches the world, its end closes the order; a timer reminds; tables show it all.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.sealed import Sealed
from contracts.subjects import REQUESTS, STREAM, TIMERS, derived_id, event_filter
from contracts.topology import Durable
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.effect import Effect
from services.runtime.handlers import RawRequest
from services.runtime.log import Recorded
from services.runtime.projection import Projection, Row, Statement, upsert
from services.runtime.reactor import NOTHING, Create, Decision, LaterError, Reactor, Trigger
from services.runtime.timers import TimerFired

OWNER = "shop"
REMIND_AFTER_S = 0.1
LONGEST_JOB_S = 0.5
_ACK_WAIT_S = 0.4


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class Placed(Event, owner=OWNER, key="order_id", route="scope", deadline="remind_at"):
    order_id: UUID
    scope: UUID
    note: Sealed[str]
    remind_at: datetime


class Reminded(Event, owner=OWNER, key="order_id", route="scope"):
    order_id: UUID
    scope: UUID


class Closed(Event, owner=OWNER, key="order_id", route="scope"):
    order_id: UUID
    scope: UUID
    result: str


class Booked(Event, owner=OWNER, key="ledger_id", route="scope"):
    ledger_id: UUID
    scope: UUID
    order_id: UUID
    number: int


class Settled(Event, owner=OWNER, key="ledger_id", route="scope"):
    ledger_id: UUID
    scope: UUID
    order_id: UUID


class CustomerSeen(Event, owner=OWNER, key="customer_id", route="scope"):
    customer_id: UUID
    scope: UUID


class JobAsked(Event, owner=OWNER, key="job_id", route="scope"):
    job_id: UUID
    scope: UUID
    order_id: UUID


class JobStarted(Event, owner=OWNER, key="job_id", route="scope"):
    job_id: UUID
    scope: UUID
    instance: str
    deadline_at: datetime


class JobFinished(Event, owner=OWNER, key="job_id", route="scope"):
    job_id: UUID
    scope: UUID
    order_id: UUID
    result: str


# --- aggregates -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    scope: UUID | None = None
    reminded: bool = False
    closed: bool = False


def evolve_order(order: Order, recorded: Recorded[Event]) -> Order:
    match recorded.event:
        case Placed() as placed:
            return replace(order, scope=placed.scope)
        case Reminded():
            return replace(order, reminded=True)
        case Closed():
            return replace(order, closed=True)
        case _:
            return order


@dataclass(frozen=True)
class Ledger:
    orders: tuple[str, ...] = ()


def evolve_ledger(ledger: Ledger, recorded: Recorded[Event]) -> Ledger:
    match recorded.event:
        case Booked() as booked:
            assert booked.number == len(ledger.orders) + 1
            return Ledger((*ledger.orders, str(booked.order_id)))
        case _:
            return ledger


class LedgerCodec:
    def dump(self, state: Ledger) -> str:
        return json.dumps(state.orders)

    def load(self, text: str) -> Ledger:
        return Ledger(tuple(json.loads(text)))


@dataclass(frozen=True)
class Job:
    started: JobStarted | None = None
    finished: bool = False


def evolve_job(job: Job, recorded: Recorded[Event]) -> Job:
    match recorded.event:
        case JobStarted() as started:
            return replace(job, started=started)
        case JobFinished():
            return replace(job, finished=True)
        case _:
            return job


ORDER = Aggregate[Order]("order", OWNER, Order, evolve_order)
LEDGER = Aggregate[Ledger]("ledger", OWNER, Ledger, evolve_ledger, LongLived(LedgerCodec(), Snapshot, Receipt, every=2))
JOB = Aggregate[Job]("job", OWNER, Job, evolve_job)


# --- decisions --------------------------------------------------------------------------------------------------------


def order_of(scope: UUID, number: int) -> UUID:
    return derived_id("order", scope, number)


def _requested(request: RawRequest) -> tuple[UUID, UUID]:
    scope = UUID(request.user)
    return scope, order_of(scope, json.loads(request.body)["order"])


def place(order: Order, trigger: Trigger[RawRequest], now: datetime) -> Decision:
    if order.scope is not None:
        return NOTHING
    scope, order_id = _requested(trigger.what)
    remind_at = now + timedelta(seconds=REMIND_AFTER_S)
    return Decision((Placed(order_id=order_id, scope=scope, note=Sealed.of("送到门口"), remind_at=remind_at),))


def book(ledger: Ledger, trigger: Trigger[Placed], _now: datetime) -> Decision:
    placed = trigger.what
    booked = Booked(
        ledger_id=ledger_of(placed.scope), scope=placed.scope, order_id=placed.order_id, number=len(ledger.orders) + 1
    )
    job = JobAsked(job_id=derived_id("job", placed.order_id), scope=placed.scope, order_id=placed.order_id)
    customer = CustomerSeen(customer_id=derived_id("customer", placed.scope), scope=placed.scope)
    return Decision((booked,), (Create((job,)), Create((customer,), shared=True)))


def ledger_of(scope: UUID) -> UUID:
    return derived_id("ledger", scope)


def settle(_ledger: Ledger, trigger: Trigger[JobFinished], _now: datetime) -> Decision:
    """Does not look whether it was done before: that is what receipts are for."""
    done = trigger.what
    return Decision((Settled(ledger_id=ledger_of(done.scope), scope=done.scope, order_id=done.order_id),))


def close(order: Order, trigger: Trigger[JobFinished], _now: datetime) -> Decision:
    done = trigger.what
    return (
        NOTHING if order.closed else Decision((Closed(order_id=done.order_id, scope=done.scope, result=done.result),))
    )


def remind(order: Order, trigger: Trigger[TimerFired], now: datetime) -> Decision:
    assert now >= trigger.what.due_at, "a timer fired early"
    if order.scope is None or order.reminded:
        return NOTHING
    return Decision((Reminded(order_id=trigger.what.key, scope=order.scope),))


INTAKE = Reactor("shop-intake", ORDER, {RawRequest: lambda request: _requested(request)[1]}, place)
BOOKING = Reactor("shop-booking", LEDGER, {Placed: lambda placed: ledger_of(placed.scope)}, book)
SETTLING = Reactor("shop-settling", LEDGER, {JobFinished: lambda done: ledger_of(done.scope)}, settle)
CLOSING = Reactor("shop-closing", ORDER, {JobFinished: lambda done: done.order_id}, close)
REMINDING = Reactor("shop-reminding", ORDER, {TimerFired: lambda fired: fired.key}, remind)


# --- the effect -------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """What jobs touch. Like a phone, it has a fence: a job that it has seen is refused."""

    touches: list[UUID] = field(default_factory=list)
    refused: int = 0
    _fence: set[UUID] = field(default_factory=set)

    def touch(self, job_id: UUID) -> str:
        if job_id in self._fence:
            self.refused += 1
        else:
            self._fence.add(job_id)
            self.touches.append(job_id)
        return "made"


Touch = Callable[[UUID], Awaitable[str]]


def work(instance: str, touch: Touch) -> Effect[Job, str]:
    def begin(job: Job, trigger: Trigger[JobAsked], now: datetime) -> Decision:
        if job.finished:
            return NOTHING
        if job.started is not None:
            if job.started.instance != instance and now < job.started.deadline_at:
                raise LaterError("another is at it", 0.1)
            return NOTHING
        deadline_at = now + timedelta(seconds=LONGEST_JOB_S)
        asked = trigger.what
        return Decision(
            (JobStarted(job_id=asked.job_id, scope=asked.scope, instance=instance, deadline_at=deadline_at),)
        )

    async def perform(_job: Job, trigger: Trigger[JobAsked], _fresh: bool) -> str:
        return await touch(trigger.what.job_id)

    def finish(job: Job, trigger: Trigger[JobAsked], _now: datetime, result: str) -> Decision:
        if job.finished:
            return NOTHING
        asked = trigger.what
        done = JobFinished(job_id=asked.job_id, scope=asked.scope, order_id=asked.order_id, result=result)
        return Decision((done,))

    return Effect(
        name="shop-work",
        aggregate=JOB,
        triggers={JobAsked: lambda asked: asked.job_id},
        begin=begin,
        pending=lambda job, _trigger: job.started is not None and not job.finished,
        perform=perform,
        finish=finish,
    )


# --- who reads what, and the tables -----------------------------------------------------------------------------------


def durables(scope: UUID, orders: int) -> dict[str, Durable]:
    """Durables of one shop by what they feed."""
    due = tuple(f"waymark.timer.due.{OWNER}.{order_of(scope, number)}.*" for number in range(orders))
    filters: dict[str, tuple[str, tuple[str, ...]]] = {
        "intake": (REQUESTS, (f"waymark.request.shop.{scope}",)),
        "booking": (STREAM, (event_filter(Placed, route=scope),)),
        "deadlines": (STREAM, (event_filter(Placed, route=scope),)),
        "work": (STREAM, (event_filter(JobAsked, route=scope),)),
        "settling": (STREAM, (event_filter(JobFinished, route=scope),)),
        "closing": (STREAM, (event_filter(JobFinished, route=scope),)),
        "reminding": (TIMERS, due),
    }
    return {
        name: Durable(f"shop-{name}-{scope}", stream, subjects, ack_wait_s=_ACK_WAIT_S)
        for name, (stream, subjects) in filters.items()
    }


TABLES = """
CREATE TABLE orders (order_id uuid PRIMARY KEY, status text NOT NULL, reminded boolean NOT NULL, result text);
CREATE TABLE bookings (number integer PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders DEFERRABLE);
CREATE TABLE settlements (seq bigint PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders DEFERRABLE);
CREATE TABLE jobs (job_id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders DEFERRABLE, status text NOT NULL);
"""
_ORDER = upsert("orders", ("order_id", "status", "reminded"), ("order_id",))
_CLOSE = Statement("UPDATE orders SET status = 'CLOSED', result = $2 WHERE order_id = $1", "orders")
_REMIND = Statement("UPDATE orders SET reminded = true WHERE order_id = $1", "orders")
_BOOK = upsert("bookings", ("number", "order_id"), ("number",))
_SETTLE = upsert("settlements", ("seq", "order_id"), ("seq",))
_JOB = upsert("jobs", ("job_id", "order_id", "status"), ("job_id",), ("status",))
_START = Statement("UPDATE jobs SET status = 'STARTED' WHERE job_id = $1", "jobs")


def projection(scope: UUID, schema: str) -> Projection:
    """The tables of one shop; events of the others pass by."""

    def project(recorded: Recorded[Event]) -> Iterable[Row]:
        event: Any = recorded.event
        if event.scope != scope:
            return
        match event:
            case Placed():
                yield Row(_ORDER, (event.order_id, "PLACED", False))
            case Booked():
                yield Row(_BOOK, (event.number, event.order_id))
            case Settled():
                yield Row(_SETTLE, (recorded.seq, event.order_id))
            case JobAsked():
                yield Row(_JOB, (event.job_id, event.order_id, "ASKED"))
            case JobStarted():
                yield Row(_START, (event.job_id,))
            case JobFinished():
                yield Row(_JOB, (event.job_id, event.order_id, "FINISHED"))
            case Closed():
                yield Row(_CLOSE, (event.order_id, event.result))
            case Reminded():
                yield Row(_REMIND, (event.order_id,))

    return Projection(
        schema, schema, (Placed, Booked, Settled, JobAsked, JobStarted, JobFinished, Closed, Reminded), project
    )
