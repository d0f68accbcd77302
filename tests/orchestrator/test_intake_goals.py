"""Requests of tasks in plain language, and what people say to them."""

from __future__ import annotations

import pytest

from contracts.orchestrator import PersonSaid, TaskAccepted, TaskRejected
from contracts.subjects import derived_id
from contracts.values import ANDROID
from services.orchestrator.decisions.intake import answer_key, task_key
from tests.orchestrator.stories import Story
from tests.orchestrator.test_intake import raw, refused, story

GOAL = {"kind": "task", "goal": "给张三发消息：你好"}


def accepted(**changes: object) -> TaskAccepted:
    event = story().when(raw({**GOAL, **changes}))[0]
    assert isinstance(event, TaskAccepted), getattr(event, "reason", event)
    return event


def told(**changes: object) -> tuple[Story, str]:
    known = story().given(accepted(**changes))
    return known, str(task_key(raw({**GOAL, **changes})))


def test_a_goal_is_a_task_of_the_phone_itself_and_is_sealed():
    spec = accepted().spec
    assert (spec.kind, spec.package, spec.goal.reveal()) == ("task", ANDROID, GOAL["goal"])
    assert GOAL["goal"] not in accepted().model_dump_json()
    assert (spec.limits.max_steps, spec.validate_locators, spec.rules.confirm) == (100, False, "ASK")


def test_the_rules_of_a_task_reach_it():
    rules = {
        "model": "big", "token_budget": 5000, "cost_budget": "1.250000", "allow_packages": ["com.tencent.*"],
        "deny_packages": ["com.bank"], "deny_actions": ["CALL_API"], "confirm": "deny", "person_wait_s": 30,
        "record": False,
    }  # fmt: skip
    kept = accepted(app="com.tencent.mm", rules=rules).spec
    assert kept.package == "com.tencent.mm"
    assert kept.rules.model_dump(mode="json") == {
        **rules, "cost_budget": "1.250000", "confirm": "DENY", "allow_actions": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"goal": "  "}, "goal"),
        ({"goal": "x" * 4001}, "goal"),
        ({"rules": {"token_budget": -1}}, "token_budget"),
        ({"rules": {"cost_budget": "1e9"}}, "cost_budget"),
        ({"rules": {"deny_actions": ["FLY"]}}, "deny_actions"),
        ({"rules": {"confirm": "maybe"}}, "confirm"),
        ({"rules": {"person_wait_s": 0}}, "person_wait_s"),
        ({"gaol": "x"}, "gaol"),
        ({"variables": {"a": "b"}}, "variables"),
    ],
)
def test_a_goal_that_does_not_fit_is_refused_with_the_field(changes: dict, says: str):
    rejected = refused({**GOAL, **changes})
    assert rejected.code == "INVALID"
    assert says in rejected.reason


@pytest.mark.parametrize("kind", ["confirm", "deny", "takeover"])
def test_what_somebody_says_is_told_to_the_task(kind: str):
    known, task = told()
    request = raw({"kind": kind, "task": task, "text": "好的"}, "control", "bob")
    (said,) = known.when(request)
    assert isinstance(said, PersonSaid)
    assert (said.kind, said.user, said.text.reveal()) == (kind, "bob", "好的")
    assert said.answer_id == answer_key(request)


def test_an_answer_may_name_its_question_and_needs_a_text():
    known, task = told()
    ask = derived_id("ask", 1)
    (said,) = known.when(raw({"kind": "answer", "task": task, "text": "two", "ask": str(ask)}, "control"))
    assert said.ask_id == ask
    (rejected,) = known.when(raw({"kind": "answer", "task": task}, "control"))
    assert (rejected.code, "text" in rejected.reason) == ("INVALID", True)


def test_nobody_can_say_anything_to_what_asks_nobody():
    known = story()
    known.when(raw({"kind": "explore", "app": "com.example"}))
    task = str(task_key(raw({"kind": "explore", "app": "com.example"})))
    (rejected,) = known.when(raw({"kind": "confirm", "task": task}, "control"))
    assert "only tasks in plain language" in rejected.reason
    for many in ({"phones": 2}, {"schedule": "0 3 * * *"}):
        known, task = told(**many)
        (rejected,) = known.when(raw({"kind": "confirm", "task": task}, "control"))
        assert isinstance(rejected, TaskRejected)
        assert "no phone of its own" in rejected.reason
