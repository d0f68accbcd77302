"""A state in memory, from a snapshot or folded anew is the same state."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.event import Event
from services.runtime.aggregate import Aggregates
from services.runtime.clock import SystemClock
from services.runtime.log import Cause, ConflictError, Log, Recorded, Write
from services.runtime.reactor import Decider, Decision, Trigger
from tests.runtime.toys import (
    NOW,
    OWNER,
    SHORT,
    Added,
    Ask,
    Snapshot,
    Sum,
    add,
    added,
    amounts,
    ask,
    cause,
    evolve,
    long_lived,
)

pytestmark = pytest.mark.system


async def test_a_known_state_is_not_read_again_until_it_is_refreshed(log: Log, key: UUID) -> None:
    states = Aggregates(SHORT, log)
    (first,) = await log.append([added(key, 1)], cause(), NOW)
    assert (await states.get(key)).state.total == 1
    await log.append([added(key, 2, after=first.seq)], cause(), NOW)
    assert (await states.get(key)).state.total == 1
    assert (await states.refresh(key)).state.total == 3
    assert (await states.get(key)).state.amounts == (1, 2)


async def test_what_was_appended_here_is_folded_in_without_reading(log: Log, key: UUID) -> None:
    states = Aggregates(SHORT, log)
    loaded = await states.get(key)
    appended = await log.append([added(key, 4, 5)], cause(), NOW)
    after = states.advance(key, loaded, appended)
    assert (after.state.amounts, after.seq, after.events) == ((4, 5), appended[-1].seq, 2)
    assert after.ids == {r.id for r in appended}
    assert await states.get(key) is after
    assert states.advance(key, after, []) is after


async def test_the_least_recently_used_states_are_dropped_beyond_the_limit(log: Log) -> None:
    states = Aggregates(SHORT, log, limit=3)
    keys = [uuid4() for _ in range(3)]
    for key in keys:
        await states.get(key)
    await states.get(keys[0])
    await states.get(uuid4())  # Drops keys[1], the one not looked at for longest.
    for key in keys:
        await log.append([added(key, 1)], cause(), NOW)
    assert [(await states.get(k)).state.total for k in (keys[0], keys[2], keys[1])] == [0, 0, 1]
    assert len(states._loaded) == 3


async def snapshots(log: Log, key: UUID) -> list[Recorded[Event]]:
    return [r for r in await log.read(OWNER, key, from_leader=True) if isinstance(r.event, Snapshot)]


async def test_a_snapshot_is_written_every_so_many_events(log: Log, key: UUID) -> None:
    decider = Decider("toy", long_lived(every=5), log, SystemClock())
    for number in range(12):
        await decider.decide(key, ask(number), add(key))
    found = await snapshots(log, key)
    assert [r.event.events for r in found] == [5, 10]
    fresh = Aggregates(long_lived(every=5), log)
    loaded = await fresh.get(key)
    assert loaded.state == Sum(sum(range(12)), tuple(range(12)))
    assert loaded.events == 12
    assert (await decider.states.get(key)).state == loaded.state


class Counting:
    """A log that counts what is folded from it."""

    def __init__(self) -> None:
        self.folded = 0

    def evolve(self, state: Sum, recorded: Recorded[Event]) -> Sum:
        self.folded += 1
        return evolve(state, recorded)


async def test_loading_costs_the_tail_behind_the_snapshot_only(log: Log, key: UUID) -> None:
    counting = Counting()
    kind = long_lived(every=10)
    kind = type(kind)(kind.name, kind.owner, kind.initial, counting.evolve, kind.long_lived)
    decider = Decider("toy", kind, log, SystemClock())
    for number in range(23):
        await decider.decide(key, ask(number), add(key))
    counting.folded = 0
    assert (await Aggregates(kind, log).get(key)).events == 23
    assert counting.folded == 3


async def test_a_state_that_fills_several_events_comes_back_whole(log: Log, key: UUID) -> None:
    kind = long_lived(every=3)
    decider = Decider("toy", kind, log, SystemClock())
    text = '长😀\n"' * 15_000  # 60,000 characters an event, three of them in the state.

    def choose(_state: Sum, trigger: Trigger[Ask], _now: Any) -> Decision:
        return Decision((Added(sum_id=key, amount=1, text=text),))

    for _ in range(4):
        await decider.decide(key, ask(), choose)
    parts = await snapshots(log, key)
    assert len(parts) > 3
    assert [(r.event.part, r.event.parts) for r in parts] == [(i, len(parts)) for i in range(len(parts))]
    loaded = await Aggregates(kind, log).get(key)
    assert loaded.state == Sum(4, (1, 1, 1, 1), text * 4)


class Racing(Log):
    """A log on which somebody else appends just before each snapshot, until told to stop."""

    faster = True

    async def append(self, writes: Any, why: Cause, now: Any) -> list[Recorded[Event]]:
        events = [event for write in writes for event in write.events]
        if self.faster and isinstance(events[0], Snapshot):
            write: Write = writes[0]
            await super().append([added(write.key, 1000, after=write.after)], cause("faster"), now)
        return await super().append(writes, why, now)


async def test_a_snapshot_that_lost_the_race_is_left_out_and_the_next_one_is_right(log: Log, key: UUID) -> None:
    racing = Racing(log._nats, log._sealer)
    decider = Decider("toy", long_lived(every=3), racing, SystemClock())
    for number in range(3):
        await decider.decide(key, ask(number), add(key))
    assert await snapshots(log, key) == []
    assert (await decider.states.get(key)).state.amounts == (0, 1, 2, 1000)
    racing.faster = False
    for number in range(3, 5):
        await decider.decide(key, ask(number), add(key))
    (found,) = await snapshots(log, key)
    assert found.event.events == 6
    assert (await Aggregates(long_lived(), log).get(key)).state.amounts == (0, 1, 2, 1000, 3, 4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_amounts=st.lists(st.integers(-5, 5), min_size=1, max_size=15),
    every=st.integers(1, 6),
    restarts=st.sets(st.integers(0, 14)),
)
async def test_a_snapshot_and_its_tail_equal_the_whole_history(
    log: Log, given_amounts: list[int], every: int, restarts: set[int]
) -> None:
    key, kind = uuid4(), long_lived(every)
    decider = Decider("toy", kind, log, SystemClock())
    for number, amount in enumerate(given_amounts):
        if number in restarts:
            decider = Decider("toy", kind, log, SystemClock())
        await decider.decide(key, ask(amount), add(key))
    whole = Sum()
    for recorded in await log.read(OWNER, key, from_leader=True):
        whole = evolve(whole, recorded)
    assert whole.amounts == tuple(given_amounts)
    loaded = await Aggregates(kind, log).get(key)
    assert (loaded.state, loaded.events) == (whole, len(given_amounts))
    assert (await decider.states.get(key)).state == whole
    assert await amounts(log, key) == given_amounts


async def test_a_forgotten_state_is_read_anew(log: Log, key: UUID) -> None:
    states = Aggregates(SHORT, log)
    await states.get(key)
    await log.append([added(key, 1)], cause(), NOW)
    states.forget(key)
    assert (await states.get(key)).state.total == 1
    with pytest.raises(ConflictError):
        await log.append([added(key, 1)], cause(), NOW)
