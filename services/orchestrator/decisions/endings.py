"""The end of a run: when it is due, how the phone is left, what is told."""

from __future__ import annotations

from datetime import datetime

from contracts.event import Event
from contracts.orchestrator import RunEnding, RunFinished
from contracts.values import Navigate, RunStatus
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.steps import request

UNSEEN_LIMIT = 4
LAUNCH_LIMIT = 4


def over(run: Run) -> RunEnding | None:
    """Why the run cannot go on, if it cannot."""
    limits = run.spec_started.spec.limits
    if run.sequence >= limits.max_steps:
        return ending_of(run, RunStatus.SUCCEEDED, f"the limit of {limits.max_steps} steps was reached")
    if run.unseen >= UNSEEN_LIMIT:
        because = "" if run.unseen_because is None else f": {run.unseen_because}"
        seen = f"nothing could be seen on the phone in {run.unseen} steps in a row{because}"
        return ending_of(run, RunStatus.FAILED, seen)
    if run.lost_launches >= LAUNCH_LIMIT:
        app = run.spec_started.app
        what = "could not be brought to the front again" if run.screens else "did not start"
        return ending_of(run, RunStatus.FAILED, f"{app.package} {app.version_name} {what} in {LAUNCH_LIMIT} tries")
    return None


def end(run: Run, now: datetime) -> list[Event]:
    """Home first, so that the phone is left as it should be, unless it does not answer; then the end."""
    if run.restored or run.here is None or run.unseen > 0:
        return [_finish(run, now)]
    return [request(run, Navigate(to="HOME"), "RESTORE", now)]


def ending_of(run: Run, status: RunStatus, reason: str | None) -> RunEnding:
    return RunEnding(run_id=run.spec_started.run_id, status=status, reason=reason)


def _finish(run: Run, now: datetime) -> RunFinished:
    started, ending = run.spec_started, run.ending
    assert ending is not None
    return RunFinished(
        run_id=started.run_id,
        task_id=started.task_id,
        fleet_id=started.fleet_id,
        device_id=started.device_id,
        lease_token=started.lease_token,
        app=started.app,
        profile=started.spec.profile,
        status=ending.status,
        failure_reason=ending.reason if ending.status is not RunStatus.SUCCEEDED else None,
        total_actions=run.sequence,
        successful_actions=run.succeeded,
        screens=tuple(sorted(run.screens)),
        states=len(run.states),
        activities_reached=tuple(sorted(run.activities)),
        activities_declared=run.declared,
        metrics={
            "crashes": run.crashes,
            "restarts": run.restarts,
            "tokens": run.tokens,
            "note": ending.reason,
            "transitions": sum(len(s.targets) for s in run.states.values()),
        },
        started_at=started.started_at,
        ended_at=now,
    )
