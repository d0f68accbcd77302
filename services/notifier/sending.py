"""Sending as an effect: each target of a plan is a message of its own, started, sent and finished side by side.

What a crash leaves started is not sent again by the plan when that is delivered once more, but by the timer of the
start, when nobody can be at it any longer: so exactly one process goes on, and it says so in the log first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg

from contracts.notifier import OWNER, NotificationPlanned
from services.notifier.channels import Channels, NoChannelError
from services.notifier.decisions import MESSAGE, Message, Outcome, Retries, Send, begin, finish, is_pending
from services.notifier.effects.sender import Sender
from services.runtime.effect import Effect, Performer
from services.runtime.handlers import decode_message
from services.runtime.log import Log
from services.runtime.reactor import Decision, Trigger
from services.runtime.sealing import Sealer
from services.runtime.timers import TimerFired


def sending(log: Log, channels: Channels, sender: Sender, retries: Retries) -> Effect[Message, Outcome | None]:
    def end(message: Message, trigger: Trigger[Any], now: datetime, outcome: Outcome | None) -> Decision:
        return finish(message, trigger, now, outcome, retries)

    return Effect(
        name="notifier-sending",
        aggregate=MESSAGE,
        triggers={Send: lambda send: send.target.notification_id, TimerFired: lambda fired: fired.key},
        begin=partial(begin, retries=retries),
        pending=is_pending,
        perform=partial(_perform, log, channels, sender),
        finish=end,
    )


async def _perform(
    log: Log, channels: Channels, sender: Sender, message: Message, _trigger: Trigger[Any], fresh: bool
) -> Outcome | None:
    """Sends, if it was this call that started the attempt; otherwise whoever did is at it, or its timer will be."""
    started = message.started
    if not fresh or started is None:
        return None
    plan = await _plan(log, started.occurrence_id)
    target = next(t for t in plan.targets if t.notification_id == started.notification_id)
    try:
        config = await channels.pinned(target)
    except NoChannelError as error:
        return Outcome(started.attempt, sent=False, response={"error": str(error)})
    sent, response = await sender.send(plan, target, config)
    return Outcome(started.attempt, sent, response)


async def _plan(log: Log, occurrence_id: UUID) -> NotificationPlanned:
    recorded = await log.read(OWNER, occurrence_id, from_leader=True)
    plan = recorded[0].event
    assert isinstance(plan, NotificationPlanned)
    return plan


@dataclass
class SendingHandler:
    """Feeds plans and fired timers to the effect."""

    name: str
    performer: Performer[Message, Outcome | None]
    sealer: Sealer

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[NotificationPlanned | TimerFired]) -> UUID:
        match trigger.what:
            case NotificationPlanned() as plan:
                return plan.occurrence_id
            case TimerFired() as fired:
                return fired.key

    async def handle(self, trigger: Trigger[NotificationPlanned | TimerFired]) -> None:
        match trigger.what:
            case NotificationPlanned() as plan:
                await self._send_all(plan, trigger)
            case TimerFired() as fired:
                await self.performer.handle(fired.key, trigger)

    async def _send_all(self, plan: NotificationPlanned, trigger: Trigger[Any]) -> None:
        """A slow channel holds up no other; what went wrong with one is raised when all are through."""
        messages = [(t.notification_id, replace(trigger, what=Send(plan, t))) for t in plan.targets]
        sends = [self.performer.handle(key, send, part=f".{key}") for key, send in messages]
        for result in await asyncio.gather(*sends, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
