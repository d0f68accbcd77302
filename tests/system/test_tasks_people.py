"""People in tasks: asked before something sensitive, for a choice, to take the phone; and nobody who answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.orchestrator import PersonAnswered, PersonAsked
from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import caught_up, events, rows, until
from tests.system.referee import assert_sound
from tests.system.tasking import Beside, begin, configure, deeds, ended, person_asked, phones, tell, touches
from tests.tasks import buying
from tests.tasks.apps import LABEL
from tests.tasks.moves import Ask, Finish, Launch, Move, Note, TakeOver, Tap, touching
from tests.tasks.playing import Play, PlayingModel

pytestmark = [pytest.mark.system, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

ASKS = {"confirm": "ask"}
BEFORE_BUYING = buying.moves("李伟")[:5]
REFUSED: list[Move] = [*BEFORE_BUYING, Tap("Buy now", once=True), Finish("不能买", succeeded=False)]
Ring = tuple[Platform, PlayingModel]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ring(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ring]:
    folder = tmp_path_factory.mktemp("people")
    async with (
        Platform(folder, phones=phones("version_1", 6)) as platform,
        PlayingModel(platform.control) as model,
    ):
        await configure(platform, model, ("autoglm", "numbered"))
        yield platform, model


async def test_what_is_sensitive_is_done_when_a_person_agrees(ring: Ring) -> None:
    platform, model = ring
    play = Play(buying.goal("李伟"), buying.moves("李伟"), "autoglm", 0)
    task = await begin(platform, model, play, rules=ASKS)
    for number, (label, before) in enumerate((("Buy now", 5), ("Continue", 10), ("Place order", 11)), 1):
        question = await person_asked(platform, task, number)
        assert question.question == "CONFIRM"
        assert label in question.words
        assert len(deeds(await touches(platform, 0))) == before, "nothing is touched while nobody has agreed"
        await tell(platform, "confirm", task)
    run = await ended(platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert deeds(await touches(platform, 0)) == touching(buying.moves("李伟"))


async def test_what_a_person_denies_is_not_done_and_the_model_is_told(ring: Ring) -> None:
    platform, model = ring
    play = Play("搜一个头灯，不要买。甲", REFUSED, "autoglm", 1)
    task = await begin(platform, model, play, rules=ASKS)
    await person_asked(platform, task)
    await tell(platform, "deny", task)
    run = await ended(platform, task)
    assert run.status is RunStatus.FAILED
    assert run.failure_reason is not None
    assert "不能买" in run.failure_reason
    assert deeds(await touches(platform, 1)) == touching(BEFORE_BUYING)


async def test_what_nobody_answers_is_not_done(ring: Ring) -> None:
    platform, model = ring
    play = Play("搜一个头灯，不要买。乙", REFUSED, "numbered", 2)
    task = await begin(platform, model, play, rules={**ASKS, "person_wait_s": 1})
    run = await ended(platform, task)
    assert run.status is RunStatus.FAILED
    assert deeds(await touches(platform, 2)) == touching(BEFORE_BUYING)
    answers = [r.event for r in await events(platform, PersonAnswered) if r.event.task_id == task]
    assert [(answer.verdict, answer.by) for answer in answers] == [("DENIED", None)]


async def test_a_person_takes_the_phone_where_the_model_asks_and_gives_it_back(ring: Ring) -> None:
    platform, model = ring
    moves: list[Move] = [Launch(LABEL), TakeOver("请先登录"), Tap("Search"), Finish("好了")]
    play = Play("登录后打开搜索", moves, "autoglm", 3)
    task = await begin(platform, model, play)
    question = await person_asked(platform, task)
    assert (question.question, question.detail is not None) == ("TAKE_OVER", True)
    await caught_up(platform)
    [row] = await rows(platform, "SELECT status FROM orchestrator.tasks WHERE id = $1", task)
    assert row["status"].upper() == "PAUSED"
    await tell(platform, "resume", task)
    run = await ended(platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert deeds(await touches(platform, 3)) == ["launch", "tap"]


async def test_an_answer_of_a_person_reaches_the_model(ring: Ring) -> None:
    platform, model = ring
    moves: list[Move] = [Launch(LABEL), Ask("要哪一种头灯？"), Note("红色的"), Finish("记下了")]
    play = Play("记下要哪一种头灯", moves, "numbered", 4)
    task = await begin(platform, model, play)
    assert (await person_asked(platform, task)).question == "CHOOSE"
    await tell(platform, "answer", task, text="红光的那种")
    run = await ended(platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    sent = [request.text for request in model.requests.all if play.goal in request.text]
    assert ["红光的那种" in text for text in sent[:3]] == [False, False, True]


async def test_a_person_takes_over_without_being_asked(ring: Ring) -> None:
    platform, model = ring
    play = Play(buying.goal("王芳"), buying.moves("王芳"), "autoglm", 5, delay_s=0.5)
    task = await begin(platform, model, play)

    async def typed() -> bool:
        return "text" in deeds(await touches(platform, 5))

    await until("the first text", typed)
    await tell(platform, "takeover", task)
    question = await person_asked(platform, task)
    done = len(await touches(platform, 5))
    asked = play.asked
    await asyncio.sleep(2.0)  # What must not happen has that long to happen.
    assert len(await touches(platform, 5)) == done
    assert play.asked <= asked + 1, "the answer that was under way"
    assert (question.question, question.by) == ("TAKE_OVER", "tester")
    await tell(platform, "resume", task)
    run = await ended(platform, task)
    assert run.status is RunStatus.SUCCEEDED, run.failure_reason
    assert deeds(await touches(platform, 5)) == touching(buying.moves("王芳"))


async def test_everything_holds_together_afterwards(ring: Ring) -> None:
    platform, model = ring
    log = await assert_sound(platform, Beside(model))
    asked = [r.event.ask_id for r in log if isinstance(r.event, PersonAsked)]
    answered = [r.event.ask_id for r in log if isinstance(r.event, PersonAnswered)]
    assert sorted(asked) == sorted(answered)
    assert len(set(asked)) == len(asked)
