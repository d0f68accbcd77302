"""Steps of a script as actions of a run: before an exploration (set-up), or as all that a task is about."""

from __future__ import annotations

from datetime import datetime

from contracts.event import Event
from contracts.orchestrator import Purpose
from contracts.screen_indexer import CaptureIndexed
from contracts.values import RunStatus
from contracts.values.actions import PATIENCE_LIMIT_S
from services.orchestrator.decisions.endings import end, ending_of
from services.orchestrator.decisions.run_state import Run, apply
from services.orchestrator.decisions.script import Progress
from services.orchestrator.decisions.script_program import Instruction
from services.orchestrator.decisions.scripts.replaying import interrupted, repair
from services.orchestrator.decisions.step_actions import action_of, guarded
from services.orchestrator.decisions.steps import request

_AFTER_LOOKING_S = 30.0
"""What an action may take beyond its patience: two captures of a slow phone."""


def scripted(run: Run, now: datetime, seen: CaptureIndexed | None = None) -> list[Event] | None:
    """The next step of the run's script, or its end where a step failed or a task of steps is through. None: there is
    no script, or it is done and what it set up follows. `seen`: what the phone shows now, where that has just come."""
    progress = run.script
    if progress is None:
        return None
    if progress.failure is not None:
        return _end(run, RunStatus.FAILED, failure(run, progress), now, progress.code)
    current = progress.current
    if current is None:
        return _end(run, RunStatus.SUCCEEDED, None, now) if run.is_steps else None
    if progress.stuck is not None:
        if interrupted(run, current) is not None:
            return _end(run, RunStatus.FAILED, failure(run, progress), now, progress.code)
        return repair(run, progress, seen, now)
    return [_request(run, current, progress, now)]


def failure(run: Run, progress: Progress) -> str:
    """Which step failed, what it says, and why."""
    what = "step" if run.is_steps else "set-up step"
    why = progress.failure or progress.stuck
    if progress.at >= len(progress.program):
        return f"the {what}s cannot be done: {why}"
    current = progress.program[progress.at]
    if progress.replays and (in_front := interrupted(run, current)) is not None:
        why = f"{in_front}; {why}"
    elif progress.code is not None and not progress.repairs and _may_repair(run):
        why = f"{why}; it may be repaired, but no model is configured"
    ref = current.ref
    return f"{what} {ref.number} of {ref.of} ({ref.words}): {why}"


def _may_repair(run: Run) -> bool:
    replay = run.spec_started.spec.replay
    return replay is not None and replay.repair


def _end(run: Run, status: RunStatus, reason: str | None, now: datetime, code: str | None = None) -> list[Event]:
    ending = ending_of(run, status, reason, code)
    return [ending, *end(apply(run, ending), now)]


def _request(run: Run, current: Instruction, progress: Progress, now: datetime) -> Event:
    purpose: Purpose = "STEP" if run.is_steps else "SETUP"
    left_s = current.patience_s - progress.tries * PATIENCE_LIMIT_S
    wait_s = max(min(left_s, PATIENCE_LIMIT_S), 0.0)
    guard = current.guard if progress.swipes == 0 else None  # A list that has moved is not the screen that it was.
    action = guarded(action_of(current.step, run.spec_started.app.package, wait_s), guard, wait_s)
    timeout_s = max(run.spec_started.spec.limits.step_timeout_s, wait_s + _AFTER_LOOKING_S)
    return request(run, action, purpose, now, step=current.ref, timeout_s=timeout_s)
