"""A crash before and after every append, effect, acknowledgement, commit and timer changes nothing of what comes out.

A shop runs once undisturbed, and its points are counted; then it runs anew for each of them, is killed there, and is
started again. Whatever happened, the same events, rows and touches of the world must be there, each once; and handling
everything again from the beginning must add nothing.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from nats.js import JetStreamContext

from contracts.subjects import REQUESTS, STREAM, derived_id
from services.runtime import catch_up, consumer, migrations
from services.runtime.provision import provision_durable
from services.runtime.tables import connect
from tests.runtime import shop
from tests.runtime.conftest import until
from tests.runtime.crashing import Plan, Point, Process, tasks_known_by_process

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    # A task that is killed before its first step leaves a coroutine that nobody will await.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
]

AT_ONCE = 8
PAIRS = 8
SCHEDULES = 4
SEED = 20261123
LIMIT_S = 30.0
_FOUNDATION = "\n".join(path.read_text() for path in sorted(migrations.FOUNDATION.glob("*.sql")))


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up, "_RETRY_S", 0.05)
    monkeypatch.setattr(consumer, "_DELAYS_S", (0.05, 0.1, 0.2))


@pytest.fixture(autouse=True)
def remains() -> Iterator[None]:
    """What the killed left behind goes now, and not in the middle of something else."""
    yield
    gc.collect()


@dataclass(frozen=True)
class Outcome:
    """What there is in the end, told without the ids of the one shop."""

    events: Counter[tuple[str, str]]
    rows: tuple[tuple[Any, ...], ...]
    touches: Counter[str]


@dataclass
class Shop:
    """One shop: durables, tables and a world of its own, on servers that all share."""

    js: JetStreamContext
    url: str
    dsn: str
    scope: UUID
    plan: Plan
    world: shop.World
    orders: int

    def __post_init__(self) -> None:
        self.schema = f"shop_{self.scope.hex[:16]}"
        self.durables = shop.durables(self.scope, self.orders)
        self.connection: asyncpg.Connection

    @classmethod
    @asynccontextmanager
    async def opened(cls, trial: Enumeration, plan: Plan) -> AsyncIterator[Shop]:
        js, dsn = trial.js, trial.dsn
        made = cls(js, trial.url, dsn, uuid4(), plan, shop.World(), trial.orders)
        made.connection = await connect(dsn, made.schema)
        try:
            await made._provision()
            yield made
        finally:
            await made.connection.close()
        for durable in made.durables.values():
            await js.delete_consumer(durable.stream, durable.name)

    async def _provision(self) -> None:
        for durable in self.durables.values():
            await provision_durable(self.js, durable)
        begin = (await self.js.stream_info(STREAM)).state.last_seq
        await self.connection.execute(f"CREATE SCHEMA {self.schema}")
        await self.connection.execute(_FOUNDATION + shop.TABLES)
        await self.connection.execute("INSERT INTO checkpoint VALUES ($1, $2, now())", self.schema, begin)

    async def request(self) -> None:
        for number in range(self.orders):
            body = json.dumps({"order": number}).encode()
            await self.js.publish(f"waymark.request.shop.{self.scope}", body, stream=REQUESTS)

    def process(self, instance: str = "one") -> Process:
        projection = shop.projection(self.scope, self.schema)
        process = Process(self.url, self.dsn, self.durables, projection, self.plan, self.world, instance)
        process.start()
        return process

    async def run(self) -> None:
        """Until nothing is left to do, with a new life after each death."""
        deadline_s = time.monotonic() + LIMIT_S
        process = self.process()
        try:
            while not await self.settled():
                assert time.monotonic() < deadline_s, f"{self.plan.crashes}: {await self.events()}"
                if process.dead.is_set():
                    await process.kill()
                    process = self.process()
                await asyncio.sleep(0.05)
        finally:
            await process.kill()

    async def replay(self) -> None:
        """Everything again from the beginning, by a process that remembers nothing."""
        for durable in self.durables.values():
            await self.js.reset_consumer(durable.stream, durable.name, seq=1)
        process = self.process()
        try:
            await until(self.idle, "everything being handled again", LIMIT_S)
        finally:
            await process.kill()

    async def settled(self) -> bool:
        if sum((await self.subjects()).values()) < events_of(self.orders):
            return False
        return await self.idle() and await self._projected()

    async def idle(self) -> bool:
        for durable in self.durables.values():
            info = await self.js.consumer_info(durable.stream, durable.name)
            if info.num_pending or info.num_ack_pending:
                return False
        return True

    async def _projected(self) -> bool:
        done = await self.connection.fetchval("SELECT count(*) FROM orders WHERE reminded AND status = 'CLOSED'")
        settled = await self.connection.fetchval("SELECT count(*) FROM settlements")
        parked = await self.connection.fetchval("SELECT count(*) FROM parked_events")
        assert not parked
        return bool(done == settled == self.orders)

    async def subjects(self) -> dict[str, int]:
        """The shop's events, counted by subject."""
        info = await self.js.stream_info(STREAM, subjects_filter=f"waymark.{shop.OWNER}.*.*.{self.scope}")
        return info.state.subjects or {}

    async def events(self) -> Counter[tuple[str, str]]:
        counted: dict[tuple[str, str], int] = {}
        for subject, count in (await self.subjects()).items():
            _, _, name, key, _ = subject.split(".")
            counted[name, self._name(UUID(key))] = count
        return Counter(counted)

    async def outcome(self) -> Outcome:
        orders = await self.connection.fetch("SELECT order_id, status, reminded, result FROM orders")
        jobs = await self.connection.fetch("SELECT job_id, order_id, status FROM jobs")
        bookings = await self.connection.fetch("SELECT number, order_id FROM bookings ORDER BY number")
        settled = await self.connection.fetch("SELECT order_id FROM settlements")
        # Which order is booked first is chance; that each is, and that the numbers have no gap, is not.
        booked = sorted(self._name(row["order_id"]) for row in bookings)
        rows = sorted(tuple(self._name(value) for value in row) for row in (*orders, *jobs, *settled))
        numbers = tuple(row["number"] for row in bookings)
        touches = Counter(self._name(job_id) for job_id in self.world.touches)
        return Outcome(await self.events(), (*rows, numbers, tuple(booked)), touches)

    def _name(self, value: Any) -> Any:
        if not isinstance(value, UUID):
            return value
        names = {shop.ledger_of(self.scope): "ledger", derived_id("customer", self.scope): "customer"}
        for number in range(self.orders):
            order_id = shop.order_of(self.scope, number)
            names |= {order_id: f"order {number}", derived_id("job", order_id): f"job {number}"}
        return names[value]


