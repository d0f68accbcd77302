"""The task of twelve steps on a phone: in each grammar; then its script without a model, on other versions of the app.

The tests share the platform and run in this order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest
import pytest_asyncio

from contracts.orchestrator import RunFinished, ScriptRecorded, ScriptReplayed
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import events, matching
from tests.system.referee import assert_sound
from tests.system.tasking import SHOP, Beside, asked, begin, configure, deeds, ended, phones, texts, touches, turns
from tests.tasks import buying
from tests.tasks.moves import touching
from tests.tasks.playing import Play, PlayingModel
from tests.tasks.speech import GRAMMARS

pytestmark = [pytest.mark.system, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

DEEDS = touching(buying.moves("李伟"))
REPLAYED = touching(buying.replayed("李伟"))


@dataclass
class Tasks:
    platform: Platform
    model: PlayingModel
    plays: list[Play] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)

    async def replay(self, script: ScriptRecorded, phone: int, variant: str, **fields: object) -> tuple[UUID, int]:
        """Begins to replay on a phone that now has this variant of the app; the task, and where its trace begins."""
        await self.platform.control.do("play", phone, app=SHOP.format(variant))
        since = (await touches(self.platform, phone))[-1]["seq"]
        task = {"kind": "replay", "script": str(script.script_id), "serial": self.platform.serials[phone], **fields}
        return await asked(self.platform, task, f"replay-{variant}-{phone}-{since}"), since

    async def script_of(self, number: int) -> ScriptRecorded:
        task = self.ids[number]
        return (await matching(self.platform, ScriptRecorded, lambda event: event.task_id == task))[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tasks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tasks]:
    folder = tmp_path_factory.mktemp("tasks")
    async with (
        Platform(folder, phones=phones("version_1", len(GRAMMARS))) as platform,
        PlayingModel(platform.control) as model,
    ):
        await configure(platform, model)
        yield Tasks(platform, model)


async def test_the_task_is_done_in_each_grammar_with_exactly_its_twelve_actions(tasks: Tasks) -> None:
    for number, grammar in enumerate(GRAMMARS):
        who = f"李伟{number}"
        play = Play(buying.goal(who), buying.moves(who), grammar, number)
        tasks.plays.append(play)
        tasks.ids.append(await begin(tasks.platform, tasks.model, play))
    for play, task in zip(tasks.plays, tasks.ids, strict=True):
        run = await ended(tasks.platform, task)
        assert run.status is RunStatus.SUCCEEDED, (play.grammar, run.failure_reason, play.missing)
        touched = await touches(tasks.platform, play.phone)
        assert deeds(touched) == DEEDS, play.grammar
        assert texts(touched) == buying.typed(f"李伟{play.phone}"), play.grammar
        assert [turn.verdict for turn in await turns(tasks.platform, task)] == ["ACT"] * 12 + ["FINISH"]
        assert play.asked == 13
        assert (await tasks.platform.control.surface(phone=play.phone))["activity"].endswith("PaymentActivity")


async def test_its_script_replays_without_a_model(tasks: Tasks) -> None:
    before = tasks.model.requests.total
    begun = [await tasks.replay(await tasks.script_of(number), number, "version_1") for number in range(len(GRAMMARS))]
    for number, (task, since) in enumerate(begun):
        run = await ended(tasks.platform, task)
        assert run.status is RunStatus.SUCCEEDED, (GRAMMARS[number], run.failure_reason)
        touched = await touches(tasks.platform, number, since)
        assert deeds(touched) == REPLAYED, GRAMMARS[number]
        assert texts(touched) == buying.typed(f"李伟{number}")
    assert tasks.model.requests.total == before
    replayed = [r.event for r in await events(tasks.platform, ScriptReplayed)]
    assert {event.success_rate for event in replayed} == {"100.00"}


async def test_its_script_survives_a_version_in_which_everything_of_the_way_is_elsewhere(tasks: Tasks) -> None:
    before = tasks.model.requests.total
    task, since = await tasks.replay(await tasks.script_of(0), 0, "version_2")
    run = await ended(tasks.platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert deeds(await touches(tasks.platform, 0, since)) == REPLAYED
    assert tasks.model.requests.total == before


async def test_its_script_is_refused_with_the_reason_where_an_element_is_gone(tasks: Tasks) -> None:
    before = tasks.model.requests.total
    task, since = await tasks.replay(await tasks.script_of(1), 1, "without_date")
    run = await ended(tasks.platform, task)
    assert run.status is RunStatus.FAILED
    assert run.failure_reason is not None
    assert "Delivery date" in run.failure_reason
    assert deeds(await touches(tasks.platform, 1, since)) == REPLAYED[:-3], "nothing is done from there on"
    assert tasks.model.requests.total == before


async def test_a_script_with_other_values_types_those(tasks: Tasks) -> None:
    script = await tasks.script_of(2)
    names = [parameter.name for parameter in script.data.parameters]
    assert names, script.data
    values = dict(zip(names, ["户外", "王芳", "2027-01-02"], strict=True))
    task, since = await tasks.replay(script, 2, "version_1", variables=values)
    run = await ended(tasks.platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert texts(await touches(tasks.platform, 2, since)) == ["户外", "王芳", "2027-01-02"]


async def test_everything_holds_together_afterwards(tasks: Tasks) -> None:
    # The apps that the phones had when they were attached: whoever attaches them anew finds nothing to tell.
    for number in range(len(GRAMMARS)):
        await tasks.platform.control.do("play", number, app=SHOP.format("version_1"))
    await assert_sound(tasks.platform, Beside(tasks.model))
    assert len(await events(tasks.platform, RunFinished)) == 2 * len(GRAMMARS) + 3
