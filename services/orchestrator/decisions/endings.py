"""The end of a run: when it is due, how the phone is left, what is told."""

from __future__ import annotations

from datetime import datetime

from contracts.event import Event
from contracts.orchestrator import RunEnding, RunFinished, RunUsage
from contracts.sealed import Sealed
from contracts.values import Finish, Navigate, RunStatus, Uninstall
from services.orchestrator.decisions.interruptions import SYSTEM_UI
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.scripts.leaving import replayed_by, scripts_left
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.tasking.state import TaskProgress
from services.orchestrator.decisions.trouble import INPUT_DENIED

UNSEEN_LIMIT = 4
LAUNCH_LIMIT = 4
REFUSED_LIMIT, DENIED_LIMIT = 4, 2
"""Actions in a row that the phone did not do; fewer where it denies all input, which does not pass by itself."""


def over(run: Run) -> RunEnding | None:
    """Why the run cannot go on, if it cannot. A step that failed ends it in its own words, and steps that are all done
    need nothing more."""
    if run.script is not None and run.script.failure is not None:
        return None
    if run.is_steps and not run.unfinished:
        return None
    limits = run.spec_started.spec.limits
    turns = 0 if run.task is None else run.task.usage.turns
    if max(run.sequence - run.reproduction.steps, turns) >= limits.max_steps:
        return cut_short(run, f"the limit of {limits.max_steps} steps was reached", "STEPS")
    if run.unseen >= UNSEEN_LIMIT:
        words = f"nothing could be seen on the phone in {run.unseen} steps in a row{_because(run)}"
        return ending_of(run, RunStatus.FAILED, words)
    if run.lost_launches >= LAUNCH_LIMIT:
        app = run.spec_started.app
        what = "could not be brought to the front again" if run.screens else "did not start"
        return ending_of(
            run, RunStatus.FAILED, f"{app.package} {app.version_name} {what} in {LAUNCH_LIMIT} tries{_because(run)}"
        )
    denied = run.trouble is not None and run.trouble.code == INPUT_DENIED
    if run.refused >= (DENIED_LIMIT if denied else REFUSED_LIMIT):
        words = f"the phone did not do {run.refused} actions in a row{_because(run)}"
        return ending_of(run, RunStatus.FAILED, words, "NOT_FIT" if denied else None)
    return None


def cut_short(run: Run, why: str, code: str) -> RunEnding:
    """An exploration may end at any time; steps that are left make it a failure, and so does a task in plain language
    (with `code`)."""
    if run.script is not None and run.script.failure is not None:  # The run was paused when the step failed.
        return ending_of(run, RunStatus.FAILED, f"{why} after a step had failed: {run.script.failure}", run.script.code)
    if not run.unfinished:
        if run.task is not None:
            return _task_cut_short(run.task, run, why, code)
        return ending_of(run, RunStatus.SUCCEEDED, why)
    assert run.script is not None
    assert run.script.current is not None
    ref = run.script.current.ref
    return ending_of(run, RunStatus.FAILED, f"{why} before step {ref.number} of {ref.of} ({ref.words}) was done")


def _task_cut_short(task: TaskProgress, run: Run, why: str, code: str) -> RunEnding:
    """The task ends with what it was waiting for."""
    if task.tries:
        return ending_of(run, RunStatus.FAILED, f"{why}: {task.away_reason}", "MODEL_AWAY")
    if task.person is not None:
        return ending_of(run, RunStatus.FAILED, f"{why} while a person was waited for: {task.person.words}", code)
    return ending_of(run, RunStatus.FAILED, why, code)


def _because(run: Run) -> str:
    """What the last step told of the cause, as the end of a sentence."""
    if run.trouble is not None:
        return f": {run.trouble}"
    if run.here is not None and run.here.package == SYSTEM_UI:
        return ": its lock screen, or another window of the system, is in front: look at the phone, and unlock it"
    return ""


def end(run: Run, now: datetime) -> list[Event]:
    """Home first, so that the phone is left as it should be, unless it does not answer; then the app goes that the run
    had installed, where that is wanted; then the end. Steps and tasks leave the phone where they led."""
    leads_home = not run.restored and run.here is not None and run.unseen == 0
    if leads_home and not run.is_steps and run.task is None:
        return [request(run, Navigate(to="HOME"), "RESTORE", now)]
    app, installed = run.spec_started.spec.install, run.installed
    is_ours = installed is not None and not installed.was_there and not installed.replaced
    if app is not None and not app.keep and is_ours and not run.removal_tried:
        return [request(run, Uninstall(package=app.package), "RESTORE", now)]
    return [*scripts_left(run, now), _finish(run, now)]


def ending_of(run: Run, status: RunStatus, reason: str | None, code: str | None = None) -> RunEnding:
    return RunEnding(run_id=run.spec_started.run_id, status=status, reason=reason, code=code)


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
        quiet=started.spec.quiet,
        started_at=started.started_at,
        ended_at=now,
        failure_code=ending.code,
        kind=started.spec.kind,
        replayed=replayed_by(run),
        result=None if run.task is None else _result(run.task),
        usage=_usage(run),
    )


def _usage(run: Run) -> RunUsage | None:
    """What a model was asked for the task, or for repairs of its script."""
    if run.task is not None:
        return run.task.usage
    return run.repair.usage if run.repair.usage.turns else None


def _result(task: TaskProgress) -> Sealed[str] | None:
    """The last word of the model, where it has ended the task itself."""
    intent = None if task.last is None else task.last.intent
    return Sealed[str].of(intent.message) if isinstance(intent, Finish) else None
