"""kill -9 in the middle of a task: the same outcome, no answer used twice, no action repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from contracts.event import Event
from contracts.orchestrator import ActionRequested, StepFinished, TurnRequested, TurnTaken
from contracts.values import RunStatus
from deploy.embedded.platform import SERVICES, Platform
from tests.system.exploring import matching
from tests.system.referee import assert_sound
from tests.system.tasking import SHOP, Beside, begin, configure, deeds, ended, phones, texts, touches, turns
from tests.tasks import buying
from tests.tasks.moves import touching
from tests.tasks.playing import Play, PlayingModel

pytestmark = [pytest.mark.system]

MOMENTS: tuple[type[Event], ...] = (TurnRequested, TurnTaken, ActionRequested, StepFinished)
"""After which event a service is killed: the model is being asked, its answer was taken, the phone is being touched,
the step is over."""
TURNS = 12


@asynccontextmanager
async def _ring(folder: Path) -> AsyncIterator[tuple[Platform, PlayingModel]]:
    async with (
        Platform(folder, phones=phones("version_1")) as platform,
        PlayingModel(platform.control) as model,
    ):
        await configure(platform, model, ("autoglm",), timeout_s=4)
        yield platform, model


async def _killed_at(platform: Platform, task: UUID, moment: type[Event], turn: int, service: str) -> None:
    """Kills a service when a turn has come to this, and starts it again."""

    await matching(platform, moment, lambda event: (event.task_id, event.turn) == (task, turn))
    platform.kill_service(service)
    platform.start_service(service)


async def _assert_done_once(platform: Platform, play: Play, task: UUID, since: int = 0) -> None:
    run = await ended(platform, task, limit_s=120)
    assert run.status is RunStatus.SUCCEEDED, (run.failure_reason, play.missing)
    touched = await touches(platform, play.phone, since)
    assert deeds(touched) == touching(play.moves)
    assert texts(touched) == buying.typed("李伟")
    taken = await turns(platform, task)
    assert max(Counter(turn.call_id for turn in taken).values()) == 1, "each answer is used once"
    assert [turn.turn for turn in taken] == list(range(1, len(taken) + 1))


@pytest.mark.timeout(300)
async def test_each_service_killed_in_another_turn_of_a_task_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with _ring(tmp_path) as (platform, model):
        play = Play(buying.goal("李伟"), buying.moves("李伟"), delay_s=0.2)
        task = await begin(platform, model, play)
        for number, service in enumerate(SERVICES):
            await _killed_at(platform, task, MOMENTS[number % len(MOMENTS)], 2 + number, service)
        await _assert_done_once(platform, play, task)
        await assert_sound(platform, Beside(model))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_killed_in_every_turn_of_a_task_loses_and_repeats_nothing(tmp_path: Path, service: str) -> None:
    async with _ring(tmp_path) as (platform, model):
        for moment in _moments_of(service):
            await platform.control.do("play", 0, app=SHOP.format("version_1"))
            before = await touches(platform)
            play = Play(buying.goal(f"李伟，{moment.__name__}"), buying.moves("李伟"), delay_s=0.2)
            task = await begin(platform, model, play)
            for turn in range(1, TURNS + 1):
                await _killed_at(platform, task, moment, turn, service)
            await _assert_done_once(platform, play, task, before[-1]["seq"] if before else 0)
        await assert_sound(platform, Beside(model))


def _moments_of(service: str) -> Sequence[type[Event]]:
    """Moments at which a service has something to do in a turn."""
    return {
        "orchestrator": MOMENTS,
        "device_agent": (ActionRequested, StepFinished),
        "llm_gateway": (TurnRequested, TurnTaken),
        "screen_indexer": (ActionRequested,),
    }.get(service, (TurnTaken,))
