"""Feeds questions to a model: decide, ask, decide again, until the call has its end in the log."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, assert_never
from uuid import UUID

from nats.aio.msg import Msg

from contracts.orchestrator import AdviceRequested, TurnRequested
from contracts.sealed import SealedError
from contracts.values import ObjectRef
from services.llm_gateway.decisions.asking import Asked, Asking
from services.llm_gateway.decisions.calls import FINISHING_S, decide_call, pause_s
from services.llm_gateway.decisions.exchange import Reply
from services.llm_gateway.decisions.ledger import Ledger, OpenCall
from services.llm_gateway.decisions.question import question
from services.llm_gateway.decisions.turn import turn_question
from services.llm_gateway.effects.configurations import Configurations, Pinned
from services.llm_gateway.effects.endpoint import Endpoint
from services.llm_gateway.effects.observing import Observer
from services.llm_gateway.effects.pictures import advice_picture_url
from services.runtime.clock import Clock
from services.runtime.handlers import decode_message
from services.runtime.objects import MissingObjectError, Objects, StoreAwayError
from services.runtime.reactor import Decider, GaveUpError, Trigger
from services.runtime.sealing import Sealer
from services.runtime.secrets import SecretError, resolve

_ROUNDS = 24
"""More than a call can have attempts: five repetitions, five corrections, one loss, and some conflicts."""
_REPLIES_KEPT = 256
_ERASED = "what the task wanted was erased: nothing is asked for it any more"


@dataclass(frozen=True)
class _Prepared:
    """What is decided on, and the picture that goes along: its data URL, and what is kept of it."""

    asking: Asking
    picture_url: str | None = None
    picture_kept: dict[str, Any] | None = None


@dataclass
class CallHandler:
    """Handler of `AdviceRequested` and `TurnRequested`. `instance` is new with every process: what it started, it alone
    may continue.

    A reply is kept until the call has its end, so that a log that is away for a while costs no second request.
    """

    name: str
    decider: Decider[Ledger]
    configurations: Configurations
    endpoint: Endpoint
    objects: Objects
    sealer: Sealer
    clock: Clock
    instance: str
    _replies: OrderedDict[tuple[UUID, int], Reply] = field(default_factory=OrderedDict)

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        return trigger.what.run_id if isinstance(trigger.what, AdviceRequested | TurnRequested) else None

    async def handle(self, trigger: Trigger[Any]) -> None:
        asked: Asked = trigger.what
        prepared: _Prepared | None = None
        wait_s = 0.0
        for _ in range(_ROUNDS):
            ledger = (await self.decider.states.get(asked.run_id)).state
            if asked.call_id in ledger.finished:
                return
            prepared = prepared or await self._prepared(asked, trigger)
            call = ledger.open.get(asked.call_id)
            attempt = 0 if call is None else call.attempt
            reply = None
            if call is not None and call.instance == self.instance:
                reply = self._replies.get((asked.call_id, attempt)) or await self._ask(prepared, call, wait_s)
            ready = replace(prepared.asking, attempt=attempt, reply=reply)
            await self.decider.decide(
                asked.run_id, replace(trigger, what=ready), decide_call, step=f".{asked.call_id}.{attempt}"
            )
            wait_s = pause_s(reply, attempt)
        raise GaveUpError(f"{self.name}: call {asked.call_id} did not end in {_ROUNDS} rounds")

    async def _prepared(self, asked: Asked, trigger: Trigger[Any]) -> _Prepared:
        pinned = await self.configurations.pinned(asked, trigger.time)
        match asked:
            case AdviceRequested():
                return await self._prepared_advice(asked, pinned)
            case TurnRequested():
                return await self._prepared_turn(asked, pinned, trigger)
            case _:
                assert_never(asked)

    async def _prepared_advice(self, asked: AdviceRequested, pinned: Pinned) -> _Prepared:
        with_image = pinned.config is not None and pinned.config.vision and asked.screenshot is not None
        about = question(asked, with_image=with_image)
        asking = Asking(asked, self.instance, pinned.config, about, pinned.problem, pinned.secret_ref)
        if not with_image or asked.screenshot is None:
            return _Prepared(asking)
        url, kept = await self._advice_picture(asked.screenshot)
        return _Prepared(asking, url, kept)

    async def _prepared_turn(self, asked: TurnRequested, pinned: Pinned, trigger: Trigger[Any]) -> _Prepared:
        """The same event gives the same question, with every attempt and every instance."""
        if pinned.config is None:
            return _Prepared(Asking(asked, self.instance, None, None, pinned.problem, pinned.secret_ref))
        sight, picture = await Observer(self.objects).look(asked.screen, pinned.config)
        try:
            about = turn_question(asked, pinned.config, sight, trigger.time)
        except SealedError:
            return _Prepared(Asking(asked, self.instance, pinned.config, None, _ERASED))
        asking = Asking(asked, self.instance, pinned.config, about, pinned.problem, pinned.secret_ref)
        if picture is None or asked.screen.screenshot is None:
            return _Prepared(asking)
        kept = asked.screen.screenshot.model_dump(mode="json") | {"sent_px": list(picture.size)}
        return _Prepared(asking, picture.url, kept)

    async def _ask(self, prepared: _Prepared, call: OpenCall, wait_s: float) -> Reply:
        asking = prepared.asking
        config, about = asking.config, asking.question
        assert config is not None, "a call was started without a configuration"
        assert about is not None, "a call was started without a question"
        await asyncio.sleep(wait_s)
        request = about.request(call.correction, prepared.picture_url)
        kept = replace(request, messages=_without_picture(request.messages, prepared.picture_url))
        sent: dict[str, Any] = {
            "model": config.model,
            "max_tokens": config.max_tokens,
            "messages": kept.messages,
            **kept.settings(),
        }
        if prepared.picture_kept is not None:
            sent["image"] = prepared.picture_kept
        try:
            key = resolve(asking.secret_ref)
        except SecretError as error:
            reply = Reply("UNCONFIGURED", detail={"error": str(error)})
        else:
            until = call.deadline_at - timedelta(seconds=FINISHING_S)
            limit_s = min(config.timeout_s, max((until - self.clock.now()).total_seconds(), 0.0))
            reply = await self.endpoint.ask(config, key, request, limit_s=limit_s)
        return self._keep((asking.asked.call_id, call.attempt), replace(reply, sent=sent))

    def _keep(self, place: tuple[UUID, int], reply: Reply) -> Reply:
        self._replies[place] = reply
        while len(self._replies) > _REPLIES_KEPT:
            self._replies.popitem(last=False)
        return reply

    async def _advice_picture(self, ref: ObjectRef) -> tuple[str | None, dict[str, Any]]:
        """A data URL to send, and the reference to keep. A question about a screen goes without a picture rather than
        not at all."""
        kept: dict[str, Any] = ref.model_dump(mode="json")
        try:
            content = await self.objects.get(ref.key)
            url = await asyncio.to_thread(advice_picture_url, content)
        except (MissingObjectError, StoreAwayError, OSError) as error:
            return None, {**kept, "absent": str(error)}
        return url, kept


def _without_picture(messages: list[dict[str, Any]], picture_url: str | None) -> list[dict[str, Any]]:
    """The same messages without the picture's bytes, which are kept once, in the object store."""
    if picture_url is None:
        return messages
    kept: list[dict[str, Any]] = []
    for message in messages:
        content = message.get("content")
        parts = [p for p in content if p.get("type") != "image_url"] if isinstance(content, list) else content
        only = parts[0]["text"] if isinstance(parts, list) and len(parts) == 1 and "text" in parts[0] else parts
        kept.append({**message, "content": only})
    return kept
