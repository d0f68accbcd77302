"""A deadline becomes a trigger when it has come, not before, and however often it fires it is one trigger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.event import Event
from contracts.subjects import TIMERS, event_filter, timer_due_subject, timer_schedule_subject
from deploy.embedded.nats import Nats
from services.runtime.handlers import decode_message
from services.runtime.log import Log, Write
from services.runtime.provision import key_bucket
from services.runtime.reactor import Trigger
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.timers import TimerFired, TimerSetter, _not_before
from tests.runtime.conftest import until
from tests.runtime.consuming import Doing, consuming, make_durable
from tests.runtime.toys import NOW, OWNER, Promised, cause

pytestmark = pytest.mark.system


async def promise(log: Log, key: UUID, in_s: float | None, scope: UUID | None = None) -> Trigger[Event]:
    due_at = None if in_s is None else datetime.now(UTC) + timedelta(seconds=in_s)
    event = Promised(sum_id=key, until=due_at, scope=scope)
    (recorded,) = await log.append([Write(OWNER, key, 0, (event,))], cause(), NOW)
    return Trigger.of(recorded)


async def due(js: JetStreamContext, trigger: Trigger[Any]) -> list[Msg]:
    """Fired timers of a promise, so far."""
    subject = timer_due_subject(OWNER, trigger.what.key, trigger.id)
    subscription = await js.pull_subscribe(subject, stream=TIMERS)
    try:
        count = (await subscription.consumer_info()).num_pending or 0
        return await subscription.fetch(count, timeout=2) if count else []
    finally:
        await subscription.unsubscribe()


async def scheduled(js: JetStreamContext, trigger: Trigger[Any]) -> int:
    subject = timer_schedule_subject(OWNER, trigger.what.key, trigger.id)
    return sum(((await js.stream_info(TIMERS, subjects_filter=subject)).state.subjects or {}).values())


async def test_it_fires_when_the_time_has_come_and_not_before(
    js: JetStreamContext, log: Log, sealer: Sealer, key: UUID
) -> None:
    trigger = await promise(log, key, 0.3)
    await TimerSetter("toy", js).handle(trigger)
    assert await scheduled(js, trigger) == 1
    assert await due(js, trigger) == []
    (message,) = await until(lambda: due(js, trigger), "the timer's firing", 5)
    assert message.metadata.timestamp >= trigger.what.until
    assert await scheduled(js, trigger) == 0
    fired = await decode_message(message, sealer)
    assert fired.what == TimerFired(
        owner=OWNER, key=key, epoch=trigger.id, event_type="waymark.toy.Promised.v1", due_at=trigger.what.until
    )
    assert fired.time == trigger.what.until


async def test_a_schedule_that_is_made_twice_fires_once(js: JetStreamContext, log: Log, key: UUID) -> None:
    trigger = await promise(log, key, 0.3)
    for _ in range(3):
        await TimerSetter("toy", js).handle(trigger)
    assert await scheduled(js, trigger) == 1
    await until(lambda: due(js, trigger), "the timer's firing", 5)
    assert len(await due(js, trigger)) == 1


async def test_two_promises_of_one_key_fire_each_for_itself(js: JetStreamContext, log: Log, key: UUID) -> None:
    promises = [await promise(log, uuid4(), 0.1), await promise(log, key, 0.2)]
    for trigger in promises:
        await TimerSetter("toy", js).handle(trigger)
    for trigger in promises:
        await until(lambda t=trigger: due(js, t), "each timer's firing", 5)


async def test_a_timer_that_fires_twice_is_one_trigger(
    js: JetStreamContext, log: Log, sealer: Sealer, key: UUID
) -> None:
    trigger = await promise(log, key, 0.05)
    await TimerSetter("toy", js).handle(trigger)
    await until(lambda: due(js, trigger), "the timer's firing", 5)
    await TimerSetter("toy", js).handle(trigger)  # As when its event is delivered again, long after.

    async def twice() -> list[Msg] | None:
        found = await due(js, trigger)
        return found if len(found) == 2 else None

    messages = await until(twice, "its firing again, overdue", 5)
    first, second = [await decode_message(message, sealer) for message in messages]
    assert first == second
    assert first.id != trigger.id


async def test_what_was_due_while_the_server_was_away_fires_when_it_is_back(own_nats: Nats, key: UUID) -> None:
    client = await nats.connect(own_nats.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
    js = client.jetstream(timeout=5)
    log = Log(client, Sealer(BucketKeyStore(await key_bucket(js))))
    trigger = await promise(log, key, 0.6)
    await TimerSetter("toy", js).handle(trigger)
    await asyncio.to_thread(own_nats.stop)
    await until(lambda: datetime.now(UTC) > trigger.what.until, "the time")
    await asyncio.to_thread(own_nats.start)
    await until(lambda: client.is_connected, "the client reconnecting")
    await until(lambda: due(js, trigger), "the timer's firing", 10)
    await client.close()


async def test_only_events_with_a_deadline_set_a_timer(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID
) -> None:
    with_one = await promise(log, uuid4(), 0.05, scope)
    without = await promise(log, uuid4(), None, scope)
    durable = await make_durable(js, f"toy-deadlines-{scope.hex[:8]}", event_filter(Promised, route=scope))
    async with consuming(js, provisioned, TimerSetter(durable.name, js), durable) as running:
        await until(running.idle, "both events being handled")
        assert await running.dead() == []
    await until(lambda: due(js, with_one), "the timer's firing", 5)
    assert await due(js, without) == []


async def test_a_fired_timer_reaches_its_reader(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, key: UUID
) -> None:
    trigger = await promise(log, key, 0.05)
    handler = Doing(sealer)
    durable = await make_durable(js, handler.name, f"waymark.timer.due.toy.{key}.*", stream=TIMERS)
    async with consuming(js, provisioned, handler, durable):
        await TimerSetter("toy", js).handle(trigger)
        await until(lambda: handler.done, "the trigger", 5)
    assert handler.done[0].epoch == trigger.id


@pytest.mark.parametrize(
    ("due_at", "said"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 0, UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 1, UTC), "2026-01-02T03:04:05.001Z"),
        (datetime(2026, 1, 2, 3, 4, 59, 999_001, UTC), "2026-01-02T03:05:00.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 0, timezone(timedelta(hours=8))), "2026-01-02T03:04:05.000+08:00"),
    ],
)
def test_a_schedule_is_never_before_the_deadline(due_at: datetime, said: str) -> None:
    assert _not_before(due_at) == said
    assert datetime.fromisoformat(said) >= due_at
