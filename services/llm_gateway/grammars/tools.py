"""OpenAI's tool calls: a function an action. A call that the model writes as text is understood as well."""

from __future__ import annotations

from typing import Any, Final

from contracts.values import AnyIntent
from services.llm_gateway.grammars.asking import REPAIR, RULES, apis_words, data_rule, question_text, user_message
from services.llm_gateway.grammars.meaning import read_reply
from services.llm_gateway.grammars.places import space_words
from services.llm_gateway.grammars.saying import dumped, said
from services.llm_gateway.grammars.shown import Ask, Misread, RawReply, Shown, Spoken, ToolCall

_SYSTEM: Final = """You operate an Android phone for a person. Today is {today}.
In each turn you see the phone, and call exactly one function: the next action. Say shortly why in `thinking`.
{where}
{rules}
{data}"""
ASKED: Final = "Call one function: which action is next?"
_TEXT: Final = {"type": "string"}


class Tools:
    """See `Grammar`."""

    def messages(self, ask: Ask, shown: Shown, picture_url: str | None) -> list[dict[str, Any]]:
        numbers = " `element` can be the number of a listed element, too." if ask.listing is not None else ""
        system = _SYSTEM.format(
            today=f"{ask.today:%Y-%m-%d}, {ask.today:%A}",
            where=f"Points are {space_words(shown)}.{numbers}",
            rules="\n".join(
                part for part in (RULES, REPAIR if ask.purpose == "REPAIR" else "", apis_words(ask)) if part
            ),
            data=data_rule(ask),
        )
        return [{"role": "system", "content": system}, user_message(question_text(ask, ASKED), picture_url)]

    def tools(self, ask: Ask) -> list[dict[str, Any]] | None:
        return _functions(ask)

    def parse(self, reply: RawReply, shown: Shown) -> Spoken | Misread:
        return read_reply(reply, shown)

    def say(self, thinking: str, intent: AnyIntent, shown: Shown) -> RawReply:
        name, arguments = said(intent, shown)
        call = ToolCall(name.lower().replace(" ", "_"), dumped({"thinking": thinking} | arguments))
        return RawReply("", (call,), finish_reason="tool_calls")


def _functions(ask: Ask) -> list[dict[str, Any]]:
    point = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "description": "[x, y]"}
    place: dict[str, Any] = {"anyOf": [point, {"type": "integer", "description": "number of a listed element"}]}
    place = place if ask.listing is not None else point
    why = {"message": {**_TEXT, "description": "Only for what is sensitive: why it is. A person is asked first."}}
    names = [api.name for api in ask.apis]
    named = {"name": {**_TEXT, "enum": names}, "parameters": {"type": "object", "additionalProperties": _TEXT}}
    return [
        _function("launch", "Brings an app to the front.", {"app": {**_TEXT, "description": "Name or package."}}),
        _function("tap", "Taps a place.", {"element": place} | why, ("element",)),
        _function("long_press", "Presses a place for long.", {"element": place} | why, ("element",)),
        _function("double_tap", "Taps a place twice.", {"element": place} | why, ("element",)),
        _function(
            "type",
            "Types into a field; what it holds is replaced. Without element: the focused one. submit: sends it off.",
            {"text": _TEXT, "element": place, "submit": {"type": "boolean"}},
            ("text",),
        ),
        _function("swipe", "Draws the finger from start to end.", {"start": point, "end": point}),
        _function("back", "The back button.", {}),
        _function("home", "The home button.", {}),
        _function(
            "key",
            "Presses a key.",
            {"key": {**_TEXT, "enum": ["Enter", "Delete", "Tab", "Search", "Menu", "Recents"]}},
        ),
        _function(
            "wait", "Waits until the page has loaded.", {"duration": {**_TEXT, "description": "As `2 seconds`."}}
        ),
        _function("note", "Keeps something that was read.", {"text": _TEXT}),
        _function(
            "call_api",
            "Makes a registered call." if names else "Sums up what was kept.",
            (named if names else {}) | {"instruction": {**_TEXT, "description": "What for."}},
            ("instruction",),
        ),
        _function("interact", "Asks the person a question.", {"message": _TEXT}),
        _function("take_over", "Has a person do something on the phone: a log-in, a captcha.", {"message": _TEXT}),
        _function(
            "finish",
            "Ends the task. success: the goal is reached; else it cannot be done.",
            {"message": {**_TEXT, "description": "The result, or why not."}, "success": {"type": "boolean"}},
        ),
    ]


def _function(
    name: str, description: str, properties: dict[str, Any], required: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """`required`: of the properties; None: all."""
    needed = list(properties) if required is None else list(required)
    schema = {
        "type": "object",
        "properties": {"thinking": {**_TEXT, "description": "Shortly why."}} | properties,
        "required": needed,
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}
