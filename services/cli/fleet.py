"""The fleet as the log has it: phones with who has them, the queue, test accounts, groups, schedules. Read-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.cli.connection import Session
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Lease, Phone, Queued
from services.orchestrator.decisions.fleet_state import FLEET
from services.orchestrator.decisions.granting import Candidates
from services.orchestrator.decisions.turns import in_turn
from services.runtime.aggregate import Aggregates

Rows = list[dict[str, Any]]


async def fleet_of(session: Session) -> Fleet:
    """The state that the orchestrator decides on: its last snapshot and what came since."""
    return (await Aggregates(FLEET, await session.log()).refresh(DEFAULT_FLEET)).state


def phone_facts(state: Fleet, now: datetime) -> dict[UUID, dict[str, Any]]:
    """What a list of phones tells beside the table: who has each, for whom it is kept, how many tasks wait for it."""
    waiting: dict[UUID, int] = {}
    candidates = Candidates(state, now)
    for queued in in_turn(state, now):
        for phone in candidates.of(queued):
            waiting[phone.device_id] = waiting.get(phone.device_id, 0) + 1
    return {
        phone.device_id: _facts(phone, state.leases.get(key), waiting.get(phone.device_id, 0), now)
        for key, phone in state.phones.items()
    }


def _facts(phone: Phone, lease: Lease | None, waiting: int, now: datetime) -> dict[str, Any]:
    reserved = phone.reserved_at(now)
    kept = []
    if phone.retired:
        kept.append("retired")
    if phone.quarantine is not None:
        kept.append(f"quarantine: {phone.quarantine.why}")
    if reserved is not None:
        until = reserved.until.astimezone().strftime("%d.%m. %H:%M")
        kept.append(f"reserved for {reserved.user} until {until}: {reserved.why}")
    return {
        "own_tags": phone.own_tags,
        "lease": None if lease is None else {"user": lease.user, "run": lease.run_id, "account": lease.account},
        "leased_by": None if lease is None else f"{lease.user}: run {str(lease.run_id)[:8]}",
        "reserved": None if reserved is None else reserved.model_dump(mode="json"),
        "quarantine": None if phone.quarantine is None else phone.quarantine.model_dump(mode="json"),
        "kept": "; ".join(kept) or None,
        "waiting": waiting,
    }


def account_rows(state: Fleet) -> Rows:
    leases = {lease.account: lease for lease in state.leases.values() if lease.account is not None}
    return [
        {
            "name": name,
            "pool": account.ref.pool,
            "fields": account.ref.fields,
            "secrets": account.ref.secrets,
            "leased_by": None if (lease := leases.get(name)) is None else f"{lease.user}: run {str(lease.run_id)[:8]}",
            "run": None if lease is None else lease.run_id,
            "removed": account.removed,
        }
        for name, account in sorted(state.accounts.items(), key=lambda item: (item[1].ref.pool, item[0]))
    ]


def schedule_rows(state: Fleet) -> Rows:
    return [
        {
            "id": schedule.spec.task_id,
            "name": schedule.spec.name,
            "by": schedule.spec.user,
            "schedule": schedule.spec.schedule,
            "zone": schedule.spec.zone or "UTC",
            "next_at": schedule.next_at,
            "held": schedule.held,
            "last_at": schedule.last_at,
            "last_task": schedule.last_task,
            "fired": schedule.fired,
            "missed": schedule.missed,
        }
        for schedule in sorted(state.schedules.values(), key=lambda s: (s.spec.name, str(s.spec.task_id)))
    ]


def task_rows(state: Fleet, now: datetime) -> Rows:
    """Tasks that have a phone, then those that wait, in the order of their turns."""
    phones = {p.device_id: p.serial for p in state.phones.values()}
    running = [
        {"place": None, "id": lease.task_id, "group": lease.group, "by": lease.user, "status": "RUNNING",
         "serial": phones.get(lease.device_id), "reason": None}
        for lease in sorted(state.leases.values(), key=lambda lease: lease.token)
    ]  # fmt: skip
    turns = in_turn(state, now)
    due = {queued.spec.task_id for queued in turns}
    later = [q for q in sorted(state.queue.values(), key=lambda q: q.order) if q.spec.task_id not in due]
    waiting = [_waiting(queued, place) for place, queued in enumerate(turns, 1)]
    return [*running, *waiting, *(_waiting(queued, None) for queued in later)]


def _waiting(queued: Queued, place: int | None) -> dict[str, Any]:
    status = "PAUSED" if queued.held else "QUEUED" if queued.app is not None else "WAITING"
    reason = None if queued.blocked is None else queued.blocked.reason
    return {"place": place, "id": queued.spec.task_id, "group": queued.spec.group, "by": queued.spec.user,
            "status": status, "serial": queued.spec.serial, "reason": reason}  # fmt: skip
