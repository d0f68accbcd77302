"""A script on a phone whose app calls things otherwise: refused without a model, repaired with one, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.orchestrator import (
    ConfigChanged,
    RunFinished,
    ScriptDrafted,
    ScriptRecorded,
    ScriptReplayed,
    StepFinished,
    TaskAccepted,
    TurnRequested,
)
from contracts.values import RunStatus
from deploy.embedded.openai_server import MODEL
from deploy.embedded.platform import Platform
from tests.system.exploring import events, next_event, until
from tests.tasks.apps import LABEL
from tests.tasks.buying import QUERY
from tests.tasks.moves import Finish, Launch, Tap, Type
from tests.tasks.playing import Play, PlayingModel

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

PHONES = [f"factory:tests.tasks.apps:{variant}" for variant in ("version_1", "renamed")]
HERE, RENAMED = range(2)
NAME, GOAL = "look for something", "在演示商店里搜索户外用品，然后停下。"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("repairs")
    async with Platform(folder, phones=PHONES) as running, PlayingModel(running.control) as model:
        config = {"base_url": model.base_url, "model": MODEL, "grammar": "tools", "vision": True, "timeout_s": 10}
        body = {"kind": "set", "config_type": "LLM", "name": "player", "config": config}
        await running.request("waymark.request.config.alice", body)
        await next_event(running, ConfigChanged)
        model.plays.append(Play(GOAL, [Launch(LABEL), Tap("Search"), Type(QUERY), Finish("done")], "tools", HERE))
        model.plays.append(Play('not found: tap "Search"', [Tap("Search")], "tools", RENAMED))
        yield running


async def done(platform: Platform, phone: int, **task: Any) -> RunFinished:
    """The end of a task on a phone."""
    before = len(await events(platform, TaskAccepted))
    rules = {"model": "player", "confirm": "allow"}
    body = {"serial": platform.serials[phone], "rules": rules, **task}
    await platform.request("waymark.request.task.alice", body)
    accepted = (await next_event(platform, TaskAccepted, count=before + 1))[-1].event
    found: list[RunFinished] = []

    async def over() -> bool:
        found[:] = [r.event for r in await events(platform, RunFinished) if r.event.task_id == accepted.task_id]
        return bool(found)

    await until(f"the end of {accepted.spec.name}", over, limit_s=90)
    return found[0]


async def recorded(platform: Platform, count: int) -> ScriptRecorded:
    found: ScriptRecorded = (await next_event(platform, ScriptRecorded, count=count))[-1].event
    return found


async def test_a_task_leaves_a_script_that_does_the_same(platform: Platform) -> None:
    task = await done(platform, HERE, kind="task", goal=GOAL, name=NAME)
    assert task.status is RunStatus.SUCCEEDED, task.failure_reason
    script = await recorded(platform, 1)
    assert (script.origin, script.name, script.version) == ("RECORDED", NAME, 1)
    assert QUERY not in script.data.model_dump_json()
    asked = len(await events(platform, TurnRequested))
    again = await done(platform, HERE, kind="replay", script=NAME)
    assert (again.status, again.replayed.version) == (RunStatus.SUCCEEDED, 1)
    assert len(await events(platform, TurnRequested)) == asked


async def test_what_is_called_otherwise_is_refused_with_the_reason_and_nobody_is_asked(platform: Platform) -> None:
    asked = len(await events(platform, TurnRequested))
    refused = await done(platform, RENAMED, kind="replay", script=NAME)
    assert (refused.status, refused.failure_code) == (RunStatus.FAILED, "GUARD")
    assert refused.failure_reason is not None
    assert refused.failure_reason.startswith('step 2 of 3 (tap "Search"): ')
    assert "its id is action_search" in refused.failure_reason
    assert len(await events(platform, TurnRequested)) == asked


async def test_the_model_finds_it_once_and_the_new_version_does_without_it(platform: Platform) -> None:
    asked = len(await events(platform, TurnRequested))
    repaired = await done(platform, RENAMED, kind="replay", script=NAME, repair=True, variables={})
    assert repaired.status is RunStatus.SUCCEEDED, repaired.failure_reason
    assert [r.event.purpose for r in (await events(platform, TurnRequested))[asked:]] == ["REPAIR"]
    script = await recorded(platform, 2)
    assert (script.origin, script.version, len(script.repairs)) == ("REPAIRED", 2, 1)
    again = await done(platform, RENAMED, kind="replay", script=NAME)
    assert (again.status, again.replayed.version) == (RunStatus.SUCCEEDED, 2)
    assert len(await events(platform, TurnRequested)) == asked + 1
    steps = [r.event for r in await events(platform, StepFinished) if r.event.run_id == again.run_id]
    assert [step.succeeded for step in steps] == [True, True, True], "one action a step"
    counted = [(r.event.version, r.event.succeeded) for r in await events(platform, ScriptReplayed)]
    assert counted == [(1, True), (1, False), (1, True), (2, True)]
    assert len(await events(platform, ScriptDrafted)) == 2
