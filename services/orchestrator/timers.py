"""Fired timers of the orchestrator belong to the fleet or to a run: the kind of event that set them tells which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg

from services.runtime.handlers import decode_message
from services.runtime.reactor import Decider, Reactor, Trigger
from services.runtime.sealing import Sealer
from services.runtime.timers import TimerFired


@dataclass
class TimerRouter:
    """Gives each fired timer to the reactor that has a key for it."""

    name: str
    reactors: tuple[tuple[Reactor[Any], Decider[Any]], ...]
    sealer: Sealer

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        found = self._find(trigger.what)
        return None if found is None else found[2]

    async def handle(self, trigger: Trigger[Any]) -> None:
        found = self._find(trigger.what)
        assert found is not None
        reactor, decider, key = found
        await decider.decide(key, trigger, reactor.decide)

    def _find(self, fired: TimerFired) -> tuple[Reactor[Any], Decider[Any], UUID] | None:
        for reactor, decider in self.reactors:
            key = reactor.triggers[TimerFired](fired)
            if key is not None:
                return reactor, decider, key
        return None
