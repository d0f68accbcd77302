"""Following a stream in order: an ephemeral consumer whose deliveries are counted, so that none is lost unnoticed.

What the server sends while the connection breaks is gone, since nothing is acknowledged here. The deliveries of a
consumer are numbered, so a lost one shows as a gap: behind it when another arrives, or in the consumer's own count
when none does.
"""

from __future__ import annotations

from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.js import JetStreamContext


class GapError(Exception):
    """The consumer skipped a message or was lost. Start anew from what is known."""


@dataclass
class Ordered:
    """A pull subscription without acknowledgements. `pending`: messages still to come, as of the last fetch."""

    subscription: JetStreamContext.PullSubscription
    pending: int = -1
    _received: int = 0
    _missing: bool = False

    async def fetch(self, most: int, *, timeout_s: float) -> list[Msg]:
        """The next messages; none where none came in time. Raises `GapError`, and NATS's own errors."""
        try:
            messages = await self.subscription.fetch(most, timeout=timeout_s)
        except TimeoutError:
            messages = []  # nats-py says "none came" in both ways.
        if not messages:
            await self._look_for_loss()
            return []
        for message in messages:
            delivery = message.metadata.sequence.consumer
            if delivery != self._received + 1:
                raise GapError(f"expected delivery {self._received + 1}, got {delivery}")
            self._received = delivery
        self._missing = False
        self.pending = messages[-1].metadata.num_pending
        return messages

    async def _look_for_loss(self) -> None:
        """What was sent may still be on its way, once; what has not come by the next time is lost."""
        info = await self.subscription.consumer_info()
        self.pending = info.num_pending or 0
        sent = info.delivered.consumer_seq if info.delivered is not None else 0
        if sent > self._received and self._missing:
            raise GapError(f"{sent} messages were sent, {self._received} came")
        self._missing = sent > self._received
