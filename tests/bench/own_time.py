"""The own time of a step: wall time minus the time in which the phone or a model is being waited for. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Interval:
    """From `begin_s` to `end_s`, epoch seconds."""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class StepTime:
    """One step: all of it, and what is left of it when the waits are taken out."""

    wall_s: float
    own_s: float


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time covered by intervals that neither touch nor overlap, in order."""
    found: list[Interval] = []
    for interval in sorted(intervals):
        if found and interval.begin_s <= found[-1].end_s:
            found[-1] = Interval(found[-1].begin_s, max(found[-1].end_s, interval.end_s))
        else:
            found.append(interval)
    return found


def step_times(steps: Sequence[Interval], waits: Iterable[Interval]) -> list[StepTime]:
    """Own time of each step of one phone; `waits` are its adb round trips and model calls, in whatever order."""
    closed = merged(waits)
    begins = [wait.begin_s for wait in closed]
    times: list[StepTime] = []
    for step in steps:
        waited_s = 0.0
        for wait in closed[max(bisect_right(begins, step.begin_s) - 1, 0) :]:
            if wait.begin_s >= step.end_s:
                break
            waited_s += max(min(wait.end_s, step.end_s) - max(wait.begin_s, step.begin_s), 0.0)
        times.append(StepTime(step.length_s, step.length_s - waited_s))
    return times


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]
