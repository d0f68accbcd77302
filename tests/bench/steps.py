"""How long a step takes of its own, what it costs, and how many there are a second.

Everything runs: seven services, tables projected, phones without latency. When a phone was waited for is read from the
simulator's trace (services of the phone, from opening to end), and not from what the device-agent says of itself.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from contracts.device_agent import ActionFinished
from contracts.llm_gateway import CallFinished, CallStarted
from contracts.orchestrator import ActionRequested, RunFinished, RunStarted
from contracts.subjects import STREAM
from contracts.topology import device_reader
from deploy.embedded.platform import Platform, projections
from services.device_agent.decisions import device_id_of
from tests.bench.own_time import Interval, StepTime, percentile, step_times
from tests.bench.processes import busy_seconds, cpu_seconds, used_between
from tests.bench.report import Figure, at_least, at_most
from tests.system.exploring import caught_up, events, finished, rows, start, until

_LIMIT_S = 240.0


@dataclass
class Measured:
    """`steps` of all runs; `elapsed_s` from the first request to the last run's end, `projected_s` until the tables
    had everything. `uncaptured`: steps without a stored screenshot or hierarchy."""

    steps: list[StepTime] = field(default_factory=list)
    elapsed_s: float = 0.0
    projected_s: float = 0.0
    uncaptured: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    strangers_cores: float = 0.0
    """CPUs that others kept busy meanwhile: times of a machine that is shared are longer than they need be."""

    @property
    def per_second(self) -> float:
        return len(self.steps) / self.elapsed_s


async def measure() -> list[Figure]:
    """One phone with everything, locator checks included, and without them; twenty phones in both ways.

    A check is a step too, of another kind: many locators on one capture. What the goals hold for is said by the rows.
    """
    figures: list[Figure] = []
    for label, task in (("", {"validate_locators": False}), (", locators checked", {})):
        one = await explore(phones=1, max_steps=150, **task)
        many = await explore(phones=20, max_steps=60, **task)
        figures += [*_alone(f"1 phone{label}", one), *_together(f"20 phones{label}", many)]
    return figures


def _alone(label: str, one: Measured) -> list[Figure]:
    own_ms = [step.own_s * 1e3 for step in one.steps]
    wall_ms = [step.wall_s * 1e3 for step in one.steps]
    return [
        at_most(f"{label}: own time, median", median(own_ms), "ms", 40.0),
        Figure(f"{label}: own time, p95", percentile(own_ms, 95), "ms"),
        Figure(f"{label}: wall, median", median(wall_ms), "ms"),
        Figure(f"{label}: wall, p95", percentile(wall_ms, 95), "ms"),
        *_costs(label, one),
    ]


def _together(label: str, many: Measured) -> list[Figure]:
    return [
        at_least(f"{label}: steps a second", many.per_second, "1/s", 40.0),
        Figure(f"{label}: own time, median", median(step.own_s for step in many.steps) * 1e3, "ms"),
        *_costs(label, many),
    ]


def _costs(label: str, measured: Measured) -> list[Figure]:
    count = len(measured.steps)
    return [
        Figure(f"{label}: steps", count, ""),
        Figure(f"{label}: steps without screenshot or hierarchy", measured.uncaptured, ""),
        Figure(f"{label}: tables behind at the end", measured.projected_s, "s"),
        Figure(f"{label}: CPUs kept busy by others", measured.strangers_cores, "CPUs"),
        Figure(f"{label}: CPU of everything", sum(measured.cpu_s.values()), "CPU-s"),
        Figure(f"{label}: CPU a step", sum(measured.cpu_s.values()) * 1e3 / count, "CPU-ms"),
        *(
            Figure(f"{label}: CPU a step, {name}", used_s * 1e3 / count, "CPU-ms")
            for name, used_s in measured.cpu_s.items()
            if used_s > 0
        ),
    ]


async def explore(phones: int, max_steps: int, **task: Any) -> Measured:
    """One run on each phone, all at once; `task` is added to the task event."""
    with folder_for_servers() as folder:
        async with Platform(folder, phones=["demo@1"] * phones) as platform:
            return await _explore(platform, max_steps, task)


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    """A folder that PostgreSQL may enter, which is another user where this one is root; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="waymark-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _explore(platform: Platform, max_steps: int, task: dict[str, Any]) -> Measured:
    await settled(platform)
    before, busy_s, began_s = cpu_seconds(), busy_seconds(), time.time()
    for serial in platform.serials:
        await start(platform, serial, max_steps=max_steps, **task)
    ends = await finished(platform, count=len(platform.serials), limit_s=_LIMIT_S)
    failed = [end.failure_reason for end in ends if end.failure_reason is not None]
    assert not failed, f"runs failed: {failed}"
    ended_s = time.time()
    await caught_up(platform)
    measured = Measured(elapsed_s=max(end.ended_at.timestamp() for end in ends) - began_s)
    measured.projected_s = time.time() - ended_s
    measured.cpu_s = used_between(before, cpu_seconds())
    strangers_s = busy_seconds() - busy_s - sum(measured.cpu_s.values())
    measured.strangers_cores = max(strangers_s, 0.0) / (time.time() - began_s)
    await _read_log(platform, measured)
    return measured


