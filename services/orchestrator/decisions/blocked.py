"""Tasks that no phone could take, busy or not: people are told why, and after a time they are given up.

The fleet has one watch, as a run has: it looks now and then, so that a phone that is away for a moment is no news.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from contracts.event import Event
from contracts.orchestrator import FleetWatchSet, TaskBlocked, TaskDropped, TaskSpec, TaskUnblocked
from contracts.values import AppInstall, parse_selector, unmet
from services.orchestrator.decisions.accounts import why_no_account
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Phone, Queued, all_tags
from services.orchestrator.decisions.granting import Candidates, cannot_run, takes
from services.orchestrator.decisions.models import Models
from services.orchestrator.decisions.turns import is_due
from services.runtime.timers import TimerFired

LOOK_EVERY = timedelta(seconds=60)
LATE = timedelta(seconds=30)
"""A watch that fires later than this was held up with everything else, the phones' return included."""
_AT_ONCE = 200
"""Tasks that one look tells of: all that a decision writes is one batch of the log. The next look goes on."""
_NAMED = 5


def look(state: Fleet, fired: TimerFired, now: datetime, models: Models) -> list[Event]:
    """What is new about the tasks that should be running. A watch that was replaced sees nothing."""
    if fired.due_at != state.watch_at or now - fired.due_at > LATE:
        return []
    why = _Reasons(state, now, models)
    found = [e for q in state.queue.values() if is_due(q, now) and (e := _news(q, why.of(q), now)) is not None]
    return found[:_AT_ONCE]


def next_watch(state: Fleet, now: datetime, models: Models) -> FleetWatchSet | None:
    """Set while a task that should be running could be taken by no phone, and no watch is to come."""
    if state.watch_at is not None and state.watch_at > now:
        return None
    why = _Reasons(state, now, models)
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
    """Why no phone could take a task. Tasks that ask for the same are looked at once: the queue is long."""

    def __init__(self, state: Fleet, now: datetime, models: Models) -> None:
        self._state, self._now, self._models = state, now, models
        self._candidates = Candidates(state, now)
        self._here = sorted((p for p in state.phones.values() if p.present and not p.retired), key=lambda p: p.serial)
        self._is_reserved = any(p.reserved is not None for p in self._here)
        self._known: dict[tuple[Any, ...], str | None] = {}

    def of(self, queued: Queued) -> str | None:
        """None where a phone could, busy or not."""
        spec, app = queued.spec, queued.app
        if (without := self._models.missing(spec)) is not None:
            return without
        version = spec.version if app is None else app.version_name
        user = spec.user if self._is_reserved else None
        asked = (
            spec.serial,
            spec.where,
            spec.package,
            version,
            user,
            spec.group,
            spec.account,
            spec.probe,
            spec.install,
        )
        if asked not in self._known:
            self._known[asked] = self._why(queued, version)
        return self._known[asked]

    def _why(self, queued: Queued, version: str | None) -> str | None:
        spec = queued.spec
        if not self._candidates.of(queued):
            meant = [p for p in self._here if spec.serial in {None, p.serial}]
            return (
                self._not_here(spec, meant)
                or why_unmet(spec.where, meant)
                or self._not_given([p for p in meant if not unmet(spec.where, all_tags(p))], spec)
                or self._without_app([p for p in meant if not unmet(spec.where, all_tags(p))], spec, version)
                or "every phone that could take it has had a task of its group"
            )
        return None if spec.account is None else why_no_account(self._state, spec.account)

    def _not_here(self, spec: TaskSpec, meant: list[Phone]) -> str | None:
        if meant:
            return None
        if spec.serial is None:
            return "no phone is connected"
        is_retired = any(p.serial == spec.serial and p.retired for p in self._state.phones.values())
        return f"phone {spec.serial} {'is retired' if is_retired else 'is not connected'}"

    def _not_given(self, meant: list[Phone], spec: TaskSpec) -> str | None:
        """Where every phone in question is kept back by somebody."""
        if any(takes(phone, spec, self._now) for phone in meant):
            return None
        kept = [_kept_back(phone) for phone in meant]
        return "; ".join(kept[:_NAMED]) + _more(kept)

    def _without_app(self, meant: list[Phone], spec: TaskSpec, version: str | None) -> str | None:
        """Where no phone has the app, or could run the one that the task brings along."""
        package, serial, install = spec.package, spec.serial, spec.install
        wanted = package if version is None else f"{package} {version}"
        that = "that is connected" if not spec.where else f"that meets {', '.join(spec.where)}"
        who = f"no phone {that}" if serial is None else f"phone {serial}"
        given = [p for p in meant if takes(p, spec, self._now)]
        if install is not None:
            can = any(cannot_run(install, p) is None for p in given)
            return None if can else _unfit(f"{who} can run {wanted}", install, given)
        if any(_has(p, package, version) for p in given):
            return None
        other = [f"{p.versions[package][0]} on {p.serial}" for p in meant if package in p.versions]
        if not other:
            return f"{who} has {package} installed" if serial is None else f"{who} does not have {package} installed"
        has = "has" if serial is None else "does not have"
        return f"{who} {has} {wanted} installed; there is {', '.join(other[:_NAMED])}{_more(other)}"


def why_unmet(where: tuple[str, ...], phones: list[Phone]) -> str | None:
    """The first selector that nobody of these meets, with what there is instead; or that nobody meets all of them."""
    tags = [all_tags(phone) for phone in phones]
    if any(not unmet(where, each) for each in tags):
        return None
    for text in where:
        if any(not unmet((text,), each) for each in tags):
            continue
        tag = parse_selector(text).tag
        there = sorted({each[tag] for each in tags if tag in each})
        instead = f"there is {tag} {', '.join(there[:_NAMED])}{_more(there)}" if there else f"none has the tag {tag}"
        return f"no phone that is connected meets {text}; {instead}"
    return f"no phone that is connected meets all of {', '.join(where)}, though each is met by one"


def _kept_back(phone: Phone) -> str:
    if phone.quarantine is not None:
        return f"phone {phone.serial} is in quarantine: {phone.quarantine.why}"
    assert phone.reserved is not None
    until = phone.reserved.until.isoformat(timespec="minutes")
    return f"phone {phone.serial} is reserved for {phone.reserved.user} until {until}: {phone.reserved.why}"


def _has(phone: Phone, package: str, version: str | None) -> bool:
    return package in phone.versions and version in {None, phone.versions[package][0]}


def _more(found: list[str]) -> str:
    return f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""


def _unfit(who: str, app: AppInstall, phones: list[Phone]) -> str:
    """Which phones cannot run an app that a task brings along, and what it needs."""
    needs = [f"API level {app.min_api} or higher"] * (app.min_api > 1) + [" or ".join(app.abis)] * bool(app.abis)
    reasons = [why for phone in phones if (why := cannot_run(app, phone)) is not None]
    return f"{who}, which needs {' and '.join(needs)}; {', '.join(reasons[:_NAMED])}{_more(reasons)}"


def _span(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:g} h" if seconds % 360 == 0 else f"{seconds / 3600:.1f} h"
    return f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"
