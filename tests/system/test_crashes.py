"""kill -9 in the middle of a run: the run ends, nothing is done twice, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.orchestrator import ActionRequested, StepFinished
from contracts.values import RunStatus
from deploy.embedded.platform import SERVICES, Platform
from tests.system.exploring import events, finished, next_event, start
from tests.system.outside import ENVIRON, Outside
from tests.system.referee import assert_people_were_told_of_a_crash, assert_sound, judge

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

STEPS = 40


async def test_each_service_killed_in_the_middle_of_a_run_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        await outside.configure(platform)
        await start(platform, max_steps=STEPS)
        for number, service in enumerate(SERVICES):
            await next_event(platform, StepFinished, count=3 + 4 * number)
            platform.kill_service(service)
            platform.start_service(service)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        assert (await judge(platform)).touches > STEPS / 2
        assert_people_were_told_of_a_crash(await assert_sound(platform, outside))


@pytest.mark.slow
async def test_two_replicas_of_each_service_do_everything_once(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        for service in SERVICES:
            platform.start_service(service, replica=1)
        await outside.configure(platform)
        await start(platform, max_steps=STEPS)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        asked = await events(platform, ActionRequested)
        assert [r.event.sequence for r in asked] == list(range(1, len(asked) + 1))
        assert_people_were_told_of_a_crash(await assert_sound(platform, outside))
