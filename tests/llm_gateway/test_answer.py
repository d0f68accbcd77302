"""What answers of models mean, however they are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import ActionType, Gesture
from services.llm_gateway.decisions.answer import MAX_TEXT_CHARS, parse_answer
from services.llm_gateway.decisions.asking import Answer, MalformedAnswerError
from services.llm_gateway.grammars.literals import MAX_CHARS, objects
from tests.llm_gateway.world import FIELD, HELP, LOGIN

LISTED = (FIELD, LOGIN, HELP)
WHOLE = Answer(("login", "help"), {"field": "a@b.cn"})

WRITTEN = {
    "plain": '{"order": [2, 3], "texts": {"1": "a@b.cn"}}',
    "fenced": 'Sure!\n```json\n{"order": [2, 3], "texts": {"1": "a@b.cn"}}\n```\nGood luck.',
    "in prose": 'I would {first} log in: {"order": [2, 3], "texts": {"1": "a@b.cn"}} because {that} helps.',
    "trailing commas": '{"order": [2, 3,], "texts": {"1": "a@b.cn",},}',
    "chinese punctuation": "｛“order”：［2，3］，“texts”：｛“1”：“a@b.cn”｝｝",
    "chinese brackets": '{"order"：【2、3】, "texts"：{"1"："a@b.cn"}}',
    "single quotes": "{'order': [2, 3], 'texts': {'1': 'a@b.cn'}}",
    "bare keys": "{order: [2, 3], texts: {1: 'a@b.cn'}}",
    "comments": '{// best first\n"order": [2, /* login */ 3], "texts": {"1": "a@b.cn"}}',
    "python constants": "{'order': [2, 3], 'texts': {'1': 'a@b.cn'}, 'why': None, 'sure': True}",
    "numbers as words": '{"order": ["2", "#3"], "texts": {"1": "a@b.cn"}}',
    "numbers as floats": '{"order": [2.0, 3.0], "texts": {"1": "a@b.cn"}}',
    "gesture ids": '{"order": ["login", "help"], "texts": {"field": "a@b.cn"}}',
    "lists of objects": '{"order": [{"id": 2}, {"n": 3}], "texts": [{"id": 1, "text": "a@b.cn"}]}',
    "thinks first": '<think>{"order": [1]}</think>{"order": [2, 3], "texts": {"1": "a@b.cn"}}',
    "thinks aloud": 'Draft: {"order": [3]}. Final: {"order": [2, 3], "texts": {"1": "a@b.cn"}}',
    "box tokens": '<|begin_of_box|>{"order": [2, 3], "texts": {"1": "a@b.cn"}}<|end_of_box|>',
    "answer tags": '<answer>{"order": [2, 3], "texts": {"1": "a@b.cn"}}</answer>',
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN.keys())
def test_an_answer_means_the_same_however_it_is_written(written: str) -> None:
    assert parse_answer(written, LISTED) == WHOLE


MALFORMED = {
    "nothing": "",
    "prose": "I would tap on Log in first.",
    "another form": 'do(action="Tap", element=[811,188])</answer>',
    "another object": '{"action": "Type", "text": "AutoGLM"}',
    "cut": '{"order": [2, 3], "texts": {"1": "a@b',
    "cut in the list": '{"order": [2, 3',
    "a list": "[2, 3]",
    "order is a word": '{"order": "login"}',
    "texts is a word": '{"texts": "a@b.cn"}',
    "only unknown elements": '{"order": [7, "nobody"]}',
    "braces": "{" * 500,
    "deep": '{"order": ' + "[" * 500 + "]" * 500 + "}",
    "html": "<html>502 Bad Gateway</html>",
    "null": '{"order": ',
}


@pytest.mark.parametrize("written", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_answer_is_malformed(written: str) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_answer(written, LISTED)


def test_quotes_inside_a_text_belong_to_the_text() -> None:
    assert parse_answer('{"texts": {"1": "去哪里"吃饭"呀？"}}', LISTED).texts == {"field": '去哪里"吃饭"呀？'}


def test_an_answer_that_nothing_matters_is_an_answer() -> None:
    assert parse_answer('{"order": [], "texts": {}}', LISTED) == Answer()


def test_what_was_not_listed_is_dropped_and_counted() -> None:
    answer = json.dumps(
        {"order": [2, 9, "rm -rf /", 2, True, None, {"x": 1}], "texts": {"2": "x", "9": "y", "1": ["z"], "field": ""}}
    )
    advice = parse_answer(answer, LISTED)
    assert advice.order == ("login",)
    assert advice.texts == {}
    assert advice.dropped == {
        "repeated_element": 1,
        "text_for_no_field": 1,
        "text_not_a_text": 2,
        "unknown_element": 6,
    }


def test_texts_become_one_printable_line_of_bounded_length() -> None:
    answer = json.dumps({"texts": {"1": " a\n\x00b\u202e\ud800 "}})
    assert parse_answer(answer, LISTED).texts == {"field": "a b"}
    long = parse_answer(json.dumps({"texts": {"1": "x" * (MAX_TEXT_CHARS + 1)}}), LISTED)
    assert long.texts == {}
    assert long.dropped == {"text_too_long": 1}


@given(st.text(max_size=400) | st.text(alphabet="{}[]\":,“”｛｝，：\\/*12 ordetxs'", max_size=400))
def test_any_text_is_an_answer_about_the_listed_elements_or_malformed(text: str) -> None:
    try:
        advice = parse_answer(text, LISTED)
    except MalformedAnswerError:
        return
    assert set(advice.order) <= {"field", "login", "help"}
    assert set(advice.texts) <= {"field"}
    assert all(0 < len(typed) <= MAX_TEXT_CHARS and typed.isprintable() for typed in advice.texts.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5), st.text("abc {\n`[", max_size=30), st.text(max_size=30))
def test_valid_json_is_read_exactly_whatever_stands_around_it(
    value: dict[str, object], before: str, after: str
) -> None:
    before = before.replace("{", "")
    written = json.dumps(value, ensure_ascii=False)
    assert next(objects(before + written + after)) == json.loads(written, parse_int=str, parse_float=str)


@given(
    st.permutations([1, 2, 3]).flatmap(lambda o: st.integers(0, 3).map(lambda n: o[:n])),
    st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=60),
)
def test_every_order_and_text_survives(order: list[int], text: str) -> None:
    advice = parse_answer(f"```\n{json.dumps({'order': order, 'texts': {'1': text}})}\n```", LISTED)
    assert advice.order == tuple(LISTED[n - 1].gesture_id for n in order)
    assert advice.texts.get("field", "") == " ".join(text.split())


def test_the_end_of_a_long_text_is_read() -> None:
    answer = "{hm} " * MAX_CHARS + WRITTEN["plain"]
    assert parse_answer(answer, LISTED) == WHOLE


def test_many_elements_keep_their_order() -> None:
    listed = tuple(Gesture(gesture_id=f"g{i}", action_type=ActionType.CLICK) for i in range(60))
    answer = json.dumps({"order": [{"id": n} for n in range(60, 0, -1)]})
    assert parse_answer(answer, listed).order == tuple(f"g{i}" for i in range(59, -1, -1))
