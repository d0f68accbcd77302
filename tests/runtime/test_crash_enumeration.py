"""A crash before and after every append, effect, acknowledgement, commit and timer changes nothing of what comes out.

A shop runs once undisturbed, and its points are counted; then it runs anew for each of them, is killed there, and is
started again. Whatever happened, the same events, rows and touches of the world must be there, each once; and handling
everything again from the beginning must add nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

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

ORDERS = 2
AT_ONCE = 8
PAIRS = 16
SCHEDULES = 6
SEED = 20261123
LIMIT_S = 30.0
_FOUNDATION = "\n".join(path.read_text() for path in sorted(migrations.FOUNDATION.glob("*.sql")))


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_up, "_RETRY_S", 0.05)
    monkeypatch.setattr(consumer, "_DELAYS_S", (0.05, 0.1, 0.2))


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

    def __post_init__(self) -> None:
        self.schema = f"shop_{self.scope.hex[:16]}"
        self.durables = shop.durables(self.scope, ORDERS)
        self.lives = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, js: JetStreamContext, url: str, dsn: str, plan: Plan) -> AsyncIterator[Shop]:
        made = cls(js, url, dsn, uuid4(), plan, shop.World())
        await made._provision()
        yield made
        for durable in made.durables.values():
            await js.delete_consumer(durable.stream, durable.name)

    async def _provision(self) -> None:
        for durable in self.durables.values():
            await provision_durable(self.js, durable)
        begin = (await self.js.stream_info(STREAM)).state.last_seq
        connection = await connect(self.dsn, self.schema)
        try:
            await connection.execute(f"CREATE SCHEMA {self.schema}")
            await connection.execute(_FOUNDATION + shop.TABLES)
            await connection.execute("INSERT INTO checkpoint VALUES ($1, $2, now())", self.schema, begin)
        finally:
            await connection.close()

    async def request(self) -> None:
        for number in range(ORDERS):
            body = json.dumps({"order": number}).encode()
            await self.js.publish(f"waymark.request.shop.{self.scope}", body, stream=REQUESTS)

    def process(self, instance: str = "one") -> Process:
        self.lives += 1
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
                await asyncio.sleep(0.02)
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
        if sum((await self.subjects()).values()) < EVENTS:
            return False
        return await self.idle() and await self._projected()

    async def idle(self) -> bool:
        for durable in self.durables.values():
            info = await self.js.consumer_info(durable.stream, durable.name)
            if info.num_pending or info.num_ack_pending:
                return False
        return True

    async def _projected(self) -> bool:
        connection = await connect(self.dsn, self.schema)
        try:
            done = await connection.fetchval("SELECT count(*) FROM orders WHERE reminded AND status = 'CLOSED'")
            settled = await connection.fetchval("SELECT count(*) FROM settlements")
            parked = await connection.fetchval("SELECT count(*) FROM parked_events")
            assert not parked
            return bool(done == settled == ORDERS)
        finally:
            await connection.close()

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
        connection = await connect(self.dsn, self.schema)
        try:
            orders = await connection.fetch("SELECT order_id, status, reminded, result FROM orders")
            jobs = await connection.fetch("SELECT job_id, order_id, status FROM jobs")
            bookings = await connection.fetch("SELECT number, order_id FROM bookings ORDER BY number")
            settled = await connection.fetch("SELECT order_id FROM settlements")
        finally:
            await connection.close()
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
        for number in range(ORDERS):
            order_id = shop.order_of(self.scope, number)
            names |= {order_id: f"order {number}", derived_id("job", order_id): f"job {number}"}
        return names[value]


EVENTS = 8 * ORDERS + 1
"""Placed, Booked, Settled, JobAsked, JobStarted, JobFinished, Closed, Reminded for each order, and one customer."""


@dataclass
class Enumeration:
    js: JetStreamContext
    url: str
    dsn: str

    async def undisturbed(self) -> tuple[Outcome, list[Point]]:
        plan = Plan()
        async with Shop.opened(self.js, self.url, self.dsn, plan) as one:
            await one.request()
            await one.run()
            outcome, points = await one.outcome(), list(plan.history)
            await self._assert_replay_adds_nothing(one, outcome)
        assert sum(outcome.events.values()) == EVENTS
        assert outcome.touches == {f"job {number}": 1 for number in range(ORDERS)}
        return outcome, points

    async def with_crashes(self, expected: Outcome, crashes: Sequence[Point]) -> set[Point]:
        """The crashes that happened."""
        plan = Plan(frozenset(crashes))
        async with Shop.opened(self.js, self.url, self.dsn, plan) as one:
            await one.request()
            await one.run()
            assert await one.outcome() == expected, f"after a crash at {crashes}"
            await self._assert_replay_adds_nothing(one, expected)
        return plan.happened

    async def _assert_replay_adds_nothing(self, one: Shop, expected: Outcome) -> None:
        await one.replay()
        assert await one.outcome() == expected, f"handled again after a crash at {one.plan.crashes}"


async def side_by_side(jobs: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(job: Callable[[], Awaitable[Any]]) -> Any:
        async with slots:
            return await job()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(job)) for job in jobs]
    return [task.result() for task in tasks]


async def test_a_crash_at_any_point_changes_nothing(
    js: JetStreamContext, provisioned: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began_s = time.monotonic()
    with tasks_known_by_process():
        trial = Enumeration(js, provisioned, database)
        expected, points = await trial.undisturbed()
        names = {name for name, _ in points}
        assert names >= {f"{what} {when}" for what in ("effect", "commit", "timer") for when in ("before", "after")}
        kinds = ("Placed", "Booked", "Settled", "JobStarted", "JobFinished", "Closed", "Reminded", "Snapshot")
        assert names >= {f"append {kind} {when}" for kind in kinds for when in ("before", "after")}
        places = ("intake", "booking", "deadlines", "work", "settling", "closing", "reminding")
        assert names >= {f"ack {place} {when}" for place in places for when in ("before", "after")}

        happened = await side_by_side([lambda p=point: trial.with_crashes(expected, [p]) for point in points])
        missed = [point for point, there in zip(points, happened, strict=True) if point not in there]
        chance = random.Random(SEED)
        pairs = [chance.sample(points, 2) for _ in range(PAIRS)]
        doubled = await side_by_side([lambda p=pair: trial.with_crashes(expected, p) for pair in pairs])
    # How many batches a projection makes of the same events is chance, nothing else is.
    assert {name for name, _ in missed} <= {"commit before", "commit after"}
    with capsys.disabled():
        twice = sum(len(there) == 2 for there in doubled)
        print(  # noqa: T201 - how much was enumerated is part of the result
            f"\n{len(points)} crash points, {len(points) - len(missed)} crashes;"
            f" {PAIRS} pairs (seed {SEED}), {twice} of them two crashes; {time.monotonic() - began_s:.0f} s"
        )


async def two_replicas(trial: Enumeration, expected: Outcome, seed: int) -> None:
    """Two replicas, of which one or the other is killed now and then."""
    chance = random.Random(seed)
    async with Shop.opened(trial.js, trial.url, trial.dsn, Plan()) as one:
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
        trial = Enumeration(js, provisioned, database)
        expected, _ = await trial.undisturbed()
        seeds = [SEED + number for number in range(SCHEDULES)]
        await side_by_side([lambda s=seed: two_replicas(trial, expected, s) for seed in seeds])
    with capsys.disabled():
        print(f"\nseeds {seeds[0]} to {seeds[-1]}: two replicas killed five times each")  # noqa: T201 - to be repeated
