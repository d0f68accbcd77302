"""Views: the last event under each key of a few kinds, which every process keeps for itself (configuration mostly)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from contracts.envelope import UnknownEventError
from contracts.event import Event
from contracts.subjects import STREAM, event_filter
from services.runtime import telemetry
from services.runtime.consumer import INFRASTRUCTURE
from services.runtime.following import GapError, Ordered
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
            except (GapError, *INFRASTRUCTURE) as error:
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
        ordered = Ordered(await self.js.pull_subscribe("", stream=STREAM, config=config))
        try:
            while True:
                messages = await ordered.fetch(_FETCH, timeout_s=0.2 if not self.ready.is_set() else 5.0)
                for message in messages:
                    await self._read(message)
                if ordered.pending == 0:
                    self.ready.set()
        finally:
            await ordered.subscription.unsubscribe()

    async def _read(self, message: Msg) -> None:
        try:
            self._take(await decode(message.metadata.sequence.stream, message.data, self.sealer))
        except UnknownEventError as unknown:  # The last value that is understood stays in force.
            telemetry.log.error("view left out an event", subject=message.subject, error=str(unknown))

    def _take(self, recorded: Recorded[Event]) -> None:
        place = (type(recorded.event), recorded.event.key)
        known = self.latest.get(place)
        if known is None or known.seq < recorded.seq:
            self.latest[place] = recorded
            if self.on_change is not None:
                self.on_change(recorded)
