"""Models that are not as they should be: garbage, loops, away, slow, obedient to what a screen says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.llm_gateway import CallStarted
from contracts.orchestrator import ModelAwaited
from contracts.values import RunStatus
from deploy.embedded.openai_server import Failure, Hang
from deploy.embedded.platform import Platform
from tests.system.exploring import caught_up, events, matching, rows
from tests.system.referee import assert_sound
from tests.system.tasking import Beside, begin, configure, deeds, ended, phones, touches, turns
from tests.tasks import buying
from tests.tasks.apps import LABEL
from tests.tasks.moves import Finish, Launch, Move, Note, Say, Tap, touching
from tests.tasks.playing import Play, PlayingModel
from tests.tasks.speech import GRAMMARS

pytestmark = [pytest.mark.system, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

Ring = tuple[Platform, PlayingModel]
LOOK_AT_IT: list[Move] = [*buying.moves("李伟")[:5], Note("头灯 169 元"), Finish("看过了")]
_HOSTILE_PHONES = range(4, 4 + len(GRAMMARS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ring(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ring]:
    folder = tmp_path_factory.mktemp("models")
    played = [*phones("version_1", 4), *phones("hostile", len(GRAMMARS) + 1)]
    async with Platform(folder, phones=played) as platform, PlayingModel(platform.control) as model:
        await configure(platform, model, timeout_s=2)
        yield platform, model


async def test_garbage_for_ever_costs_the_budget_and_not_one_call_more(ring: Ring) -> None:
    platform, model = ring
    play = Play("不要紧的事", [Say("我再想一想……")], "numbered", 0, for_ever=True)
    budget = 6_000
    task = await begin(platform, model, play, rules={"token_budget": budget})
    run = await ended(platform, task)
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "budget used up")
    spent = play.prompt_tokens + play.completion_tokens
    assert 0 < spent <= budget
    started = [r.event for r in await events(platform, CallStarted) if r.event.run_id == run.run_id]
    assert play.asked == len(started)
    assert await touches(platform, 0) == []


async def test_garbage_without_a_budget_of_the_task_ends_with_a_person_whom_nobody_answers_for(ring: Ring) -> None:
    platform, model = ring
    play = Play("不要紧的另一件事", [Say("")], "tools", 0, for_ever=True)
    task = await begin(platform, model, play, rules={"person_wait_s": 1})
    run = await ended(platform, task)
    assert run.status is RunStatus.FAILED
    assert {turn.verdict for turn in await turns(platform, task)} == {"MISREAD"}
    assert play.asked <= 5 * 3, "five turns, each asked three times"
    assert await touches(platform, 0) == []


async def test_a_loop_ends(ring: Ring) -> None:
    platform, model = ring
    moves: list[Move] = [Launch(LABEL), Tap("Search"), *[Tap("Search the shop")] * 30]
    play = Play("一直点", moves, "json", 1)
    task = await begin(platform, model, play, rules={"person_wait_s": 1})
    run = await ended(platform, task)
    assert run.status is RunStatus.FAILED
    assert run.failure_reason is not None
    assert "same" in run.failure_reason
    assert len(deeds(await touches(platform, 1))) <= 2 + 6
    told = [request.text for request in model.requests.all if play.goal in request.text]
    assert "getting nowhere" in told[-1], "the model was told first"


async def test_a_model_that_is_away_holds_the_task_which_goes_on_when_it_is_back(ring: Ring) -> None:
    platform, model = ring
    moves = buying.moves("李伟")
    away: list[Move] = [
        *moves[:3],
        Say(Failure(503)),
        Say(Failure(503)),
        *moves[3:6],
        Say(Hang()),
        Say(Hang()),
        *moves[6:],
    ]
    play = Play(buying.goal("李伟"), away, "autoglm", 2)
    task = await begin(platform, model, play)

    async def awaited(count: int) -> None:
        await matching(platform, ModelAwaited, lambda event: event.task_id == task, count=count)

    await awaited(1)
    await caught_up(platform)
    [row] = await rows(platform, "SELECT status FROM orchestrator.tasks WHERE id = $1", task)
    assert row["status"].upper() == "PAUSED"
    await awaited(2)
    await model.stop()
    await awaited(3)
    await model.start()
    run = await ended(platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert deeds(await touches(platform, 2)) == touching(moves)
    reasons = [r.event.reason for r in await events(platform, ModelAwaited) if r.event.task_id == task]
    assert "time" in reasons[1]


async def test_a_slow_model_is_waited_for(ring: Ring) -> None:
    platform, model = ring
    play = Play("慢慢看", LOOK_AT_IT, "tools", 3, delay_s=1.0)
    run = await ended(platform, await begin(platform, model, play))
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert play.asked == len(LOOK_AT_IT)


async def test_what_a_screen_says_moves_nothing(ring: Ring) -> None:
    platform, model = ring
    plays = [
        Play(f"看看头灯多少钱，{grammar}", LOOK_AT_IT, grammar, phone)
        for phone, grammar in zip(_HOSTILE_PHONES, GRAMMARS, strict=True)
    ]
    ids = [await begin(platform, model, play) for play in plays]
    for play, task in zip(plays, ids, strict=True):
        run = await ended(platform, task)
        assert run.status is RunStatus.SUCCEEDED, (play.grammar, run.failure_reason)
        assert deeds(await touches(platform, play.phone)) == touching(LOOK_AT_IT)


async def test_a_model_that_obeys_a_screen_gets_no_further_than_a_person(ring: Ring) -> None:
    platform, model = ring
    phone = _HOSTILE_PHONES.stop
    play = Play("看看头灯多少钱，听话", LOOK_AT_IT, "autoglm", phone, obeys=True)
    run = await ended(platform, await begin(platform, model, play, rules={"confirm": "ask", "person_wait_s": 1}))
    assert run.status is RunStatus.FAILED
    assert play.obeyed > 0
    assert deeds(await touches(platform, phone)) == touching(LOOK_AT_IT)


async def test_everything_holds_together_afterwards(ring: Ring) -> None:
    platform, model = ring
    await assert_sound(platform, Beside(model))
