"""Forty phones as slow as real ones on this machine: what a step asks of a phone, and how much of the time it works.

A phone is busy while one of its services is open (a screenshot, a gesture, ..), by the simulator's own trace; what is
left is Waymark's. Streams that stay open (the log of crashes, the resident server) and the heartbeat are no work.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

from contracts.device_agent import ActionFinished, ActionStarted
from contracts.orchestrator import ActionRequested, RunFinished, RunStarted
from contracts.screen_indexer import CaptureIndexed
from deploy.embedded.platform import Platform
from tests.bench.own_time import Interval, merged
from tests.bench.processes import busy_seconds, cpu_seconds, memory_bytes, used_between
from tests.bench.report import Figure, at_least, at_most
from tests.bench.steps import folder_for_servers, settled
from tests.system.exploring import caught_up, events, finished, start

PHONES = 40
STEPS = 30
WARM_STEPS = 5
"""Of each run, not counted: the server starts, the app starts, its apps' versions are asked for."""
_LIMIT_S = 540.0
_STREAMS = ("logcat", "app_process")
_HEARTBEAT = ":echo waymark"


@dataclass
class Fleet:
    """Counts of the steady part of all runs: `steps`, what phones delivered meanwhile, and seconds of it."""

    steps: int = 0
    unstable: int = 0
    delivered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sources: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    busy_s: float = 0.0
    whole_s: float = 0.0
    step_s: list[float] = field(default_factory=list)
    parts_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of each step, by the events that mark it: where the time goes."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    memory_bytes: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    strangers_cores: float = 0.0


async def measure() -> list[Figure]:
    fleet = await run(PHONES, STEPS)
    cpu_s, memory = dict(fleet.cpu_s), dict(fleet.memory_bytes)
    simulator_s, simulator_bytes = cpu_s.pop("simulator", 0.0), memory.pop("simulator", 0)
    reads, pictures = (fleet.delivered[what] / fleet.steps for what in ("hierarchy", "picture"))
    return [
        Figure("phones", PHONES, ""),
        Figure("steps in steady state", fleet.steps, ""),
        at_most("hierarchy reads a step", reads, "", 1.0),
        at_most("screenshots a step", pictures, "", 2.0),
        at_least("phones busy", 100 * fleet.busy_s / fleet.whole_s, "%", 90.0),
        Figure("step, median", median(fleet.step_s), "s"),
        *(Figure(f"step, {part}, median", median(each_s), "s") for part, each_s in fleet.parts_s.items()),
        Figure("steps a second, all phones", len(fleet.step_s) / fleet.whole_s * PHONES, "1/s"),
        Figure("captures of a screen that did not rest", 100 * fleet.unstable / fleet.steps, "%"),
        *(Figure(f"captures by {name}", count, "") for name, count in sorted(fleet.sources.items())),
        Figure("CPUs kept busy by others", fleet.strangers_cores, "CPUs"),
        Figure("CPU a phone", 100 * sum(cpu_s.values()) / fleet.elapsed_s / PHONES, "% of a CPU"),
        *(Figure(f"CPU a phone, {n}", 100 * s / fleet.elapsed_s / PHONES, "% of a CPU") for n, s in cpu_s.items()),
        Figure("CPU a phone, simulator (apart)", 100 * simulator_s / fleet.elapsed_s / PHONES, "% of a CPU"),
        Figure("memory a phone", sum(memory.values()) / PHONES / 2**20, "MB"),
        *(Figure(f"memory, {n}", b / 2**20, "MB") for n, b in sorted(memory.items(), key=lambda item: -item[1])),
        Figure("memory, simulator (apart)", simulator_bytes / 2**20, "MB"),
    ]


async def run(phones: int, max_steps: int, **task: Any) -> Fleet:
    """One run on each phone, all at once."""
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
            await _read_log(platform, fleet)
            return fleet


async def _read_log(platform: Platform, fleet: Fleet) -> None:
    """The steady part of each run: from its sixth request to its last."""
    requests: dict[UUID, list[float]] = defaultdict(list)
    serials: dict[UUID, str] = {}
    finishes: dict[UUID, list[ActionFinished]] = defaultdict(list)
    before: dict[UUID, tuple[str, float]] = {}
    kinds = (RunStarted, ActionRequested, ActionStarted, ActionFinished, CaptureIndexed, RunFinished)
    for recorded in await events(platform, *kinds):
        event, at_s = recorded.event, recorded.time.timestamp()
        match event:
            case RunStarted() as started:
                serials[started.run_id] = started.serial
            case ActionRequested() as asked:
                requests[asked.run_id].append(at_s)
            case ActionFinished() as done:
                finishes[done.run_id].append(done)
        last = before.get(event.run_id)
        before[event.run_id] = (event.NAME, at_s)
        if last is not None and len(requests[event.run_id]) > WARM_STEPS:
            fleet.parts_s[f"{last[0]} to {event.NAME}"].append(at_s - last[1])
    for run_id, times in requests.items():
        steady = times[WARM_STEPS:]
        if len(steady) < 2:
            continue
        window = Interval(steady[0], steady[-1])
        fleet.steps += len(steady) - 1
        fleet.step_s += [after - at for at, after in pairwise(steady)]
        for done in finishes[run_id][WARM_STEPS:-1]:
            if done.capture is not None:
                fleet.sources[done.capture.source] += 1
                fleet.unstable += not done.capture.stable
        await _count(platform, platform.serials.index(serials[run_id]), window, fleet)


async def _count(platform: Platform, phone: int, window: Interval, fleet: Fleet) -> None:
    """What a phone delivered within the window, and how much of it it worked."""
    for entry in await platform.control.trace(phone=phone, kinds=["delivery"]):
        if window.begin_s <= entry["at_s"] < window.end_s:
            fleet.delivered[entry["detail"]] += 1
    work = [
        Interval(max(entry["at_s"], window.begin_s), min(entry["ended_s"], window.end_s))
        for entry in await platform.control.trace(phone=phone, kinds=["service"])
        if entry["ended_s"] is not None and _is_work(entry["detail"])
    ]
    fleet.busy_s += sum(interval.length_s for interval in merged(i for i in work if i.length_s > 0))
    fleet.whole_s += window.length_s


def _is_work(service: str) -> bool:
    return not service.endswith(_HEARTBEAT) and not any(stream in service for stream in _STREAMS)
