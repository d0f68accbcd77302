"""The interface of all grammars, and which there are."""

from __future__ import annotations

from typing import Any, Literal, Protocol, assert_never

from contracts.values import AnyIntent
from services.llm_gateway.grammars.autoglm import AutoGlm
from services.llm_gateway.grammars.json_object import JsonObject
from services.llm_gateway.grammars.numbered import Numbered
from services.llm_gateway.grammars.shown import Ask, Misread, RawReply, Shown, Spoken
from services.llm_gateway.grammars.tools import Tools

GrammarName = Literal["autoglm", "tools", "json", "numbered"]


class Grammar(Protocol):
    """A way in which models are asked for one action, and say it."""

    def messages(self, ask: Ask, shown: Shown, picture_url: str | None) -> list[dict[str, Any]]:
        """The messages of one request, as an OpenAI-compatible endpoint takes them. The same turn, the same messages.

        The goal is in each request, what happened before in words; the only picture is the current one.
        """

    def tools(self, ask: Ask) -> list[dict[str, Any]] | None:
        """The functions that the request offers; None where the grammar has none."""

    def parse(self, reply: RawReply, shown: Shown) -> Spoken | Misread:
        """What an answer means, however it is written. Never raises; time grows with the length of the answer, which is
        bounded."""

    def say(self, thinking: str, intent: AnyIntent, shown: Shown) -> RawReply:
        """The answer that means `intent`, as the grammar writes it. Points are as exact as the space of points is."""


def grammar_of(name: GrammarName) -> Grammar:
    match name:
        case "autoglm":
            return AutoGlm()
        case "tools":
            return Tools()
        case "json":
            return JsonObject()
        case "numbered":
            return Numbered()
        case _:
            assert_never(name)
