"""Rows of the tables of tasks in plain language: what each event writes, and what is never written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.event import Event
from contracts.orchestrator import TaskGranted
from contracts.sealed import Cipher, Sealed
from contracts.values import Input, Navigate, Observe, Point, RunStatus, TapAt, Target, Touch, TypeInto
from services.orchestrator.projections_autoglm import PROJECTION, project
from services.orchestrator.redacting import HIDDEN, error_text
from services.runtime.projection import ERASED, Row, grouped
from tests.orchestrator import task_runs as told
from tests.orchestrator.stories import BEGIN, recorded
from tests.orchestrator.tasks import TaskStory, tap_on, type_into

STEP = ("id", "task_id", "kind", "data", "thinking", "result", "path", "sha256", "took", "success", "error", "at")
GONE = Sealed[str](cipher=Cipher(key_id="k", text="AAAA"))


def rows(*events: Event) -> list[Row]:
    kept = [event for event in events if isinstance(event, PROJECTION.events)]
    return [row for seq, event in enumerate(kept, 1) for row in project(recorded(event, seq, BEGIN))]


def steps(*events: Event) -> list[dict[str, Any]]:
    """Rows of `task_steps`, each value under its name; one that is there already is not written again."""
    made: dict[Any, dict[str, Any]] = {}
    for row in rows(*events):
        if row.statement.sql.lstrip().startswith("INSERT INTO task_steps"):
            made.setdefault(row.values[0], dict(zip(STEP, row.values, strict=True)))
    return list(made.values())


def written(*events: Event) -> str:
    """All values of all rows as one text."""
    return json.dumps([row.values for row in rows(*events)], ensure_ascii=False, default=str)


def test_a_task_has_a_row_as_soon_as_it_runs_and_other_tasks_have_none() -> None:
    (row,) = rows(told.started())
    (task, name, session, user, goal, status, created, seen, config, thread, script) = row.values
    assert (task, name, session, user, goal) == (told.TASK_ID, str(told.TASK_ID), str(told.TASK_ID), "alice", told.GOAL)
    assert (status, created, seen, thread, script) == ("running", BEGIN, BEGIN, str(told.RUN_ID), None)
    assert (config["serial"], config["rules"]["deny_packages"], config["limits"]["max_steps"]) == (
        "p1", ["com.bank.*"], 100)  # fmt: skip
    assert rows(told.started(kind="explore")) == []
    assert rows(told.started(kind="steps")) == []


def test_a_task_of_a_group_or_a_schedule_has_that_for_its_session() -> None:
    group, schedule = told.derived_id("task", "g"), told.derived_id("task", "s")
    assert rows(told.started(group=group))[0].values[2] == str(group)
    assert rows(told.started(scheduled_by=schedule))[0].values[2] == str(schedule)


def test_a_replay_names_the_version_that_it_replays() -> None:
    values = rows(told.replay_started())[0].values
    assert values[-1] == told.version_id(1)
    assert values[4] == "replay order a tent"


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(RunStatus.SUCCEEDED, "completed"), (RunStatus.FAILED, "error"), (RunStatus.CANCELLED, "stopped")],
)
def test_the_end_has_the_designs_word_the_models_last_words_and_the_reason(status: RunStatus, wanted: str) -> None:
    end = told.ended(status, failure_reason=None if status is RunStatus.SUCCEEDED else "enough, api_key=abc123")
    values = rows(end)[-1].values
    assert values[:2] == (told.TASK_ID, wanted)
    assert values[3:] == (
        end.ended_at, None if status is RunStatus.SUCCEEDED else "enough, api_key=[hidden]", "订好了")  # fmt: skip
    assert rows(end.model_copy(update={"kind": "explore"})) == []


def test_all_six_types_of_steps_come_in_the_order_of_the_task() -> None:
    kinds = [step["kind"] for step in steps(*told.whole_task())]
    assert kinds == [
        "screenshot",  # the first look
        "thinking", "validation", "action", "screenshot",  # a tap
        "thinking", "error",  # garbage
        "thinking", "action", "screenshot", "error",  # a phone that refuses
        "validation", "error",  # no answer of the model
        "thinking", "validation", "validation", "action", "screenshot",  # a person is asked, and agrees
        "action", "action",  # a note, a call
        "thinking", "completion",
    ]  # fmt: skip


def test_what_was_thought_comes_with_what_it_cost() -> None:
    thinking = steps(told.took(3, told.TAP_SEARCH, "先点搜索框。", screenshot=told.picture("x")))[0]
    assert (thinking["thinking"], thinking["took"], thinking["success"]) == ("先点搜索框。", 900, True)
    assert thinking["sha256"] == told.picture("x").sha256
    data = thinking["data"]
    assert (data["tokens"], data["cost"], data["model"]) == ({"prompt": 1000, "completion": 50}, "0.0105", "m")
    assert data["intent"] == {"action": "Tap", "element": [150, 240], "target": "搜索"}


def test_an_action_has_the_shape_of_the_design_and_then_its_result() -> None:
    told_of = told.took(1, told.TAP_SEARCH, "想", point=Point(x=150, y=240))
    action = next(step for step in steps(told_of) if step["kind"] == "action")
    assert action["data"] == {"action": "Tap", "element": [150, 240], "target": "搜索", "message": "turn 1", "turn": 1}
    assert (action["thinking"], action["success"]) == ("想", None)
    end = next(row for row in rows(told.finished(2, turn=1)) if row.values[0] == action["id"])
    assert end.values[1:3] == (True, {"success": True, "message": "new screen"})
    assert end.values[4:] == (f"tasks/{told.TASK_ID}/0002.png", 310, None)


def test_a_picture_is_a_row_with_its_hash_its_size_and_where_it_lies() -> None:
    (shot,) = [row for row in rows(told.finished(7)) if "INSERT INTO step_screenshots" in row.statement.sql]
    step = next(step for step in steps(told.finished(7)) if step["kind"] == "screenshot")
    picture = told.picture("after 7")
    assert shot.values[1:] == (
        str(told.TASK_ID), step["id"], f"tasks/{told.TASK_ID}/0007.png", 1234, picture.sha256, False,
        {"key": picture.key, "sequence": 7, "turn": None}, BEGIN,
    )  # fmt: skip


def test_what_was_typed_into_a_password_field_is_nowhere() -> None:
    text = written(*told.whole_task())
    assert told.PASSWORD not in text
    assert HIDDEN in text


@pytest.mark.parametrize(
    "action",
    [
        TypeInto(text=Sealed[str].of("word-1")),
        TypeInto(text=Sealed[str].of("word-1"), guard=told.Guard(element=told.PASSWORD_FIELD)),
        Input(point=Point(x=1, y=2), text=Sealed[str].of("word-1")),
    ],
)
def test_what_is_typed_is_kept_only_where_the_field_is_known_to_be_no_passwords(action: Any) -> None:
    assert "word-1" not in written(told.asked(1, action, "STEP"))
    known = TypeInto(text=Sealed[str].of("word-1"), guard=told.Guard(element=told.element("搜索")))
    assert "word-1" in written(told.asked(1, known, "STEP"))


def test_a_person_who_is_asked_and_answers_is_one_row() -> None:
    (asked,) = steps(told.person_asked(5))
    assert (asked["kind"], asked["success"], asked["data"]["question"]) == ("validation", None, "CONFIRM")
    for verdict, agreed in (("CONFIRMED", True), ("DENIED", False), ("TIMED_OUT", False), ("ANSWERED", True)):
        text = Sealed[str].of("第二个")
        end = rows(told.person_answered(5, verdict, text=text))[0]
        assert (end.values[0], end.values[1]) == (asked["id"], agreed)
        assert end.values[3] == {"verdict": verdict, "by": "bob", "answer": "第二个"}


def test_guards_tell_their_score_and_by_what_an_element_was_found_instead() -> None:
    found = [step for step in steps(*told.whole_replay()) if step["kind"] == "validation"]
    assert [(step["success"], step["error"]) for step in found] == [(True, None), (False, "the screen is another one")]
    assert found[0]["data"] | {"sequence": 1} == {
        "check": "guard", "score": "0.930", "healed_by": "text=搜索", "sequence": 1, "turn": None}  # fmt: skip
    assert "error" not in [step["kind"] for step in steps(*told.whole_replay())]


def test_steps_of_explorations_make_no_rows_and_looks_are_no_actions() -> None:
    assert rows(told.finished(1, "EXPLORE"), told.asked(1, Navigate(to="BACK"), "EXPLORE")) == []
    assert steps(told.asked(1, Observe())) == []
    (action,) = steps(told.asked(1, Touch(target=Target(id="go")), "SETUP"))
    assert action["data"]["message"] == "tap id=go"


def test_what_nobody_can_open_any_more_is_said_to_be_erased() -> None:
    spec = told.started().spec.model_copy(update={"goal": GONE})
    assert rows(told.started().model_copy(update={"spec": spec}))[0].values[4] == ERASED
    gone = told.took(1).model_copy(update={"read": GONE})
    thinking, action = steps(gone)
    assert thinking["thinking"] == ERASED
    assert action["data"]["action"] == ERASED
    assert rows(told.ended(result=GONE))[-1].values[-1] == ERASED


def test_a_version_takes_the_place_of_those_before_and_counts_its_replays() -> None:
    superseded, made, of_task = rows(told.scripted(2))
    assert superseded.values == (str(told.SCRIPT_ID), BEGIN)
    assert made.values[:6] == (
        str(told.SCRIPT_ID), told.version_id(2), str(told.TASK_ID), "order a tent", told.GOAL, 1)  # fmt: skip
    assert made.values[9]["format"] == "waymark.script/1"
    assert (made.values[10]["defaults"], made.values[10]["origin"]) == ({"query": "帐篷"}, "REPAIRED")
    assert of_task.values == (told.TASK_ID, told.version_id(2))
    (counted,) = rows(told.replayed())
    assert counted.values[:4] == (str(told.SCRIPT_ID), told.version_id(1), "66.67", "3.25")
    assert rows(told.switched(1, active=False))[0].values[1:3] == (told.version_id(1), False)
    assert rows(told.scripted(task_id=None))[1].values[2] == str(told.SCRIPT_ID)


def test_a_batch_is_written_with_few_statements_in_an_order_that_keeps_their_meaning() -> None:
    """Steps of a task that is there all go in one statement; those of a task that begins in the batch follow it."""
    busy = [told.took(turn, told.TAP_SEARCH) for turn in range(1, 40)]
    groups = grouped(rows(*busy))
    assert len(groups) == 2
    other = told.derived_id("task", "other")
    late = [told.finished(40, turn=40), told.started(task_id=other), told.finished(1).model_copy(update={
        "task_id": other, "run_id": told.run_of(other), "action_id": other})]  # fmt: skip
    order = [(group[0].table, values) for group in grouped(rows(*late)) for values in group[1]]
    begun = next(at for at, (table, values) in enumerate(order) if table == "tasks" and values[0] == other)
    of_other = [at for at, (_, values) in enumerate(order) if str(other) in values[1:2]]
    assert of_other
    assert all(at > begun for at in of_other if order[at][0] != "tasks")
    seen = next(at for at, (table, values) in enumerate(order) if table.endswith("activity") and values[0] == other)
    assert seen > begun


def test_what_a_run_decides_makes_rows_that_hang_together() -> None:
    """Each action that a phone was asked for has a row, and its end; so has each question to a person."""
    run = TaskStory.on()
    run.wants(tap_on("微信"), thinking="先打开")
    run.sees("chat")
    run.wants(tap_on("发送"), thinking="发送它")
    run.says("confirm")
    run.sees("sent")
    run.wants(type_into("密码", told.PASSWORD, password=True))
    run.says("deny")
    if run.state.action is not None:
        run.sees("sent")
    run.finishes("好了")
    made = steps(*run.events)
    ids = {step["id"] for step in made}
    acted = [step for step in made if step["kind"] == "action"]
    assert [step["data"]["target"] for step in acted] == ["微信", "text=发送"]
    ends = [row.values[0] for row in rows(*run.events) if row.statement.sql.startswith("UPDATE task_steps")]
    assert {step["id"] for step in acted} <= set(ends)
    asked = [step for step in made if step["data"].get("check") == "person"]
    assert {step["id"] for step in asked} <= set(ends)
    assert len(asked) == 2
    assert made[-1]["kind"] == "completion"
    assert made[-1]["result"] == {"success": True, "message": "好了"}
    assert len(ids) == len(made)
    assert told.PASSWORD not in written(*run.events)


def test_texts_that_postgresql_refuses_are_mended() -> None:
    assert "\x00" not in written(told.took(1, told.TAP_SEARCH, "a\x00b", words="c\x00"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("401: Authorization: Bearer abcdef123456", "401: Authorization: Bearer [hidden]"),
        ('{"api_key": "k-1234", "a": 1}', '{"api_key": "[hidden]", "a": 1}'),
        ("sk-abcdefgh12345 is wrong", "[hidden] is wrong"),
        ("http://u:p@host/x refused", "http://[hidden]@host/x refused"),
        ("密码：hunter2，错误", "密码：[hidden]，错误"),
        ("the token budget is used up: 200000 of 200000", "the token budget is used up: 200000 of 200000"),
    ],
)
def test_errors_keep_no_secret(text: str, kept: str) -> None:
    assert error_text(text) == kept


def test_a_swipe_a_wait_and_an_off_target_point_are_told() -> None:
    missed = told.took(1, TapAt(point=Point(x=1, y=2)), "", "MISREAD",
                       read={"off_target": True, "misread": "nothing is there; near: 搜索"})  # fmt: skip
    snap = next(step for step in steps(missed) if step["kind"] == "validation")
    assert (snap["success"], snap["error"], snap["data"]["point"]) == (False, "nothing is there; near: 搜索", [1, 2])


def test_an_event_without_a_place_raises() -> None:
    assert TaskGranted not in PROJECTION.events
    granted = TaskGranted(
        fleet_id=told.DEFAULT_FLEET, task_id=told.TASK_ID, run_id=told.RUN_ID, device_id=told.DEVICE_ID, lease_token=1
    )
    with pytest.raises(TypeError, match="TaskGranted"):
        project(recorded(granted))


def test_every_kind_that_is_read_is_tried_here() -> None:
    tried = {type(event) for event in [*told.whole_task(), *told.whole_replay(), told.switched(1, active=True)]}
    assert set(PROJECTION.events) <= tried
