"""Requests of people about alerts: followed, or answered and kept as dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg

from contracts.alerter import AlertRequestRejected
from contracts.subjects import REQUESTS, request_subject
from services.alerter.decisions import Alert, decide_request, requested_alert
from services.runtime.dead_letters import DeadLetters
from services.runtime.handlers import RawRequest, decode_message
from services.runtime.reactor import Decider, Trigger
from services.runtime.sealing import Sealer


@dataclass
class RequestHandler:
    """Buries a refused request before it answers it, so that a crash in between loses neither; a request that has its
    answer is left alone, however the alert stands by now."""

    name: str
    decider: Decider[Alert]
    sealer: Sealer
    dead_letters: DeadLetters

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID:
        return requested_alert(trigger)

    async def handle(self, trigger: Trigger[Any]) -> None:
        if await self.decider.decided(trigger):
            return
        key = requested_alert(trigger)
        alert = await self.decider.states.refresh(key)
        for answer in decide_request(alert.state, trigger, trigger.time).events:
            if isinstance(answer, AlertRequestRejected):
                await self._bury(trigger, answer)
        await self.decider.decide(key, trigger, decide_request)

    async def _bury(self, trigger: Trigger[RawRequest], answer: AlertRequestRejected) -> None:
        raw = trigger.what
        await self.dead_letters.bury(
            kind="request",
            consumer=self.name,
            stream=REQUESTS,
            subject=request_subject(raw.kind, raw.user),
            sequence=raw.sequence,
            reason=f"{answer.code}: {answer.reason}",
            error=None,
            body=raw.body,
            headers={},
            now=trigger.time,
        )
