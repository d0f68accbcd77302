"""Runs that bring their app along: installed first, compared with what was asked for, removed where that is wanted;
and which phone such a task gets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.device_agent import ActionFinished, DeviceReady
from contracts.orchestrator import (
    ActionRequested,
    RunEnding,
    RunFinished,
    RunNoted,
    RunStarted,
    StepFinished,
    TaskBlocked,
    TaskQueued,
)
from contracts.values import (
    ActionStatus,
    ApkFile,
    AppInstall,
    Install,
    InstalledFiles,
    Navigate,
    RunStatus,
    Uninstall,
)
from tests.orchestrator.runs import APP, LAUNCHER, RunStory, tap
from tests.orchestrator.stories import names
from tests.orchestrator.test_blocked import watch
from tests.orchestrator.test_fleet import apps, device, finished, fleet, granted, task

DIGEST = "0" * 64


def app(**changes: Any) -> AppInstall:
    file = ApkFile(key=f"00/{DIGEST}.apk", sha256=DIGEST)
    return AppInstall(package=APP, version_name="1.0", version_code=1, apks=(file,), **changes)


def installing(**changes: Any) -> RunStory:
    """A run that has asked for its app."""
    story = RunStory.go(install=app(**changes))
    story.begin()
    return story


def answers(story: RunStory, *, files: dict[str, Any] | None = None, **changes: Any) -> list[Any]:
    """The phone's agent tells what came of the action under way; without `files` it failed."""
    asked = story.asked
    told: dict[str, Any] = {
        "action_id": asked.action_id, "run_id": asked.run_id, "device_id": asked.device_id, "sequence": asked.sequence,
        "action_type": asked.action.type, "status": ActionStatus.FAILED, "started_at": story.now,
        "completed_at": story.now, "duration_ms": 4200, "adb_ms": 1,
    }  # fmt: skip
    if files is not None:
        has = {"package": APP, "version_name": "1.0", "version_code": 1, "base_digest": f"sha256:{DIGEST}",
               "was_there": False, **files}  # fmt: skip
        told |= {"status": ActionStatus.SUCCESS, "installed": InstalledFiles(**has)}
    return story.when(ActionFinished(**told | changes))


def explored(story: RunStory) -> None:
    """The app shows one screen on which there is nothing to do."""
    while not (isinstance(story.asked.action, Navigate) and story.asked.action.to == "HOME"):
        story.shows("home", tap("a"))
    story.shows("launcher", package=LAUNCHER)


def test_the_app_is_installed_before_anything_else_and_may_take_its_time():
    story = installing()
    asked = story.asked
    assert (asked.action, asked.purpose, asked.sequence) == (Install(app=app()), "INSTALL", 1)
    assert asked.expires_at - story.now == timedelta(seconds=600)
    assert story.last(RunNoted).detail["what"] == "installing"
    step, noted, launch = answers(story, files={})
    assert isinstance(step, StepFinished)
    assert (step.outcome, step.succeeded) == ("NOTHING", True)
    assert noted.detail == {
        "what": "installed",
        "files": {"package": APP, "version_name": "1.0", "version_code": 1, "base_digest": f"sha256:{DIGEST}",
                  "was_there": False, "replaced": False},
        "took_ms": 4200,
    }  # fmt: skip
    assert isinstance(launch, ActionRequested)
    assert launch.purpose == "LAUNCH"


@pytest.mark.parametrize("files", [{"version_name": "1.1"}, {"version_code": 2}], ids=["another name", "another code"])
def test_a_run_fails_where_the_phone_has_another_version_than_was_asked_for(files: dict[str, Any]):
    story = installing()
    events = answers(story, files=files)
    assert names(events) == ["StepFinished", "RunNoted", "RunEnding", "RunFinished"]
    end = story.last(RunFinished)
    assert end.status is RunStatus.FAILED
    assert "but 1.0 (1) was asked for" in end.failure_reason


def test_a_version_whose_code_nobody_knows_is_compared_by_name():
    story = RunStory.go(install=app().model_copy(update={"version_code": None}))
    story.begin()
    answers(story, files={"version_code": 7})
    assert story.asked.purpose == "LAUNCH"


def test_a_refused_installation_ends_the_run_with_the_phones_reason():
    story = installing()
    events = answers(story, error_code="FAILED", error_message="the phone has too little free space: remove apps")
    assert names(events) == ["StepFinished", "RunEnding", "RunFinished"]
    end = story.last(RunFinished)
    assert end.status is RunStatus.FAILED
    assert end.failure_reason == (
        "com.example 1.0 could not be installed: the phone has too little free space: remove apps"
    )


