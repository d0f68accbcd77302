"""Jobs of one key one after the other, keys side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime.keyed_queue import KeyedQueue


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20), st.integers(1, 4))
async def test_each_key_keeps_its_order_and_never_runs_twice_at_once(
    jobs: list[tuple[int, int]], parallel: int
) -> None:
    queue, done, running = KeyedQueue(parallel=parallel), [], []

    def job(number: int, key: int, turns: int) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            assert key not in running
            running.append(key)
            assert len(running) <= parallel
            for _ in range(turns):
                await asyncio.sleep(0)
            running.remove(key)
            done.append((key, number))

        return run

    for number, (key, turns) in enumerate(jobs):
        queue.put(key, job(number, key, turns))
    await queue.close(grace_s=5)
    assert len(done) == len(jobs)
    for key in range(4):
        assert [n for k, n in done if k == key] == [n for n, (k, _) in enumerate(jobs) if k == key]
    assert queue.waiting == 0


async def test_a_job_that_raises_shows_in_what_the_service_watches() -> None:
    queue = KeyedQueue()

    async def broken() -> None:
        raise RuntimeError("a job handles its own errors")

    queue.put("a", broken)
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(queue.failed, 5)
    await queue.close()


async def test_a_close_cancels_what_does_not_end_within_the_grace() -> None:
    queue, begun, ended = KeyedQueue(), asyncio.Event(), []

    async def stuck() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def never() -> None:
        raise AssertionError

    queue.put("a", stuck)
    queue.put("a", never)
    await begun.wait()
    await queue.close(grace_s=0.05)
    assert ended == [True]
    assert queue.failed.cancelled()
