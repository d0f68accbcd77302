"""Consumers: FastStream hands over messages of a durable pull consumer, a keyed queue orders them, a handler works.

Acknowledged is what had its effect; put back with a growing delay is what cannot be done now; what nobody can
understand goes to the dead letters. Delivery counts decide nothing: after a restart of the server they prove nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from contracts.envelope import UnknownEventError
from services.runtime import telemetry
from services.runtime.clock import Clock
from services.runtime.dead_letters import DeadLetters
from services.runtime.keyed_queue import KeyedQueue
from services.runtime.log import UnknownOutcomeError
from services.runtime.objects import StoreAwayError
from services.runtime.reactor import GaveUpError, LaterError, Trigger

_FETCH = 8
_FETCH_TIMEOUT_S = 5.0
_DELAYS_S = (0.1, 0.5, 2.0, 5.0, 15.0, 30.0)
_KEEP_ALIVE_S = 1.5
_LOOK_EVERY_S = 10.0
"""How often the durable itself is looked for. An agent with forty phones has forty: each look is a request."""

INFRASTRUCTURE = (GaveUpError, UnknownOutcomeError, StoreAwayError, NatsError, ConnectionError, TimeoutError)
"""Failures of what lies around us. They are waited out, and are never dead letters."""


class Handler(Protocol):
    """What a consumer does with a message. `name` is the durable's name."""

    name: str

    async def decode(self, message: Msg) -> Trigger[Any]:
        """Raises `UnknownEventError`, `ValidationError` or `ValueError` for what it cannot understand."""
        ...

    def key_of(self, trigger: Trigger[Any]) -> Hashable | None:
        """What must happen in order; None: nothing to do."""
        ...

    async def handle(self, trigger: Trigger[Any]) -> None: ...


