"""Feeds questions to a model: decide, ask, decide again, until the call has its end in the log."""

from __future__ import annotations

import asyncio
import base64
import io
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg
from PIL import Image

from contracts.orchestrator import AdviceRequested
from contracts.values import ObjectRef
from services.llm_gateway.decisions.calls import (
    FINISHING_S,
    Asking,
    Reply,
    decide_call,
    messages,
    pause_s,
)
from services.llm_gateway.decisions.ledger import Ledger, OpenCall
from services.llm_gateway.decisions.question import question
from services.llm_gateway.effects.configurations import Configurations
from services.llm_gateway.effects.endpoint import Endpoint
from services.runtime.clock import Clock
from services.runtime.handlers import decode_message
from services.runtime.objects import MissingObjectError, Objects, StoreAwayError
from services.runtime.reactor import Decider, GaveUpError, Trigger
from services.runtime.sealing import Sealer
from services.runtime.secrets import SecretError, resolve

_ROUNDS = 24
"""More than a call can have attempts: five repetitions, one correction, one loss, and some conflicts."""
_REPLIES_KEPT = 256
_LONGEST_SIDE_PX = 1024
_JPEG_QUALITY = 80


@dataclass
class CallHandler:
    """Handler of `AdviceRequested`. `instance` is new with every process: what it started, it alone may continue.

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
        return trigger.what.run_id if isinstance(trigger.what, AdviceRequested) else None

    async def handle(self, trigger: Trigger[Any]) -> None:
        asked: AdviceRequested = trigger.what
        asking: Asking | None = None
        wait_s = 0.0
        for _ in range(_ROUNDS):
            ledger = (await self.decider.states.get(asked.run_id)).state
            if asked.call_id in ledger.finished:
                return
            asking = asking or await self._prepared(asked, trigger)
            call = ledger.open.get(asked.call_id)
            attempt = 0 if call is None else call.attempt
            reply = None
            if call is not None and call.instance == self.instance:
                reply = self._replies.get((asked.call_id, attempt)) or await self._ask(asking, call, wait_s)
            ready = replace(asking, attempt=attempt, reply=reply)
            await self.decider.decide(
                asked.run_id, replace(trigger, what=ready), decide_call, step=f".{asked.call_id}.{attempt}"
            )
            wait_s = pause_s(reply, attempt)
        raise GaveUpError(f"{self.name}: call {asked.call_id} did not end in {_ROUNDS} rounds")

    async def _prepared(self, asked: AdviceRequested, trigger: Trigger[Any]) -> Asking:
        pinned = await self.configurations.pinned(asked, trigger.time)
        with_image = pinned.config is not None and pinned.config.vision and asked.screenshot is not None
        text = question(asked, with_image=with_image)
        return Asking(asked, self.instance, pinned.config, text, pinned.problem, pinned.secret_ref)

    async def _ask(self, asking: Asking, call: OpenCall, wait_s: float) -> Reply:
        config = asking.config
        assert config is not None, "a call was started without a configuration"
        await asyncio.sleep(wait_s)
        corrected = call.causes.get("MALFORMED", 0) > 0
        sent: dict[str, Any] = {
            "model": config.model,
            "max_tokens": config.max_tokens,
            "messages": messages(asking.question, corrected=corrected),
        }
        image_url = None
        if config.vision and asking.asked.screenshot is not None:
            image_url, sent["image"] = await self._picture(asking.asked.screenshot)
        try:
            key = resolve(asking.secret_ref)
        except SecretError as error:
            reply = Reply("UNCONFIGURED", detail={"error": str(error)})
        else:
            until = call.deadline_at - timedelta(seconds=FINISHING_S)
            limit_s = min(config.timeout_s, max((until - self.clock.now()).total_seconds(), 0.0))
            said = messages(asking.question, corrected=corrected, image_url=image_url)
            reply = await self.endpoint.ask(config, key, said, limit_s=limit_s)
        return self._keep((asking.asked.call_id, call.attempt), replace(reply, sent=sent))

    def _keep(self, place: tuple[UUID, int], reply: Reply) -> Reply:
        self._replies[place] = reply
        while len(self._replies) > _REPLIES_KEPT:
            self._replies.popitem(last=False)
        return reply

    async def _picture(self, ref: ObjectRef) -> tuple[str | None, dict[str, Any]]:
        """A data URL to send, and the reference to keep. A question goes without a picture rather than not at all."""
        kept: dict[str, Any] = ref.model_dump(mode="json")
        try:
            content = await self.objects.get(ref.key)
            url = await asyncio.to_thread(_data_url, content)
        except (MissingObjectError, StoreAwayError, OSError) as error:
            return None, {**kept, "absent": str(error)}
        return url, kept


def _data_url(content: bytes) -> str:
    with Image.open(io.BytesIO(content)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
