"""Rows of the orchestrator's tables: what each event writes, with times that come from events only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import pytest

from contracts.device_agent import PhonePrepared, PhoneRestored
from contracts.event import Event
from contracts.orchestrator import (
    AppVersionSeen,
    ConfigChanged,
    RunFinished,
    RunNoted,
    RunPaused,
    RunResumed,
    StepFinished,
    TaskBlocked,
    TaskDropped,
    TaskGranted,
    TaskHeld,
    TaskQueued,
    TaskReleased,
    TaskUnblocked,
    TaskWaiting,
    UserSeen,
)
from contracts.subjects import derived_id
from contracts.values import ConfigType, RunEventType, RunStatus
from services.orchestrator.decisions.fleet import DEFAULT_FLEET
from services.orchestrator.projections import PROJECTION, project
from services.runtime.projection import Row
from tests.orchestrator.runs import LAUNCHER, TASK_ID, RunStory, screen_id, tap
from tests.orchestrator.stories import BEGIN, recorded

AT = BEGIN + timedelta(hours=1)


def rows(event: Event, seq: int = 42) -> dict[str, list[dict[str, object]]]:
    """Rows by table, each value under its column."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in project(recorded(event, seq, AT)):
        found.setdefault(row.statement.table, []).append(_named(row))
    return found


def _named(row: Row) -> dict[str, object]:
    sql = row.statement.sql
    if sql.startswith("INSERT"):
        names: Iterable[str] = sql[sql.index("(") + 1 : sql.index(")")].split(", ")
        return dict(zip(names, row.values, strict=True))
    settings = [part.split(" = $") for part in sql[sql.index("SET ") + 4 : sql.index(" WHERE")].split(", ")]
    return {"id": row.values[0], **{name: row.values[int(place) - 1] for name, place in settings}}


@pytest.fixture(scope="module")
def story() -> RunStory:
    told = RunStory.go()
    told.begin()
    told.shows("home", tap("a"))
    told.pause()
    told.shows("next")
    told.pause(on=False)
    told.stop()
    told.shows("next")
    told.shows("desk", package=LAUNCHER)
    return told


def test_a_seen_version_is_an_app_and_its_version(story: RunStory):
    app = story.started.app
    found = rows(AppVersionSeen(app_version_id=app.app_version_id, app=app))
    assert found == {
        "apps": [{"id": app.app_id, "name": "com.example", "package_name": "com.example", "created_at": AT,
                  "updated_at": AT}],
        "app_versions": [{"id": app.app_version_id, "app_id": app.app_id, "version_name": "1.0", "version_code": 1,
                          "created_at": AT}],
    }  # fmt: skip


def test_a_queued_task_comes_with_its_app(story: RunStory):
    spec, app = story.started.spec, story.started.app
    found = rows(TaskQueued(fleet_id=DEFAULT_FLEET, spec=spec, app=app))
    (task,) = found["tasks"]
    assert list(found) == ["apps", "app_versions", "tasks"]
    assert (task["id"], task["app_version_id"], task["status"]) == (spec.task_id, app.app_version_id, "QUEUED")
    assert (task["created_by"], task["priority"], task["coverage_profile"]) == (spec.user_id, 3, "FULL")
    assert task["coverage_config"] == {"blacklist": [], "priorities": [], "packages": []}
    assert (task["created_at"], task["updated_at"]) == (spec.accepted_at, AT)


FLEETS = {"fleet_id": DEFAULT_FLEET, "task_id": TASK_ID}


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (TaskGranted(**FLEETS, run_id=screen_id("r"), device_id=screen_id("d"), lease_token=1), "RUNNING", None),
        (TaskDropped(**FLEETS, reason="r"), "FAILED", "r"),
        (TaskHeld(**FLEETS, reason="r", by="bob"), "PAUSED", "r"),
        (TaskReleased(**FLEETS, by="bob"), "QUEUED", None),
        (TaskBlocked(**FLEETS, reason="r", since=AT, give_up_at=AT), "QUEUED", "r"),
        (TaskUnblocked(**FLEETS), "QUEUED", None),
    ],
    ids=lambda value: value.NAME if isinstance(value, Event) else str(value),
)
def test_what_the_fleet_does_with_a_task_is_its_status(event: Event, status: str, reason: str | None):
    assert rows(event) == {"tasks": [{"id": TASK_ID, "status": status, "status_reason": reason, "updated_at": AT}]}


def test_a_task_that_was_held_before_its_version_was_known_has_a_row_that_says_so(story: RunStory):
    queued = TaskQueued(fleet_id=DEFAULT_FLEET, spec=story.started.spec, app=story.started.app, held=True)
    assert rows(queued)["tasks"][0]["status"] == "PAUSED"


def test_a_run_begins_with_no_actions(story: RunStory):
    (run,) = rows(story.started)["task_runs"]
    assert (run["id"], run["task_id"], run["device_id"]) == (
        story.started.run_id, TASK_ID, story.started.device_id)  # fmt: skip
    assert (run["status"], run["total_actions"], run["start_at"]) == ("RUNNING", 0, story.started.started_at)
    assert run["metrics"] == {"serial": "p1", "lease_token": 1}


