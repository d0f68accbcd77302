"""Tasks that no phone could take, busy or not: people are told why, and after a time they are given up.

The fleet has one watch, as a run has: it looks now and then, so that a phone that is away for a moment is no news.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from contracts.event import Event
from contracts.orchestrator import FleetWatchSet, TaskBlocked, TaskDropped, TaskUnblocked
from contracts.values import AppInstall
from services.orchestrator.decisions.fleet_state import Fleet, Phone, Queued
from services.orchestrator.decisions.granting import DEFAULT_FLEET, cannot_run, fits, is_due
from services.runtime.timers import TimerFired

LOOK_EVERY = timedelta(seconds=60)
LATE = timedelta(seconds=30)
"""A watch that fires later than this was held up with everything else, the phones' return included."""
_AT_ONCE = 200
"""Tasks that one look tells of: all that a decision writes is one batch of the log. The next look goes on."""
_NAMED = 5


def look(state: Fleet, fired: TimerFired, now: datetime) -> list[Event]:
    """What is new about the tasks that should be running. A watch that was replaced sees nothing."""
    if fired.due_at != state.watch_at or now - fired.due_at > LATE:
        return []
    why = _Reasons(state.phones.values())
    found = [e for q in state.queue.values() if is_due(q, now) and (e := _news(q, why.of(q), now)) is not None]
    return found[:_AT_ONCE]


def next_watch(state: Fleet, now: datetime) -> FleetWatchSet | None:
    """Set while a task that should be running could be taken by no phone, and no watch is to come."""
    if state.watch_at is not None and state.watch_at > now:
        return None
    why = _Reasons(state.phones.values())
    waits = [
        q.spec.limits.max_wait_s if q.blocked is None else (q.blocked.give_up_at - now).total_seconds()
        for q in state.queue.values()
        if is_due(q, now) and (q.blocked is not None or why.of(q) is not None)
    ]
    if not waits:
        return None
    soonest = timedelta(seconds=max(min(waits), 1.0))
    return FleetWatchSet(fleet_id=DEFAULT_FLEET, look_at=now + min(soonest, LOOK_EVERY))


def _news(queued: Queued, reason: str | None, now: datetime) -> Event | None:
    task_id, known = queued.spec.task_id, queued.blocked
    if reason is None:
        return None if known is None else TaskUnblocked(fleet_id=DEFAULT_FLEET, task_id=task_id)
    if known is not None and now >= known.give_up_at:
        told = f"no phone could take it for {_span(known.give_up_at - known.since)}: {reason}"
        return TaskDropped(fleet_id=DEFAULT_FLEET, task_id=task_id, reason=told, failed=True)
    if known is not None and known.reason == reason:
        return None
    since = now if known is None else known.since
    give_up_at = since + timedelta(seconds=queued.spec.limits.max_wait_s)
    return TaskBlocked(fleet_id=DEFAULT_FLEET, task_id=task_id, reason=reason, since=since, give_up_at=give_up_at)


class _Reasons:
    """Why no phone could take a task. Tasks about the same version ask once: the queue is long, and so are the lists of
    what phones have installed."""

    def __init__(self, phones: Iterable[Phone]) -> None:
        self._here = sorted((p for p in phones if p.present), key=lambda p: p.serial)
        self._known: dict[tuple[str | None, str, str | None, AppInstall | None], str | None] = {}

    def of(self, queued: Queued) -> str | None:
        """None where a phone could, busy or not."""
        version = queued.spec.version if queued.app is None else queued.app.version_name
        asked = (queued.spec.serial, queued.spec.package, version, queued.spec.install)
        if asked not in self._known:
            app = queued.app
            could = app is not None and any(fits(queued.spec, app, p) for p in self._here)
            self._known[asked] = None if could else self._why(*asked)
        return self._known[asked]

    def _why(self, serial: str | None, package: str, version: str | None, install: AppInstall | None) -> str:
        wanted = package if version is None else f"{package} {version}"
        asked = [p for p in self._here if serial in {None, p.serial}]
        who = "no phone that is connected" if serial is None else f"phone {serial}"
        if not asked:
            return "no phone is connected" if serial is None else f"phone {serial} is not connected"
        if install is not None:
            return _unfit(f"{who} can run {wanted}", install, asked)
        other = [f"{p.versions[package][0]} on {p.serial}" for p in asked if package in p.versions]
        if not other:
            return f"{who} has {package} installed" if serial is None else f"{who} does not have {package} installed"
        more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
        has = "has" if serial is None else "does not have"
        return f"{who} {has} {wanted} installed; there is {', '.join(other[:_NAMED])}{more}"


def _unfit(who: str, app: AppInstall, phones: list[Phone]) -> str:
    """Which phones cannot run an app that a task brings along, and what it needs."""
    needs = [f"API level {app.min_api} or higher"] * (app.min_api > 1) + [" or ".join(app.abis)] * bool(app.abis)
    reasons = [why for phone in phones if (why := cannot_run(app, phone)) is not None]
    more = f" and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return f"{who}, which needs {' and '.join(needs)}; {', '.join(reasons[:_NAMED])}{more}"


def _span(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:g} h" if seconds % 360 == 0 else f"{seconds / 3600:.1f} h"
    return f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"
