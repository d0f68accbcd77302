"""One JSON object an answer: `{"thinking": "..", "action": "Tap", "element": [x, y]}`."""

from __future__ import annotations

from typing import Any, Final

from contracts.values import AnyIntent
from services.llm_gateway.grammars.asking import REPAIR, RULES, apis_words, data_rule, question_text, user_message
from services.llm_gateway.grammars.meaning import read_reply
from services.llm_gateway.grammars.places import space_words
from services.llm_gateway.grammars.saying import dumped, said
from services.llm_gateway.grammars.shown import Ask, Misread, RawReply, Shown, Spoken

_SYSTEM: Final = """You operate an Android phone for a person. Today is {today}.
In each turn you see the phone, and answer with one JSON object and nothing else:
{{"thinking": "shortly why", "action": "..", ..}}
Actions, with what belongs to each:
{{"action": "Launch", "app": "name or package"}} brings an app to the front
{{"action": "Tap", "element": {place}}} also "Long Press", "Double Tap"; "message": "why" marks it as sensitive
{{"action": "Type", "text": "..", "element": {place}}} replaces what the field holds
  without "element": the focused field; "submit": true sends it off
{swipe}
{{"action": "Back"}} {{"action": "Home"}} {{"action": "Key", "key": "Enter"}} also Delete, Tab, Search, Menu, Recents
{{"action": "Wait", "duration": "2 seconds"}}
{{"action": "Note", "text": "what to keep"}}
{{"action": "Call_API", "name": "..", "parameters": {{}}, "instruction": "what for"}}
  without "name": sums up what was kept
{{"action": "Interact", "message": "question to the person"}}
{{"action": "Take_over", "message": "what the person has to do on the phone"}}
{{"action": "finish", "message": "the result", "success": true}} success false: it cannot be done
{where}
{rules}
{data}"""
_POINT_SWIPE: Final = '{"action": "Swipe", "start": [x1, y1], "end": [x2, y2]} draws the finger'
_NUMBER_SWIPE: Final = """{"action": "Swipe", "direction": "up"} draws the finger up, which shows what is further down
  also down, left, right; "element": number swipes inside that element"""
ASKED: Final = "Answer with the JSON object: which action is next?"


class JsonObject:
    """See `Grammar`."""

    by_number = False

    def messages(self, ask: Ask, shown: Shown, picture_url: str | None) -> list[dict[str, Any]]:
        by_number = self.by_number and ask.listing is not None
        place, swipe = ("number", _NUMBER_SWIPE) if by_number else ("[x, y]", _POINT_SWIPE)
        system = _SYSTEM.format(
            today=f"{ask.today:%Y-%m-%d}, {ask.today:%A}",
            place=place,
            swipe=swipe,
            where=self.where(ask, shown),
            rules="\n".join(
                part for part in (RULES, REPAIR if ask.purpose == "REPAIR" else "", apis_words(ask)) if part
            ),
            data=data_rule(ask),
        )
        return [{"role": "system", "content": system}, user_message(question_text(ask, ASKED), picture_url)]

    def where(self, ask: Ask, shown: Shown) -> str:
        """How a place is said."""
        numbers = ' Or the number of a listed element: "element": 5.' if ask.listing is not None else ""
        return f"Points are {space_words(shown)}.{numbers}"

    def tools(self, ask: Ask) -> list[dict[str, Any]] | None:  # noqa: ARG002 - of the interface
        return None

    def parse(self, reply: RawReply, shown: Shown) -> Spoken | Misread:
        return read_reply(reply, shown)

    def say(self, thinking: str, intent: AnyIntent, shown: Shown) -> RawReply:
        name, arguments = said(intent, shown, by_number=self.by_number)
        return RawReply(dumped({"thinking": thinking, "action": name} | arguments), finish_reason="stop")
