"""How long the fleet decides: forty phones, 950 tasks in the queue, five hundred users.

Pure decisions in this process: what the log and the network take comes on top. No goal: times of a machine that is
shared are for reading.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from contracts.orchestrator import FleetWatchSet
from services.orchestrator.decisions.blocked import look
from services.orchestrator.decisions.fleet_state import FLEET, Fleet
from services.orchestrator.decisions.turns import in_turn
from tests.bench.own_time import percentile
from tests.bench.report import Figure
from tests.orchestrator.fleets import asked, by, fired, fleet, join, running
from tests.orchestrator.stories import Story
from tests.orchestrator.test_fleet import finished, lost

PHONES, TASKS, USERS, ENDED = 40, 950, 500, 300


async def measure() -> list[Figure]:
    told, accepting = crowded()
    ending = [timed(told.when, finished(running(told)[0])) for _ in range(ENDED)]
    blind = crowded()[0]
    for serial in list(serials()):
        blind.when(lost(serial))
    late = [by("late", f"{number}", version="1.0", where=("api>=40",)) for number in range(50)]
    losing = [timed(blind.when, task) for task in late]
    watch = blind.last(FleetWatchSet)
    looking = [timed(look, blind.state, fired(watch, watch.look_at), watch.look_at) for _ in range(10)]
    codec = FLEET.long_lived
    assert codec is not None
    full = crowded()[0].state
    text = codec.codec.dump(full)
    dumping = [timed(codec.codec.dump, full) for _ in range(10)]
    loading = [timed(codec.codec.load, text) for _ in range(10)]
    listing = [timed(in_turn, full, told.now) for _ in range(10)]
    return [
        *figures("a task is accepted, all phones busy", accepting),
        *figures("a run ends and the next task gets the phone", ending),
        *figures("a task is accepted that no phone could take", losing),
        *figures("all tasks are looked at, which no phone could take", looking),
        *figures("the queue is listed in turn", listing),
        *figures("the state becomes a snapshot", dumping),
        *figures("a snapshot becomes the state", loading),
        Figure("size of a snapshot", len(text) / 1024, "KB"),
    ]


def serials() -> list[str]:
    return [f"phone{number:02}" for number in range(PHONES)]


def crowded() -> tuple[Story[Fleet], list[float]]:
    """Every phone busy and the queue nearly full; how long each of these took to be taken on, in seconds."""
    chance = random.Random(7)
    told = fleet()
    for number, serial in enumerate(serials()):
        join(told, serial, api=str(28 + number % 8), model=f"Model {number % 5}", pool=f"p{number % 4}")
    for number in range(20):
        asked(told, kind="account", name=f"qa{number}", pool=f"a{number % 3}")
    taking = []
    for number in range(PHONES + TASKS):
        wanted: tuple[str, ...] = chance.choice([(), (), ("api>=30",), ("model=Model 1*", "api>=29"), ("pool!=p2",)])
        task = by(
            f"u{chance.randrange(USERS)}", str(number), priority=chance.randint(1, 5), where=wanted,
            account=chance.choice([None, None, None, "a0", "a1"]), accepted_at=told.now,
        )  # fmt: skip
        if len(told.state.queue) < TASKS:
            taking.append(timed(told.when, task))
    told.now += timedelta(hours=2)
    return told, taking[-300:]


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Seconds that it took."""
    began_s = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began_s


def figures(name: str, times_s: list[float]) -> list[Figure]:
    return [
        Figure(f"{name}: median", median(times_s) * 1000, "ms"),
        Figure(f"{name}: 95 of 100 within", percentile(times_s, 95) * 1000, "ms"),
    ]
