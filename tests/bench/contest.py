"""Two contenders before the same phones and the same model, and what the phones and the model say of each.

The referees are outside of both: the simulator's trace tells when the phone was asked something and what reached it,
the model's endpoint when it was asked and what it was sent. See ADR 0057.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from deploy.simulator.control import Control
from tests.bench.own_time import Interval, StepTime, step_times
from tests.tasks.playing import Play, PlayingModel


@dataclass(frozen=True)
class Ended:
    """How a contender says that a task ended."""

    succeeded: bool
    message: str


class Contender(Protocol):
    """Somebody who does tasks. `run` returns when the task is over, or the steps are used up."""

    name: str

    async def run(self, play: Play, model: PlayingModel, max_steps: int) -> Ended: ...


@dataclass(frozen=True)
class Measured:
    """One task: its steps, from one request to the model to the next, and what they cost."""

    ended: Ended
    steps: list[StepTime]
    round_trips: int
    """Services that were opened on the phone from the first request to the last."""
    requests: int
    prompt_tokens: int
    touches: list[dict[str, Any]]
    """What reached the phone, in order."""


async def watch(contender: Contender, play: Play, model: PlayingModel, control: Control, max_steps: int) -> Measured:
    """Has a task done, and measures it from outside."""
    seq = await _last_seq(control, play.phone)
    if play not in model.plays:
        model.plays.append(play)
    ended = await contender.run(play, model, max_steps)
    services = await control.trace(phone=play.phone, since=seq, kinds=["service"])
    talks = [Interval(*talk) for talk in play.talks]
    trips = [
        Interval(entry["at_s"], entry["ended_s"])
        for entry in services
        if entry["ended_s"] is not None and "logcat" not in entry["detail"]
    ]
    steps = [Interval(first.begin_s, second.begin_s) for first, second in pairwise(talks)]
    within = [trip for trip in trips if steps and steps[0].begin_s <= trip.begin_s < steps[-1].end_s]
    touches = await control.touches(phone=play.phone, since=seq)
    return Measured(ended, step_times(steps, [*trips, *talks]), len(within), play.asked, play.prompt_tokens, touches)


async def _last_seq(control: Control, phone: int) -> int:
    """Of the newest entry of a phone's trace."""
    entries: Sequence[dict[str, Any]] = await control.trace(phone=phone)
    return entries[-1]["seq"] if entries else 0
