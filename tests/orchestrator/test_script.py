"""Runs that carry out steps: before an exploration, or instead of one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.orchestrator import ActionRequested, RunFinished, StepFinished
from contracts.requests import Limits
from contracts.sealed import Cipher, Sealed
from contracts.values import (
    AccountRef,
    ActionStatus,
    Await,
    Navigate,
    Point,
    PressKey,
    RunStatus,
    Sighting,
    Strategy,
    Swipe,
    Target,
    Touch,
    TypeInto,
)
from services.hierarchy.locators import evaluate, xpath_literal
from services.hierarchy.parse import parse
from tests.orchestrator.runs import APP, RunStory, tap

LOGIN = [
    {"launch": {}},
    {"if_seen": {"visible": "Accept", "steps": [{"tap": "Accept"}, {"press": "BACK"}]}},
    {"type": {"into": "id=user", "text": "{{account.user}}"}},
    {"type": {"into": "id=password", "text": "{{account.password}}", "submit": True}},
    {"wait": {"visible": "欢迎", "timeout_s": 45}},
]
ACCOUNT = AccountRef(name="a1", pool="shop", fields={"user": "alice"}, secrets={"password": "env:SHOP_PASSWORD"})
NOT_FOUND = {"status": ActionStatus.FAILED, "error_code": "NOT_FOUND", "found": False}


def script(steps: list[Any], **variables: str) -> Sealed[dict[str, Any]]:
    return Sealed[dict[str, Any]].of({"steps": steps, "variables": variables})


def begun(steps: list[Any], **changes: Any) -> RunStory:
    story = RunStory.go(script=script(steps, **changes.pop("variables", {})), **changes)
    story.begin()
    return story


def alone(steps: list[Any], **changes: Any) -> RunStory:
    return begun(steps, kind="steps", **changes)


def asked(story: RunStory) -> list[tuple[str, str]]:
    return [(a.step.number, a.step.words) for a in story.all(ActionRequested) if a.step is not None]


def test_the_set_up_is_done_once_and_the_exploration_goes_on_from_where_it_led():
    story = begun(LOGIN, account=ACCOUNT)
    assert story.asked.action == Navigate(to="LAUNCH", package=APP)
    assert (story.asked.purpose, story.asked.step.of) == ("SETUP", 5)
    story.shows("login")
    assert story.asked.action == Await(visible=Target(text="Accept"), wait_s=2, strict=False)
    story.shows("login", found=False)
    user = story.asked.action
    assert (user.target, user.text.clear, user.secret_ref) == (Target(id="user"), "alice", None)
    story.shows("login2")
    password = story.asked.action
    assert (password.text, password.secret_ref, password.submit) == (None, "env:SHOP_PASSWORD", True)
    story.shows("loading")
    story.shows("home", tap("a"), found=True)
    assert (story.asked.purpose, story.asked.gesture_id) == ("EXPLORE", "a")
    assert asked(story) == [
        ("1", "launch the app"), ("2", "if text=Accept is seen"), ("3", "type into id=user"),
        ("4", "type a secret into id=password"), ("5", "wait for text=欢迎"),
    ]  # fmt: skip
    story.shows("home", tap("a"))
    launch = [a for a in story.all(ActionRequested) if a.purpose == "LAUNCH"]
    assert launch == [], "nothing of the set-up is lost by a fresh start"


def test_what_is_only_done_where_something_is_seen_is_done_there():
    story = alone(LOGIN[:2])
    story.shows("login")
    story.shows("login", found=True)
    assert story.asked.action == Touch(target=Target(text="Accept"))
    story.shows("login2", found=True)
    assert story.asked.action == PressKey(key="BACK")
    finished = story.shows("login3")[-1]
    assert isinstance(finished, RunFinished)
    assert [number for number, _ in asked(story)] == ["1", "2", "2.1", "2.2"]


def test_a_task_of_steps_leaves_the_phone_where_they_led():
    story = alone([{"tap": "OK"}, {"expect": {"visible": "Done"}}])
    story.shows("one", found=True)
    finished = story.shows("two", found=True)[-1]
    assert (finished.status, finished.failure_reason, finished.total_actions) == (RunStatus.SUCCEEDED, None, 2)
    assert {a.purpose for a in story.all(ActionRequested)} == {"STEP"}


def test_a_step_that_fails_ends_the_run_with_its_number_its_words_and_what_was_there():
    story = begun([{"tap": "OK"}, {"tap": {"element": {"id": "pay"}, "timeout_s": 1}}])
    story.shows("one", found=True)
    story.shows("one", **NOT_FOUND, error_message='nothing matches id=pay; on the screen (x): "Hi"')
    assert story.asked.action == Navigate(to="HOME")
    finished = story.shows("home", package="launcher")[-1]
    assert finished.status is RunStatus.FAILED
    assert finished.failure_reason == (
        'set-up step 2 of 2 (tap id=pay): not within 1 s: nothing matches id=pay; on the screen (x): "Hi"'
    )


@pytest.mark.parametrize("recognised", [True, False])
def test_a_step_tells_where_its_element_was_seen_even_on_a_screen_that_nobody_knows(recognised: bool):
    story = alone([{"tap": "OK"}, {"press": "BACK"}])
    seen = Sighting(found=True, point=Point(x=5, y=7), healed_by=Target(id="ok"), score="0.900")
    nothing = {} if recognised else {"screen_id": None, "state_id": None, "reason": "EMPTY"}
    story.shows("one", found=True, sighting=seen, **nothing)
    assert story.last(StepFinished).sighting == seen
    assert story.last(StepFinished).succeeded


def test_a_long_wait_asks_again_as_long_as_it_may():
    story = alone([{"wait": {"visible": "x", "timeout_s": 12}}])
    waits = []
    while story.last(ActionRequested) is not None and not story.all(RunFinished):
        waits.append(story.asked.action.wait_s)
        story.shows("one", **NOT_FOUND, error_message="no")
    assert waits == [5, 5, 2]
    assert story.last(RunFinished).failure_reason == "step 1 of 1 (wait for text=x): not within 12 s: no"


def test_scrolling_goes_on_until_it_is_seen_and_fails_after_so_many_swipes():
    steps = [{"scroll": {"until": "Settings", "max_swipes": 3}}]
    story = alone(steps)
    assert story.asked.action == Swipe(direction="UP", until=Target(text="Settings"))
    story.shows("one", found=False)
    story.shows("two", found=False)
    assert story.shows("three", found=True)[-1].status is RunStatus.SUCCEEDED
    story = alone(steps)
    for _ in range(3):
        events = story.shows("one", found=False)
    assert events[-1].failure_reason == (
        "step 1 of 1 (scroll DOWN until text=Settings): text=Settings was not seen after 3 swipes"
    )


@pytest.mark.parametrize("code", ["EXPIRED", "NOT_ATTEMPTED"])
def test_a_step_that_surely_did_not_happen_is_asked_for_again_three_times_in_all(code: str):
    story = alone([{"tap": "OK"}])
    story.fails(code)
    story.fails(code)
    assert (story.asked.sequence, story.asked.action) == (3, Touch(target=Target(text="OK")))
    assert story.fails(code)[-1].status is RunStatus.FAILED


def test_a_touch_of_which_nobody_knows_is_not_repeated():
    story = alone([{"tap": "OK"}])
    finished = story.fails("OUTCOME_UNKNOWN")[-1]
    assert "not known whether it was done" in finished.failure_reason
    assert len(story.all(ActionRequested)) == 1


def test_looking_is_repeated_where_nobody_knows():
    story = alone([{"expect": "OK"}])
    story.fails("OUTCOME_UNKNOWN")
    assert isinstance(story.asked.action, Await)
    assert story.shows("one", found=True)[-1].status is RunStatus.SUCCEEDED


def test_a_run_without_its_account_or_key_ends_before_the_phone_is_touched():
    for changes, word in (
        ({"script": script(LOGIN)}, "no account"),
        ({"script": Sealed(cipher=Cipher(key_id="k", text="x"))}, "key"),
        ({"script": script([{"tap": "x {{account.password}}"}]), "account": ACCOUNT}, "is a secret"),
    ):
        story = RunStory.go(**changes)
        finished = story.begin()[-1]
        assert (finished.status, finished.total_actions) == (RunStatus.FAILED, 0)
        assert word in finished.failure_reason


def test_an_end_that_comes_before_the_steps_are_done_is_a_failure():
    story = alone([{"tap": "a"}, {"tap": "b"}], limits=Limits(max_steps=1))
    finished = story.shows("one", found=True)[-1]
    assert finished.status is RunStatus.FAILED
    assert finished.failure_reason == "the limit of 1 steps was reached before step 2 of 2 (tap text=b) was done"
    story = alone([{"tap": "a"}], limits=Limits(max_steps=1))
    assert story.shows("one", found=True)[-1].status is RunStatus.SUCCEEDED


def test_variables_are_put_in_and_texts_stay_out_of_what_is_told():
    story = alone([{"type": {"into": "text={{label}}", "text": "{{who}}!"}}], variables={"label": "名字", "who": "z"})
    assert (story.asked.action.target, story.asked.action.text.clear) == (Target(text="名字"), "z!")
    assert story.asked.step.words == "type into text=名字"
    assert isinstance(story.asked.action, TypeInto)


def test_a_paused_run_goes_on_with_the_step_that_is_next():
    story = alone([{"tap": "a"}, {"tap": "b"}])
    story.pause()
    story.shows("one", found=True)
    assert story.state.action is None
    story.pause(on=False)
    assert story.asked.step.number == "2"
    assert story.last(StepFinished).step.number == "1"


ANSWERS = ["ok", "seen", "missing", "NOT_FOUND", "OUTCOME_UNKNOWN", "EXPIRED", "NOT_ATTEMPTED", "blind"]
ANY_STEP = st.sampled_from(
    [
        {"launch": {}}, {"tap": "a"}, {"type": {"into": "a", "text": "b"}}, {"press": "BACK"}, {"swipe": "UP"},
        {"scroll": {"until": "a", "max_swipes": 3}}, {"wait": {"visible": "a", "timeout_s": 11}}, {"expect": "a"},
        {"if_seen": {"visible": "a", "timeout_s": 7, "steps": [{"tap": "b"}, {"press": "HOME"}]}},
    ]
)  # fmt: skip
SAFE = frozenset({"NOT_FOUND", "EXPIRED", "NOT_ATTEMPTED"})


def answer(story: RunStory, how: str) -> None:
    match how:
        case "ok" | "seen" | "missing":
            story.shows("one", found={"ok": None, "seen": True, "missing": False}[how])
        case "blind":
            found = {"screen_id": None, "state_id": None, "reason": "EMPTY"}
            story.when(story.capture("", **found))
        case "NOT_FOUND":
            story.shows("one", **NOT_FOUND, error_message="no")
        case code:
            story.fails(code)


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(st.lists(ANY_STEP, min_size=1, max_size=5), st.lists(st.sampled_from(ANSWERS), min_size=60, max_size=60))
def test_whatever_comes_of_steps_they_end_in_order_and_nothing_that_may_have_been_done_is_done_again(
    steps: list[Any], answers: list[str]
):
    story = alone(steps, limits=Limits(max_steps=60))
    came: dict[int, str] = {}
    for how in answers:
        if story.state.finished is not None:
            break
        came[story.asked.sequence] = how
        answer(story, how)
    assert story.state.finished is not None, "steps that only fail or repeat end too"
    requests = story.all(ActionRequested)
    for before, after in pairwise(requests):
        assert before.step is not None
        assert after.step is not None
        again = before.step.number == after.step.number
        looks = isinstance(before.action, Await | Navigate)
        drags = isinstance(before.action, Swipe)  # a scroll goes on until it sees
        assert not again or looks or drags or came[before.sequence] in SAFE
        assert place(before.step.number) <= place(after.step.number)
    succeeded = story.last(RunFinished).status is RunStatus.SUCCEEDED
    assert succeeded == (story.state.script.at == len(story.state.script.program))


def place(number: str) -> tuple[int, ...]:
    return tuple(map(int, number.split(".")))


QUERY = 'O\'Brien "x" \\ {{shop}}'


@pytest.mark.parametrize("value", [QUERY, "' or '1'='1", "雨伞", "{{query}}"])
def test_a_value_within_a_locator_is_quoted_as_that_needs(value: str):
    steps = [
        {"tap": {"element": {"xpath": "//a[@text='{{query}}' and @id=\"x\"]/b[.='to {{query}}!']"}}},
        {"tap": {"element": {"uiselector": 'new UiSelector().text("to {{query}}").index(1)'}}},
        {"tap": {"element": {"xpath": "{{whole}}"}}},
    ]
    story = alone(steps, variables={"query": value, "whole": "//b"})
    tree = parse(
        f"<hierarchy rotation='0'><node text={quoteattr(value)} id='x' class='a' bounds='[0,0][9,9]'>"
        f"<node text={quoteattr(f'to {value}')} class='b' bounds='[0,0][9,9]'/></node></hierarchy>"
    )
    program = story.state.script.program
    assert f'{xpath_literal(value)} and @id="x"]' in program[0].step.tap.element.xpath
    assert xpath_literal(f"to {value}!") in program[0].step.tap.element.xpath
    found = evaluate(tree, Strategy.CUSTOM, program[1].step.tap.element.uiselector.replace(".index(1)", ""))
    assert [node.text for node in found] == [f"to {value}"]
    assert program[2].step.tap.element.xpath == "//b"