async def settled(platform: Platform) -> None:
    """Phones attached, tables made, imports done: nothing of the start falls into the measurement."""
    js = platform.nats.jetstream(timeout=10)

    async def attached() -> bool:
        wanted = {device_reader(device_id_of(serial)).name for serial in platform.serials}
        return wanted <= {info.name for info in await js.consumers_info(STREAM)}

    async def tables_made() -> bool:
        assert not platform.dead(), f"{platform.dead()} ended: read {platform.folder}/logs"
        schemas = [p.schema for p in projections(platform.services)]
        sql = "SELECT count(to_regclass(schema || '.checkpoint')) FROM unnest($1::text[]) AS schema"
        return (await rows(platform, sql, schemas))[0][0] == len(schemas)

    await until("the phones' consumers", attached)
    await until("the tables", tables_made)
    await caught_up(platform)
    last_s, used_s = time.monotonic(), sum(cpu_seconds().values())
    while True:
        await asyncio.sleep(1.0)
        now_s, now_used_s = time.monotonic(), sum(cpu_seconds().values())
        if (now_used_s - used_s) / (now_s - last_s) < 0.5:
            return
        last_s, used_s = now_s, now_used_s


async def _read_log(platform: Platform, measured: Measured) -> None:
    """Steps of each run from one request to the next, and what was waited for meanwhile."""
    kinds = (RunStarted, ActionRequested, ActionFinished, RunFinished, CallStarted, CallFinished)
    bounds: dict[UUID, list[float]] = defaultdict(list)
    serials: dict[UUID, str] = {}
    waits: dict[UUID, list[Interval]] = defaultdict(list)
    calls: dict[UUID, float] = {}
    for recorded in await events(platform, *kinds):
        at_s = recorded.time.timestamp()
        match recorded.event:
            case RunStarted() as started:
                serials[started.run_id] = started.serial
            case ActionRequested() as asked:
                bounds[asked.run_id].append(at_s)
            case ActionFinished() as done:
                capture = done.capture
                measured.uncaptured += capture is None or capture.screenshot is None or capture.hierarchy is None
            case RunFinished() as over:
                bounds[over.run_id].append(at_s)
            case CallStarted() as call:
                calls[call.call_id] = at_s
            case CallFinished() as call:
                waits[call.run_id].append(Interval(calls.pop(call.call_id, at_s), at_s))
    for run_id, times in bounds.items():
        steps = [Interval(begin, end) for begin, end in pairwise(times)]
        waits[run_id] += await _round_trips(platform, platform.serials.index(serials[run_id]))
        measured.steps += step_times(steps, waits[run_id])


async def _round_trips(platform: Platform, phone: int) -> list[Interval]:
    """When the phone was asked something, by its own account. The log of crashes is followed all the time: left out."""
    entries = await platform.control.trace(phone=phone, kinds=["service"])
    return [
        Interval(entry["at_s"], entry["ended_s"])
        for entry in entries
        if entry["ended_s"] is not None and "logcat" not in entry["detail"]
    ]
