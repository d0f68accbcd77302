"""Views: the last event under each key of a few kinds, which every process keeps for itself (configuration mostly)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from contracts.event import Event
from contracts.subjects import STREAM, event_filter
from services.runtime import telemetry
from services.runtime.consumer import INFRASTRUCTURE
from services.runtime.log import Recorded, decode
from services.runtime.sealing import Sealer

_FETCH = 256
_INACTIVE_S = 60.0


@dataclass
class View:
    """Follows the last event per subject of `kinds`, through an ordered consumer of its own, for ever."""

    js: JetStreamContext
    sealer: Sealer
    kinds: tuple[type[Event], ...]
    on_change: Callable[[Recorded[Event]], None] | None = None
    latest: dict[tuple[type[Event], UUID], Recorded[Event]] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def get(self, kind: type[Event], key: UUID) -> Event | None:
        found = self.latest.get((kind, key))
        return None if found is None else found.event

    def all(self, kind: type[Event]) -> list[Event]:
        return [r.event for (cls, _), r in sorted(self.latest.items(), key=lambda i: i[1].seq) if cls is kind]

    async def follow(self) -> None:
        """Runs until cancelled; starts anew from the last values when the server loses its consumer."""
        while True:
            try:
                await self._follow_once()
            except INFRASTRUCTURE as error:
                telemetry.log.warning("view starts anew", kinds=[k.NAME for k in self.kinds], error=repr(error))
                await asyncio.sleep(0.5)

    async def _follow_once(self) -> None:
        config = ConsumerConfig(
            filter_subjects=[event_filter(kind) for kind in self.kinds],
            deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_INACTIVE_S,
            mem_storage=True,
            num_replicas=1,
        )
        subscription = await self.js.pull_subscribe("", stream=STREAM, config=config)
        try:
            while True:
                try:
                    messages = await subscription.fetch(_FETCH, timeout=0.2 if not self.ready.is_set() else 5.0)
                except TimeoutError:
                    await subscription.consumer_info()
                    self.ready.set()
                    continue
                for message in messages:
                    self._take(await decode(message.metadata.sequence.stream, message.data, self.sealer))
                if messages and messages[-1].metadata.num_pending == 0:
                    self.ready.set()
        finally:
            await subscription.unsubscribe()

    def _take(self, recorded: Recorded[Event]) -> None:
        place = (type(recorded.event), recorded.event.key)
        known = self.latest.get(place)
        if known is None or known.seq < recorded.seq:
            self.latest[place] = recorded
            if self.on_change is not None:
                self.on_change(recorded)
