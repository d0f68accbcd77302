"""A script on a phone whose app calls things otherwise: refused without a model, repaired with one, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.orchestrator import (
    RunFinished,
    ScriptDrafted,
    ScriptRecorded,
    ScriptReplayed,
    StepFinished,
    TurnRequested,
)
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import events, next_event
from tests.system.tasking import asked, begin, configure, ended, phones
from tests.tasks.apps import LABEL
from tests.tasks.buying import QUERY
from tests.tasks.moves import Finish, Launch, Tap, Type
from tests.tasks.playing import Play, PlayingModel

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

HERE, RENAMED = range(2)
NAME = "look for something"
PLAY = Play(
    "在演示商店里搜索户外用品，然后停下。", [Launch(LABEL), Tap("Search"), Type(QUERY), Finish("done")], phone=HERE
)
REPAIR = Play('not found: tap "Search"', [Tap("Search")], phone=RENAMED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Platform, PlayingModel]]:
    folder: Path = tmp_path_factory.mktemp("repairs")
    shops = [*phones("version_1"), *phones("renamed")]
    async with Platform(folder, phones=shops) as platform, PlayingModel(platform.control, [REPAIR]) as model:
        await configure(platform, model, ("autoglm",))
        yield platform, model


async def replayed(platform: Platform, phone: int, called: str, **fields: Any) -> RunFinished:
    """The end of a replay of the script on a phone."""
    rules = {"model": "autoglm", "confirm": "allow"}
    script = str((await next_event(platform, ScriptRecorded))[0].script_id)
    body = {"kind": "replay", "script": script, "serial": platform.serials[phone], "rules": rules, **fields}
    return await ended(platform, await asked(platform, body, called))


async def questions(platform: Platform) -> list[TurnRequested]:
    return [r.event for r in await events(platform, TurnRequested)]


async def test_a_task_leaves_a_script_that_does_the_same(shop: tuple[Platform, PlayingModel]) -> None:
    platform, model = shop
    task = await ended(platform, await begin(platform, model, PLAY))
    assert task.status is RunStatus.SUCCEEDED, task.failure_reason
    script = (await next_event(platform, ScriptRecorded))[-1]
    assert (script.origin, script.version) == ("RECORDED", 1)
    assert QUERY not in script.data.model_dump_json()


async def test_what_is_called_otherwise_is_refused_with_the_reason_and_nobody_is_asked(
    shop: tuple[Platform, PlayingModel],
) -> None:
    platform, _ = shop
    before = len(await questions(platform))
    refused = await replayed(platform, RENAMED, "refused")
    assert (refused.status, refused.failure_code) == (RunStatus.FAILED, "GUARD")
    assert refused.failure_reason is not None
    assert refused.failure_reason.startswith('step 2 of 3 (tap "Search"): ')
    assert "its id is action_search" in refused.failure_reason
    assert len(await questions(platform)) == before


async def test_the_model_finds_it_once_and_the_new_version_does_without_it(
    shop: tuple[Platform, PlayingModel],
) -> None:
    platform, _ = shop
    before = len(await questions(platform))
    repaired = await replayed(platform, RENAMED, "repaired", repair=True)
    assert repaired.status is RunStatus.SUCCEEDED, repaired.failure_reason
    assert [question.purpose for question in (await questions(platform))[before:]] == ["REPAIR"]
    script = (await next_event(platform, ScriptRecorded, count=2))[-1]
    assert (script.origin, script.version, len(script.repairs)) == ("REPAIRED", 2, 1)

    again = await replayed(platform, RENAMED, "again")
    assert again.status is RunStatus.SUCCEEDED, again.failure_reason
    assert again.replayed is not None
    assert again.replayed.version == 2
    assert len(await questions(platform)) == before + 1
    steps = [r.event for r in await events(platform, StepFinished) if r.event.run_id == again.run_id]
    assert [step.succeeded for step in steps] == [True, True, True], "one action a step"
    await next_event(platform, ScriptReplayed, count=3)
    counted = [(r.event.version, r.event.succeeded) for r in await events(platform, ScriptReplayed)]
    assert counted == [(1, False), (1, True), (2, True)]
    assert len(await events(platform, ScriptDrafted)) == 2
