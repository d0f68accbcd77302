"""A run's turns become a script that can be done again without a model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.scripts import SCRIPT_DATA, Parameter
from contracts.sealed import Sealed
from contracts.steps import VARIABLE, variables_in
from contracts.values import (
    Finish,
    LaunchApp,
    Point,
    Press,
    TakeNote,
    TakeOver,
    TapAt,
    Target,
    TurnRead,
    TypeText,
    WaitFor,
)
from services.orchestrator.decisions.scripts.acts_as_steps import UnrecordableError
from services.orchestrator.decisions.scripts.recording import Recording, Source, record
from services.orchestrator.decisions.scripts.versions import canonical
from services.orchestrator.decisions.tasking.state import Turn
from tests.orchestrator.runs import APP, LAUNCHER
from tests.orchestrator.tasks import kept
from tests.orchestrator.tasks_told import dragged, element, entry, tapped, turn, typed

SHOP = "com.example.shop"


def recorded(*turns: Any, **about: Any) -> Recording:
    return record(turns, Source(**{"goal": "do it", **about}))


def written(recording: Recording) -> list[dict[str, Any]]:
    """The steps alone, as people write them."""
    return [step.step.model_dump(mode="json", exclude_defaults=True) for step in recording.data.steps]


def test_what_was_done_becomes_steps_on_locators_with_what_was_there_before_and_after_each():
    found = recorded(
        turn(1, LaunchApp(app="商店"), "desk", "home", package=LAUNCHER, after_package=SHOP),
        turn(2, tapped("search", "搜索"), "home", "search", package=SHOP),
        turn(3, typed("雨伞", "query", label="搜索商品"), "search", "search", package=SHOP),
        turn(4, Press(key="ENTER"), "search", "results", package=SHOP),
        turn(5, Finish(message="done"), "results", verdict="FINISH", package=SHOP),
        goal="在商店里搜索雨伞",
    )
    assert written(found) == [
        {"launch": {"app": SHOP, "restart": True}},
        {"tap": {"element": {"text": "搜索"}}},
        {"type": {"into": {"id": f"{APP}:id/query"}, "text": "{{query}}"}},
        {"press": "ENTER"},
    ]
    assert (found.data.name, found.defaults) == ("在商店里搜索{{query}}", {"query": "雨伞"})
    assert found.data.parameters == (Parameter(name="query", description="搜索商品"),)
    launch, tap, typing, enter = found.data.steps
    assert launch.guard is None, "an app is started from anywhere"
    assert (tap.guard.screen.keys, tap.guard.element.text) == (("key-home",), "搜索")
    assert [step.expected.screen.keys for step in found.data.steps] == [
        ("key-home",), ("key-search",), ("key-search",), ("key-results",),
    ]  # fmt: skip
    assert (tap.turn, tap.words, typing.wait_s) == (2, "turn 2", 10)
    assert tap.wait_s == 20, "an app that has just been started may show something else first"
    assert enter.guard.element is None
    assert "雨伞" not in canonical(found.data).decode()


def test_what_did_not_last_is_left_out():
    found = recorded(
        turn(1, tapped("a"), "one", "two"),
        turn(2, tapped("refused"), "two", verdict="REFUSE"),
        turn(3, None, "two", verdict="MISREAD"),
        turn(4, tapped("failed"), "two", "two", outcome="FAILED", succeeded=False),
        turn(5, tapped("nothing"), "two", "two"),
        turn(6, tapped("there"), "two", "three"),
        turn(7, tapped("further"), "three", "four"),
        turn(8, Press(key="BACK"), "four", "three"),
        turn(9, Press(key="BACK"), "three", "two"),
        turn(10, tapped("b"), "two", "five"),
    )
    assert [step.turn for step in found.data.steps if step.turn] == [1, 10]


def test_what_changed_the_texts_of_a_screen_alone_lasted():
    def more(number: int, intent: Any, before: str, after: str) -> Turn:
        """A turn that left the state as it was."""
        same = turn(number, intent, "cart", "cart")
        return replace(
            same,
            before=same.before.model_copy(update={"hierarchy": kept(before)}),
            after=same.after.model_copy(update={"hierarchy": kept(after)}),
        )

    found = recorded(
        more(1, tapped("plus"), "one", "two"),
        more(2, tapped("plus"), "two", "three"),
        more(3, tapped("title"), "three", "three"),
        more(4, dragged(), "three", "further down"),
        turn(5, tapped("pay", "去结算"), "cart", "pay"),
    )
    assert [step.turn for step in found.data.steps if step.turn] == [1, 2, 4, 5]
    focus = TapAt(point=Point(x=5, y=5), element=entry("query"))
    named = recorded(more(1, focus, "one", "focused"), turn(2, typed("雨伞"), "cart", "cart"))
    assert [step.turn for step in named.data.steps if step.turn] == [2], "a touch of the field is a part of typing"
    unnamed = recorded(more(1, focus, "one", "focused"), turn(2, TypeText(text="雨伞"), "cart", "cart"))
    assert [step.turn for step in unnamed.data.steps if step.turn] == [1, 2], "what is typed needs the focus"


def test_what_a_person_did_before_the_first_turn_is_waited_for():
    found = recorded(turn(1, tapped("pay", "去结算"), "cart", "pay"), by_hand={0: "bob has the phone"})
    waits = [step for step in found.data.steps if "wait" in step.step.model_dump()]
    assert [step.words for step in waits] == ["a person does this: bob has the phone"]


def test_a_touch_that_crashed_the_app_is_left_out_and_the_app_is_started_anew_where_it_was():
    found = recorded(
        turn(1, LaunchApp(app=APP), "desk", "one", package=LAUNCHER, after_package=APP),
        turn(2, tapped("crashes"), "one", "desk", after_package=LAUNCHER),
        turn(3, LaunchApp(app=APP), "desk", "one", package=LAUNCHER, after_package=APP),
        turn(4, tapped("b"), "one", "two"),
        crashed_by=frozenset({2}),
    )
    assert [(step.turn, step.step.model_dump(exclude_defaults=True)) for step in found.data.steps[:2]] == [
        (1, {"launch": {"app": APP, "restart": True}}), (3, {"launch": {"app": APP, "restart": True}}),
    ]  # fmt: skip
    assert found.data.steps[2].turn == 4


def test_a_way_that_was_worth_a_note_stays_and_so_does_a_text():
    found = recorded(
        turn(1, tapped("detail"), "one", "two"),
        turn(2, TakeNote(text="9 元"), "two", verdict="NOTE"),
        turn(3, Press(key="BACK"), "two", "one"),
        turn(4, typed("x y"), "one", "typed"),
        turn(5, Press(key="BACK"), "typed", "one"),
        turn(6, typed("same"), "one", "one"),
    )
    assert [step.turn for step in found.data.steps if step.turn] == [1, 3, 4, 5, 6]
    assert found.metadata["left_out"] == ["NOTE"]


def test_a_touch_without_an_element_is_a_point_in_percent_and_says_so():
    found = recorded(turn(1, TapAt(point=Point(x=540, y=600), press="LONG"), "one", "two"))
    step = found.data.steps[-1]
    assert step.step.long_press.element.point.words == "50%,25%"
    assert step.words == "turn 1 (at a point: no element is known there)"


@pytest.mark.parametrize(
    ("package", "first"),
    [(APP, {"launch": {"app": APP, "restart": True}}), (LAUNCHER, {"press": "HOME"}), ("android", None)],
)
def test_a_script_says_where_it_begins(package: str, first: dict[str, Any] | None):
    steps = written(recorded(turn(1, tapped("a"), "one", "two", package=package)))
    assert steps[:-1] == ([] if first is None else [first])


def test_only_the_first_start_of_an_app_begins_it_anew():
    found = recorded(
        turn(1, LaunchApp(app=APP), "desk", "one", package=LAUNCHER, after_package=APP),
        turn(2, LaunchApp(app="Other"), "one", "other", after_package="com.other"),
        turn(3, LaunchApp(app=APP), "other", "one", package="com.other", after_package=APP),
    )
    assert [step.step.launch.restart for step in found.data.steps] == [True, True, False]


def test_an_app_whose_first_screen_lay_under_a_dialog_is_the_next_that_was_used():
    dialog = "com.android.permissioncontroller"
    found = recorded(
        turn(1, LaunchApp(app="地图"), "desk", "asks", package=LAUNCHER, after_package=dialog),
        turn(2, tapped("deny"), "asks", "map", package=dialog, after_package="com.maps"),
        turn(3, tapped("a"), "map", "more", package="com.maps"),
    )
    assert written(found)[0] == {"launch": {"app": "com.maps", "restart": True}}
    with pytest.raises(UnrecordableError, match="not known which package 地图 is"):
        recorded(turn(1, LaunchApp(app="地图"), "desk", "asks", package=LAUNCHER, after_package=dialog))


def test_scrolling_goes_on_until_what_was_used_next_is_there():
    found = recorded(
        turn(1, dragged(), "one", "two"),
        turn(2, dragged(), "two", "three"),
        turn(3, tapped("row", "Settings"), "three", "four"),
    )
    assert written(found)[1:] == [
        {"scroll": {"until": {"text": "Settings"}, "max_swipes": 7}},
        {"tap": {"element": {"text": "Settings"}}},
    ]


@pytest.mark.parametrize(
    ("drag", "following"),
    [
        (dragged(), tapped("row")),
        (dragged("RIGHT", start=Point(x=2, y=900), end=Point(x=800, y=900)), tapped("m", "Menu")),
    ],
)
def test_a_drag_stays_as_it_was_where_nothing_says_until_when_or_where_it_opens_a_drawer(drag: Any, following: Any):
    found = recorded(turn(1, drag, "one", "two"), turn(2, following, "two", "three"))
    swipe = found.data.steps[1].step.swipe
    assert (swipe.start.unit, swipe.end.unit, swipe.direction) == ("PERCENT", "PERCENT", None)


def test_a_password_is_never_told_and_has_to_be_given():
    secret = typed("hunter22", "pass", password=True)
    shows = tapped("hint", "your password is hunter22")
    found = recorded(
        turn(1, typed("alice", "user"), "login", "login"),
        turn(2, secret, "login", "login"),
        turn(3, shows, "login", "home"),
        turn(4, typed("hunter22", "other"), "home", "home"),
        goal="log in as alice with hunter22",
    )
    assert found.defaults == {"user": "alice"}
    assert Parameter(name="pass", description="pass", required=True, secret=True) in found.data.parameters
    assert found.data.name == "log in as {{user}} with {{pass}}"
    told = json.dumps([found.data.model_dump(mode="json"), found.metadata, found.defaults])
    assert "hunter22" not in told
    assert found.data.steps[-1].step.type.text == "{{pass}}"


def test_an_element_that_only_a_secret_tells_is_touched_where_it_was():
    shown = element("hint", None, targets=(Target(text="hunter22"),))
    found = recorded(
        turn(1, typed("hunter22", "pass", password=True), "one", "one"),
        turn(2, TapAt(point=Point(x=540, y=1200), element=shown), "one", "two"),
    )
    step = found.data.steps[-1]
    assert (step.step.tap.element.point.words, step.guard.element) == ("50%,50%", None)
    assert step.guard.screen is not None


def test_a_text_that_shows_up_again_is_the_parameter_there_too():
    found = recorded(
        turn(1, typed("rain coat", "query"), "one", "two"),
        turn(2, tapped("hit", "rain coat"), "two", "three"),
        turn(3, tapped("title", "Results for rain coat (9)"), "three", "four"),
        turn(4, tapped("other", "rain coats"), "four", "five"),
    )
    texts = [step.step.tap.element.text for step in found.data.steps[2:]]
    assert texts == ["{{query}}", "Results for {{query}} (9)", "rain coats"]
    assert found.data.steps[2].guard.element.text == "{{query}}"


def test_names_of_parameters_are_plain_and_each_is_one_text():
    found = recorded(
        turn(1, typed("a1", "input"), "one", "one"),
        turn(2, typed("b2", "input"), "one", "one"),
        turn(3, typed("a1", "again"), "one", "one"),
        turn(4, typed("c3", resource_id=None, label="数量"), "one", "one"),
        turn(5, typed("d4", resource_id=None, label="2nd Name!"), "one", "one"),
    )
    assert found.defaults == {"input": "a1", "input_2": "b2", "text": "c3", "text_2nd_name": "d4"}


def test_a_text_without_a_field_goes_into_the_one_that_was_touched_right_before_it_and_still_is_there():
    field = entry("box")
    touch, text = TapAt(point=Point(x=1, y=1), element=field), typed("hi").model_copy(update={"element": None})
    stays = recorded(turn(1, touch, "one", "one", outcome="NEW_STATE"), turn(2, text, "one", "one"))
    assert stays.data.steps[-1].step.type.into == field.targets[0]
    moves = recorded(turn(1, touch, "one", "two"), turn(2, text, "two", "two"))
    assert moves.data.steps[-1].step.type.into is None
    assert stays.defaults == moves.defaults == {"box": "hi"}
    alone = recorded(turn(1, tapped("a"), "one", "two"), turn(2, text, "two", "two"))
    assert alone.defaults == {"text": "hi"}


def test_what_a_person_did_is_waited_for():
    turns = [
        turn(1, tapped("login"), "one", "captcha"),
        turn(2, TakeOver(message="solve the captcha"), "captcha", verdict="ASK"),
        turn(3, tapped("cart", "Cart"), "inside", "cart"),
    ]
    found = recorded(*turns, by_hand={2: "solve the captcha"}, person_wait_s=300)
    wait = found.data.steps[-2]
    assert (wait.step.wait.visible, wait.step.wait.timeout_s) == (Target(text="Cart"), 300)
    assert wait.words == "a person does this: solve the captcha"
    assert found.metadata["needs_person"] is True
    unmoved = [turns[0], turns[1], turn(3, tapped("cart", "Cart"), "captcha", "cart")]
    assert recorded(*unmoved, by_hand={2: "look"}).metadata["needs_person"] is False
    unknown = [*turns[:2], turn(3, Press(key="BACK"), "inside", "cart")]
    with pytest.raises(UnrecordableError, match="solve the captcha"):
        recorded(*unknown, by_hand={2: "solve the captcha"})


def test_what_a_person_confirmed_is_marked():
    found = recorded(turn(1, tapped("pay", "Pay"), "one", "two", verdict="ASK", person="CONFIRMED"))
    assert found.data.steps[-1].words == "turn 1 (a person confirmed it)"


def test_waits_are_kept_where_something_came_of_them():
    found = recorded(turn(1, WaitFor(seconds=20), "one", "two"), turn(2, WaitFor(), "two", "two"))
    assert written(found)[1:] == [{"wait": {"stable": True, "timeout_s": 20.0}}]


def test_set_up_comes_first_with_its_variables_and_the_account_stays_the_run_s():
    setup = [{"launch": {"app": APP}}, {"type": {"into": "id=user", "text": "{{account.user}}"}},
             {"type": {"into": "id=shop", "text": "{{shop}}"}}]  # fmt: skip
    found = recorded(
        turn(1, typed("{{account.password}}", "pw", password=True), "one", "one"),
        turn(2, tapped("me", "alice"), "one", "two"),
        turn(3, typed("Berlin", "city"), "two", "two"),
        setup=setup, variables={"shop": "Berlin", "unused": "x"}, account={"user": "alice"},
    )  # fmt: skip
    assert [next(iter(step)) for step in written(found)] == ["launch", "type", "type", "type", "tap", "type"]
    assert found.data.steps[3].step.type.text == "{{account.password}}"
    assert found.data.steps[4].step.tap.element.text == "{{account.user}}"
    assert found.data.steps[5].step.type.text == "{{shop}}"
    assert found.defaults == {"shop": "Berlin"}
    assert [p.name for p in found.data.parameters] == ["shop"]


def test_what_set_up_steps_type_becomes_parameters_too_and_passwords_are_told_nowhere():
    setup = [
        {"type": {"into": "id=user", "text": "alice@example.com"}},
        {"if_seen": {"visible": "x", "steps": [{"type": {"into": "id=pwd", "text": "hunter2"}}]}},
        {"type": {"into": {"text": "密码"}, "text": "{{secret}}"}},
    ]
    found = recorded(turn(1, tapped("me"), "one", "two"), setup=setup, variables={"secret": "correct horse"})
    told = canonical(found.data).decode() + json.dumps(found.defaults)
    assert "hunter2" not in told
    assert "correct horse" not in told
    assert "alice@example.com" not in canonical(found.data).decode()
    assert found.defaults == {"user": "alice@example.com"}
    assert {p.name: p.secret for p in found.data.parameters} == {"user": False, "pwd": True, "secret": True}


def test_where_the_first_screen_could_not_be_read_it_begins_with_the_app_of_the_task():
    unread = turn(1, tapped("a", "A"), "one", "two")
    read = TurnRead.model_validate(unread.taken.read.reveal()).model_copy(update={"screen": None})
    taken = unread.taken.model_copy(update={"read": Sealed[dict[str, Any]].of(read.model_dump(mode="json"))})
    found = recorded(replace(unread, taken=taken), app=SHOP)
    assert written(found)[0] == {"launch": {"app": SHOP, "restart": True}}


def test_a_run_that_did_nothing_or_too_much_leaves_no_script():
    with pytest.raises(UnrecordableError, match="nothing was done"):
        recorded(turn(1, Finish(message="there already"), verdict="FINISH"))
    many = [turn(n, tapped(f"b{n}"), f"s{n}", f"s{n + 1}") for n in range(1, 220)]
    with pytest.raises(UnrecordableError, match="script 200 at most"):
        recorded(*many)


def test_a_script_that_is_too_long_loses_what_was_expected_and_then_is_none():
    def grown(beside: str, count: int) -> list[Any]:
        seen = [element(f"b{n}", f"t{n}", beside=(beside,) * 6) for n in range(count)]
        return [
            turn(n, TapAt(point=Point(x=1, y=1), element=one), f"s{n}", f"s{n + 1}") for n, one in enumerate(seen, 1)
        ]

    assert all(step.expected for step in recorded(*grown("x" * 90, 90)).data.steps[1:-1])
    found = recorded(*grown("x" * 180, 90))
    expected = [step.expected for step in found.data.steps]
    assert expected[-1] is None
    assert set(expected[:-1]) == {None}
    with pytest.raises(UnrecordableError, match="bytes long"):
        recorded(*grown("x" * 900, 90))


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
SECRET = st.text("0123456789", min_size=7, max_size=9)
STATE = st.sampled_from(["s1", "s2", "s3"])


@st.composite
def some_turn(draw: Any, number: int, secret: str) -> Any:
    before, after = draw(STATE), draw(STATE)
    name = draw(st.sampled_from(["a", "query", "pw"]))
    text = draw(TEXT)
    intent = draw(
        st.sampled_from(
            [
                tapped(name, text or None), tapped(name, f"{text}{secret}"), TapAt(point=Point(x=3, y=9)), dragged(),
                dragged("LEFT"), Press(key="BACK"), Press(key="HOME"), WaitFor(), LaunchApp(app=APP),
                typed(text, name, label=draw(TEXT)), typed(secret, "pw", password=True), TakeNote(text=text),
                typed(text, name).model_copy(update={"element": None}),
            ]
        )
    )  # fmt: skip
    outcome = draw(st.sampled_from(["NEW_SCREEN", "NEW_STATE", "NOTHING", "FAILED"]))
    verdict = "NOTE" if isinstance(intent, TakeNote) else "ACT"
    ends = None if verdict == "NOTE" else after
    return turn(number, intent, before, ends, verdict=verdict, outcome=outcome, succeeded=outcome != "FAILED")


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(st.data(), SECRET, TEXT)
def test_whatever_was_done_the_script_is_valid_lifts_every_text_and_tells_no_password(
    data: st.DataObject, secret: str, goal: str
):
    turns = [data.draw(some_turn(n, secret)) for n in range(1, data.draw(st.integers(1, 8)) + 1)]
    typed_secret = typed(secret, "pw", password=True)
    turns.append(turn(len(turns) + 1, typed_secret, "s1", "s1"))
    found = record(turns, Source(goal=f"{goal} {secret}"))
    assert SCRIPT_DATA.validate_json(canonical(found.data)) == found.data
    names = {parameter.name for parameter in found.data.parameters}
    plain = [step.model_dump(mode="json") for step in found.data.steps]
    assert variables_in(plain) <= names
    for step in found.data.steps:
        text = getattr(getattr(step.step, "type", None), "text", "")
        assert not text or VARIABLE.fullmatch(text)
    required = {parameter.name for parameter in found.data.parameters if parameter.required}
    assert found.defaults.keys() == names - required
    assert secret not in json.dumps([plain, found.data.name, found.data.description, found.defaults, found.metadata])
