"""Dead letters of triggers: their consumer is set back to what it could not handle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext

from contracts.subjects import STREAM
from contracts.topology import Durable
from deploy.embedded.nats import Nats
from services.cli.dead_letters import read_letters, retry
from services.cli.errors import CliError
from services.runtime.dead_letters import DeadLetters
from services.runtime.provision import provision, provision_durable

pytestmark = pytest.mark.system

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SUBJECT = "waymark.alerter.Toy.{}._"


@pytest.fixture
async def js(tmp_path: Path) -> AsyncIterator[JetStreamContext]:
    server = Nats(tmp_path / "nats")
    await asyncio.to_thread(server.start)
    client = await nats.connect(server.url)
    made = client.jetstream(timeout=10)
    await provision(made)
    yield made
    await client.close()
    await asyncio.to_thread(server.stop)


async def bury(js: JetStreamContext, sequence: int, now: datetime) -> None:
    await DeadLetters(js, "alerter").bury(
        kind="trigger", consumer="toy", stream=STREAM, subject=SUBJECT.format(sequence), sequence=sequence,
        reason="ValueError: no", error=None, body=b"{}", headers={}, now=now,
    )  # fmt: skip


async def test_a_retried_trigger_is_delivered_again_to_its_consumer_and_its_letter_is_gone(
    js: JetStreamContext,
) -> None:
    await provision_durable(js, Durable("toy", STREAM, ("waymark.alerter.Toy.*.*",)))
    for number in (1, 2, 3):
        await js.publish(SUBJECT.format(number), b"{}")
    reading = await js.pull_subscribe_bind("toy", STREAM)
    for message in await reading.fetch(3, timeout=2):
        await message.ack_sync()
    await bury(js, 2, NOW - timedelta(minutes=5))
    [letter] = await read_letters(js)
    assert (letter.kind, letter.letter.sequence) == ("trigger", 2)
    said = await retry(js, letter, NOW)
    assert "toy reads WAYMARK again from sequence 2" in said
    again = await reading.fetch(2, timeout=5)
    assert [message.metadata.sequence.stream for message in again] == [2, 3]
    assert await read_letters(js) == []


async def test_a_trigger_that_died_just_now_is_not_retried_yet(js: JetStreamContext) -> None:
    await bury(js, 2, NOW - timedelta(seconds=20))
    [letter] = await read_letters(js)
    with pytest.raises(CliError, match="try again in 100 s"):
        await retry(js, letter, NOW)
    assert len(await read_letters(js)) == 1
