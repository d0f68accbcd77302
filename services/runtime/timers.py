"""Durable timers: an event with a deadline schedules a message that arrives then, and is a trigger with an epoch.

The schedule is made before the event is acknowledged, on a subject of its own for each event, so a second try replaces
the first. Source: NATS message schedules (ADR-51): `Nats-Schedule: @at <RFC 3339>`, in a stream of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from pydantic import BaseModel

from contracts.event import Event
from contracts.subjects import TIMERS, timer_due_subject, timer_schedule_subject
from services.runtime.log import decode
from services.runtime.reactor import Trigger


class TimerFired(BaseModel):
    """A deadline has come. `epoch` is the event that set it: whoever went on since then ignores it."""

    owner: str
    key: UUID
    epoch: UUID
    event_type: str
    due_at: datetime
    run_id: UUID | None = None
    traceparent: str | None = None


@dataclass
class TimerSetter:
    """Handler of the events of one owner that carry a deadline: schedules them."""

    name: str
    js: JetStreamContext
    timeout_s: float = 5.0

    async def decode(self, message: Msg) -> Trigger[Any]:
        return Trigger.of(await decode(message.metadata.sequence.stream, message.data, None))

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        event: Event = trigger.what
        return None if event.due_at is None else event.key

    async def handle(self, trigger: Trigger[Any]) -> None:
        event: Event = trigger.what
        due_at = event.due_at
        assert due_at is not None
        fired = TimerFired(
            owner=event.OWNER,
            key=event.key,
            epoch=trigger.id,
            event_type=event.type_name(),
            due_at=due_at,
            run_id=trigger.run_id,
            traceparent=trigger.traceparent,
        )
        await self.js.publish(
            timer_schedule_subject(event.OWNER, event.key, trigger.id),
            fired.model_dump_json().encode(),
            stream=TIMERS,
            timeout=self.timeout_s,
            headers={
                "Nats-Schedule": f"@at {_not_before(due_at)}",
                "Nats-Schedule-Target": timer_due_subject(event.OWNER, event.key, trigger.id),
            },
        )


def _not_before(due_at: datetime) -> str:
    """RFC 3339 in milliseconds, rounded up: a timer that fires early would be told to wait, by nobody."""
    up = due_at + timedelta(microseconds=-due_at.microsecond % 1000)
    return up.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fired_trigger(message: Msg) -> Trigger[TimerFired]:
    """The trigger in a message that a schedule wrote. Its id follows from the epoch: fired twice is fired once."""
    fired = TimerFired.model_validate_json(message.data)
    return Trigger(uuid5(fired.epoch, "fired"), fired, fired.due_at, run_id=fired.run_id, traceparent=fired.traceparent)
