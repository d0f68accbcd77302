"""Root spans of runs: a run is a trace, and of a long run each further hundred of steps is one more, linked to those
beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from contracts.event import Event
from contracts.orchestrator import ActionRequested, RunFinished
from services.orchestrator.decisions.run_state import Run
from services.runtime.log import Recorded
from services.runtime.telemetry import STEPS_A_TRACE, RootSpan, hundred_of, record_root, run_root_traceparent


def record_traces(appended: list[Recorded[Event]], run: Run) -> None:
    """Told what a run has written, and the run thereafter."""
    for root in roots(appended, run):
        record_root(root)


def roots(appended: Iterable[Recorded[Event]], run: Run) -> Iterator[RootSpan]:
    """Root spans of the traces that these events end: by the first step of the next hundred, or by the run's end."""
    for recorded in appended:
        event = recorded.event
        match event:
            case ActionRequested() if (hundred := hundred_of(event.sequence)) > hundred_of(event.sequence - 1):
                last = event.sequence - 1
                yield _root(run, hundred - 1, last, event.requested_at, is_last=False)
            case RunFinished():
                hundred = hundred_of(event.total_actions)
                outcome: dict[str, str | int] = {"status": event.status, "actions": event.total_actions}
                yield _root(run, hundred, event.total_actions, event.ended_at, is_last=True, **outcome)
            case _:
                continue


def _root(
    run: Run, hundred: int, last_step: int, ended_at: datetime, *, is_last: bool, **outcome: str | int
) -> RootSpan:
    started = run.spec_started
    run_id, app, first = started.run_id, started.app, hundred * STEPS_A_TRACE + 1
    name = f"run {app.package} {app.version_name}"
    beside = [n for n in (hundred - 1, hundred + 1) if n >= 0 and not (is_last and n > hundred)]
    return RootSpan(
        traceparent=run_root_traceparent(run_id, hundred),
        name=name if hundred == 0 and is_last else f"{name}, steps {first} to {last_step}",
        started_at=started.started_at if hundred == 0 else run.hundreds[hundred - 1],
        ended_at=ended_at,
        links=tuple(run_root_traceparent(run_id, n) for n in beside),
        attributes={
            "run_id": str(run_id),
            "task_id": str(started.task_id),
            "package": app.package,
            "version": app.version_name,
            "serial": started.serial,
            "first_step": first,
            "last_step": last_step,
            **outcome,
        },
    )
