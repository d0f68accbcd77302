"""The log keeps all of a batch or nothing, in order, and says plainly when it does not know."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from contracts.event import MAX_EVENT_BYTES
from contracts.sealed import Sealed, SealedError
from contracts.subjects import STREAM, event_filter, event_subject
from deploy.embedded.nats import Nats
from services.runtime import log as log_module
from services.runtime.log import Cause, ConflictError, Log, TooLargeError, UnknownOutcomeError, Write
from services.runtime.provision import KEY_BUCKET, key_bucket
from services.runtime.sealing import BucketKeyStore, Sealer
from tests.runtime.conftest import until
from tests.runtime.toys import NOW, OWNER, Added, Opened, Whispered, Words, added, amounts, cause

pytestmark = pytest.mark.system


async def test_what_was_appended_is_read_back_with_its_sequences(log: Log, key: UUID) -> None:
    why = Cause(uuid4(), "test", uuid4(), None)
    appended = await log.append([added(key, 1, 2, 3)], why, NOW)
    for from_leader in (False, True):
        read = await log.read(OWNER, key, from_leader=from_leader)
        assert read == appended
    assert [r.seq for r in appended] == list(range(appended[0].seq, appended[0].seq + 3))
    assert {(r.causation_id, r.run_id, r.time) for r in appended} == {(why.id, why.run_id, NOW)}
    assert await log.read(OWNER, key, after=appended[1].seq) == appended[2:]


async def test_nothing_to_append_appends_nothing(log: Log) -> None:
    assert await log.append([], cause(), NOW) == []


@pytest.mark.parametrize("count", [1, 2])
async def test_a_stale_expectation_stores_nothing(log: Log, key: UUID, count: int) -> None:
    await log.append([added(key, 1)], cause(), NOW)
    with pytest.raises(ConflictError):
        await log.append([added(key, *[9] * count)], cause(), NOW)
    assert await amounts(log, key) == [1]


async def test_a_batch_over_several_aggregates_is_all_or_nothing(log: Log, key: UUID) -> None:
    second, third = uuid4(), uuid4()
    (first,) = await log.append([added(key, 1)], cause(), NOW)
    await log.append([added(second, 1)], cause(), NOW)
    opened = Write(OWNER, third, 0, (Opened(other_id=third),))

    with pytest.raises(ConflictError):  # The second aggregate's expectation is stale.
        await log.append([added(key, 2, 3, after=first.seq), added(second, 2), opened], cause(), NOW)
    assert await amounts(log, key) == [1]
    assert not await log.exists(OWNER, third)

    (last,) = await log.read(OWNER, second)
    appended = await log.append(
        [added(key, 2, 3, after=first.seq), added(second, 2, after=last.seq), opened], cause(), NOW
    )
    assert [r.seq for r in appended] == list(range(appended[0].seq, appended[0].seq + 4))
    assert await amounts(log, key) == [1, 2, 3]
    assert await amounts(log, second) == [1, 2]
    assert await log.exists(OWNER, third)


async def test_several_pages_are_read_in_order(log: Log, key: UUID) -> None:
    first = await log.append([added(key, *range(700))], cause(), NOW)
    await log.append([added(key, *range(700, 1250), after=first[-1].seq)], cause(), NOW)
    assert [r.event.amount for r in await log.read(OWNER, key)] == list(range(1250))


async def test_a_long_aggregate_is_read_from_the_leader_too(log: Log, key: UUID) -> None:
    await log.append([added(key, *range(120))], cause(), NOW)
    assert await amounts(log, key) == list(range(120))


async def test_exists_last_and_at_find_what_is_there(log: Log, key: UUID) -> None:
    assert not await log.exists(OWNER, key)
    assert await log.last(event_filter(Added, key=key)) is None
    appended = await log.append([added(key, 1, 2)], cause(), NOW)
    assert await log.exists(OWNER, key)
    assert await log.last(event_filter(Added, key=key)) == appended[1]
    assert await log.at(appended[0].seq) == appended[0]


async def test_an_event_that_is_too_large_is_refused_before_anything_is_sent(log: Log, key: UUID) -> None:
    large = Added(sum_id=key, amount=1, text="字" * (MAX_EVENT_BYTES // 3))
    with pytest.raises(TooLargeError, match="262144 is the most"):
        await log.append([Write(OWNER, key, 0, (Added(sum_id=key, amount=1), large))], cause(), NOW)
    with pytest.raises(TooLargeError, match="1000 is the most"):
        await log.append([added(key, *range(1001))], cause(), NOW)
    assert await amounts(log, key) == []


async def test_the_same_decision_has_the_same_ids_and_another_step_has_others(log: Log, key: UUID) -> None:
    why, twin = cause("decider"), uuid4()
    once = await log.append([added(key, 1, 2)], why, NOW)
    again = await log.append([added(twin, 1, 2)], why, NOW)
    assert [r.id for r in once] == [r.id for r in again]
    other = await log.append([added(uuid4(), 1, 2)], why.at_step(".finish"), NOW)
    assert len({r.id for r in (*once, *other)}) == 4


async def test_no_answer_is_an_unknown_outcome_and_the_log_works_again_later(own_nats: Nats, key: UUID) -> None:
    client = await nats.connect(own_nats.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
    log = Log(client, Sealer(BucketKeyStore(await key_bucket(client.jetstream()))), timeout_s=0.5)
    await log.append([added(key, 1)], cause(), NOW)
    await asyncio.to_thread(own_nats.stop)
    for call in (
        log.append([added(uuid4(), 1)], cause(), NOW),
        log.append([added(uuid4(), 1, 2)], cause(), NOW),
        log.read(OWNER, key),
        log.read(OWNER, key, from_leader=True),
        log.exists(OWNER, key),
    ):
        with pytest.raises(UnknownOutcomeError):
            await call
    await asyncio.to_thread(own_nats.start)
    await until(lambda: client.is_connected, "the client reconnecting")
    assert await amounts(log, key) == [1]
    await client.close()


async def test_a_stream_that_is_away_is_not_an_empty_aggregate(own_nats: Nats, key: UUID) -> None:
    client = await nats.connect(own_nats.url)
    js = client.jetstream()
    log = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
    await log.append([added(key, 1)], cause(), NOW)
    await js.delete_stream(STREAM)  # As for a stream without a leader, nobody answers a direct get.
    with pytest.raises(UnknownOutcomeError):
        await log.read(OWNER, key)
    await js.add_stream(StreamConfig(name="elsewhere", subjects=["elsewhere"]))
    await client.close()


class Losing:
    """A connection that loses the first message of a batch, once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def publish(self, subject: str, payload: bytes, **arguments: Any) -> None:
        if not self.lost and "Nats-Batch-Id" in (arguments.get("headers") or {}):
            self.lost += 1
            return
        await self._client.publish(subject, payload, **arguments)


