"""The end of a lease: what it says about the phone."""

from __future__ import annotations

from typing import Literal

from contracts.event import Event
from contracts.orchestrator import LeaseEnded, PhoneUnquarantined, RunFinished
from contracts.values import RunStatus
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Lease
from services.orchestrator.decisions.fleet_state import apply
from services.orchestrator.decisions.trials import quarantines


def lease_over(state: Fleet, run: RunFinished) -> list[Event]:
    lease = state.leases.get(str(run.device_id))
    if lease is None or lease.run_id != run.run_id:
        return []
    fault = _fault(lease, run)
    ended = LeaseEnded(
        fleet_id=run.fleet_id,
        task_id=run.task_id,
        run_id=run.run_id,
        device_id=run.device_id,
        lease_token=lease.token,
        reason=run.status.value,
        app_version_id=run.app.app_version_id,
        failed=_failed(run, fault),
        fault=fault,
    )
    events: list[Event] = [ended, *_probed(state, lease, run)]
    after = state
    for event in events:
        after = apply(after, event)
    return [*events, *quarantines(after)]


def _failed(run: RunFinished, fault: str | None) -> bool | None:
    """Whether the run speaks against its phone; none where it says nothing of it. What somebody does by hand (`quiet`)
    fails of a slip and passes of a touch: it tells only that the phone was not fit, or was lost. A task that its model,
    its budget or a person ended says as little."""
    if run.status is RunStatus.CANCELLED or (run.quiet and fault is None):
        return None
    if run.kind == "task" and run.failure_code is not None and fault is None:
        return None
    return run.status is RunStatus.FAILED


def _fault(lease: Lease, run: RunFinished) -> Literal["NOT_FIT", "LOST"] | None:
    if run.status is not RunStatus.FAILED:
        return None
    if run.failure_code == "NOT_FIT":
        return "NOT_FIT"
    return "LOST" if lease.lost else None


def _probed(state: Fleet, lease: Lease, run: RunFinished) -> list[Event]:
    """A phone that the rule put into quarantine leaves it when a probe passes; one that a person put there stays."""
    phone = state.phones[str(run.device_id)]
    quarantine = phone.quarantine
    if not lease.probe or run.status is not RunStatus.SUCCEEDED or quarantine is None or quarantine.by is not None:
        return []
    over = PhoneUnquarantined(
        fleet_id=DEFAULT_FLEET,
        device_id=phone.device_id,
        serial=phone.serial,
        by=None,
        why=f"probe run {run.run_id} passed",
        order=state.last_quarantine + 1,
    )
    return [over]
