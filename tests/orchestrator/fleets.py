"""Fleets in tests: phones with tags, tasks of several users, requests, and time that passes with its timers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from contracts.device_agent import DeviceReady
from contracts.event import Event
from contracts.orchestrator import FleetAnswered, RunFinished, RunStarted, TaskAccepted
from contracts.values import RunStatus
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, FLEET_TIMERS
from services.orchestrator.decisions.fleet_state import Fleet
from services.runtime.handlers import RawRequest
from services.runtime.timers import TimerFired
from tests.orchestrator.stories import Story
from tests.orchestrator.test_fleet import apps, device, finished, fleet, granted, task

__all__ = ["answer", "asked", "at_once", "by", "end", "fleet", "granted", "join", "pass_time", "request", "waiting"]


def join(told: Story[Fleet], *serials: str, version: str = "1.0", session: int = 1, **tags: str) -> Story[Fleet]:
    """Phones arrive, with what they have installed."""
    for serial in serials:
        api = int(tags.get("api", "33"))
        model = tags.get("model", "Pixel 7")
        told.when(
            DeviceReady(
                device_id=device(serial), session=session, serial=serial, model=model, api_level=api, pool="default",
                tags={k: v for k, v in tags.items() if k not in {"api", "model"}},
            )
        )  # fmt: skip
        told.when(apps(serial, version, session=session))
    return told


def by(user: str, name: str, **changes: object) -> TaskAccepted:
    return task(f"{user} {name}", user=user, **changes)


_sequence = iter(range(1, 10**9))


def request(user: str = "alice", /, **body: Any) -> RawRequest:
    return RawRequest("fleet", user, json.dumps(body, default=datetime.isoformat).encode(), next(_sequence))


def asked(told: Story[Fleet], user: str = "alice", /, **body: Any) -> FleetAnswered:
    """The answer to a request."""
    events = told.when(request(user, **body))
    return next(event for event in events if isinstance(event, FleetAnswered))


def answer(told: Story[Fleet]) -> FleetAnswered:
    return told.last(FleetAnswered)


def running(told: Story[Fleet]) -> list[RunStarted]:
    """Runs that have a phone now, the oldest first."""
    tokens = {lease.run_id: lease.token for lease in told.state.leases.values()}
    return sorted((r for r in told.all(RunStarted) if r.run_id in tokens), key=lambda r: tokens[r.run_id])


def end(told: Story[Fleet], run: RunStarted, status: RunStatus = RunStatus.SUCCEEDED, **changes: Any) -> list[Event]:
    over: RunFinished = finished(run, status)
    return told.when(over.model_copy(update=changes))


def pass_time(told: Story[Fleet], span: timedelta) -> list[Event]:
    """Time passes; timers of the fleet fire when they are due, those that follow from them too."""
    end_at, events, seen = told.now + span, [], 0
    pending: list[tuple[datetime, Event]] = []
    for event in told.events:
        if event.type_name() in FLEET_TIMERS and event.due_at is not None and event.due_at > told.now:
            pending.append((event.due_at, event))
    seen = len(told.events)
    while pending and min(due for due, _ in pending) <= end_at:
        due, event = min(pending, key=lambda item: item[0])
        pending.remove((due, event))
        told.now = max(told.now, due)
        events += told.when(fired(event, due), after_s=0.0)
        for new in told.events[seen:]:
            if new.type_name() in FLEET_TIMERS and new.due_at is not None:
                pending.append((new.due_at, new))
        seen = len(told.events)
    told.now = end_at
    return events


def fired(event: Event, due: datetime) -> TimerFired:
    return TimerFired(
        owner="orchestrator", key=DEFAULT_FLEET, epoch=device(repr(event)), event_type=event.type_name(), due_at=due
    )


def waiting(told: Story[Fleet]) -> set[str]:
    return {queued.spec.name for queued in told.state.queue.values()}


def at_once(told: Story[Fleet]) -> dict[str, int]:
    """How many phones each user has now."""
    held: dict[str, int] = {}
    for lease in told.state.leases.values():
        held[lease.user] = held.get(lease.user, 0) + 1
    return held
