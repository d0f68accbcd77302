"""What arrives for one phone, in the order of the log: actions, and the ends of its leases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg

from contracts.orchestrator import ActionRequested, LeaseEnded
from services.device_agent.adb.errors import AdbError
from services.device_agent.decisions import TRIGGERS, Action, Outcome
from services.device_agent.effects import Attached
from services.device_agent.lease.keeping import Keeper
from services.runtime.effect import Performer
from services.runtime.handlers import decode_message
from services.runtime.reactor import LaterError, Trigger
from services.runtime.sealing import Sealer

_AGAIN_S = 1.0


@dataclass
class PhoneHandler:
    """Feeds the durable of one phone: an action is an effect of its own, the end of a lease restores the phone."""

    name: str
    serial: str
    performer: Performer[Action, Outcome]
    keeper: Keeper
    attached: Callable[[], Attached | None]
    sealer: Sealer

    async def decode(self, message: Msg) -> Trigger[Any]:
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> UUID | None:
        """The phone: what concerns it is done one after the other."""
        find = TRIGGERS.get(type(trigger.what))
        return None if find is None else find(trigger.what)

    async def handle(self, trigger: Trigger[Any]) -> None:
        match trigger.what:
            case ActionRequested() as asked:
                await self.performer.handle(asked.action_id, trigger)
            case LeaseEnded():
                await self._end(trigger)
            case _:
                raise TypeError(f"a phone's durable delivers no {type(trigger.what).__name__}")

    async def _end(self, trigger: Trigger[LeaseEnded]) -> None:
        """The end waits for the phone, and what comes after it waits for the end: a phone is driven again only after it
        was restored."""
        held = self.attached()
        if held is None:
            raise LaterError("the phone is not connected here", _AGAIN_S)
        held.prepared = None
        try:
            await self.keeper.end(held.phone, self.serial, trigger)
        except AdbError as error:
            raise LaterError(f"the phone cannot be restored yet: {error}", _AGAIN_S) from error
