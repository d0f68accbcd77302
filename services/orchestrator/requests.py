"""Hands requests of people to the intake, and keeps a copy of every refused one in the dead letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contracts.subjects import REQUESTS, request_subject
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
        await self.dead_letters.bury(
            kind="request",
            consumer=self.name,
            stream=REQUESTS,
            subject=request_subject(raw.kind, raw.user),
            sequence=raw.sequence,
            reason=f"{code}: {reason}",
            error=None,
            body=raw.body,
            headers={},
            now=trigger.time,
        )
