"""How models say what they want: the four grammars, written down once more from what models of each kind answer.

Independent of the platform's own rendering: a test that used it would prove it by itself.
"""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias

from deploy.embedded.openai_server import Reply
from tests.tasks.moves import (
    Ask,
    Finish,
    Key,
    Launch,
    Move,
    Note,
    Swipe,
    TakeOver,
    Tap,
    Type,
    Wait,
)

Grammar: TypeAlias = Literal["autoglm", "tools", "json", "numbered"]
GRAMMARS: tuple[Grammar, ...] = ("autoglm", "tools", "json", "numbered")
Spot: TypeAlias = tuple[int, int] | int | None
"""A point in the model's own space, the number of a listed element, or nothing."""

_STROKES = {
    "up": ((500, 750), (500, 250)),
    "down": ((500, 250), (500, 750)),
    "left": ((750, 500), (250, 500)),
    "right": ((250, 500), (750, 500)),
}
_PRESSES = {"tap": "Tap", "long": "Long Press", "double": "Double Tap"}
_CALLS = {"Tap": "tap", "Long Press": "long_press", "Double Tap": "double_tap", "Launch": "launch", "Type": "type",
          "Swipe": "swipe", "Back": "back", "Home": "home", "Wait": "wait", "Take_over": "take_over", "Note": "note",
          "Interact": "interact", "finish": "finish"}  # fmt: skip


def say(grammar: Grammar, thinking: str, move: Move, spot: Spot, *, closed: bool = True) -> Reply:
    """The answer of a model that speaks this grammar. `closed`: with the last tag of AutoGLM's form, which its models
    leave out where it ends the answer."""
    action, given = _said(grammar, move, spot)
    match grammar:
        case "autoglm":
            call = _call("finish", given) if action == "finish" else _call("do", {"action": action, **given})
            return Reply(f"<think>{thinking}</think>\n<answer>{call}{'</answer>' if closed else ''}")
        case "tools":
            arguments = json.dumps({"thinking": thinking, **given}, ensure_ascii=False)
            return Reply("", tool_calls=((_CALLS[action], arguments),), finish_reason="tool_calls")
        case "json" | "numbered":
            return Reply(json.dumps({"thinking": thinking, "action": action, **given}, ensure_ascii=False))


def _call(name: str, given: dict[str, Any]) -> str:
    said = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items() if value is not True]
    return f"{name}({', '.join(said).replace('false', 'False')})"


def _said(grammar: Grammar, move: Move, spot: Spot) -> tuple[str, dict[str, Any]]:
    match move:
        case Launch(app):
            return "Launch", {"app": app}
        case Tap():
            place = list(spot) if isinstance(spot, tuple) else spot
            consent = {"message": move.sensitive} if move.sensitive else {}
            return _PRESSES[move.press], {"element": place, **consent}
        case Type(text):
            return "Type", {"text": text}
        case Swipe(direction):
            if grammar == "numbered":
                return "Swipe", {"direction": direction}
            start, end = _STROKES[direction]
            return "Swipe", {"start": list(start), "end": list(end)}
        case Key(name):
            return name, {}
        case Wait(seconds):
            return "Wait", {"duration": f"{seconds} seconds"}
        case TakeOver(message):
            return "Take_over", {"message": message}
        case Note(text):
            return "Note", {"message" if grammar == "autoglm" else "text": text}
        case Ask(question):
            return "Interact", {"message": question}
        case Finish(message, succeeded):
            return "finish", {"message": message, "success": succeeded}
        case _:
            raise ValueError(f"{move} is said as it is, in no grammar")
