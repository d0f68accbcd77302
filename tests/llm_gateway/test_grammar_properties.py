"""Whatever an intent holds, a grammar says it so that it is understood; whatever an answer holds, it is read."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.values import (
    AnyIntent,
    ApiName,
    AskPerson,
    Bounds,
    CallApi,
    Finish,
    LaunchApp,
    Point,
    Press,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    TypeText,
    WaitFor,
)
from contracts.values.actions import Key
from services.llm_gateway.grammars.grammar import GrammarName, grammar_of
from services.llm_gateway.grammars.places import point_of, said_point
from services.llm_gateway.grammars.shown import Misread, RawReply, Shown, Spoken, ToolCall
from services.llm_gateway.grammars.swipes import dragged, whole
from tests.llm_gateway.grammar_cases import CASES, GRAMMARS, PLACES, SHOWN, intent_of, read, written

HOSTILE = st.sampled_from([
    '"', "'", "\\", "\\n", "\n", "\t", "{", "}", "[", "]", "(", ")", ",", "，", "：", "“", "”", "「", "`", "```",
    "<", ">", "</", "<think>", "</think>", "<answer>", "</answer>", "<|begin_of_box|>", "<|", "<tool_call>",
    'finish(message="x")', "finish(message='x')", "finish(message=", 'do(action="Back")', '")', '", text="',
    '", element=[1,2])', '"}', '", "action": "finish"', '{"action": "finish", "message": "x"}',
    '\ndo(action="Home")\n', "\nfinish()\n", "完成", "无法", "//", "/*", "*/", "#", "007", "true", "None", "null",
    "\\u003c", "\\ud800", "😀", "é", "=", ":", ";", "Action: finish()",
])  # fmt: skip
TEXTS = st.lists(
    st.one_of(HOSTILE, st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)), max_size=8
).map("".join)
SAID = TEXTS.map(str.strip).filter(bool)
GRID = st.builds(lambda x, y: Point(x=x, y=y * 2), st.integers(0, 999), st.integers(0, 999))
"""Points that per mille of the screen are exact for."""
UNSAID = {
    "",
    "false",
    "no",
    "0",
    "fail",
    "failed",
    "failure",
    "infeasible",
    "impossible",
    "error",
    "none",
    "否",
    "失败",
    "假",
}
SENSITIVE = st.one_of(st.none(), TEXTS.filter(lambda text: text.strip().casefold() not in UNSAID))
TAPS = st.builds(TapAt, point=st.one_of(GRID, st.sampled_from([p.centre for p in PLACES])),
                 press=st.sampled_from(["TAP", "LONG", "DOUBLE"]), sensitive=SENSITIVE)  # fmt: skip


def drawn(start: Point, end: Point) -> SwipeTo:
    across, along = end.x - start.x, end.y - start.y
    if abs(across) > abs(along):
        return SwipeTo(start=start, end=end, direction="RIGHT" if across > 0 else "LEFT")
    return SwipeTo(start=start, end=end, direction="DOWN" if along > 0 else "UP")


SWIPES = st.tuples(GRID, GRID).filter(lambda ends: ends[0] != ends[1]).map(lambda ends: drawn(*ends))
KEYS = st.sampled_from(get_args(Key))
NAMES = st.text(st.characters(categories=("Ll", "Nd"), include_characters="_"), min_size=1, max_size=20)
INTENTS: st.SearchStrategy[AnyIntent] = st.one_of(
    SAID.map(lambda app: LaunchApp(app=app)),
    TAPS,
    st.builds(TypeText, text=TEXTS, point=st.one_of(st.none(), GRID), submit=st.booleans()),
    SWIPES,
    KEYS.map(lambda key: Press(key=key)),
    st.integers(0, 600).map(lambda tenths: WaitFor(seconds=tenths / 10)),
    TEXTS.map(lambda text: TakeOver(message=text)),
    TEXTS.map(lambda text: TakeNote(text=text)),
    st.builds(
        CallApi,
        call=st.builds(ApiName, name=NAMES, parameters=st.dictionaries(NAMES, TEXTS, max_size=3)),
        instruction=TEXTS,
    ),
    TEXTS.map(lambda text: CallApi(call=ApiName(name=""), instruction=text)),
    TEXTS.map(lambda text: AskPerson(question=text)),
    st.builds(Finish, message=TEXTS, succeeded=st.booleans()),
)
ENDS = (Finish,)


@pytest.mark.thorough
@pytest.mark.parametrize("name", GRAMMARS)
@given(intent=INTENTS, thinking=TEXTS)
def test_what_is_said_is_understood(name: GrammarName, intent: AnyIntent, thinking: str) -> None:
    grammar = grammar_of(name)
    found = grammar.parse(grammar.say(thinking, intent, SHOWN), SHOWN)
    assert isinstance(found, Spoken), found
    assert found.intent == intent


@pytest.mark.thorough
@pytest.mark.parametrize("name", GRAMMARS)
@given(intent=INTENTS, thinking=TEXTS)
def test_what_is_said_in_one_grammar_is_understood_in_all(name: GrammarName, intent: AnyIntent, thinking: str) -> None:
    said = grammar_of(name).say(thinking, intent, SHOWN)
    for other in GRAMMARS:
        assert intent_of(grammar_of(other).parse(said, SHOWN)) == intent


@pytest.mark.thorough
@given(
    thinking=st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<"), min_size=1).map(str.strip)
)
def test_thinking_comes_back_as_it_was(thinking: str) -> None:
    assume(thinking)
    found = grammar_of("json").parse(grammar_of("json").say(thinking, Press(key="BACK"), SHOWN), SHOWN)
    assert found == Spoken(thinking, Press(key="BACK"))


def assert_kept(found: Spoken | Misread) -> None:
    """It can be written down, and says why where it says nothing."""
    found.thinking.encode()
    if isinstance(found, Misread):
        assert found.reason.encode().endswith(b".")
    else:
        found.intent.model_dump_json().encode()


@pytest.mark.thorough
@pytest.mark.parametrize("name", GRAMMARS)
@given(pieces=st.lists(st.one_of(HOSTILE, st.text(max_size=6)), max_size=30), cut=st.booleans())
def test_no_answer_is_too_strange_to_be_read(name: GrammarName, pieces: list[str], cut: bool) -> None:
    text = "".join(pieces)
    found = grammar_of(name).parse(RawReply(text, finish_reason="length" if cut else "stop"), SHOWN)
    assert_kept(found)
    if isinstance(intent_of(found), ENDS):
        assert "finish" in text


@given(data=st.binary(max_size=200), name=st.sampled_from(GRAMMARS))
def test_bytes_are_read(data: bytes, name: GrammarName) -> None:
    for text in (data.decode("utf-8", "replace"), data.decode("latin-1"), data.decode("utf-8", "surrogateescape")):
        for reply in (RawReply(text), RawReply("", (ToolCall(text, text),))):
            found = grammar_of(name).parse(reply, SHOWN)
            assert_kept(found)
            assert not isinstance(intent_of(found), ENDS)


@pytest.mark.parametrize(
    "text",
    ['{"action": "tap\\ud800"}', '{"action": "\\ud800"}', '{"action": "tap", "element": "\\ud800"}', "tap\ud800()"],
)
def test_halves_of_characters_do_not_get_any_further(text: str) -> None:
    for grammar in GRAMMARS:
        for reply in (RawReply(text), RawReply(text, (ToolCall(text, text), ToolCall("tap\ud800", "{}")))):
            assert_kept(grammar_of(grammar).parse(reply, SHOWN))


@pytest.mark.thorough
@pytest.mark.parametrize("name", GRAMMARS)
@given(
    case=st.sampled_from(sorted(CASES)),
    edits=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 12), st.one_of(HOSTILE, st.text(max_size=4))), max_size=4
    ),
)
def test_a_damaged_answer_never_ends_a_task_that_it_did_not_end(
    name: GrammarName, case: str, edits: list[tuple[int, int, str]]
) -> None:
    means = CASES[case].means
    text = f'<think>还没有完成, do not finish(message="x") yet</think><answer>{written(name, CASES[case])}</answer>'
    opened = text.index("<answer>") + len("<answer>")
    for place, removed, put in edits:
        at = opened + place % max(len(text) - opened, 1)
        text = text[:at] + put + text[at + removed :]
    found = intent_of(read(name, text))
    if isinstance(found, ENDS) and not isinstance(means, ENDS):
        assert any("finish" in put or "完成" in put for _, _, put in edits)


@given(x=st.integers(0, 4000), y=st.integers(0, 4000), width=st.integers(1, 4000), height=st.integers(1, 4000),
       picture=st.one_of(st.none(), st.tuples(st.integers(1, 2000), st.integers(1, 2000))),
       space=st.sampled_from(["per_mille", "pixels", "fraction"]))  # fmt: skip
def test_a_point_is_off_by_less_than_a_step_of_its_space(
    x: int, y: int, width: int, height: int, picture: tuple[int, int] | None, space: str
) -> None:
    shown = Shown(width, height, picture, (), space)  # type: ignore[arg-type]  # drawn from the three
    point = Point(x=x % width, y=y % height)
    said = [str(value) for value in said_point(point, shown)]
    read_again = point_of(said, shown)
    wide, high = {"per_mille": (1000, 1000), "pixels": picture or (width, height), "fraction": (10_000, 10_000)}[space]
    assert abs(read_again.x - point.x) <= width / wide
    assert abs(read_again.y - point.y) <= height / high
    assert [str(value) for value in said_point(read_again, shown)] == said


@given(direction=st.sampled_from(["UP", "DOWN", "LEFT", "RIGHT"]), number=st.integers(0, 2))
def test_numbered_says_swipes_by_direction(direction: str, number: int) -> None:
    within: Bounds = (whole(SHOWN), *PLACES)[number]
    start, end = dragged(direction, within)  # type: ignore[arg-type]  # drawn from the four
    said = grammar_of("numbered").say("", drawn(start, end), SHOWN)
    assert "start" not in said.text
    found = grammar_of("numbered").parse(said, SHOWN)
    assert found == Spoken("", drawn(start, end), number or None)
