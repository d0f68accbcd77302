"""An effect starts once, ends once, and is never begun a second time while somebody may still be at it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from contracts.event import Event
from services.runtime.effect import Performer
from services.runtime.log import Log, Write
from services.runtime.reactor import Decider, LaterError, Trigger
from tests.runtime import shop
from tests.runtime.toys import NOW, MovingClock, cause

pytestmark = pytest.mark.system


@dataclass
class Hand:
    """One instance's hand on the world: says how it was called, does `then`."""

    log: Log
    instance: str
    clock: MovingClock = field(default_factory=MovingClock)
    calls: list[bool] = field(default_factory=list)
    fails: int = 0
    gate: asyncio.Event | None = None

    def __post_init__(self) -> None:
        effect = replace(shop.work(self.instance, self._unused), perform=self._perform)
        self.performer = Performer(effect, Decider(effect.name, effect.aggregate, self.log, self.clock))

    async def _unused(self, _job_id: UUID) -> str:
        raise AssertionError

    async def _perform(self, _job: shop.Job, _trigger: Trigger[shop.JobAsked], fresh: bool) -> str:
        self.calls.append(fresh)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("it dies here")
        if self.gate is not None:
            await self.gate.wait()
        return self.instance

    async def handle(self, trigger: Trigger[shop.JobAsked]) -> None:
        await self.performer.handle(trigger.what.job_id, trigger)


@pytest.fixture
async def asked(log: Log) -> Trigger[Event]:
    job_id = uuid4()
    event = shop.JobAsked(job_id=job_id, scope=uuid4(), order_id=uuid4())
    (recorded,) = await log.append([Write(shop.OWNER, job_id, 0, (event,))], cause(), NOW)
    return Trigger.of(recorded)


async def names(log: Log, trigger: Trigger[shop.JobAsked]) -> list[str]:
    return [type(r.event).__name__ for r in await log.read(shop.OWNER, trigger.what.job_id, from_leader=True)]


WHOLE = ["JobAsked", "JobStarted", "JobFinished"]


async def test_it_is_asked_started_and_finished(log: Log, asked: Trigger[shop.JobAsked]) -> None:
    one = Hand(log, "one")
    await one.handle(asked)
    assert one.calls == [True]
    assert await names(log, asked) == WHOLE
    recorded = await log.read(shop.OWNER, asked.what.job_id)
    assert {r.causation_id for r in recorded[1:]} == {asked.id}
    await one.handle(asked)
    await Hand(log, "two").handle(asked)
    assert (one.calls, await names(log, asked)) == ([True], WHOLE)


async def test_the_start_is_in_the_log_before_the_world_is_touched(log: Log, asked: Trigger[shop.JobAsked]) -> None:
    gate = asyncio.Event()
    one = Hand(log, "one", gate=gate)
    handling = asyncio.create_task(one.handle(asked))
    while not one.calls:
        await asyncio.sleep(0.005)
    assert await names(log, asked) == WHOLE[:2]
    gate.set()
    await handling
    assert await names(log, asked) == WHOLE


async def test_after_a_crash_in_between_the_same_instance_finds_out_what_was_done(
    log: Log, asked: Trigger[shop.JobAsked]
) -> None:
    with pytest.raises(RuntimeError):
        await Hand(log, "one", fails=1).handle(asked)
    assert await names(log, asked) == WHOLE[:2]
    again = Hand(log, "one")
    await again.handle(asked)
    assert again.calls == [False]
    assert await names(log, asked) == WHOLE


async def test_another_instance_waits_until_the_deadline_and_then_resolves(
    log: Log, asked: Trigger[shop.JobAsked]
) -> None:
    """Slow is not dead: the start's trigger is the same for both, and that must not let the other one in."""
    gate = asyncio.Event()
    slow, other = Hand(log, "one", gate=gate), Hand(log, "two")
    handling = asyncio.create_task(slow.handle(asked))
    while not slow.calls:
        await asyncio.sleep(0.005)

    other.clock.at = slow.clock.at + timedelta(seconds=shop.LONGEST_JOB_S / 2)
    with pytest.raises(LaterError):
        await other.handle(asked)
    assert other.calls == []

    other.clock.at = slow.clock.at + timedelta(seconds=shop.LONGEST_JOB_S)
    await other.handle(asked)
    assert other.calls == [False]
    assert await names(log, asked) == WHOLE

    gate.set()
    await handling  # Comes too late to say anything.
    assert await names(log, asked) == WHOLE
    (finished,) = (r.event for r in await log.read(shop.OWNER, asked.what.job_id) if r.event.NAME == "JobFinished")
    assert finished.result == "two"


async def test_an_instance_whose_memory_is_old_does_not_do_it_again(log: Log, asked: Trigger[shop.JobAsked]) -> None:
    stale, other = Hand(log, "one", fails=1), Hand(log, "two")
    with pytest.raises(RuntimeError):
        await stale.handle(asked)
    other.clock.at = stale.clock.at + timedelta(seconds=shop.LONGEST_JOB_S)
    await other.handle(asked)
    await stale.handle(asked)  # It remembers its start, and has not seen the end.
    assert stale.calls == [True]
    assert await names(log, asked) == WHOLE


async def test_of_several_that_come_at_once_one_starts_and_one_end_is_kept(
    log: Log, asked: Trigger[shop.JobAsked]
) -> None:
    hands = [Hand(log, f"instance {number}") for number in range(4)]
    results = await asyncio.gather(*(hand.handle(asked) for hand in hands), return_exceptions=True)
    assert [call for hand in hands for call in hand.calls] == [True]
    assert {type(result) for result in results} <= {type(None), LaterError}
    assert await names(log, asked) == WHOLE


async def test_several_effects_of_one_trigger_have_events_of_their_own(log: Log) -> None:
    one, jobs = Hand(log, "one"), [uuid4(), uuid4()]
    what = shop.JobAsked(job_id=jobs[0], scope=uuid4(), order_id=uuid4())
    trigger = Trigger(uuid4(), what, NOW)
    for number, job_id in enumerate(jobs):
        part = replace(trigger, what=what.model_copy(update={"job_id": job_id}))
        await one.performer.handle(job_id, part, part=f".{number}")
    ids = [r.id for job_id in jobs for r in await log.read(shop.OWNER, job_id)]
    assert len(set(ids)) == 4
