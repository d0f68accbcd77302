"""The one way in which an intent is said, as a name and arguments in order; each grammar writes it in its form."""

from __future__ import annotations

import json
import re
from typing import Any, assert_never

from contracts.values import (
    AnyIntent,
    AskPerson,
    CallApi,
    Finish,
    LaunchApp,
    Press,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    TypeText,
    WaitFor,
)
from services.llm_gateway.grammars.places import holding, said_point
from services.llm_gateway.grammars.shown import Shown
from services.llm_gateway.grammars.swipes import dragged, whole

_TAG_LIKE = re.compile(r"<(?=[|/a-zA-Z])")
_PRESSES = {"TAP": "Tap", "LONG": "Long Press", "DOUBLE": "Double Tap"}


def said(intent: AnyIntent, shown: Shown, *, by_number: bool = False) -> tuple[str, dict[str, Any]]:
    """The name of the action, as AutoGLM calls it, and its arguments. `by_number`: elements by their number and swipes
    by their direction, where that says the same."""
    match intent:
        case LaunchApp():
            return "Launch", {"app": intent.app}
        case TapAt():
            return _PRESSES[intent.press], _place(intent, shown, by_number=by_number) | _given(message=intent.sensitive)
        case TypeText():
            place = {} if intent.point is None else _place(intent, shown, by_number=by_number)
            return "Type", {"text": intent.text} | place | _given(submit=intent.submit or None)
        case SwipeTo():
            return "Swipe", _drag(intent, shown, by_number=by_number)
        case Press(key="BACK"):
            return "Back", {}
        case Press(key="HOME"):
            return "Home", {}
        case Press():
            return "Key", {"key": intent.key.replace("_", " ").title()}
        case WaitFor():
            return "Wait", {"duration": f"{intent.seconds:g} seconds"}
        case TakeOver():
            return "Take_over", {"message": intent.message}
        case TakeNote():
            return "Note", {"message": "True"} if not intent.text else {"text": intent.text}
        case CallApi():
            named = _given(name=intent.call.name or None, parameters=intent.call.parameters or None)
            return "Call_API", named | {"instruction": intent.instruction}
        case AskPerson():
            return "Interact", _given(message=intent.question or None)
        case Finish():
            return "finish", {"message": intent.message, "success": intent.succeeded}
        case _:
            assert_never(intent)


def dumped(value: Any) -> str:
    """JSON with nothing in it that looks like a tag."""
    return _TAG_LIKE.sub(r"\\u003c", json.dumps(value, ensure_ascii=False))


def untagged(text: str) -> str:
    """Thinking that cannot be taken for a tag."""
    return _TAG_LIKE.sub("‹", text)


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _place(intent: TapAt | TypeText, shown: Shown, *, by_number: bool) -> dict[str, Any]:
    assert intent.point is not None
    number = holding(intent.point, shown.places) if by_number else None
    return {"element": number if number is not None else said_point(intent.point, shown)}


def _drag(intent: SwipeTo, shown: Shown, *, by_number: bool) -> dict[str, Any]:
    if by_number:
        for number, within in enumerate((whole(shown), *shown.places)):
            if dragged(intent.direction, within) == (intent.start, intent.end):
                return {"direction": intent.direction.lower()} | ({"element": number} if number else {})
    return {"start": said_point(intent.start, shown), "end": said_point(intent.end, shown)}