@dataclass
class Consumer:
    """One durable consumer of one stream with its handler."""

    stream: str
    durable: str
    handler: Handler
    dead_letters: DeadLetters
    clock: Clock
    parallel: int = 64
    fetch: int = _FETCH
    last_seen_s: float = field(default_factory=time.monotonic)
    _messages: dict[int, Msg] = field(default_factory=dict)
    _decoding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _subscriber: Any = None
    _closed: bool = False

    def subscribe(self, broker: NatsBroker) -> Any:
        """Registers with the broker; the durable exists already, so its configuration here is never used. Returns
        FastStream's subscriber, to be started by hand where the broker runs already."""
        self.queue = KeyedQueue(parallel=self.parallel)
        subscriber = broker.subscriber(
            self.durable,
            durable=self.durable,
            stream=JStream(self.stream, declare=False),
            pull_sub=PullSub(self.fetch, timeout=_FETCH_TIMEOUT_S),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            decoder=_raw,
            title=self.durable,
        )
        subscriber(self._arrived)
        self._subscriber = subscriber
        return subscriber

    async def keep_alive(self, js: JetStreamContext) -> None:
        """Tells the server of messages that wait or take long, so that it does not deliver them to another; and looks
        whether the durable is there: a deleted one gives empty fetches for ever."""
        looked_s = -math.inf
        while True:
            await asyncio.sleep(_KEEP_ALIVE_S)
            with contextlib.suppress(NatsError):  # A message comes again then, and `last_seen_s` tells of the rest.
                for message in list(self._messages.values()):
                    await message.in_progress()
                if time.monotonic() - looked_s >= _LOOK_EVERY_S:
                    await js.consumer_info(self.stream, self.durable)
                    self.last_seen_s = looked_s = time.monotonic()

    async def close(self, *, grace_s: float = 5.0) -> None:
        """Fetches no more, lets what is in hand finish for `grace_s`, and gives back what did not."""
        self._closed = True
        with contextlib.suppress(NatsError):  # Nothing is delivered any more where the connection is gone.
            await self._subscriber.stop()
        await self.queue.close(grace_s=grace_s)
        for sequence, message in list(self._messages.items()):
            await self._settle(sequence, "given back", message.nak)

    async def _arrived(self, raw: Any) -> None:
        """Takes a message as it is. A parameter that FastStream had to inject would cost a thread a message, in which
        the order of arrival is lost."""
        assert isinstance(raw, Msg)
        self.last_seen_s = time.monotonic()
        sequence = raw.metadata.sequence.stream
        if self._closed or sequence in self._messages:
            return  # Not taken any more; or delivered again while it is still in hand here.
        self._messages[sequence] = raw
        telemetry.IN_FLIGHT.labels(self.durable).inc()
        async with self._decoding:  # Opening what is sealed may take a while; nothing may overtake it meanwhile.
            await self._enqueue(raw, sequence)

    async def _enqueue(self, raw: Msg, sequence: int) -> None:
        try:
            trigger = await self.handler.decode(raw)
            key = self.handler.key_of(trigger)
        except UnknownEventError as unknown:
            await self._leave(raw, sequence, unknown)
        except INFRASTRUCTURE as error:
            await self._put_back(raw, sequence, error)
        except Exception as error:  # noqa: BLE001 - what cannot be understood: kept with its stack, the rest goes on
            await self._bury(raw, sequence, error)
        else:
            if key is None:
                await self._settle(sequence, "ignored", raw.ack)
            else:
                started = time.perf_counter()
                self.queue.put(key, lambda: self._handle(raw, sequence, trigger, started))

    async def _handle(self, raw: Msg, sequence: int, trigger: Trigger[Any], arrived_s: float) -> None:
        name = f"{type(trigger.what).__name__} {self.durable}"
        attributes = {"consumer": self.durable, "event_id": str(trigger.id)}
        if trigger.run_id is not None:
            attributes["run_id"] = str(trigger.run_id)
        with telemetry.span(name, trigger.traceparent, **attributes):
            try:
                await self.handler.handle(trigger)
            except LaterError as later:
                delay_s = later.delay_s
                await self._settle(sequence, "later", lambda: raw.nak(delay=delay_s))
            except UnknownEventError as unknown:
                await self._leave(raw, sequence, unknown)
            except INFRASTRUCTURE as error:
                await self._put_back(raw, sequence, error)
            except Exception as error:  # noqa: BLE001 - a defect in a decision: kept with its stack, the rest goes on
                await self._bury(raw, sequence, error)
            else:
                await self._settle(sequence, "done", raw.ack)
        telemetry.HANDLING_S.labels(self.durable).observe(time.perf_counter() - arrived_s)

    async def _leave(self, raw: Msg, sequence: int, unknown: UnknownEventError) -> None:
        """A newer writer was deployed before this reader: not poison. The message waits for the next version."""
        telemetry.log.warning("event of an unknown version", consumer=self.durable, error=str(unknown))
        await self._settle(sequence, "unknown", lambda: raw.nak(delay=_DELAYS_S[-1]))

    async def _put_back(self, raw: Msg, sequence: int, error: Exception) -> None:
        delay_s = _DELAYS_S[min((raw.metadata.num_delivered or 1) - 1, len(_DELAYS_S) - 1)]
        telemetry.log.warning("put back", consumer=self.durable, subject=raw.subject, error=repr(error))
        await self._settle(sequence, "put_back", lambda: raw.nak(delay=delay_s))

    async def _bury(self, raw: Msg, sequence: int, error: Exception) -> None:
        telemetry.log.error("dead letter", consumer=self.durable, subject=raw.subject, exc_info=error)
        try:
            await self.dead_letters.bury(
                kind="trigger",
                consumer=self.durable,
                stream=self.stream,
                subject=raw.subject,
                sequence=sequence,
                reason=f"{type(error).__name__}: {error}",
                error=error,
                body=raw.data,
                headers=dict(raw.headers or {}),
                now=self.clock.now(),
            )
        except INFRASTRUCTURE:
            await self._settle(sequence, "put_back", lambda: raw.nak(delay=_DELAYS_S[0]))
        else:
            await self._settle(sequence, "dead", raw.ack)

    async def _settle(self, sequence: int, result: str, answer: Callable[[], Awaitable[None]]) -> None:
        """Acknowledges or puts back. Where that does not get through, the message comes again, and nothing happens."""
        try:
            await answer()
        except NatsError as error:
            telemetry.log.warning("acknowledgement lost", consumer=self.durable, error=repr(error))
        finally:
            self._messages.pop(sequence, None)
            telemetry.IN_FLIGHT.labels(self.durable).dec()
            telemetry.HANDLED.labels(self.durable, result).inc()


async def _raw(message: NatsMessage) -> Any:
    """Handlers decode themselves: they need the stream's sequence and the headers too."""
    return message.raw_message
