"""A view has the last event under each key, and loses none unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from contracts.event import Event
from contracts.subjects import STREAM, event_filter
from services.runtime.following import GapError, Ordered
from services.runtime.log import Log, Recorded, Write
from services.runtime.sealing import Sealer
from services.runtime.view import View
from tests.runtime.conftest import until
from tests.runtime.toys import NOW, OWNER, Added, Setting, added, cause, publish_future

pytestmark = pytest.mark.system


async def put(log: Log, key: UUID, value: int) -> Recorded[Event]:
    known = await log.read(OWNER, key, from_leader=True)
    write = Write(OWNER, key, known[-1].seq if known else 0, (Setting(setting_id=key, value=value),))
    (recorded,) = await log.append([write], cause(), NOW)
    return recorded


@asynccontextmanager
async def following(view: View) -> AsyncIterator[View]:
    task = asyncio.create_task(view.follow())
    try:
        await asyncio.wait_for(view.ready.wait(), 15)
        yield view
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended


def value(view: View, key: UUID) -> int | None:
    setting = view.get(Setting, key)
    return None if setting is None else setting.value


async def test_it_has_the_last_event_of_each_key_and_follows(js: JetStreamContext, log: Log, sealer: Sealer) -> None:
    one, two = uuid4(), uuid4()
    for number in range(3):
        await put(log, one, number)
    changes: list[Any] = []
    view = View(js, sealer, (Setting,), on_change=lambda r: changes.append((r.event.key, r.event.value)))
    async with following(view):
        assert (value(view, one), value(view, two)) == (2, None)
        await put(log, two, 7)
        await put(log, one, 8)
        await until(lambda: value(view, one) == 8, "the change")
        assert value(view, two) == 7
    assert [change for change in changes if change[0] in {one, two}] == [(one, 2), (two, 7), (one, 8)]
    assert [e.value for e in view.all(Setting) if e.key in {one, two}] == [7, 8]


async def test_an_unknown_version_leaves_the_last_value_in_force(
    js: JetStreamContext, log: Log, sealer: Sealer
) -> None:
    one, two = uuid4(), uuid4()
    view = View(js, sealer, (Setting,))
    async with following(view):
        await put(log, one, 1)
        await publish_future(js, Setting(setting_id=one, value=2))
        await put(log, two, 3)
        await until(lambda: value(view, two) == 3, "what came behind it")
        assert value(view, one) == 1


async def test_a_deleted_consumer_is_made_again(js: JetStreamContext, log: Log, sealer: Sealer) -> None:
    key = uuid4()
    view = View(js, sealer, (Setting,))
    async with following(view):
        await put(log, key, 1)
        await until(lambda: value(view, key) == 1, "the first value")
        for info in await js.consumers_info(STREAM):
            if event_filter(Setting) in (info.config.filter_subjects or ()):
                await js.delete_consumer(STREAM, info.name)
        await put(log, key, 2)
        await until(lambda: value(view, key) == 2, "the second value", 20)


class Losing:
    """A subscription that loses delivery number `lost` on its way."""

    def __init__(self, subscription: Any, lost: int) -> None:
        self._subscription = subscription
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subscription, name)

    async def fetch(self, most: int, **options: Any) -> list[Msg]:
        messages = await self._subscription.fetch(most, **options)
        kept = [m for m in messages if m.metadata.sequence.consumer != self._lost]
        if not kept:
            raise TimeoutError
        return kept


@pytest.mark.parametrize("lost", [2, 5], ids=["in the middle", "at the end"])
async def test_a_lost_delivery_is_noticed(js: JetStreamContext, log: Log, key: UUID, lost: int) -> None:
    await log.append([added(key, *range(5))], cause(), NOW)
    config = ConsumerConfig(
        filter_subjects=[event_filter(Added, key=key)], ack_policy=AckPolicy.NONE, inactive_threshold=30.0
    )
    subscription = await js.pull_subscribe("", stream=STREAM, config=config)
    ordered = Ordered(Losing(subscription, lost))  # type: ignore[arg-type]
    seen: list[int] = []

    async def read() -> None:
        for _ in range(5):
            seen.extend(m.metadata.sequence.consumer for m in await ordered.fetch(2, timeout_s=0.1))

    with pytest.raises(GapError):
        await read()
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) < lost
    await subscription.unsubscribe()


async def test_nothing_new_is_no_loss(js: JetStreamContext, log: Log, key: UUID) -> None:
    await log.append([added(key, 1, 2, 3)], cause(), NOW)
    config = ConsumerConfig(
        filter_subjects=[event_filter(Added, key=key)], ack_policy=AckPolicy.NONE, inactive_threshold=30.0
    )
    ordered = Ordered(await js.pull_subscribe("", stream=STREAM, config=config))
    assert len(await ordered.fetch(10, timeout_s=1.0)) == 3
    for _ in range(4):
        assert await ordered.fetch(10, timeout_s=0.05) == []
    assert ordered.pending == 0
    await ordered.subscription.unsubscribe()
