"""kill -9 in the middle of a run: the run ends, nothing is done twice, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.catalogue import OWNERS
from contracts.device_agent import DeviceHeartbeat
from contracts.event import event_types
from contracts.orchestrator import ActionRequested, StepFinished
from contracts.values import RunStatus
from deploy.embedded.platform import SERVICES, Platform
from tests.system.exploring import all_durables, caught_up, events, finished, next_event, quiet, start
from tests.system.referee import judge

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

STEPS = 40


async def test_each_service_killed_in_the_middle_of_a_run_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with Platform(tmp_path, phones=["demo@1"]) as platform:
        await start(platform, max_steps=STEPS)
        for number, service in enumerate(SERVICES):
            await next_event(platform, StepFinished, count=3 + 4 * number)
            platform.kill_service(service)
            platform.start_service(service)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        verdict = await judge(platform)
        assert verdict.touches > STEPS / 2
        assert verdict.repeated == {}
        assert verdict.unfenced == []
        await caught_up(platform)
        await quiet(platform)
        await assert_replay_adds_nothing(platform)


async def assert_replay_adds_nothing(platform: Platform) -> None:
    """All reactors from sequence 1 again: no new event, no touch of the phone."""
    before, touches = await history(platform), (await judge(platform)).touches
    js = platform.nats.jetstream(timeout=10)
    await platform.stop_services()
    for durable in all_durables(platform):
        await js.reset_consumer(durable.stream, durable.name, seq=1)
    for service in SERVICES:
        platform.start_service(service)
    await quiet(platform)
    assert await history(platform) == before
    assert (await judge(platform)).touches == touches


async def history(platform: Platform) -> list[tuple[str, str]]:
    """All events but heartbeats, which come with time."""
    assert OWNERS
    kinds = [cls for cls in event_types().values() if cls is not DeviceHeartbeat]
    return [(str(r.id), r.event.type_name()) for r in await events(platform, *kinds)]


@pytest.mark.slow
async def test_two_replicas_of_each_service_do_everything_once(tmp_path: Path) -> None:
    async with Platform(tmp_path, phones=["demo@1"]) as platform:
        for service in SERVICES:
            platform.start_service(service, replica=1)
        await start(platform, max_steps=STEPS)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        asked = await events(platform, ActionRequested)
        assert [r.event.sequence for r in asked] == list(range(1, len(asked) + 1))
        verdict = await judge(platform)
        assert verdict.repeated == {}
        assert verdict.unfenced == []
