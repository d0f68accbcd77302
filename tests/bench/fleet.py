"""Forty phones as slow as real ones on this machine: what a step asks of a phone, and how much of the time it works.

A phone is busy while one of its services is open (a screenshot, a gesture, ..), by the simulator's own trace; what is
left is Waymark's. Streams that stay open (the log of crashes, the resident server) and the heartbeat are no work.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

from contracts.device_agent import ActionFinished, ActionStarted
from contracts.orchestrator import ActionRequested, RunFinished, RunStarted
from contracts.screen_indexer import CaptureIndexed
from contracts.values import Observe
from deploy.embedded.platform import Platform
from tests.bench.own_time import Interval, merged
from tests.bench.processes import busy_seconds, cpu_seconds, memory_bytes, used_between
from tests.bench.report import Figure, at_least, at_most
from tests.bench.steps import folder_for_servers, settled
from tests.system.exploring import caught_up, events, finished, start

PHONES = 40
STEPS = 40
WARM_STEPS = 5
"""Of each run, not counted: the server starts, the app starts, its apps' versions are asked for."""
_LIMIT_S = 540.0
_STREAMS = ("logcat", "app_process")
_HEARTBEAT = ":echo waymark"


@dataclass
class Run:
    """What the log tells of one run: when its actions were asked for, and which of them only wait."""

    serial: str = ""
    asked: list[ActionRequested] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    finishes: list[ActionFinished] = field(default_factory=list)


@dataclass
class Fleet:
    """The steady part of all runs. `reads` and `pictures` hold a number for each step, `waits` those of steps that look
    at a screen which loads until it is another; seconds are sums over the phones."""

    reads: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    waits: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    busy_s: float = 0.0
    whole_s: float = 0.0
    step_s: list[float] = field(default_factory=list)
    parts_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of each step, between the events that mark it: where the time goes."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    memory_bytes: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    strangers_cores: float = 0.0

    def mean(self, counts: list[int]) -> float:
        return sum(counts) / len(counts)


async def measure() -> list[Figure]:
    fleet = await explore(PHONES, STEPS)
    at_rest = [pictures for pictures, reads in zip(fleet.pictures, fleet.reads, strict=True) if reads == 1]
    return [
        Figure("phones", PHONES, ""),
        Figure("steps counted", len(fleet.step_s), ""),
        Figure("of them, waiting for a screen that loads", fleet.waits, ""),
        Figure("of the others, on a screen that moved meanwhile", len(fleet.reads) - len(at_rest), ""),
        at_most("hierarchy reads a step, median", median(fleet.reads), "", 1.0),
        Figure("hierarchy reads a step, mean", fleet.mean(fleet.reads), ""),
        at_most("screenshots a step, median", median(fleet.pictures), "", 2.0),
        at_most("screenshots a step, most on a screen at rest", max(at_rest), "", 2.0),
        Figure("screenshots a step, mean", fleet.mean(fleet.pictures), ""),
        at_least("phones busy", 100 * fleet.busy_s / fleet.whole_s, "%", 90.0),
        Figure("step, median", median(fleet.step_s), "s"),
        *(Figure(f"{part}, median", median(each_s), "s") for part, each_s in fleet.parts_s.items()),
        Figure("steps a second, all phones", len(fleet.step_s) / fleet.whole_s * PHONES, "1/s"),
        *(Figure(f"captures by {name}", count, "") for name, count in sorted(fleet.sources.items())),
        *_costs(fleet),
    ]


def _costs(fleet: Fleet) -> list[Figure]:
    """CPU and memory a phone; the simulator's own, which no real phone costs, apart."""

    def share(cpu_s: float) -> float:
        return 100 * cpu_s / fleet.elapsed_s / PHONES

    cpu_s, memory = dict(fleet.cpu_s), dict(fleet.memory_bytes)
    simulator_s, simulator_bytes = cpu_s.pop("simulator", 0.0), memory.pop("simulator", 0)
    by_size = sorted(memory.items(), key=lambda item: item[1], reverse=True)
    return [
        Figure("CPUs kept busy by others", fleet.strangers_cores, "CPUs"),
        Figure("CPU a phone", share(sum(cpu_s.values())), "% of a CPU"),
        *(Figure(f"CPU a phone, {name}", share(used_s), "% of a CPU") for name, used_s in cpu_s.items() if used_s > 0),
        Figure("CPU a phone, simulator (apart)", share(simulator_s), "% of a CPU"),
        Figure("memory a phone", sum(memory.values()) / PHONES / 2**20, "MB"),
        *(Figure(f"memory, {name}", used / 2**20, "MB") for name, used in by_size),
        Figure("memory, simulator (apart)", simulator_bytes / 2**20, "MB"),
    ]


