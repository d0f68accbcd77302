"""The channels that people have configured: those in force now, for planning; a pinned one, for sending."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from contracts.configs import alert_channel
from contracts.event import Event
from contracts.notifier import Target
from contracts.orchestrator import OWNER as ORCHESTRATOR
from contracts.orchestrator import ConfigChanged
from contracts.subjects import event_filter
from contracts.values import ConfigType
from services.notifier.decisions import Notice, PinnedChannel
from services.runtime import telemetry
from services.runtime.log import Log, Recorded
from services.runtime.reactor import LaterError, Trigger
from services.runtime.view import View

_LAG_LIMIT_S = 3.0
_POLL_S = 0.02


class NoChannelError(Exception):
    """A pinned configuration is not in the log. It cannot be sent to; an older log was restored, most likely."""


@dataclass
class Channels:
    """`view` follows `ConfigChanged`."""

    view: View
    log: Log

    async def pin(self, trigger: Trigger[Any]) -> Trigger[Any]:
        """The alert in a trigger with the channels in force. Raises `LaterError` while those are not known."""
        await self._catch_up()
        return replace(trigger, what=Notice(trigger.what, self.in_force()))

    def in_force(self) -> tuple[PinnedChannel, ...]:
        pinned = (as_channel(event) for event in self.view.all(ConfigChanged))
        return tuple(sorted((p for p in pinned if p is not None), key=lambda p: p.name))

    async def pinned(self, target: Target) -> ConfigChanged:
        """The configuration of a target, in the version that was pinned. Raises `NoChannelError`."""
        for recorded in await self.log.read(ORCHESTRATOR, target.config_id, from_leader=True):
            event = recorded.event
            if isinstance(event, ConfigChanged) and event.version == target.config_version:
                return event
        raise NoChannelError(f"version {target.config_version} of channel {target.config_name} is not in the log")

    async def _catch_up(self) -> None:
        """Waits until the view has seen what was configured before now: who has just set a channel up hears of it."""
        last = await self.log.last(event_filter(ConfigChanged))
        if last is None:
            return
        waits = int(_LAG_LIMIT_S / _POLL_S)
        for _ in range(waits):
            if any(known.seq >= last.seq for known in self.view.latest.values()):
                return
            await asyncio.sleep(_POLL_S)
        raise LaterError("the configuration is not read yet", delay_s=1.0)


def as_channel(event: Event) -> PinnedChannel | None:
    """The channel that a configuration is; None for one that is another thing, switched off, or not valid."""
    if not isinstance(event, ConfigChanged) or event.config_type is not ConfigType.ALERT_CHANNEL or not event.enabled:
        return None
    try:
        channel = alert_channel(event.config)
    except ValidationError:
        return None
    return PinnedChannel(event.config_id, event.name, event.version, channel)


def complain(recorded: Recorded[Event]) -> None:
    """Says which configuration of a channel cannot be used, and why, once for each change."""
    event = recorded.event
    if not isinstance(event, ConfigChanged) or event.config_type is not ConfigType.ALERT_CHANNEL or not event.enabled:
        return
    try:
        alert_channel(event.config)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors(include_input=False)]
        telemetry.log.error("channel cannot be used", name=event.name, version=event.version, problems=problems)
