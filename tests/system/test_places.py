"""Several adb servers with an agent each: a phone that moves from one to the other in the middle of a run, the run goes
on there, and nothing happens twice. And one agent that has both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.device_agent import ActionStarted, DeviceLost, DeviceReady, DeviceRegistered
from contracts.orchestrator import ActionRequested, StepFinished
from contracts.values import RunStatus
from deploy.embedded.adb import AdbServer
from deploy.embedded.platform import SERVICES, Platform
from services.device_agent.adb.client import AdbClient
from tests.device_agent.cable import Cable
from tests.system.exploring import events, finished, next_event, start
from tests.system.referee import judge

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

STEPS = 30
OTHERS = tuple(name for name in SERVICES if name != "device_agent")


@dataclass
class Lab:
    """One phone with a cable to each of two adb servers; the first one is plugged in."""

    platform: Platform
    first: AdbServer
    second: AdbServer
    cables: tuple[Cable, Cable]

    async def plug(self, number: int) -> None:
        await self.cables[number].plug()
        await (self.first, self.second)[number].connect(self.cables[number].address)


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[Lab]:
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(Platform(folder, phones=["demo@1"], services=OTHERS))
        first, second = [await stack.enter_async_context(AdbServer()) for _ in range(2)]
        (direct,) = platform.serials
        port = int(platform.client_environ["ANDROID_ADB_SERVER_PORT"])
        await AdbClient("127.0.0.1", port).disconnect(direct)
        cables = [await stack.enter_async_context(Cable(int(direct.rpartition(":")[2]))) for _ in range(2)]
        await first.connect(cables[0].address)
        await cables[1].pull()
        platform.serials = [cables[0].address]
        yield Lab(platform, first, second, (cables[0], cables[1]))


def servers(**named: AdbServer) -> dict[str, str]:
    return {"WAYMARK_ADB_SERVERS": ",".join(f"{name}=tcp:127.0.0.1:{adb.port}" for name, adb in named.items())}


async def assert_went_on(platform: Platform) -> None:
    """The run ended well, and no action reached the phone twice."""
    run = (await finished(platform))[0]
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    asked = await events(platform, ActionRequested)
    assert [r.event.sequence for r in asked] == list(range(1, len(asked) + 1))
    verdict = await judge(platform)
    assert verdict.repeated == {}
    assert verdict.unfenced == []
    assert verdict.touches > STEPS / 2


async def test_run_goes_on_where_its_phone_moves_to_and_nothing_happens_twice(tmp_path: Path) -> None:
    async with lab(tmp_path) as there:
        platform = there.platform
        platform.start_service("device_agent", replica=0, environ=servers(rack1=there.first))
        platform.start_service("device_agent", replica=1, environ=servers(rack2=there.second))
        await start(platform, max_steps=STEPS)
        await next_event(platform, StepFinished, count=5)
        await there.cables[0].pull()
        await there.plug(1)
        await assert_went_on(platform)

        ready = [r.event for r in await events(platform, DeviceReady)]
        assert [(event.session, event.agent) for event in ready] == [
            (1, "device_agent-0@rack1"),
            (2, "device_agent-1@rack2"),
        ]
        assert {event.serial for event in ready} == set(platform.serials), "it is the same phone, by another address"
        (lost,) = [r.event for r in await events(platform, DeviceLost)]
        assert (lost.session, lost.agent) == (1, "device_agent-0@rack1")
        started = [r.event.instance for r in await events(platform, ActionStarted)]
        assert started == sorted(started), "once it had moved, nobody acted at the first place any more"
        assert set(started) == {"device_agent-0@rack1", "device_agent-1@rack2"}


async def test_one_agent_with_two_servers_has_one_phone_by_whichever_cable(tmp_path: Path) -> None:
    async with lab(tmp_path) as there:
        platform = there.platform
        platform.start_service("device_agent", environ=servers(rack1=there.first, rack2=there.second))
        await there.plug(1)
        await start(platform, max_steps=STEPS)
        await next_event(platform, StepFinished, count=5)
        await there.cables[0].pull()
        await there.cables[1].pull()
        await there.plug(1)
        await assert_went_on(platform)

        devices = {r.event.device_id for r in await events(platform, DeviceRegistered)}
        assert len(devices) == 1
