"""A message that cannot be read for now comes again; one that nobody can read is a dead letter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faststream.nats import NatsBroker
from nats.aio.msg import Msg

from contracts.subjects import DEAD_LETTERS, derived_id
from contracts.topology import ALERT_REQUEST_READER as READER
from deploy.embedded.nats import Nats
from services.runtime.clock import SystemClock
from services.runtime.consumer import Consumer
from services.runtime.dead_letters import DeadLetters
from services.runtime.log import UnknownOutcomeError
from services.runtime.provision import provision
from services.runtime.reactor import Trigger

pytestmark = pytest.mark.system


@dataclass
class Failing:
    """Raises `errors` one after the other when it is to decode, and has no key for `no key`."""

    name: str
    errors: list[Exception]
    handled: asyncio.Event = field(default_factory=asyncio.Event)
    decoded: int = 0

    async def decode(self, message: Msg) -> Trigger[Any]:
        self.decoded += 1
        if self.errors:
            raise self.errors.pop(0)
        return Trigger(derived_id("test", message.metadata.sequence.stream), message.data, datetime.now(UTC))

    def key_of(self, trigger: Trigger[Any]) -> bytes:
        if trigger.what == b"no key":
            raise RuntimeError("this has no key")
        return bytes(trigger.what)

    async def handle(self, _trigger: Trigger[Any]) -> None:
        self.handled.set()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[NatsBroker]:
    server = Nats(tmp_path / "nats")
    await asyncio.to_thread(server.start)
    broker = NatsBroker(server.url, log_level=10)
    await broker.connect()
    yield broker
    await broker.stop()
    await asyncio.to_thread(server.stop)


async def consuming(broker: NatsBroker, handler: Failing) -> Any:
    client = await broker.connect()
    js = client.jetstream(timeout=5)
    await provision(js)
    letters = DeadLetters(js, "test")
    consumer = Consumer(READER.stream, READER.name, handler, letters, SystemClock())
    consumer.subscribe(broker)
    await broker.start()
    return js, consumer


async def test_what_cannot_be_decoded_while_the_server_is_away_comes_again(broker: NatsBroker) -> None:
    handler = Failing(READER.name, [UnknownOutcomeError("no key for now"), TimeoutError()])
    js, consumer = await consuming(broker, handler)
    await js.publish("waymark.request.alert.alice", b"hello")
    await asyncio.wait_for(handler.handled.wait(), 10)
    await consumer.close()
    assert handler.decoded == 3
    assert (await js.stream_info(DEAD_LETTERS)).state.messages == 0


async def test_what_has_no_key_for_a_reason_nobody_foresaw_is_a_dead_letter_and_the_rest_goes_on(
    broker: NatsBroker,
) -> None:
    handler = Failing(READER.name, [])
    js, consumer = await consuming(broker, handler)
    await js.publish("waymark.request.alert.alice", b"no key")
    await js.publish("waymark.request.alert.alice", b"hello")
    await asyncio.wait_for(handler.handled.wait(), 10)
    await consumer.close()
    assert (await js.stream_info(DEAD_LETTERS)).state.messages == 1