def events_of(orders: int) -> int:
    """Placed, Booked, Settled, JobAsked, JobStarted, JobFinished, Closed, Reminded for each, and one customer."""
    return 8 * orders + 1


@dataclass
class Enumeration:
    js: JetStreamContext
    url: str
    dsn: str
    orders: int

    async def undisturbed(self) -> tuple[Outcome, list[Point]]:
        plan = Plan()
        async with Shop.opened(self, plan) as one:
            await one.request()
            await one.run()
            outcome, points = await one.outcome(), list(plan.history)
            await self._assert_replay_adds_nothing(one, outcome)
        assert sum(outcome.events.values()) == events_of(self.orders)
        assert outcome.touches == {f"job {number}": 1 for number in range(self.orders)}
        return outcome, points

    async def with_crashes(self, expected: Outcome, crashes: Sequence[Point]) -> set[Point]:
        """The crashes that happened."""
        plan = Plan(frozenset(crashes))
        async with Shop.opened(self, plan) as one:
            await one.request()
            await one.run()
            assert await one.outcome() == expected, f"after a crash at {crashes}"
            await self._assert_replay_adds_nothing(one, expected)
        return plan.happened

    async def _assert_replay_adds_nothing(self, one: Shop, expected: Outcome) -> None:
        await one.replay()
        assert await one.outcome() == expected, f"handled again after a crash at {one.plan.crashes}"


