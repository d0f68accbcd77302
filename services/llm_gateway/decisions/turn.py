"""The question of a turn: the goal, what happened so far, and the screen; in the grammar that the model speaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from contracts.configs import LlmConfig
from contracts.orchestrator import TurnRequested
from contracts.subjects import derived_id
from contracts.values import TurnContext
from services.hierarchy.targets import Screen
from services.llm_gateway.decisions.asking import Answer, MalformedAnswerError
from services.llm_gateway.decisions.context import bounded
from services.llm_gateway.decisions.exchange import Reply, Request
from services.llm_gateway.decisions.observation import Sight
from services.llm_gateway.decisions.resolving import resolve
from services.llm_gateway.decisions.screen_texts import one_line, suspicious
from services.llm_gateway.decisions.tokens import tokens_sent
from services.llm_gateway.grammars.grammar import Grammar, grammar_of
from services.llm_gateway.grammars.shown import Ask, RawReply, Shown

_QUOTED_CHARS: Final = 300
_NAME_CHARS: Final = 200
_THINKING_CHARS: Final = 4_000
_NO_URL: Final = "object:none"


@dataclass(frozen=True)
class TurnQuestion:
    """A `Question` about the next step of a task. `suspicious` counts texts of the screen that read like commands to a
    model, or like its answers."""

    ask: Ask
    shown: Shown
    sight: Sight
    config: LlmConfig
    suspicious: int

    @property
    def grammar(self) -> Grammar:
        return grammar_of(self.config.grammar)

    def nothing_to_ask(self) -> str | None:
        return None

    def corrections(self) -> int:
        return self.config.misread_retries

    def flags(self) -> dict[str, Any]:
        return {"texts_like_commands": self.suspicious, "not_shown": list(self.sight.absent)}

    def reserved_tokens(self, correction: str | None) -> int:
        sent = self.request(correction, None if self.shown.picture is None else _NO_URL)
        return tokens_sent(sent.messages, sent.tools, self.shown.picture)

    def sent_tokens(self, correction: str | None) -> int:
        return self.reserved_tokens(correction)

    def request(self, correction: str | None, picture_url: str | None) -> Request:
        """The correction is told with the rest: no message follows another of the same role."""
        told = self.ask.context.told if correction is None else (*self.ask.context.told, correction)
        ask = replace(self.ask, context=self.ask.context.model_copy(update={"told": told}))
        return Request(
            messages=self.grammar.messages(ask, self.shown, picture_url),
            tools=self.grammar.tools(ask),
            temperature=self.config.temperature,
            top_p=self.config.top_p,
            extra_body=self.config.extra_body,
        )

    def read(self, reply: Reply) -> Answer:
        spoken = self.grammar.parse(RawReply(reply.text, reply.tool_calls, reply.finish_reason), self.shown)
        turn = resolve(spoken, self.sight, self.ask.package, self.ask.activity)
        if reply.thinking and not turn.thinking:
            turn = turn.model_copy(update={"thinking": reply.thinking[:_THINKING_CHARS]})
        if turn.misread is not None:
            raise MalformedAnswerError(turn.misread, Answer(turn=turn))
        return Answer(turn=turn)

    def correction(self, reply: Reply, why: str) -> str:
        """The wrong answer is quoted in short: so that the model sees what it is that was not understood."""
        said = "\n".join([reply.text, *(f"{call.name}({call.arguments})" for call in reply.tool_calls)]).strip()
        quoted = json.dumps(said[:_QUOTED_CHARS] + ("…" if len(said) > _QUOTED_CHARS else ""), ensure_ascii=False)
        return f"Your last answer was {quoted}. It could not be used, and nothing was done: {why} Answer again."


def turn_question(asked: TurnRequested, config: LlmConfig, sight: Sight, asked_at: datetime) -> TurnQuestion:
    """The question that a `TurnRequested` asks about what was seen. Raises `SealedError` where the goal was erased."""
    screen = asked.screen
    ask = Ask(
        goal=asked.goal.reveal(),
        context=bounded(TurnContext.model_validate(asked.context.reveal())),
        app=one_line(screen.app_name, _NAME_CHARS),
        package=one_line(screen.package, _NAME_CHARS),
        activity=None if screen.activity is None else one_line(screen.activity, _NAME_CHARS),
        listing=sight.text(),
        absent=sight.absent,
        mark=f"==== {derived_id('screen-data', asked.call_id).hex[:12]}",
        today=asked_at.date(),
        apis=config.apis,
        purpose=asked.purpose,
    )
    seen = sight.screen
    width = screen.width or (0 if seen is None else seen.size.width)
    height = screen.height or (0 if seen is None else seen.size.height)
    shown = Shown(width, height, sight.picture, sight.places, config.coordinates)
    texts = [screen.app_name, screen.screen_name, *(() if seen is None else _texts(seen))]
    return TurnQuestion(ask, shown, sight, config, suspicious(texts))


def _texts(screen: Screen) -> Iterator[str]:
    for node in screen.tree:
        if node.text or node.content_desc or node.hint:
            yield f"{node.text}\n{node.content_desc}\n{node.hint}"
