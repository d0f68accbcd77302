"""The step language: what is short and what it stands for, what is refused, and that nothing is lost on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.requests import TASK_REQUEST
from contracts.steps import KINDS, SCRIPT, Script, variables_in
from contracts.values import Target

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
targets = st.one_of(
    st.builds(lambda t: {"text": t}, texts),
    st.builds(lambda t, i: {"id": t, "index": i}, texts, st.integers(0, 9)),
    st.builds(lambda x, y: {"point": {"x": x, "y": y, "unit": "PX"}}, st.integers(0, 3000), st.integers(0, 3000)),
)
flat_steps = st.one_of(
    st.builds(lambda t: {"tap": {"element": t}}, targets),
    st.builds(lambda t, x: {"type": {"into": t, "text": x}}, targets, texts),
    st.sampled_from([{"press": "BACK"}, {"swipe": {"direction": "UP"}}, {"launch": {}}, {"wait": {"stable": True}}]),
    st.builds(lambda t: {"scroll": {"until": t}}, targets),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    held = st.lists(inner, min_size=1, max_size=3)
    return st.builds(lambda t, s: {"if_seen": {"visible": t, "steps": s}}, targets, held)


steps = st.recursive(flat_steps, nested, max_leaves=8)


@pytest.mark.thorough
@given(st.lists(steps, min_size=1, max_size=5))
def test_steps_survive_the_wire_whole(written: list[Any]) -> None:
    script = SCRIPT.validate_json(json.dumps({"steps": written}), strict=True)
    again = json.dumps(script.model_dump(mode="json", exclude_none=True))
    assert SCRIPT.validate_json(again, strict=True) == script
    request = TASK_REQUEST.validate_json(json.dumps({"kind": "steps", "steps": written}), strict=True)
    assert request.steps == script.steps


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("登录", {"text": "登录"}),
        ("text = OK", {"text": "OK"}),
        ("id=login", {"id": "login"}),
        ("desc=More", {"description": "More"}),
        ("a=b", {"text": "a=b"}),
        ("//a[@b='c']", {"xpath": "//a[@b='c']"}),
        ('new UiSelector().text("x")', {"uiselector": 'new UiSelector().text("x")'}),
        ([540, 680], {"point": {"x": 540, "y": 680}}),
        ("point=50%,8.5%", {"point": {"x": 50, "y": 8.5, "unit": "PERCENT"}}),
    ],
)
def test_an_element_in_short_stands_for_one_in_long(short: Any, long: dict[str, Any]) -> None:
    for written in ({"tap": short}, {"tap": {"element": short}}, {"tap": long}):
        script = SCRIPT.validate_python({"steps": [written]})
        assert script.steps[0].tap.element == Target.model_validate(long)


@pytest.mark.parametrize(
    ("step", "same"),
    [
        ("launch", {"launch": {}}),
        ("back", {"press": "BACK"}),
        ("Home", {"press": "HOME"}),
        ({"press": "enter"}, {"press": "ENTER"}),
        ({"launch": "com.example.app"}, {"launch": {"app": "com.example.app"}}),
        ({"swipe": "up"}, {"swipe": {"direction": "UP"}}),
        ({"type": "abc"}, {"type": {"text": "abc"}}),
        ({"expect": "abc"}, {"expect": {"visible": {"text": "abc"}}}),
        ({"scroll": None}, {"scroll": {"direction": "DOWN"}}),
    ],
)
def test_a_step_in_short_stands_for_one_in_long(step: Any, same: Any) -> None:
    read = [SCRIPT.validate_python({"steps": [written]}) for written in (step, same)]
    assert read[0] == read[1]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"fly": "x"}, "a step is one of launch, tap"),
        ({"tap": "x", "wait": "y"}, "Extra inputs"),
        ({"tap": {}}, "say what is meant"),
        ({"tap": {"id": "a", "xpath": "//b"}}, "stands alone"),
        ({"tap": {"point": [1, 2], "index": 1}}, "a point is one place"),
        ({"tap": "point=120%,5%"}, "between 0% and 100%"),
        ({"tap": [-1, 5]}, "greater than or equal"),
        ({"type": {"text": "a", "secret": "env:A"}}, "one of text and secret"),
        ({"type": {"into": "a"}}, "one of text and secret"),
        ({"type": {"secret": "hunter2"}}, "should match pattern"),
        ({"swipe": {"start": "1,2"}}, "give a direction, or start and end"),
        ({"swipe": {"direction": "up", "start": "1,2", "end": "3,4"}}, "give a direction, or start and end"),
        ({"wait": {}}, "say what"),
        ({"if_seen": {"visible": "a", "steps": []}}, "at least one step"),
    ],
)
def test_what_makes_no_sense_is_refused(step: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SCRIPT.validate_python({"steps": [step]})


def test_every_kind_of_step_is_in_the_schema() -> None:
    schema = json.dumps(Script.model_json_schema())
    assert all(f'"{kind}": {{' in schema for kind in KINDS)


def test_variables_are_found_wherever_they_stand() -> None:
    script = SCRIPT.validate_python(
        {"steps": [{"tap": "{{a}} {{ b }}"}, {"type": {"into": "id={{c.d}}", "text": "e"}}]}
    )
    assert variables_in(script.model_dump(mode="json")) == {"a", "b", "c.d"}
