from __future__ import annotations

import asyncio

import pytest

from services.screen_indexer.once import Once


async def test_equal_keys_at_the_same_moment_are_worked_on_once() -> None:
    done: list[str] = []
    begun = asyncio.Event()

    async def work() -> str:
        await begun.wait()
        done.append("described")
        return "a screen"

    once: Once[str, str] = Once(8)
    asking = [asyncio.create_task(once.do("key", work)) for _ in range(20)]
    await asyncio.sleep(0)
    begun.set()
    assert await asyncio.gather(*asking) == ["a screen"] * 20
    assert done == ["described"]


async def test_a_failure_reaches_everybody_who_waits_and_is_tried_again() -> None:
    attempts: list[int] = []

    async def work() -> int:
        attempts.append(len(attempts))
        await asyncio.sleep(0)
        if len(attempts) == 1:
            raise ConnectionError("the store is away")
        return attempts[-1]

    once: Once[str, int] = Once(8)
    first = await asyncio.gather(*(once.do("key", work) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in first] == [ConnectionError] * 3
    assert await once.do("key", work) == 1


async def test_one_who_stops_waiting_does_not_stop_the_others() -> None:
    may_end = asyncio.Event()

    async def work() -> str:
        await may_end.wait()
        return "a screen"

    once: Once[str, str] = Once(8)
    gone, stays = asyncio.create_task(once.do("key", work)), asyncio.create_task(once.do("key", work))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    may_end.set()
    assert await stays == "a screen"


async def test_only_the_last_results_are_kept() -> None:
    worked: list[int] = []

    async def work(number: int) -> int:
        worked.append(number)
        return number

    once: Once[int, int] = Once(2)
    for number in (1, 2, 3, 3, 1):
        assert await once.do(number, lambda number=number: work(number)) == number
    assert worked == [1, 2, 3, 1]
