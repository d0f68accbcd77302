"""Answers of AutoGLM's kind that are not as they should be, each with what a person would say it means.

Those of the corpus are real ones; the others are every defect with each of three actions. They are given on the search
page of `apps.searching`, where all of them can be done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.openai_server import Reply
from tests.tasks.apps import CHAT
from tests.tasks.moves import Launch, Move, Tap, Type

FOLDER = "llm_outputs_from_issues"
TARGET = "Camp lantern"
OTHER = "Hiking boots"
LOW = "Pocket knife"
"""So far down that its point in pixels cannot be taken for one in 0..999."""


@dataclass(frozen=True)
class Answer:
    """`means`: what has to reach the phone, in the end, for the answer to have been understood. `clear`: whether the
    answer says so itself; else it has to be asked for again, and then `means` is said as it should be."""

    name: str
    said: Reply
    means: Move
    clear: bool


def answers(at: dict[str, tuple[int, int]], corpus: Path) -> list[Answer]:
    """All of them. `at`: points of `TARGET` and `OTHER` in 0..999, and of `LOW` in pixels."""
    return [*_real(corpus), *_defects(at)]


_REAL: dict[int, Move] = {
    1: Tap("Trail backpack 28 L"),
    3: Launch("Settings"),
    5: Launch(CHAT),
    7: Type('去哪里"吃饭"呀？'),
    11: Type("AutoGLM"),
}
"""What the answers of the corpus mean, by their id; the others mean nothing."""


def _real(corpus: Path) -> Iterator[Answer]:
    file = corpus / FOLDER / "autoglm_raw.jsonl"
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        entry = json.loads(line)
        means = _REAL.get(entry["id"])
        yield Answer(f"real {entry['id']}: {entry['category']}", Reply(entry["raw"]), means or Tap(TARGET), bool(means))


def _defects(at: dict[str, tuple[int, int]]) -> Iterator[Answer]:
    x, y = at[TARGET]
    calls: dict[str, tuple[str, Move]] = {
        "tap": (f'do(action="Tap", element=[{x},{y}])', Tap(TARGET)),
        "type": ('do(action="Type", text="露营灯, 40小时")', Type("露营灯, 40小时")),
        "launch": ('do(action="Launch", app="Settings")', Launch("Settings")),
    }
    for action, (call, means) in calls.items():
        for defect, said in _written(call).items():
            yield Answer(f"{action}: {defect}", Reply(said), means, clear=True)
        cut = Reply(f"<think>好</think>\n<answer>{call[:-6]}", finish_reason="length")
        yield Answer(f"{action}: cut off", cut, means, clear=False)
    yield from _of_one(at)


def _written(call: str) -> dict[str, str]:
    chinese = call.replace('"', "”", 2).replace("”", "“", 1).replace(", ", "，", 1)
    return {
        "as it should be": f"<think>好</think>\n<answer>{call}",
        "trailing tag": f"<think>好</think>\n<answer>{call}</answer>",
        "no tags": call,
        "prose before": f"我需要点一下这里。\n{call}",
        "prose after": f"<think>好</think>\n<answer>{call}\n这样就可以了。",
        "box tokens": f"<|begin_of_box|>{call}<|end_of_box|>",
        "code fence": f"```python\n{call}\n```",
        "Chinese punctuation": f"<think>好</think>\n<answer>{chinese}",
        "repeated for ever": f"<think>好</think>\n<answer>{call}\n" * 30,
        "thinking names the end": f'<think>之后再 finish(message="完成")。现在先做这步。</think>\n<answer>{call}',
        "single quotes": call.replace('"', "'"),
        "spaces": f"<think>好</think>\n<answer>{call.replace('(', '( ').replace('=', ' = ')}",
    }


def _of_one(at: dict[str, tuple[int, int]]) -> Iterator[Answer]:
    x, y = at[TARGET]
    other_x, other_y = at[OTHER]
    wide, high = at[LOW]
    tap = f'do(action="Tap", element=[{x},{y}])'
    cases = (
        ("two actions", f'{tap}\ndo(action="Tap", element=[{other_x},{other_y}])', Tap(TARGET), True),
        ("pixels instead of 0..999", f'do(action="Tap", element=[{wide},{high}])', Tap(LOW), True),
        ("point in round brackets", f'do(action="Tap", element=({x},{y}))', Tap(TARGET), True),
        ("point as text", f'do(action="Tap", element="[{x},{y}]")', Tap(TARGET), True),
        ("a JSON object", json.dumps({"action": "Tap", "element": [x, y]}), Tap(TARGET), True),
        ("inner quotes", 'do(action="Type", text="找"露营灯"吧")', Type('找"露营灯"吧'), True),
        ("escaped quotes", 'do(action="Type", text="找\\"露营灯\\"吧")', Type('找"露营灯"吧'), True),
        ("a line break in the text", 'do(action="Type", text="露营\\n灯")', Type("露营\n灯"), True),
        ("empty", "", Tap(TARGET), False),
        ("prose only", "我不太确定应该做什么，让我再想一想。", Tap(TARGET), False),
        ("unknown action", 'do(action="Teleport", element=[1,2])', Tap(TARGET), False),
        ("no place", 'do(action="Tap")', Tap(TARGET), False),
        ("place outside", 'do(action="Tap", element=[5000,-3])', Tap(TARGET), False),
        ("an end that is only thought of", "<think>finish(message=", Tap(TARGET), False),
    )
    for name, said, means, clear in cases:
        yield Answer(name, Reply(said), means, clear)
