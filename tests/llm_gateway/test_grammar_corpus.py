"""Real answers of models, and what a person would say that they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.values import AnyIntent, CallApi, LaunchApp, Point, TapAt, TypeText
from services.llm_gateway.grammars.grammar import grammar_of
from services.llm_gateway.grammars.shown import Misread, RawReply, Shown
from tests.hierarchy.corpus import root
from tests.llm_gateway.grammar_cases import GRAMMARS, SHOWN, intent_of, read

MEANT: dict[int, AnyIntent | None] = {
    1: TapAt(point=Point(x=811, y=376)),
    3: LaunchApp(app="Settings"),
    5: LaunchApp(app="微信"),
    7: TypeText(text='去哪里"吃饭"呀？'),
    9: None,
    11: TypeText(text="AutoGLM"),
    13: None,
}
"""By id in the corpus; none: it holds no action."""


def answers() -> list[dict[str, Any]]:
    lines = (root() / "llm_outputs_from_issues" / "autoglm_raw.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_every_recorded_answer_has_its_meaning() -> None:
    recorded = {answer["id"]: answer["raw"] for answer in answers()}
    assert recorded.keys() == MEANT.keys()
    for grammar in GRAMMARS:
        for number, raw in recorded.items():
            found = read(grammar, raw)
            assert intent_of(found) == MEANT[number], found
            assert isinstance(found, Misread) == (MEANT[number] is None)


REPORTED: dict[str, tuple[str, AnyIntent | None]] = {
    "zai-org/Open-AutoGLM#376": ('<answer>\ndo(action="Launch", app="美团")</answer>', LaunchApp(app="美团")),
    "zai-org/Open-AutoGLM#378": (
        '<think>因此执行Launch操作打开知乎。</think>\n<answer>\ndo(action="Launch", app="知乎")\n</answer>\n',
        LaunchApp(app="知乎"),
    ),
    "zai-org/Open-AutoGLM#27": ('[{\'Type", text="库迪咖啡")', TypeText(text="库迪咖啡")),
    "zai-org/Open-AutoGLM#158": (
        '<think>用户要求打开微信。我可以看到一些应用图标，包括滴滴出行、花小猪打车、高德打车、"Launch", app="微信")',
        LaunchApp(app="微信"),
    ),
    "zai-org/Open-AutoGLM#316": ("[{'Type': 'Type'}]", None),
    "web-infra-dev/midscene#843": (
        "3. 下一步逻辑：点击顶部导航栏的“任务”。  \n\nAction：click(start_box='<bbox>191 21 191 21</bbox>')",
        TapAt(point=Point(x=191, y=42)),
    ),
    "bytedance/UI-TARS#78": ("Action: click(start_box='=')", None),
    "bytedance/UI-TARS-desktop#28": (
        "Thought: I need to open Chrome.\n\nAction: click(start_box='[10, 850, 50, 890]')",
        TapAt(point=Point(x=30, y=1740)),
    ),
    "bytedance/UI-TARS-desktop#37": (
        "1. Pressing Enter will \"confirm\" the URL.\nAction: click(start_box='<|box_start|>(691,85)<|box_end|>')",
        TapAt(point=Point(x=691, y=170)),
    ),
    "QwenLM/Qwen3#918": (
        '<tool_call>\n{{"name": "call_api", "arguments": {"name": "add", "parameters": {"a": 1}}}}\n</tool_call>',
        CallApi.model_validate({"call": {"name": "add", "parameters": {"a": "1"}}}),
    ),
}
"""By the place where it was reported; shortened, and the last one with another function."""


@pytest.mark.parametrize("source", REPORTED)
def test_answers_that_were_reported_elsewhere_have_their_meaning(source: str) -> None:
    raw, meant = REPORTED[source]
    for grammar in GRAMMARS:
        assert intent_of(read(grammar, raw)) == meant


def test_the_reader_of_autoglm_scales_as_its_models_were_trained() -> None:
    shown = Shown(1080, 2400)
    found = grammar_of("autoglm").parse(RawReply('do(action="Tap", element=[811,188])'), shown)
    assert intent_of(found) == TapAt(point=Point(x=int(811 / 1000 * 1080), y=int(188 / 1000 * 2400)))
    assert SHOWN.coordinates == "per_mille"