async def explore(phones: int, max_steps: int, **task: Any) -> Fleet:
    """One run on each phone, all at once; `task` is added to the task event."""
    with folder_for_servers() as folder:
        async with Platform(folder, phones=["demo@1"] * phones, latency="real") as platform:
            await settled(platform)
            before, busy_s, began_s = cpu_seconds(), busy_seconds(), time.time()
            for number, serial in enumerate(platform.serials):
                await start(platform, serial, max_steps=max_steps, validate_locators=False, seed=number, **task)
            ends = await finished(platform, count=phones, limit_s=_LIMIT_S)
            failed = [end.failure_reason for end in ends if end.failure_reason is not None]
            assert not failed, f"runs failed: {failed}"
            fleet = Fleet(elapsed_s=time.time() - began_s, memory_bytes=memory_bytes())
            fleet.cpu_s = used_between(before, cpu_seconds())
            strangers_s = busy_seconds() - busy_s - sum(fleet.cpu_s.values())
            fleet.strangers_cores = max(strangers_s, 0.0) / fleet.elapsed_s
            await caught_up(platform)
            for run in await _runs(platform, fleet):
                await _count(platform, run, fleet)
            return fleet


async def _runs(platform: Platform, fleet: Fleet) -> list[Run]:
    runs: dict[UUID, Run] = defaultdict(Run)
    before: dict[UUID, tuple[str, float]] = {}
    kinds = (RunStarted, ActionRequested, ActionStarted, ActionFinished, CaptureIndexed, RunFinished)
    for recorded in await events(platform, *kinds):
        event, at_s = recorded.event, recorded.time.timestamp()
        run = runs[event.run_id]
        match event:
            case RunStarted():
                run.serial = event.serial
            case ActionRequested():
                run.asked.append(event)
                run.asked_s.append(at_s)
            case ActionFinished():
                run.finishes.append(event)
        last = before.get(event.run_id)
        before[event.run_id] = (event.NAME, at_s)
        if last is not None and len(run.asked) > WARM_STEPS and event.NAME != RunFinished.NAME:
            fleet.parts_s[f"{last[0]} to {event.NAME}"].append(at_s - last[1])
    return [run for run in runs.values() if len(run.asked) > WARM_STEPS + 1]


async def _count(platform: Platform, run: Run, fleet: Fleet) -> None:
    """What the phone of a run delivered in each step, and how much of the time it worked."""
    phone = platform.serials.index(run.serial)
    steady_s = run.asked_s[WARM_STEPS:]
    window = Interval(steady_s[0], steady_s[-1])
    delivered: dict[str, list[float]] = {"hierarchy": [], "picture": []}
    for entry in await platform.control.trace(phone=phone, kinds=["delivery"]):
        delivered[entry["detail"]].append(entry["at_s"])
    for asked, (begin_s, end_s) in zip(run.asked[WARM_STEPS:], pairwise(steady_s), strict=False):
        fleet.step_s.append(end_s - begin_s)
        if isinstance(asked.action, Observe) and asked.action.patience_s > 0:
            fleet.waits += 1
            continue
        for what, counts in (("hierarchy", fleet.reads), ("picture", fleet.pictures)):
            counts.append(bisect_left(delivered[what], end_s) - bisect_left(delivered[what], begin_s))
    captures = [done.capture for done in run.finishes[WARM_STEPS:]]
    fleet.sources.update(capture.source for capture in captures if capture is not None)
    work = [
        Interval(max(entry["at_s"], window.begin_s), min(entry["ended_s"], window.end_s))
        for entry in await platform.control.trace(phone=phone, kinds=["service"])
        if entry["ended_s"] is not None and _is_work(entry["detail"])
    ]
    fleet.busy_s += sum(interval.length_s for interval in merged(i for i in work if i.length_s > 0))
    fleet.whole_s += window.length_s


def _is_work(service: str) -> bool:
    return not service.endswith(_HEARTBEAT) and not any(stream in service for stream in _STREAMS)