async def test_a_batch_that_lost_a_part_on_the_way_is_an_unknown_outcome(
    client: Client, sealer: Sealer, key: UUID
) -> None:
    losing = Losing(client)
    log = Log(losing, sealer)  # type: ignore[arg-type]
    with pytest.raises(UnknownOutcomeError):
        await log.append([added(key, 1, 2, 3)], cause(), NOW)
    assert losing.lost == 1
    assert await amounts(log, key) == []
    await log.append([added(key, 1, 2, 3)], cause(), NOW)
    assert await amounts(log, key) == [1, 2, 3]


async def test_sixty_batches_at_once_are_all_stored(log: Log) -> None:
    keys = [uuid4() for _ in range(60)]
    await asyncio.gather(*(log.append([added(key, 1, 2, 3)], cause(), NOW) for key in keys))
    for key in keys:
        assert await amounts(log, key) == [1, 2, 3]


async def test_more_batches_than_the_server_takes_are_told_to_try_again(own_nats: Nats, key: UUID) -> None:
    client = await nats.connect(own_nats.url)
    log = Log(client, Sealer(BucketKeyStore(await key_bucket(client.jetstream()))))
    subject = event_subject(Added(sum_id=uuid4(), amount=0))

    def part(batch: int, number: int) -> dict[str, str]:
        return {"Nats-Batch-Id": f"b{batch}", "Nats-Batch-Sequence": str(number)}

    for batch in range(50):  # Begun by others, and not ended yet.
        await client.publish(subject, b"{}", headers=part(batch, 1))
    await client.flush()
    with pytest.raises(UnknownOutcomeError):
        await log.append([added(key, 1, 2)], cause(), NOW)
    assert await amounts(log, key) == []

    await client.request(subject, b"{}", headers=part(0, 2) | {"Nats-Batch-Commit": "1"}, timeout=5)
    await log.append([added(key, 1, 2)], cause(), NOW)
    assert await amounts(log, key) == [1, 2]
    await client.close()


