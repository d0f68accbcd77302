"""A trigger is decided once, on everything that was there, however often it comes and whoever else decides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.event import Event
from services.runtime import reactor as reactor_module
from services.runtime.clock import SystemClock
from services.runtime.log import Cause, ConflictError, Log, Recorded, UnknownOutcomeError, Write
from services.runtime.reactor import NOTHING, Create, Decider, Decision, GaveUpError, LaterError, Trigger
from tests.runtime.toys import (
    NOW,
    OWNER,
    SHORT,
    Added,
    Ask,
    Opened,
    Receipt,
    Sum,
    add,
    added,
    amounts,
    ask,
    cause,
    long_lived,
)

pytestmark = pytest.mark.system

KINDS = pytest.mark.parametrize("kind", [SHORT, long_lived()], ids=["short-lived", "long-lived"])


def decider(log: Log, kind: Any = SHORT, name: str = "toy") -> Decider[Sum]:
    return Decider(name, kind, log, SystemClock())


def opening(other: UUID, by: str = "", *, shared: bool = False) -> Create:
    return Create((Opened(other_id=other, by=by),), shared)


@KINDS
async def test_a_trigger_that_comes_again_finds_its_own_result(log: Log, key: UUID, kind: Any) -> None:
    here, trigger = decider(log, kind), ask(7)
    (appended,) = (r for r in await here.decide(key, trigger, add(key)) if isinstance(r.event, Added))
    assert appended.causation_id == trigger.id
    assert await here.decide(key, trigger, add(key)) == []
    restarted = decider(log, kind)
    assert await restarted.decide(key, trigger, add(key)) == []
    assert await amounts(log, key) == [7]


@KINDS
async def test_other_deciders_and_other_steps_decide_for_themselves(log: Log, key: UUID, kind: Any) -> None:
    trigger = ask(7)
    await decider(log, kind, "one").decide(key, trigger, add(key))
    await decider(log, kind, "two").decide(key, trigger, add(key))
    await decider(log, kind, "two").decide(key, trigger, add(key), step=".finish")
    assert await amounts(log, key) == [7, 7, 7]


async def test_a_long_lived_aggregate_has_a_receipt_and_a_short_lived_one_needs_none(log: Log, key: UUID) -> None:
    trigger = ask(1)
    appended = await decider(log, long_lived()).decide(key, trigger, add(key))
    (receipt,) = (r.event for r in appended if isinstance(r.event, Receipt))
    assert (receipt.reactor, receipt.trigger_id) == ("toy", trigger.id)
    assert await decider(log, long_lived()).decided(trigger)
    assert not await decider(log, long_lived(), "other").decided(trigger)
    assert [type(r.event) for r in await decider(log).decide(uuid4(), trigger, add(key))] == [Added]


async def test_what_nobody_delivers_again_needs_no_receipt(log: Log, key: UUID) -> None:
    appended = await decider(log, long_lived()).decide(key, ask(1), add(key), once=False)
    assert [type(r.event) for r in appended] == [Added]


async def test_an_empty_decision_on_a_stale_cache_is_taken_again_on_what_the_leader_has(log: Log, key: UUID) -> None:
    """An eaten trigger would be a run that stands still for ever."""
    seen: list[int] = []

    def when_asked(state: Sum, _trigger: Trigger[Ask], _now: datetime) -> Decision:
        seen.append(state.total)
        return Decision((Added(sum_id=key, amount=100),)) if state.total == 3 else NOTHING

    here = decider(log)
    await here.states.get(key)  # Empty, and remembered.
    await log.append([added(key, 1, 2)], cause("elsewhere"), NOW)
    assert len(await here.decide(key, ask(), when_asked)) == 1
    assert seen == [0, 3]
    assert await here.decide(key, ask(), when_asked) == []
    assert await amounts(log, key) == [1, 2, 100]


async def test_a_conflict_is_decided_again_on_the_new_state(log: Log, key: UUID) -> None:
    here = decider(log)
    await here.decide(key, ask(1), add(key))
    (last,) = await log.read(OWNER, key)
    await log.append([added(key, 2, after=last.seq)], cause("elsewhere"), NOW)

    def double(state: Sum, _trigger: Trigger[Ask], _now: datetime) -> Decision:
        return Decision((Added(sum_id=key, amount=2 * state.total),))

    await here.decide(key, ask(), double)
    assert await amounts(log, key) == [1, 2, 6]


@KINDS
@pytest.mark.parametrize("first", [0, 1])
async def test_two_deciders_race_on_one_key_and_each_has_its_result_once(
    log: Log, key: UUID, kind: Any, first: int
) -> None:
    deciders, triggers = [decider(log, kind), decider(log, kind)], [ask(1), ask(10)]
    for one in deciders:
        await one.states.get(key)
    order = [first, 1 - first]
    await asyncio.gather(*(deciders[i].decide(key, triggers[i], add(key)) for i in order))
    assert sorted(await amounts(log, key)) == [1, 10]


@KINDS
async def test_two_deciders_race_on_one_trigger_and_it_is_decided_once(log: Log, key: UUID, kind: Any) -> None:
    deciders, trigger = [decider(log, kind) for _ in range(5)], ask(1)
    for one in deciders:
        await one.states.get(key)
    results = await asyncio.gather(*(one.decide(key, trigger, add(key)) for one in deciders))
    assert sum(bool(result) for result in results) == 1
    assert await amounts(log, key) == [1]


async def test_many_triggers_on_many_replicas_are_each_decided_once(log: Log, key: UUID) -> None:
    replicas = [decider(log, long_lived(every=7)) for _ in range(3)]
    triggers = [ask(number) for number in range(12)]

    async def work(replica: Decider[Sum], mine: Sequence[Trigger[Ask]]) -> None:
        for trigger in mine:
            await replica.decide(key, trigger, add(key))

    await asyncio.gather(work(replicas[0], triggers), work(replicas[1], triggers[::-1]), work(replicas[2], triggers))
    assert sorted(await amounts(log, key)) == list(range(12))


# --- further aggregates -----------------------------------------------------------------------------------------------


@KINDS
async def test_an_exclusive_create_that_exists_makes_the_whole_decision_void(log: Log, key: UUID, kind: Any) -> None:
    other = uuid4()
    assert await decider(log, kind).decide(key, ask(1, opening(other)), add(key))
    assert await decider(log, kind).decide(key, ask(2, opening(other)), add(key)) == []
    assert await amounts(log, key) == [1]


@KINDS
async def test_a_shared_create_that_exists_is_left_out(log: Log, key: UUID, kind: Any) -> None:
    other = uuid4()
    await decider(log, kind).decide(key, ask(1, opening(other, "first", shared=True)), add(key))
    await decider(log, kind).decide(key, ask(2, opening(other, "second", shared=True)), add(key))
    assert await amounts(log, key) == [1, 2]
    assert [r.event.by for r in await log.read(OWNER, other)] == ["first"]


@KINDS
async def test_two_that_create_the_same_shared_aggregate_both_have_their_decision(
    log: Log, key: UUID, kind: Any
) -> None:
    other, twin = uuid4(), uuid4()
    await asyncio.gather(
        decider(log, kind).decide(key, ask(1, opening(other, shared=True)), add(key)),
        decider(log, kind).decide(twin, ask(2, opening(other, shared=True)), add(twin)),
    )
    assert (await amounts(log, key), await amounts(log, twin)) == ([1], [2])
    assert len(await log.read(OWNER, other)) == 1


async def test_two_that_create_the_same_exclusive_aggregate_have_one_winner(log: Log, key: UUID) -> None:
    other, twin = uuid4(), uuid4()
    results = await asyncio.gather(
        decider(log).decide(key, ask(1, opening(other)), add(key)),
        decider(log).decide(twin, ask(2, opening(other)), add(twin)),
    )
    assert sum(bool(result) for result in results) == 1
    assert len(await log.read(OWNER, other)) == 1
    assert len(await amounts(log, key)) + len(await amounts(log, twin)) == 1


async def test_a_decision_that_only_creates_is_taken_once(log: Log, key: UUID) -> None:
    other, trigger = uuid4(), ask()

    def choose(_state: Sum, _trigger: Trigger[Ask], _now: datetime) -> Decision:
        return Decision(creates=(opening(other),))

    assert len(await decider(log).decide(key, trigger, choose)) == 1
    assert await decider(log).decide(key, trigger, choose) == []
    assert len(await log.read(OWNER, other)) == 1


# --- what goes wrong --------------------------------------------------------------------------------------------------


class Failing(Log):
    """A log whose appends fail with `errors`, one after the other; `stored` of them happen all the same."""

    def failing(self, *errors: type[Exception], stored: bool = False) -> Failing:
        self.errors, self.stored, self.calls = list(errors), stored, 0
        return self

    async def append(self, writes: Any, why: Cause, now: datetime) -> list[Recorded[Event]]:
        self.calls += 1
        if not self.errors:
            return await super().append(writes, why, now)
        error = self.errors.pop(0)
        if self.stored:
            await super().append(writes, why, now)
        raise error("as told")


@KINDS
@pytest.mark.parametrize("stored", [True, False])
async def test_an_unknown_outcome_is_looked_up_and_never_doubled(log: Log, key: UUID, kind: Any, stored: bool) -> None:
    failing = Failing(log._nats, log._sealer).failing(UnknownOutcomeError, stored=stored)
    await decider(failing, kind).decide(key, ask(5), add(key))
    assert await amounts(log, key) == [5]


@pytest.mark.parametrize("error", [ConflictError, UnknownOutcomeError])
async def test_it_gives_up_after_a_bounded_number_of_attempts(
    log: Log, key: UUID, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr(reactor_module, "_BACKOFF_S", (0.0,))
    failing = Failing(log._nats, log._sealer).failing(*[error] * 1000)
    with pytest.raises(GaveUpError, match="60 attempts"):
        await decider(failing).decide(key, ask(), add(key))
    assert failing.calls == 60
    failing.errors = []
    await decider(failing).decide(key, ask(3), add(key))
    assert await amounts(log, key) == [3]


def test_the_waits_between_attempts_outlast_an_election_of_a_leader() -> None:
    """Measured: 5.9 to 6.6 s when the leader is killed."""
    waits = reactor_module._BACKOFF_S
    total_s = sum(waits) + waits[-1] * (reactor_module._ATTEMPTS - len(waits))
    assert 15.0 < total_s < 60.0


async def test_a_trigger_that_cannot_be_decided_yet_passes_through(log: Log, key: UUID) -> None:
    def choose(_state: Sum, _trigger: Trigger[Ask], _now: datetime) -> Decision:
        raise LaterError("not yet", 2.5)

    with pytest.raises(LaterError) as raised:
        await decider(log).decide(key, ask(), choose)
    assert raised.value.delay_s == 2.5


async def test_preparation_is_done_anew_for_each_attempt(log: Log, key: UUID) -> None:
    prepared: list[int] = []
    failing = Failing(log._nats, log._sealer).failing(ConflictError, ConflictError)

    async def prepare(trigger: Trigger[Ask]) -> Trigger[Ask]:
        prepared.append(len(prepared))
        return replace(trigger, what=replace(trigger.what, amount=len(prepared)))

    await decider(failing).decide(key, ask(), add(key), prepare=prepare)
    assert prepared == [0, 1, 2]
    assert await amounts(log, key) == [3]


async def test_a_decision_on_its_own_result_asks_for_no_preparation(log: Log, key: UUID) -> None:
    trigger = ask(1)
    await decider(log).decide(key, trigger, add(key))

    async def prepare(_trigger: Trigger[Ask]) -> Trigger[Ask]:
        raise AssertionError("it is decided already")

    here = decider(log)
    assert await here.decide(key, trigger, add(key), prepare=prepare) == []


async def test_a_write_of_several_events_expects_once(log: Log, key: UUID) -> None:
    def choose(_state: Sum, _trigger: Trigger[Ask], _now: datetime) -> Decision:
        return Decision((Added(sum_id=key, amount=1), Added(sum_id=key, amount=2)))

    here = decider(log)
    await here.decide(key, ask(), choose)
    await here.decide(key, ask(), choose)
    assert await amounts(log, key) == [1, 2, 1, 2]
    assert Write(OWNER, key, 0, ()).events == ()
