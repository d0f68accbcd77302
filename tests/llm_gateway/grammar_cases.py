"""Every action in every grammar, written out by hand, with what it means on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
from services.llm_gateway.grammars.grammar import GrammarName, grammar_of
from services.llm_gateway.grammars.shown import Misread, RawReply, Shown, Spoken

GRAMMARS: Final[tuple[GrammarName, ...]] = ("autoglm", "tools", "json", "numbered")
PLACES: Final = (Bounds(x=0, y=100, width=1000, height=200), Bounds(x=200, y=900, width=600, height=300))
SHOWN: Final = Shown(1000, 2000, (500, 1000), PLACES)
"""Per mille are pixels across, and half the pixels down; centres of the elements are (500, 200) and (500, 1050)."""


@dataclass(frozen=True)
class Case:
    """An intent, and how it is written in the grammar of calls and in that of objects."""

    means: AnyIntent
    call: str
    object: str


def _case(means: AnyIntent, call: str, written: str) -> Case:
    return Case(means, call, '{"thinking": "因为要这样", ' + written + "}")


CASES: Final[Mapping[str, Case]] = {
    "launch": _case(LaunchApp(app="微信"), 'do(action="Launch", app="微信")', '"action": "Launch", "app": "微信"'),
    "tap": _case(
        TapAt(point=Point(x=811, y=376)),
        'do(action="Tap", element=[811,188])',
        '"action": "Tap", "element": [811, 188]',
    ),
    "tap by number": _case(
        TapAt(point=PLACES[1].centre), 'do(action="Tap", element=2)', '"action": "Tap", "element": 2'
    ),
    "sensitive tap": _case(
        TapAt(point=Point(x=500, y=1800), sensitive="付款, 100 元"),
        'do(action="Tap", element=[500,900], message="付款, 100 元")',
        '"action": "Tap", "element": [500, 900], "message": "付款, 100 元"',
    ),
    "long press": _case(
        TapAt(point=Point(x=10, y=20), press="LONG"),
        'do(action="Long Press", element=[10,10])',
        '"action": "Long Press", "element": [10, 10]',
    ),
    "double tap": _case(
        TapAt(point=Point(x=0, y=1998), press="DOUBLE"),
        'do(action="Double Tap", element=[0,999])',
        '"action": "Double Tap", "element": [0, 999]',
    ),
    "type": _case(
        TypeText(text="上海, 天气 (今天) 007"),
        'do(action="Type", text="上海, 天气 (今天) 007")',
        '"action": "Type", "text": "上海, 天气 (今天) 007"',
    ),
    "type a name": _case(
        TypeText(text="张三"), 'do(action="Type_Name", text="张三")', '"action": "Type_Name", "text": "张三"'
    ),
    "type into": _case(
        TypeText(text="it is 5", point=PLACES[0].centre, submit=True),
        'do(action="Type", text="it is 5", element=1, submit=True)',
        '"action": "Type", "text": "it is 5", "element": 1, "submit": true',
    ),
    "swipe": _case(
        SwipeTo(start=Point(x=500, y=1600), end=Point(x=500, y=400), direction="UP"),
        'do(action="Swipe", start=[500,800], end=[500,200])',
        '"action": "Swipe", "start": [500, 800], "end": [500, 200]',
    ),
    "swipe in a direction": _case(
        SwipeTo(start=Point(x=500, y=1500), end=Point(x=500, y=500), direction="UP"),
        'do(action="Swipe", direction="up")',
        '"action": "Swipe", "direction": "up"',
    ),
    "back": _case(Press(key="BACK"), 'do(action="Back")', '"action": "Back"'),
    "home": _case(Press(key="HOME"), 'do(action="Home")', '"action": "Home"'),
    "enter": _case(Press(key="ENTER"), 'do(action="Key", key="Enter")', '"action": "Key", "key": "Enter"'),
    "wait": _case(
        WaitFor(seconds=3), 'do(action="Wait", duration="3 seconds")', '"action": "Wait", "duration": "3 seconds"'
    ),
    "take over": _case(
        TakeOver(message="请登录"),
        'do(action="Take_over", message="请登录")',
        '"action": "Take_over", "message": "请登录"',
    ),
    "note the page": _case(
        TakeNote(text=""), 'do(action="Note", message="True")', '"action": "Note", "message": "True"'
    ),
    "note": _case(TakeNote(text="价格 5"), 'do(action="Note", message="价格 5")', '"action": "Note", "text": "价格 5"'),
    "sum up": _case(
        CallApi(call=ApiName(name=""), instruction="总结"),
        'do(action="Call_API", instruction="总结")',
        '"action": "Call_API", "instruction": "总结"',
    ),
    "call": _case(
        CallApi(call=ApiName(name="weather", parameters={"city": "北京"}), instruction="today"),
        'do(action="Call_API", name="weather", parameters={"city": "北京"}, instruction="today")',
        '"action": "Call_API", "name": "weather", "parameters": {"city": "北京"}, "instruction": "today"',
    ),
    "interact": _case(AskPerson(question=""), 'do(action="Interact")', '"action": "Interact"'),
    "ask": _case(
        AskPerson(question="哪一个?"),
        'do(action="Interact", message="哪一个?")',
        '"action": "Interact", "message": "哪一个?"',
    ),
    "finish": _case(
        Finish(message="任务完成 (2 项)"),
        'finish(message="任务完成 (2 项)")',
        '"action": "finish", "message": "任务完成 (2 项)", "success": true',
    ),
    "give up": _case(
        Finish(message="没有网络", succeeded=False),
        'finish(message="没有网络", success=False)',
        '"action": "finish", "message": "没有网络", "success": false',
    ),
}


def written(grammar: GrammarName, case: Case) -> str:
    """The case as text of a grammar."""
    return case.call if grammar == "autoglm" else case.object


def read(grammar: GrammarName, text: str, finish_reason: str = "stop") -> Spoken | Misread:
    return grammar_of(grammar).parse(RawReply(text, finish_reason=finish_reason), SHOWN)


def intent_of(read: Spoken | Misread) -> AnyIntent | None:
    return read.intent if isinstance(read, Spoken) else None
