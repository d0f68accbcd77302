"""Handlers that connect a consumer to a reactor or an effect."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg

from contracts.subjects import STREAM, derived_id
from services.runtime.effect import Performer
from services.runtime.log import decode
from services.runtime.reactor import Decider, Reactor, Trigger
from services.runtime.sealing import Sealer
from services.runtime.timers import fired_trigger


@dataclass(frozen=True)
class RawRequest:
    """A message of a person: not validated, not even JSON for certain. `kind` and `user` come from the subject."""

    kind: str
    user: str
    body: bytes
    sequence: int


async def decode_message(message: Msg, sealer: Sealer) -> Trigger[Any]:
    """The trigger in a message of whichever stream: an event, a fired timer, a request."""
    tokens = message.subject.split(".")
    sequence = message.metadata.sequence.stream
    match tokens[1]:
        case "timer":
            return fired_trigger(message)
        case "request":
            raw = RawRequest(tokens[2], tokens[3], message.data, sequence)
            written = message.metadata.timestamp
            return Trigger(derived_id("request", written.isoformat(), sequence), raw, written)
        case _:
            assert message.metadata.stream == STREAM
            return Trigger.of(await decode(sequence, message.data, sealer))


@dataclass
class ReactorHandler:
    """Feeds the triggers of one durable to a reactor."""

    name: str
    reactor: Reactor[Any]
    decider: Decider[Any]
    sealer: Sealer

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        find = self.reactor.triggers.get(type(trigger.what))
        return None if find is None else find(trigger.what)

    async def handle(self, trigger: Trigger[Any]) -> None:
        key = self.key_of(trigger)
        assert key is not None
        await self.decider.decide(key, trigger, self.reactor.decide, prepare=self.reactor.prepare)


@dataclass
class EffectHandler:
    """Feeds the triggers of one durable to an effect."""

    name: str
    performer: Performer[Any, Any]
    sealer: Sealer

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> Hashable | None:
        find = self.performer.effect.triggers.get(type(trigger.what))
        return None if find is None else find(trigger.what)

    async def handle(self, trigger: Trigger[Any]) -> None:
        key = self.performer.effect.triggers[type(trigger.what)](trigger.what)
        assert key is not None
        await self.performer.handle(key, trigger)
