"""Messages are handled in order for each key; what fails comes again, and what nobody understands is kept aside."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import APIError

from contracts.envelope import UnknownEventError
from contracts.subjects import REQUESTS, event_filter, event_subject
from contracts.topology import Durable
from services.runtime import consumer as consumer_module
from services.runtime.clock import SystemClock
from services.runtime.handlers import RawRequest, ReactorHandler
from services.runtime.log import Log, UnknownOutcomeError, Write
from services.runtime.objects import StoreAwayError
from services.runtime.reactor import Decider, Decision, GaveUpError, LaterError, Reactor, Trigger
from services.runtime.sealing import Sealer
from tests.runtime.conftest import until
from tests.runtime.consuming import Doing, consuming, make_durable
from tests.runtime.toys import (
    NOW,
    OWNER,
    SHORT,
    Added,
    amounts,
    cause,
    publish_future,
    publish_raw,
)

pytestmark = pytest.mark.system


@pytest.fixture
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "_DELAYS_S", (0.05, 0.1, 0.2))


async def put(log: Log, scope: UUID, key: UUID, *numbers: int) -> None:
    known = await log.read(OWNER, key, from_leader=True)
    events = tuple(Added(sum_id=key, amount=number, scope=scope) for number in numbers)
    await log.append([Write(OWNER, key, known[-1].seq if known else 0, events)], cause(), NOW)


async def durable_of(js: JetStreamContext, handler: Doing, scope: UUID, **more: Any) -> Durable:
    return await make_durable(js, handler.name, event_filter(Added, route=scope), **more)


def numbers(events: list[Added], key: UUID | None = None) -> list[int]:
    return [event.amount for event in events if key in {None, event.key}]


async def test_work_on_one_key_is_in_order_and_keys_go_side_by_side(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID
) -> None:
    slow, quick = uuid4(), uuid4()
    gate = asyncio.Event()

    async def do(trigger: Trigger[Added]) -> None:
        if trigger.what.key == slow:
            await gate.wait()

    handler = Doing(sealer, do)
    await put(log, scope, slow, *range(6))
    await put(log, scope, quick, *range(6))
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: numbers(handler.done, quick) == list(range(6)), "the quick key's work")
        assert numbers(handler.begun, slow) == [0]
        gate.set()
        await until(lambda: numbers(handler.done, slow) == list(range(6)), "the slow key's work")
        await until(running.idle, "everything being acknowledged")


async def test_what_takes_long_to_decode_is_not_overtaken(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    async def open_slowly(message: Msg) -> None:
        amount = json.loads(message.data)["data"]["amount"]
        await asyncio.sleep(0.1 if amount % 3 == 0 else 0.0)  # As if only these were sealed.

    handler = Doing(sealer, before_decoding=open_slowly)
    await put(log, scope, key, *range(12))
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)):
        await until(lambda: len(handler.done) == 12, "all work")
        assert numbers(handler.done) == list(range(12))


async def test_at_most_so_many_keys_are_worked_on_at_once(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID
) -> None:
    at_once, most = 0, 0

    async def do(_trigger: Trigger[Added]) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1

    handler = Doing(sealer, do)
    for number in range(12):
        await put(log, scope, uuid4(), number)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope), parallel=3):
        await until(lambda: len(handler.done) == 12, "all work")
    assert most == 3


async def test_nothing_is_acknowledged_before_it_was_done(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    gate = asyncio.Event()

    async def do(_trigger: Trigger[Added]) -> None:
        await gate.wait()

    handler = Doing(sealer, do)
    await put(log, scope, key, 1, 2)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: handler.begun, "the work's beginning")
        assert (await running.info()).num_ack_pending == 2
        gate.set()
        await until(running.idle, "the acknowledgements")


async def test_what_has_to_wait_comes_again_after_its_delay(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    tried_s: list[float] = []

    async def do(_trigger: Trigger[Added]) -> None:
        tried_s.append(time.monotonic())
        if len(tried_s) == 1:
            raise LaterError("not yet", 0.4)

    handler = Doing(sealer, do)
    await put(log, scope, key, 1)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: handler.done, "the second try")
        assert await running.dead() == []
    assert len(tried_s) == 2
    assert tried_s[1] - tried_s[0] >= 0.4


@pytest.mark.parametrize(
    "error",
    [
        GaveUpError("a"),
        UnknownOutcomeError("b"),
        StoreAwayError("c"),
        APIError(code=503),
        ConnectionError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_failures_of_what_lies_around_are_never_dead_letters(
    js: JetStreamContext,
    log: Log,
    sealer: Sealer,
    provisioned: str,
    scope: UUID,
    key: UUID,
    short_delays: None,
    error: Exception,
) -> None:
    async def do(_trigger: Trigger[Added]) -> None:
        if len(handler.begun) <= 5:  # More often than there are delays.
            raise error

    handler = Doing(sealer, do)
    await put(log, scope, key, 1)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: handler.done, "the sixth try")
        await until(running.idle, "the acknowledgement")
        assert await running.dead() == []
    assert len(handler.begun) == 6


async def test_a_defect_is_one_dead_letter_with_its_stack_and_bytes_and_the_rest_goes_on(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    async def do(trigger: Trigger[Added]) -> None:
        if trigger.what.amount == 2:
            raise KeyError("a defect in a decision")

    handler = Doing(sealer, do)
    await put(log, scope, key, 1, 2, 3)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: numbers(handler.done) == [1, 3], "the rest")
        await until(running.idle, "the acknowledgements")
        (letter,) = await running.dead()
        # The same message again is the same letter.
        await js.reset_consumer(running.durable.stream, running.durable.name, seq=1)
        await until(lambda: numbers(handler.done) == [1, 3, 1, 3], "the second round")
        await until(running.idle, "the acknowledgements")
        assert await running.dead() == [letter]
    dead = next(m for m in handler.messages if json.loads(m.data)["data"]["amount"] == 2)
    assert letter.body == dead.data
    assert letter.whole
    assert (letter.subject, letter.sequence) == (dead.subject, dead.metadata.sequence.stream)
    assert (letter.consumer, letter.stream) == (handler.name, "WAYMARK")
    assert letter.reason == "KeyError: 'a defect in a decision'"
    assert letter.stack is not None
    assert "test_consumer.py" in letter.stack


async def test_an_unknown_version_waits_for_its_reader_and_is_no_dead_letter(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID, short_delays: None
) -> None:
    handler = Doing(sealer)
    await publish_future(js, Added(sum_id=uuid4(), amount=1, scope=scope))
    await put(log, scope, key, 2)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: numbers(handler.done) == [2], "the rest")
        await until(lambda: len(handler.messages) >= 4, "the unknown one coming again")
        assert await running.dead() == []
        assert (await running.info()).num_ack_pending == 1


async def test_an_unknown_version_in_an_aggregates_history_makes_its_triggers_wait(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID, short_delays: None
) -> None:
    """A newer replica has written it. This one cannot decide, and must not bury what it cannot decide."""
    history = uuid4()
    await publish_future(js, Added(sum_id=history, amount=1))
    decider = Decider("toy", SHORT, log, SystemClock())

    async def do(trigger: Trigger[Added]) -> None:
        await decider.decide(history, trigger, lambda *_: Decision((Added(sum_id=history, amount=1),)))

    handler = Doing(sealer, do)
    await put(log, scope, key, 2)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: len(handler.begun) >= 2, "the trigger coming again")
        assert await running.dead() == []
    assert handler.done == []
    with pytest.raises(UnknownEventError):
        await decider.states.get(history)


async def test_what_is_malformed_is_a_dead_letter(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    handler = Doing(sealer)
    event = Added(sum_id=uuid4(), amount=1, scope=scope)
    await publish_raw(js, event, {"data": {"sum_id": "no id"}})
    await js.publish(event_subject(event), b"\xff not JSON", stream="WAYMARK")
    await put(log, scope, key, 2)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)) as running:
        await until(lambda: numbers(handler.done) == [2], "the rest")
        await until(running.idle, "the acknowledgements")
        letters = await running.dead()
    assert len(letters) == 2
    assert letters[1].body == b"\xff not JSON"


async def test_a_message_as_large_as_nats_takes_is_still_a_dead_letter(
    js: JetStreamContext, sealer: Sealer, provisioned: str
) -> None:
    """A letter repeats the bytes in base64: as a whole it would be refused, and the message come again for ever."""

    async def do(_trigger: Trigger[RawRequest]) -> None:
        raise RuntimeError("x" * 300_000)

    user = f"u{uuid4().hex}"
    handler = Doing(sealer, do)
    durable = await make_durable(js, handler.name, f"waymark.request.*.{user}", stream=REQUESTS)
    body = b"y" * 1_000_000
    await js.publish(f"waymark.request.toy.{user}", body, stream=REQUESTS)
    async with consuming(js, provisioned, handler, durable) as running:
        await until(running.idle, "the acknowledgement")
        (letter,) = await running.dead()
        assert not letter.whole
        assert letter.body_bytes == len(body)
        assert body.startswith(letter.body)
        kept = await js.get_msg(letter.stream, letter.sequence)
        assert kept.data == body
    (request,) = handler.begun
    assert (request.kind, request.user, request.sequence) == ("toy", user, letter.sequence)


async def test_a_duplicate_of_what_is_in_hand_is_not_done_again(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    gate = asyncio.Event()

    async def do(_trigger: Trigger[Added]) -> None:
        await gate.wait()

    handler = Doing(sealer, do)
    await put(log, scope, key, 1)
    durable = await durable_of(js, handler, scope, ack_wait_s=1.0)
    async with consuming(js, provisioned, handler, durable) as running:
        await until(lambda: handler.begun, "the work's beginning")
        first_s = running.consumer.last_seen_s
        # That the server has sent it again is not enough: it has to be here before the first one ends.
        await until(lambda: running.consumer.last_seen_s > first_s, "a second delivery")
        assert (await running.info()).num_redelivered
        gate.set()
        await until(running.idle, "the acknowledgement")
    assert numbers(handler.begun) == [1]


async def test_a_sign_of_life_keeps_long_work_from_being_delivered_again(
    js: JetStreamContext,
    log: Log,
    sealer: Sealer,
    provisioned: str,
    scope: UUID,
    key: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer_module, "_KEEP_ALIVE_S", 0.1)

    async def do(_trigger: Trigger[Added]) -> None:
        await asyncio.sleep(4.0)  # Twice what the server would wait.

    handler = Doing(sealer, do)
    await put(log, scope, key, 1, 2)  # The second one waits for its turn, and is kept alive as well.
    durable = await durable_of(js, handler, scope, ack_wait_s=2.0)
    async with consuming(js, provisioned, handler, durable, alive=True) as running:
        await until(lambda: len(handler.done) == 1, "the first work")
        info = await running.info()
        assert (info.num_redelivered, info.delivered.consumer_seq) == (0, 2)


async def test_a_deleted_durable_shows_in_when_it_was_last_seen(
    js: JetStreamContext,
    log: Log,
    sealer: Sealer,
    provisioned: str,
    scope: UUID,
    key: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer_module, "_KEEP_ALIVE_S", 0.05)
    monkeypatch.setattr(consumer_module, "_LOOK_EVERY_S", 0.05)
    handler = Doing(sealer)
    await put(log, scope, key, 1)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope), alive=True) as running:
        await until(lambda: handler.done, "the work")
        before_s = running.consumer.last_seen_s
        await until(lambda: running.consumer.last_seen_s > before_s, "a look at a durable that is idle")
        await js.delete_consumer(running.durable.stream, running.durable.name)
        await asyncio.sleep(0.2)  # A look that was under way when it was deleted ends.
        gone_s = running.consumer.last_seen_s
        await asyncio.sleep(0.5)  # Ten looks.
        assert running.consumer.last_seen_s == gone_s
        await make_durable(js, handler.name, event_filter(Added, route=scope))
        await until(lambda: running.consumer.last_seen_s > gone_s, "a look at the durable that is there again")


async def test_a_durable_that_is_made_again_is_read_again(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    handler = Doing(sealer)
    await put(log, scope, key, 1)
    async with consuming(js, provisioned, handler, await durable_of(js, handler, scope)):
        await until(lambda: handler.done, "the work")
        await js.delete_consumer("WAYMARK", handler.name)
        await make_durable(js, handler.name, event_filter(Added, route=scope))
        await until(lambda: numbers(handler.done) == [1, 1], "the work again, from the beginning")


async def test_a_close_lets_work_end_and_leaves_the_rest_for_others(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    stuck, gate = uuid4(), asyncio.Event()

    async def do(trigger: Trigger[Added]) -> None:
        if trigger.what.key == stuck:
            await asyncio.Event().wait()
        await gate.wait()

    handler = Doing(sealer, do)
    await put(log, scope, key, 1)
    await put(log, scope, stuck, 2, 3)
    durable = await durable_of(js, handler, scope, ack_wait_s=60.0)
    async with consuming(js, provisioned, handler, durable) as running:
        await until(lambda: len(handler.begun) == 2, "the work's beginning")
        gate.set()
        await running.consumer.close(grace_s=0.3)
        await put(log, scope, key, 4)  # Not fetched any more.
        other = Doing(sealer, name=durable.name)
        async with consuming(js, provisioned, other, durable) as next_one:
            # At once, and not only after the minute that the server would wait for an acknowledgement.
            await until(lambda: len(other.done) == 3, "another consumer doing the rest", limit_s=5)
            await until(next_one.idle, "the acknowledgements")
    assert numbers(handler.done) == [1]
    assert sorted(numbers(other.done)) == [2, 3, 4]


async def test_a_reactor_ignores_triggers_that_are_not_for_it(
    js: JetStreamContext, log: Log, sealer: Sealer, provisioned: str, scope: UUID, key: UUID
) -> None:
    total = uuid4()

    def decide(_state: Any, trigger: Trigger[Added], _now: Any) -> Decision:
        return Decision((Added(sum_id=total, amount=trigger.what.amount),))

    reactor = Reactor("toy", SHORT, {Added: lambda event: total if event.amount % 2 else None}, decide)
    handler = ReactorHandler(f"toy-{scope.hex[:8]}", reactor, Decider("toy", SHORT, log, SystemClock()), sealer)
    durable = await make_durable(js, handler.name, event_filter(Added, route=scope))
    await put(log, scope, key, 1, 2, 3)
    async with consuming(js, provisioned, handler, durable) as running:
        await until(running.idle, "the acknowledgements")
    assert await amounts(log, total) == [1, 3]