def test_each_step_moves_the_runs_counts(story: RunStory):
    step = story.all(StepFinished)[1]
    (run,) = rows(step)["task_runs"]
    assert run == {"id": step.run_id, "total_actions": 2, "successful_actions": 2, "coverage_screens": 2}


def test_a_note_is_a_run_event_under_its_place_in_the_log(story: RunStory):
    note = story.all(RunNoted)[0]
    (row,) = rows(note, seq=77)["task_run_events"]
    assert row == {"id": 77, "task_run_id": note.run_id, "event_type": RunEventType.STATE_CHANGE,
                   "detail": note.detail, "occurred_at": AT}  # fmt: skip


@pytest.mark.parametrize(("kind", "status", "reason"), [(RunPaused, "PAUSED", "lunch"), (RunResumed, "RUNNING", None)])
def test_a_pause_and_its_end_are_seen_on_the_task_and_in_its_events(
    story: RunStory, kind: type[Event], status: str, reason: str | None
):
    found = rows(story.last(kind))
    assert found["tasks"] == [{"id": TASK_ID, "status": status, "status_reason": reason, "updated_at": AT}]
    (event,) = found["task_run_events"]
    assert event["detail"]["state_to"] == status
    assert event["detail"]["by"] == "bob"


def test_the_end_of_a_run_is_written_everywhere(story: RunStory):
    finished = story.last(RunFinished)
    assert finished.status is RunStatus.CANCELLED
    found = rows(finished)
    (run,) = found["task_runs"]
    assert (run["status"], run["end_at"], run["failure_reason"]) == ("CANCELLED", finished.ended_at, "enough")
    assert (run["total_actions"], run["coverage_screens"]) == (finished.total_actions, 2)
    assert run["metrics"]["activities_reached"] == list(finished.activities_reached)
    assert (found["tasks"][0]["status"], found["tasks"][0]["status_reason"]) == ("FAILED", "enough")
    assert found["task_run_events"][0]["detail"] == {
        "state_from": "RUNNING", "state_to": "CANCELLED", "reason": "enough"}  # fmt: skip


def test_a_run_that_succeeded_completes_its_task(story: RunStory):
    finished = story.last(RunFinished).model_copy(update={"status": RunStatus.SUCCEEDED})
    assert rows(finished)["tasks"][0]["status"] == "COMPLETED"


def test_people_and_configurations_have_rows():
    user = UserSeen(user_id=screen_id("u"), account="alice", display_name="Alice")
    assert rows(user)["users"] == [
        {"id": user.user_id, "account": "alice", "display_name": "Alice", "roles": ["QA"], "created_at": AT}
    ]
    config = ConfigChanged(
        config_id=derived_id("config", 1), version=2, config_type=ConfigType.LLM, name="main", secret_ref="env:K",
        config={"model": "m"}, enabled=False, changed_by="alice",
    )  # fmt: skip
    (row,) = rows(config)["integration_configs"]
    assert (row["id"], row["secret_ref"], row["config"], row["enabled"], row["updated_at"]) == (
        config.config_id, "env:K", {"model": "m"}, False, AT)  # fmt: skip


def test_an_event_without_a_place_raises(story: RunStory):
    waiting = TaskWaiting(fleet_id=DEFAULT_FLEET, spec=story.started.spec)
    assert TaskWaiting not in PROJECTION.events
    with pytest.raises(TypeError, match="TaskWaiting"):
        project(recorded(waiting))


def test_what_was_changed_on_a_phone_and_put_back_can_be_read_in_the_run(story: RunStory):
    started = story.started
    lease = {"lease_id": UUID(int=1), "device_id": started.device_id, "run_id": started.run_id}
    lease |= {"serial": started.serial, "lease_token": 7}
    found = {"global/window_animation_scale": "1.0", "system/user_rotation": None}
    prepared = PhonePrepared(**lease, found=found, changed=("global/window_animation_scale",), woken=True)
    restored = PhoneRestored(**lease, restored=found, failed={"secure/default_input_method": "Unknown id"})

    (notice,) = project(recorded(prepared))
    (recovery,) = project(recorded(restored))

    assert notice.values[1:3] == (started.run_id, RunEventType.NOTICE)
    assert notice.values[3] == {
        "what": "phone prepared",
        "serial": started.serial,
        "lease_token": 7,
        "found": found,
        "changed": ["global/window_animation_scale"],
        "woken": True,
    }
    assert recovery.values[1:3] == (started.run_id, RunEventType.RECOVERY)
    assert recovery.values[3]["failed"] == {"secure/default_input_method": "Unknown id"}


def test_every_kind_that_is_read_can_be_projected(story: RunStory):
    told = {type(event) for event in story.events}
    tried = {
        AppVersionSeen,
        TaskQueued,
        TaskGranted,
        TaskDropped,
        TaskHeld,
        TaskReleased,
        TaskBlocked,
        TaskUnblocked,
        UserSeen,
        ConfigChanged,
        PhonePrepared,
        PhoneRestored,
    } | told
    assert set(PROJECTION.events) <= tried