_APPENDS = ("Placed", "Booked", "Settled", "JobStarted", "JobFinished", "Closed", "Reminded", "Snapshot")
_PLACES = ("intake", "booking", "deadlines", "work", "settling", "closing", "reminding")
ALL_NAMES = {
    f"{what} {when}"
    for what in ("effect", "commit", "timer", *(f"append {e}" for e in _APPENDS), *(f"ack {p}" for p in _PLACES))
    for when in ("before", "after")
}


async def side_by_side(jobs: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(job: Callable[[], Awaitable[Any]]) -> Any:
        async with slots:
            return await job()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(job)) for job in jobs]
    return [task.result() for task in tasks]


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n{text}")  # noqa: T201 - how much was tried, and how to repeat it, is part of the result


async def test_a_crash_at_any_point_changes_nothing(
    js: JetStreamContext, provisioned: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began_s = time.monotonic()
    with tasks_known_by_process():
        trial = Enumeration(js, provisioned, database, orders=1)
        expected, points = await trial.undisturbed()
        assert {name for name, _ in points} == ALL_NAMES
        happened = await side_by_side([lambda p=point: trial.with_crashes(expected, [p]) for point in points])
    missed = [point for point, there in zip(points, happened, strict=True) if point not in there]
    # How many batches a projection makes of the same events is chance, nothing else is.
    assert {name for name, _ in missed} <= {"commit before", "commit after"}
    say(capsys, f"{len(points)} crash points, {len(points) - len(missed)} crashes, {time.monotonic() - began_s:.0f} s")


async def test_two_crashes_in_one_life_of_two_orders_change_nothing(
    js: JetStreamContext, provisioned: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    with tasks_known_by_process():
        trial = Enumeration(js, provisioned, database, orders=2)
        expected, points = await trial.undisturbed()
        pairs = [chance.sample(points, 2) for _ in range(PAIRS)]
        happened = await side_by_side([lambda p=pair: trial.with_crashes(expected, p) for pair in pairs])
    twice = sum(len(there) == 2 for there in happened)
    assert twice >= PAIRS // 2
    say(capsys, f"{PAIRS} pairs of {len(points)} crash points (seed {SEED}), {twice} of them two crashes")


async def two_replicas(trial: Enumeration, expected: Outcome, seed: int) -> None:
    """Two replicas, of which one or the other is killed now and then."""
    chance = random.Random(seed)
    async with Shop.opened(trial, Plan()) as one:
        replicas = [one.process("one"), one.process("two")]
        try:
            await one.request()
            for _ in range(5):
                await asyncio.sleep(chance.uniform(0.0, 0.15))
                victim = chance.randrange(2)
                await replicas[victim].kill()
                replicas[victim] = one.process(("one", "two")[victim])
            await until(one.settled, f"the end with seed {seed}", LIMIT_S)
        finally:
            for replica in replicas:
                await replica.kill()
        assert await one.outcome() == expected, f"seed {seed}"
        await one.replay()
        assert await one.outcome() == expected, f"seed {seed}, handled again"


async def test_two_replicas_that_are_killed_at_random_do_everything_once(
    js: JetStreamContext, provisioned: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with tasks_known_by_process():
        trial = Enumeration(js, provisioned, database, orders=2)
        expected, _ = await trial.undisturbed()
        seeds = [SEED + number for number in range(SCHEDULES)]
        await side_by_side([lambda s=seed: two_replicas(trial, expected, s) for seed in seeds])
    say(capsys, f"seeds {seeds[0]} to {seeds[-1]}: two replicas, killed five times each")