@pytest.mark.parametrize("code", ["OUTCOME_UNKNOWN", "NOT_ATTEMPTED", "EXPIRED"])
def test_what_nobody_saw_the_end_of_is_asked_for_once_more(code: str):
    story = installing()
    answers(story, error_code=code, error_message="the phone has gone")
    assert (story.asked.purpose, story.asked.sequence) == ("INSTALL", 2)
    answers(story, error_code=code, error_message="the phone has gone")
    assert story.last(RunFinished).failure_reason.endswith("the phone has gone")


def test_an_installation_that_is_never_answered_ends_the_run():
    story = installing()
    for _ in range(12):
        if story.state.finished is not None:
            break
        story.timer(max((e for e in story.events if e.due_at), key=lambda e: e.due_at))
    end = story.last(RunFinished)
    assert (end.status, len([e for e in story.all(ActionRequested) if isinstance(e.action, Install)])) == (
        RunStatus.FAILED,
        2,
    )
    assert "did not end in time" in end.failure_reason


def test_a_run_that_is_stopped_while_it_installs_ends_when_that_is_over():
    story = installing()
    assert names(story.stop()) == ["RunEnding"]
    assert names(answers(story, files={})) == ["StepFinished", "RunNoted", "RunFinished"]
    assert story.last(RunFinished).status is RunStatus.CANCELLED
    assert len(story.all(RunEnding)) == 1


def test_a_paused_run_installs_when_it_goes_on():
    story = RunStory.go(install=app())
    story.pause()
    story.begin()
    assert story.state.action is None
    story.pause(on=False)
    assert story.asked.purpose == "INSTALL"


@pytest.mark.parametrize(
    ("keep", "was_there", "replaced", "removed"),
    [
        (True, False, False, False),
        (False, True, False, False),
        (False, False, True, False),
        (False, False, False, True),
    ],
)
def test_only_what_this_run_installed_is_removed_and_only_where_that_is_wanted(
    keep: bool, was_there: bool, replaced: bool, removed: bool
):
    story = installing(keep=keep)
    answers(story, files={"was_there": was_there, "replaced": replaced})
    explored(story)
    if removed:
        assert (story.asked.action, story.asked.purpose) == (Uninstall(package=APP), "RESTORE")
        answers(story, status=ActionStatus.SUCCESS)
    assert story.last(RunFinished).status is RunStatus.SUCCEEDED
    assert [e for e in story.all(RunNoted) if e.detail.get("what") == "not removed"] == []


def test_an_app_that_cannot_be_removed_is_told_and_the_run_is_what_it_was():
    story = installing(keep=False)
    answers(story, files={})
    explored(story)
    events = answers(story, error_code="FAILED", error_message="it belongs to the system")
    assert names(events) == ["StepFinished", "RunNoted", "RunFinished"]
    assert events[1].detail == {"what": "not removed", "package": APP, "why": "it belongs to the system"}
    assert events[-1].status is RunStatus.SUCCEEDED


# --- which phone ------------------------------------------------------------------------------------------------------


def ready(name: str, api: int, abis: str | None = "arm64-v8a,armeabi-v7a") -> DeviceReady:
    tags = {} if abis is None else {"abi": abis.split(",")[0], "abis": abis}
    return DeviceReady(
        device_id=device(name), session=1, serial=name, model="Pixel", api_level=api, pool="default", tags=tags
    )


def test_a_task_that_brings_its_app_gets_a_phone_without_it():
    told = fleet()
    told.when(ready("p1", 33))
    told.when(apps("p1"))
    events = told.when(task(install=app()))
    assert names(events) == ["TaskQueued", "TaskGranted", "AppVersionSeen", "RunStarted"]
    assert told.last(TaskQueued).app.version_name == told.last(RunStarted).app.version_name == "1.0"
    assert told.last(RunStarted).spec.install == app()


def test_it_waits_for_a_phone_that_can_run_it():
    told = fleet()
    told.when(ready("old", 28))
    told.when(ready("other", 33, "x86_64,x86"))
    assert granted(told.when(task(install=app(min_api=30, abis=("arm64-v8a",))))) == []
    blocked, _ = watch(told)
    assert isinstance(blocked, TaskBlocked)
    assert blocked.reason == (
        "no phone that is connected can run com.example 1.0, which needs API level 30 or higher and arm64-v8a;"
        " old has API level 28, other runs x86_64, x86"
    )
    assert granted(told.when(ready("new", 33))) == [(blocked.task_id, device("new"))]


def test_a_phone_that_does_not_tell_its_processor_is_tried():
    told = fleet()
    told.when(ready("p1", 33, None))
    assert granted(told.when(task(install=app(abis=("arm64-v8a",))))) != []


def test_a_phone_that_is_busy_is_no_reason_to_complain():
    told = fleet()
    told.when(ready("p1", 33))
    told.when(task("busy", install=app()))
    assert granted(told.when(task("t", install=app()))) == []
    assert told.all(TaskBlocked) == []
    assert granted(told.when(finished(told.last(RunStarted)))) != []
