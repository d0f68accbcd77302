"""Hands requests of people to the intake, to the fleet and to scripts, and buries a copy of every refused one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.orchestrator import FleetAnswered, ScriptAnswered
from contracts.subjects import REQUESTS, event_filter, request_subject
from services.orchestrator.decisions.intake import Task, answer_key
from services.runtime.dead_letters import DeadLetters
from services.runtime.handlers import RawRequest, ReactorHandler
from services.runtime.reactor import Trigger


@dataclass
class IntakeHandler(ReactorHandler):
    """A `ReactorHandler` that buries what was rejected; the letter is the same however often it is written."""

    dead_letters: DeadLetters = field(kw_only=True)

    async def handle(self, trigger: Trigger[Any]) -> None:
        await super().handle(trigger)
        raw: RawRequest = trigger.what
        answered: Task = (await self.decider.states.refresh(answer_key(raw))).state
        if trigger.id not in answered.rejections:
            return
        code, reason = answered.rejections[trigger.id]
        await _bury(self.dead_letters, self.name, trigger, f"{code}: {reason}")


@dataclass
class AnsweredHandler(ReactorHandler):
    """The same for requests to the fleet and about scripts, whose answers are events of their own."""

    dead_letters: DeadLetters = field(kw_only=True)
    answer: type[FleetAnswered | ScriptAnswered] = field(kw_only=True)
    answer_key: Callable[[RawRequest], UUID] = field(kw_only=True)

    async def handle(self, trigger: Trigger[Any]) -> None:
        await super().handle(trigger)
        key = self.answer_key(trigger.what)
        answered = await self.decider.log.last(event_filter(self.answer, key=key))
        if answered is None or answered.causation_id != trigger.id:
            return
        event = answered.event
        if isinstance(event, FleetAnswered | ScriptAnswered) and not event.done:
            await _bury(self.dead_letters, self.name, trigger, f"{event.code}: {event.text}")


async def _bury(letters: DeadLetters, consumer: str, trigger: Trigger[Any], reason: str) -> None:
    raw: RawRequest = trigger.what
    await letters.bury(
        kind="request",
        consumer=consumer,
        stream=REQUESTS,
        subject=request_subject(raw.kind, raw.user),
        sequence=raw.sequence,
        reason=reason,
        error=None,
        body=raw.body,
        headers={},
        now=trigger.time,
    )
