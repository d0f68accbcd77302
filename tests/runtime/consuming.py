"""A consumer on a durable of its own, with a handler that does what its test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from faststream.nats import NatsBroker
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo

from contracts.subjects import DEAD_LETTERS, STREAM
from contracts.topology import Durable
from services.runtime.clock import SystemClock
from services.runtime.consumer import Consumer, Handler
from services.runtime.dead_letters import DeadLetter, DeadLetters
from services.runtime.handlers import decode_message
from services.runtime.provision import provision_durable
from services.runtime.reactor import Trigger
from services.runtime.sealing import Sealer


@dataclass
class Doing:
    """Does `do` with each trigger, and remembers what was begun and done, in order."""

    sealer: Sealer
    do: Callable[[Trigger[Any]], Awaitable[None]] | None = None
    before_decoding: Callable[[Msg], Awaitable[None]] | None = None
    name: str = field(default_factory=lambda: f"toy-{uuid4().hex[:12]}")
    begun: list[Any] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)
    messages: list[Msg] = field(default_factory=list)

    async def decode(self, message: Msg) -> Trigger[Any]:
        self.messages.append(message)
        if self.before_decoding is not None:
            await self.before_decoding(message)
        return await decode_message(message, self.sealer)

    def key_of(self, trigger: Trigger[Any]) -> Hashable | None:
        return getattr(trigger.what, "key", trigger.id)

    async def handle(self, trigger: Trigger[Any]) -> None:
        self.begun.append(trigger.what)
        if self.do is not None:
            await self.do(trigger)
        self.done.append(trigger.what)


@dataclass
class Consuming:
    """The consumer that runs, its durable, and the service's name in its dead letters."""

    js: JetStreamContext
    consumer: Consumer
    durable: Durable
    service: str

    async def info(self) -> ConsumerInfo:
        return await self.js.consumer_info(self.durable.stream, self.durable.name)

    async def idle(self) -> bool:
        info = await self.info()
        return not info.num_pending and not info.num_ack_pending

    async def dead(self) -> list[DeadLetter]:
        return await dead_letters(self.js, self.service)


async def dead_letters(js: JetStreamContext, service: str) -> list[DeadLetter]:
    subscription = await js.pull_subscribe(f"waymark.dlq.{service}.*", stream=DEAD_LETTERS)
    try:
        count = (await subscription.consumer_info()).num_pending or 0
        messages = await subscription.fetch(count, timeout=2) if count else []
        return [DeadLetter.model_validate_json(message.data) for message in messages]
    finally:
        await subscription.unsubscribe()


async def make_durable(js: JetStreamContext, name: str, *filters: str, stream: str = STREAM, **more: Any) -> Durable:
    durable = Durable(name, stream, filters, **more)
    await provision_durable(js, durable)
    return durable


@asynccontextmanager
async def consuming(
    js: JetStreamContext, url: str, handler: Handler, durable: Durable, *, alive: bool = False, parallel: int = 64
) -> AsyncIterator[Consuming]:
    """Runs a consumer; closes it, unless the test has, and removes its durable."""
    broker = NatsBroker(url, logger=None, apply_types=False)
    await broker.connect()
    service = f"toy_{uuid4().hex[:12]}"
    letters = DeadLetters(js, service)
    consumer = Consumer(durable.stream, durable.name, handler, letters, SystemClock(), parallel=parallel)
    consumer.subscribe(broker)
    await broker.start()
    keeper = asyncio.create_task(consumer.keep_alive(js)) if alive else None
    try:
        yield Consuming(js, consumer, durable, service)
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        await consumer.close(grace_s=0.2)
        await broker.stop()
        await _remove(js, durable)


async def _remove(js: JetStreamContext, durable: Durable) -> None:
    from nats.js.errors import NotFoundError

    try:
        await js.delete_consumer(durable.stream, durable.name)
    except NotFoundError:
        return  # The test has removed it.
