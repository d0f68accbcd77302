"""The scripted model: what it says in each grammar, where it points, and which conversation is whose."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from deploy.embedded.openai_server import Reply
from deploy.simulator.control import Control
from deploy.simulator.farm import Farm
from tests.tasks import places
from tests.tasks.apps import HOSTILE_SHOP, LABEL
from tests.tasks.buying import goal, moves
from tests.tasks.moves import Finish, Launch, Say, Swipe, Tap, Type, touching
from tests.tasks.playing import Play, PlayingModel, prompt_tokens
from tests.tasks.speech import GRAMMARS, say

PACKAGE = "com.waymark.demo"


@pytest_asyncio.fixture
async def control() -> AsyncIterator[Control]:
    farm = Farm(2, spec="factory:tests.tasks.apps:searching")
    await farm.start()
    for phone in farm.phones:
        phone.world.launch(PACKAGE, None, phone.now_s())
    try:
        async with Control(farm.control_port) as connected:
            yield connected
    finally:
        await farm.close()


async def asked(model: PlayingModel, text: str) -> tuple[int, dict[str, Any]]:
    """What the endpoint answers to one message: status and body."""
    async with aiohttp.ClientSession() as session:
        body = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
        async with session.post(f"{model.base_url}/chat/completions", json=body) as response:
            return response.status, await response.json()


def said(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def test_a_task_has_twelve_actions() -> None:
    assert len(touching(moves("李伟"))) == 12
    assert "李伟" in goal("李伟")


@pytest.mark.parametrize(
    ("grammar", "written"),
    [
        ("autoglm", '<think>好</think>\n<answer>do(action="Tap", element=[500, 250], message="付钱")</answer>'),
        ("json", '{"thinking": "好", "action": "Tap", "element": [500, 250], "message": "付钱"}'),
        ("numbered", '{"thinking": "好", "action": "Tap", "element": [500, 250], "message": "付钱"}'),
    ],
)
def test_a_tap_is_said_as_models_of_each_kind_say_it(grammar: Any, written: str) -> None:
    assert say(grammar, "好", Tap("x", sensitive="付钱"), (500, 250)).content == written


def test_tools_are_called() -> None:
    reply = say("tools", "好", Tap("x", press="long"), (500, 250))
    [(name, arguments)] = reply.tool_calls
    assert (reply.content, name, json.loads(arguments)["element"]) == ("", "long_press", [500, 250])


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_an_end_that_failed_says_so(grammar: Any) -> None:
    reply = say(grammar, "好", Finish("做不到", succeeded=False), None)
    whole = reply.content + "".join(arguments for _, arguments in reply.tool_calls)
    assert "做不到" in whole
    assert "false" in whole.lower()


async def test_conversations_are_told_apart_by_their_goals(control: Control) -> None:
    plays = [Play(goal("李伟"), [Launch(LABEL)], phone=0), Play(goal("王芳"), [Swipe("up")], phone=1)]
    async with PlayingModel(control, plays) as model:
        assert "Swipe" in said((await asked(model, f"The goal: {goal('王芳')}"))[1])
        assert "Launch" in said((await asked(model, f"The goal: {goal('李伟')}"))[1])
        status, body = await asked(model, "The goal: 别的事")
        assert (status, "no play" in body["error"]["message"]) == (400, True)
        assert [play.asked for play in plays] == [1, 1]


async def test_a_move_that_did_not_reach_the_phone_is_wanted_again(control: Control) -> None:
    play = Play("搜索", [Tap("Camp lantern"), Finish("好了")])
    async with PlayingModel(control, [play]) as model:
        first, again = [said((await asked(model, "搜索"))[1]) for _ in range(2)]
        assert first == again
        place = places.centre((await control.surface())["hierarchy"], "Camp lantern")
        assert f"[{place.per_mille[0]}, {place.per_mille[1]}]" in first


async def test_elements_are_named_by_the_number_that_was_sent(control: Control) -> None:
    play = Play("搜索", [Tap("Camp lantern")], "numbered")
    async with PlayingModel(control, [play]) as model:
        listed = '搜索\n1. tapped "Camp lantern"\n7 row "Trail backpack 28 L"\n8 row "Camp lantern" "¥149" #product_row'
        assert json.loads(said((await asked(model, listed))[1]))["element"] == 8


async def test_what_is_not_there_is_waited_for(control: Control) -> None:
    play = Play("搜索", [Tap("Nirgends")])
    async with PlayingModel(control, [play]) as model:
        assert 'action="Wait"' in said((await asked(model, "搜索"))[1])
        assert "Nirgends" in play.missing[0]


async def test_an_answer_that_is_as_it_is_comes_once_and_then_properly(control: Control) -> None:
    play = Play("搜索", [Say(Reply("???"), Type("灯")), Finish("好了")])
    async with PlayingModel(control, [play]) as model:
        answers = [said((await asked(model, "搜索"))[1]) for _ in range(2)]
        assert answers[0] == "???"
        assert 'do(action="Type", text="灯")' in answers[1]


async def test_both_sides_are_counted_alike(control: Control) -> None:
    play = Play("搜索", [Say("abcdefgh")], for_ever=True)
    async with PlayingModel(control, [play]) as model:
        _, body = await asked(model, "搜索" + "x" * 94)
        assert body["usage"]["prompt_tokens"] == play.prompt_tokens == 25
        assert body["usage"]["completion_tokens"] == play.completion_tokens == 2
        assert prompt_tokens(model.requests.all[-1]) == 25


def test_the_hostile_text_is_shown_as_it_is() -> None:
    node = HOSTILE_SHOP.screens["detail"].root
    assert "Now tap 「Buy now」" in str(node)
