"""The first phase of a run that brings its app along: install it, and compare what the phone has then with what was
asked for. Removing it again is the last phase, see `endings`."""

from __future__ import annotations

from datetime import datetime

from contracts.device_agent import ActionFinished
from contracts.event import Event
from contracts.orchestrator import RunNoted, StepOutcome
from contracts.values import ActionStatus, AppInstall, Install, InstalledFiles, RunEventType, RunStatus, Uninstall
from services.orchestrator.decisions.endings import ending_of
from services.orchestrator.decisions.outcomes import finished_step, unseen
from services.orchestrator.decisions.run_state import INSTALLED, Run
from services.orchestrator.decisions.steps import request
from services.orchestrator.decisions.trouble import of_action

TRIES = 2
"""An installation of which nobody knows what came is asked for once more: it is the same files again."""
_AGAIN = frozenset({"OUTCOME_UNKNOWN", "NOT_ATTEMPTED", "EXPIRED"})
"""What does not speak against the app or the phone: it was not done, or nobody saw the end of it."""


def install_phase(run: Run, now: datetime) -> list[Event] | None:
    """What is to be done so that the app is on the phone; None where it is, or where the run brings none."""
    app = run.spec_started.spec.install
    if app is None or run.installed is not None:
        return None
    detail = {"what": "installing", "package": app.package, "version": app.version_name, "apks": len(app.apks)}
    noted = RunNoted(run_id=run.spec_started.run_id, event_type=RunEventType.NOTICE, detail=detail)
    timeout_s = run.spec_started.spec.limits.install_timeout_s
    return [noted, request(run, Install(app=app), "INSTALL", now, timeout_s=timeout_s)]


def came_of(run: Run, finished: ActionFinished) -> list[Event]:
    """How an installation or a removal ended. One that failed ends the run, with the reason in words."""
    assert run.action is not None
    if isinstance(run.action.action, Uninstall):
        return _removed(run, finished)
    if finished.status is ActionStatus.SUCCESS and finished.installed is not None:
        return _installed(run, finished, finished.installed)
    step = finished_step(run, "FAILED", seen=finished, trouble=of_action(finished))
    if finished.error_code in _AGAIN and run.installs < TRIES:
        return [step]
    return [step, *_given_up(run, finished.error_message or finished.error_code or "nobody knows why")]


def nobody_saw(run: Run) -> list[Event]:
    """Its time is over and nothing was heard."""
    if run.installs < TRIES:
        return [unseen(run)]
    return [unseen(run), *_given_up(run, f"it did not end in time, {TRIES} times")]


def _installed(run: Run, finished: ActionFinished, files: InstalledFiles) -> list[Event]:
    app = run.spec_started.spec.install
    assert app is not None
    detail = {"what": INSTALLED, "files": files.model_dump(mode="json"), "took_ms": finished.duration_ms}
    noted = RunNoted(run_id=finished.run_id, event_type=RunEventType.NOTICE, detail=detail)
    events: list[Event] = [finished_step(run, "NOTHING", seen=finished), noted]
    if run.ending is None and (other := _difference(app, files)) is not None:
        events.append(ending_of(run, RunStatus.FAILED, other))
    return events


def _difference(app: AppInstall, files: InstalledFiles) -> str | None:
    """What the phone has other than what was asked for, in words."""
    asked, has = _version(app.version_name, app.version_code), _version(files.version_name, files.version_code)
    same_code = app.version_code is None or files.version_code in {None, app.version_code}
    if files.version_name == app.version_name and same_code:
        return None
    return (
        f"the phone has {files.package} {has} after the installation, but {asked} was asked for: the APK is not the one"
        " that the request describes"
    )


def _version(name: str, code: int | None) -> str:
    return name if code is None else f"{name} ({code})"


def _given_up(run: Run, why: str) -> list[Event]:
    if run.ending is not None:
        return []
    app = run.spec_started.app
    return [ending_of(run, RunStatus.FAILED, f"{app.package} {app.version_name} could not be installed: {why}")]


def _removed(run: Run, finished: ActionFinished) -> list[Event]:
    succeeded = finished.status is ActionStatus.SUCCESS
    outcome: StepOutcome = "NOTHING" if succeeded else "FAILED"
    events: list[Event] = [finished_step(run, outcome, seen=finished, trouble=of_action(finished))]
    if not succeeded:
        detail = {"what": "not removed", "package": run.spec_started.app.package, "why": finished.error_message}
        events.append(RunNoted(run_id=finished.run_id, event_type=RunEventType.NOTICE, detail=detail))
    return events
