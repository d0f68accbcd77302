from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from deploy.embedded.adb import AdbServer
from services.device_agent.adb.client import AdbClient
from services.device_agent.presence import Appeared, Lost, Ready, Reason, Rules
from services.device_agent.registry import Registry
from tests.device_agent.cable import Cable

pytestmark = pytest.mark.system

RULES = Rules(grace_s=0.6, reconnect_after_s=0.1, first_pause_s=0.1, longest_pause_s=0.3)


def registry(b, addresses=()) -> Registry:
    return Registry(b.client, addresses, rules=RULES, heartbeat_every_s=0.2, heartbeat_timeout_s=0.4)


async def told(changes: AsyncIterator, count: int) -> list:
    """The next changes, 15 s at most."""
    async with asyncio.timeout(15):
        return [await anext(changes) for _ in range(count)]


async def quiet(changes: AsyncIterator, seconds: float) -> bool:
    """Whether nothing is told for so long. Ends the watching."""
    try:
        async with asyncio.timeout(seconds):
            await anext(changes)
    except TimeoutError:
        return True
    return False


async def test_phones_that_are_there_appear_and_are_ready(bench):
    async with bench("bare", phones=3) as b, contextlib.aclosing(registry(b).changes()) as changes:
        found = await told(changes, 6)

        assert {change.serial for change in found if isinstance(change, Appeared)} == set(b.serials)
        assert {change.serial for change in found if isinstance(change, Ready)} == set(b.serials)


async def test_configured_address_is_connected_by_the_registry(bench):
    async with bench("bare") as b:
        await b.client.disconnect(b.serial)
        async with contextlib.aclosing(registry(b, b.serials).changes()) as changes:
            assert (await told(changes, 2))[-1] == Ready(b.serial)


async def test_short_drop_is_not_told(bench):
    async with bench("bare") as b:
        watched = registry(b)
        async with contextlib.aclosing(watched.changes()) as changes:
            await told(changes, 2)
            await b.control.drop()
            assert await quiet(changes, 1.5)
            assert watched.ready == {b.serial}


async def test_phone_off_the_network_is_lost_and_comes_back_by_itself(bench):
    async with bench("bare") as b, contextlib.aclosing(registry(b).changes()) as changes:
        await told(changes, 2)
        await b.control.stop()
        (lost,) = await told(changes, 1)
        assert lost.serial == b.serial
        assert lost.reason in {Reason.OFFLINE, Reason.ABSENT}
        await b.control.start()
        back = await told(changes, 2)
        while not isinstance(back[-1], Ready):
            back += await told(changes, 1)
        assert back[-1] == Ready(b.serial)


async def test_frozen_phone_is_lost_and_ready_again_when_it_thaws(bench):
    async with bench("bare") as b, contextlib.aclosing(registry(b).changes()) as changes:
        await told(changes, 2)
        await b.control.do("freeze", on=True)
        assert await told(changes, 1) == [Lost(b.serial, Reason.FROZEN)]
        assert (await b.client.devices())[b.serial] == "device"
        await b.control.do("freeze", on=False)
        assert await told(changes, 1) == [Ready(b.serial)]


async def test_unauthorized_phone_is_told_of(bench):
    async with bench("bare") as b:
        await b.control.do("authorization", mode="deny")
        await b.control.drop()
        async with contextlib.aclosing(registry(b).changes()) as changes:
            found = await told(changes, 1)
            while not isinstance(found[-1], Lost) or found[-1].reason is not Reason.UNAUTHORIZED:
                found += await told(changes, 1)
            assert "Allow USB debugging" in found[-1].advice


async def test_adb_server_that_is_away_is_told_and_waited_for():
    watched = Registry(AdbClient("127.0.0.1", 1), ["127.0.0.1:5"], rules=RULES)
    async with contextlib.aclosing(watched.changes()) as changes:
        assert await told(changes, 1) == [Lost("127.0.0.1:5", Reason.SERVER_GONE)]


async def test_registry_that_is_closed_leaves_no_task(bench):
    async with bench("bare", phones=2) as b:
        before = len(asyncio.all_tasks())
        async with contextlib.aclosing(registry(b).changes()) as changes:
            await told(changes, 4)
        assert len(asyncio.all_tasks()) == before


async def test_phone_that_the_server_has_removed_is_connected_again_without_a_word(bench):
    """What adb does to a network phone that was away for 60 s: it forgets it and does not try any more."""
    async with bench("bare") as b:
        watched = registry(b, b.serials)
        async with contextlib.aclosing(watched.changes()) as changes:
            await told(changes, 2)
            await b.client.disconnect(b.serial)
            assert await quiet(changes, 1.5)
            assert watched.ready == {b.serial}
            assert (await b.client.devices())[b.serial] == "device"


async def test_server_that_was_started_anew_gets_its_phones_again(bench):
    async with bench("bare") as b, AdbServer() as adb, Cable(adb.port) as way:
        watched = Registry(
            AdbClient("127.0.0.1", way.port), b.serials, rules=RULES, heartbeat_every_s=0.2, heartbeat_timeout_s=0.4
        )
        async with contextlib.aclosing(watched.changes()) as changes:
            assert (await told(changes, 2))[-1] == Ready(b.serial)
            await way.pull()
            assert await told(changes, 1) == [Lost(b.serial, Reason.SERVER_GONE)]
            await adb.disconnect(b.serial)
            await way.plug()
            back = await told(changes, 2)
            while not isinstance(back[-1], Ready):
                back += await told(changes, 1)
