"""A script replayed without a model, against the time in which the phone was busy with it."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.orchestrator import RunFinished, RunStarted, ScriptRecorded
from deploy.embedded.platform import Platform
from tests.bench.own_time import Interval, merged
from tests.system.exploring import events, next_event
from tests.system.tasking import SHOP, asked, ended


@dataclass(frozen=True)
class Replayed:
    """`wall_s`: of the run, from its start to its end; `phone_s`: of it, while a service of the phone was open;
    `round_trips`: services that were opened."""

    succeeded: bool
    wall_s: float
    phone_s: float
    round_trips: int
    steps: int


async def replayed(platform: Platform, phone: int = 0) -> Replayed:
    """The newest script, on a phone that nobody has used."""
    found = await next_event(platform, ScriptRecorded)
    await platform.control.do("play", phone, app=SHOP.format("version_1"))
    entries = await platform.control.trace(phone=phone)
    script = {"script": str(found[-1].script_id), "serial": platform.serials[phone]}
    task = await asked(platform, {"kind": "replay", **script}, "bench-replay")
    run = await ended(platform, task)
    began = next(r for r in await events(platform, RunStarted) if r.event.run_id == run.run_id)
    over = next(r for r in await events(platform, RunFinished) if r.event.run_id == run.run_id)
    whole = Interval(began.time.timestamp(), over.time.timestamp())
    services = await platform.control.trace(phone=phone, since=entries[-1]["seq"], kinds=["service"])
    trips = [
        Interval(max(entry["at_s"], whole.begin_s), min(entry["ended_s"], whole.end_s))
        for entry in services
        if entry["ended_s"] is not None and "logcat" not in entry["detail"]
        if entry["at_s"] < whole.end_s and entry["ended_s"] > whole.begin_s
    ]
    busy_s = sum(trip.length_s for trip in merged(trips))
    return Replayed(run.status == "SUCCEEDED", whole.length_s, busy_s, len(trips), len(found[-1].data.steps))
