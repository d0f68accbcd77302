"""Who holds which phone, as the log tells: every agent follows it, so that a phone has one place at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.device_agent import DeviceHeartbeat, DeviceLost, DeviceReady, DeviceRegistered
from services.device_agent.decisions import HEARTBEAT_EVERY_S, device_id_of, place_of
from services.device_agent.identity import Way
from services.runtime.service import Service
from services.runtime.view import View

SILENCE = timedelta(seconds=2.5 * HEARTBEAT_EVERY_S)
"""A holder that was not heard of for so long has died without a word."""


@dataclass(frozen=True)
class Held:
    """A phone that an agent holds, and when that agent was last heard of it."""

    agent: str | None
    session: int
    heard_at: datetime


def is_free(held: Held | None, place: str, way: Way, now: datetime) -> bool:
    """Whether an agent at `place` may take a phone that it reaches by `way`.

    A phone that hangs on a cable is nowhere else. By network several places may reach it at once: then it stays where
    it is until that place tells that it lost it, or falls silent.
    """
    if held is None or held.agent is None or place_of(held.agent) == place or way is Way.USB:
        return True
    return now - held.heard_at > SILENCE


class Holders:
    """The phones of the whole installation, by their serials in Waymark. One for all agents of a process."""

    def __init__(self, service: Service) -> None:
        self._view = service.view(
            View(service.js, service.sealer, (DeviceRegistered, DeviceReady, DeviceLost, DeviceHeartbeat))
        )
        self._just: dict[str, DeviceRegistered] = {}
        self.naming = asyncio.Lock()
        """Held from asking what a phone is called until it is registered: it may be attached by two ways at once."""

    async def registered(self) -> list[DeviceRegistered]:
        """Every phone that was ever registered, oldest first; those that this process has just registered included."""
        await self._view.ready.wait()
        known = [event for event in self._view.all(DeviceRegistered) if isinstance(event, DeviceRegistered)]
        for phone in known:
            self._just.pop(phone.serial, None)
        return [*known, *self._just.values()]

    def note(self, phone: DeviceRegistered) -> None:
        """Told of a phone that is registered now: the view learns it a moment later."""
        self._just[phone.serial] = phone

    def held(self, serial: str) -> Held | None:
        """Who holds the phone; None: nobody, as far as is known."""
        device_id = device_id_of(serial)
        ready = self._view.latest.get((DeviceReady, device_id))
        lost = self._view.latest.get((DeviceLost, device_id))
        if ready is None or not isinstance(ready.event, DeviceReady) or (lost is not None and lost.seq > ready.seq):
            return None
        beat = self._view.latest.get((DeviceHeartbeat, device_id))
        heard_at = ready.time if beat is None or beat.seq < ready.seq else beat.time
        return Held(ready.event.agent, ready.event.session, heard_at)