# --- sealed fields ----------------------------------------------------------------------------------------------------


def whisper(key: UUID, run_id: UUID | None = None) -> Write:
    words = Words(inner=Sealed.of("里面的密码"))
    return Write(OWNER, key, 0, (Whispered(sum_id=key, secret=Sealed.of("hunter2"), words=words, run_id=run_id),))


async def test_sealed_fields_are_cipher_text_on_the_wire_and_open_on_reading(
    log: Log, js: JetStreamContext, sealer: Sealer, key: UUID
) -> None:
    (appended,) = await log.append([whisper(key)], cause(), NOW)
    message = await js.get_msg(STREAM, appended.seq)
    assert b"hunter2" not in (message.data or b"")
    data = json.loads(message.data or b"")["data"]
    assert data["secret"]["clear"] is None
    assert data["secret"]["cipher"]["key_id"] == str(key)
    assert data["words"]["inner"]["cipher"]["text"]
    (read,) = await log.read(OWNER, key)
    assert (read.event.secret.reveal(), read.event.words.inner.reveal()) == ("hunter2", "里面的密码")
    closed = await log_module.decode(appended.seq, message.data or b"", None)
    with pytest.raises(SealedError):
        closed.event.secret.reveal()


async def test_what_an_append_returns_is_what_a_reader_reads(log: Log, key: UUID) -> None:
    """A state folded from it may be written on, in a snapshot for instance: the cipher text must be there."""
    (appended,) = await log.append([whisper(key)], cause(), NOW)
    assert appended.event.secret.reveal() == "hunter2"
    assert appended.event.secret.cipher is not None
    assert [appended] == await log.read(OWNER, key)


async def test_the_same_event_seals_to_the_same_bytes_with_the_key_of_its_run(
    log: Log, js: JetStreamContext, key: UUID
) -> None:
    run_id, why = uuid4(), cause()
    (one,) = await log.append([whisper(key, run_id)], why, NOW)
    (two,) = await log.append([whisper(uuid4(), run_id)], why, NOW)
    assert one.event.secret == two.event.secret
    assert one.event.secret.cipher.key_id == str(run_id)


async def test_an_erased_key_makes_it_unreadable_for_ever(
    log: Log, client: Client, js: JetStreamContext, key: UUID
) -> None:
    await log.append([whisper(key)], cause(), NOW)
    await (await js.key_value(KEY_BUCKET)).purge(str(key))

    async def read() -> Any:
        reader = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
        return (await reader.read(OWNER, key))[0]

    erased = await read()
    with pytest.raises(SealedError, match="erased"):
        erased.event.secret.reveal()
    # A key that is made anew under the same name opens what it sealed, and not what was sealed before.
    fresh = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
    again = Whispered(sum_id=key, secret=Sealed.of("new"), words=Words(inner=Sealed.of("new")))
    await fresh.append([Write(OWNER, key, erased.seq, (again,))], cause(), NOW)
    old, new = await fresh.read(OWNER, key)
    assert new.event.secret.reveal() == "new"
    with pytest.raises(SealedError):
        old.event.secret.reveal()


async def test_two_writers_agree_on_one_key(client: Client, js: JetStreamContext) -> None:
    stores = [BucketKeyStore(await key_bucket(js)) for _ in range(4)]
    name = str(uuid4())
    made = await asyncio.gather(*(store.create(name) for store in stores))
    assert len(set(made)) == 1
