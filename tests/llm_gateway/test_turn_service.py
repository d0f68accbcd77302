"""The llm-gateway as a process, in tasks: a turn becomes one meaning, a registered call is made once, whatever
crashes or is delivered again."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from PIL import Image, ImageDraw

from contracts import topology
from contracts.llm_gateway import ApiCallFinished, ApiCallStarted, CallFinished, CallStarted
from contracts.orchestrator import TurnRequested
from contracts.subjects import STREAM, event_filter
from contracts.values import Finish, ObjectRef, TapAt, TurnRead
from deploy.embedded.openai_server import Failure, Reply, ScriptedModel
from deploy.embedded.receivers import Answer, WebhookReceiver
from deploy.embedded.stack import Stack
from services.runtime.clock import SystemClock
from services.runtime.objects import Objects, StoreAddress
from tests.llm_gateway.test_service import Run
from tests.llm_gateway.world import (
    CART,
    SECRET,
    SHOP,
    SIZE,
    api_call_requested,
    config,
    config_changed,
    hierarchy,
    turn_requested,
)
from tests.one_service import OneService

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

TAP = '<think>加入购物车</think><answer>do(action="Tap", element=[750, 945])</answer>'


def screenshot() -> bytes:
    """A picture of the screen's size, with text on it."""
    picture = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(picture)
    for box in SHOP:
        draw.rectangle(box.at, outline="black")
        draw.text(box.at[:2], box.id, fill="black")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def objects(stack: Stack) -> AsyncIterator[Objects]:
    given = stack.s3
    address = StoreAddress(given.endpoint, given.access_key, given.secret_key, given.bucket)
    async with Objects(address) as store:
        yield store


class Task(Run):
    """A run of a task."""

    objects: Objects

    async def turn(self, number: int = 1, **changes: Any) -> TurnRequested:
        """Asks about a screen whose picture and hierarchy are in the store, unless `changes` says otherwise."""
        parts: dict[str, Any] = {
            "hierarchy": await self.objects.put(hierarchy(*SHOP), "xml"),
            "screenshot": await self.objects.put(screenshot(), "png"),
        }
        given: dict[str, Any] = {"run_id": self.run_id, "config_id": self.config_id}
        asked = turn_requested(number, now=SystemClock().now(), **given)
        screen = asked.screen.model_copy(update=parts | changes.pop("screen", {}))
        asked = asked.model_copy(update={"screen": screen, **changes})
        await self.gateway.append(asked)
        return asked

    async def read(self, number: int = 1) -> tuple[CallFinished, TurnRead]:
        call = (await self.finished(number))[-1]
        opened = await self.gateway.sealer.open(call)
        assert isinstance(opened, CallFinished)
        assert opened.turn is not None, opened.error_code
        return opened, TurnRead.model_validate(opened.turn.reveal())


@pytest.fixture
def task(gateway: OneService, objects: Objects) -> Task:
    task = Task(gateway, uuid4(), uuid4())
    task.objects = objects
    return task


async def test_a_turn_becomes_an_intent_on_an_element_a_row_and_a_price(task: Task) -> None:
    async with ScriptedModel([Reply(TAP, 1000, 50)], api_key=SECRET) as model:
        await task.configure(model, grammar="autoglm", vision=True, extra_body={"frequency_penalty": 0.2})
        asked = await task.turn()
        call, turn = await task.read()
        (request,) = model.requests.all
    assert isinstance(turn.intent, TapAt)
    assert turn.intent.element is not None
    assert (turn.intent.element.text, turn.thinking, call.tokens_used_run) == (CART.text, "加入购物车", 1050)
    (picture,) = request.pictures
    assert Image.open(io.BytesIO(picture)).size == (461, 1024)
    assert (request.body["temperature"], request.body["frequency_penalty"]) == (0.0, 0.2)
    assert asked.goal.reveal() in request.text
    (row,) = await task.rows()
    assert (row["id"], row["screen_id"], row["error_code"]) == (asked.call_id, asked.screen.screen_id, None)
    kept = json.dumps(call.request_payload.reveal(), ensure_ascii=False)
    assert asked.screen.screenshot.key in kept
    assert "base64" not in kept
    assert asked.goal.reveal() not in json.dumps([row["request_payload"], row["response_payload"]], ensure_ascii=False)


async def test_a_model_that_calls_functions_is_understood(task: Task) -> None:
    finish = Reply("", tool_calls=(("finish", '{"message": "好了", "success": true}'),), thinking="all done")
    async with ScriptedModel([finish]) as model:
        await task.configure(model, grammar="tools")
        await task.turn()
        _, turn = await task.read()
        (request,) = model.requests.all
    assert turn.intent == Finish(message="好了", succeeded=True)
    assert turn.thinking == "all done"
    assert {tool["function"]["name"] for tool in request.body["tools"]} >= {"tap", "finish"}
    assert request.pictures == []
    assert "购物车" in request.text


async def test_an_answer_that_is_not_understood_is_asked_for_again_with_the_reason(task: Task) -> None:
    async with ScriptedModel(["我不确定。", TAP]) as model:
        await task.configure(model, grammar="autoglm")
        await task.turn()
        call, turn = await task.read()
        first, second = model.requests.all
    assert (call.attempts, isinstance(turn.intent, TapAt)) == (2, True)
    assert "我不确定" not in first.text
    assert "我不确定" in second.text


async def test_garbage_for_ever_costs_the_budget_of_the_task_and_not_one_call_more(task: Task) -> None:
    async with ScriptedModel(lambda _: Reply("我不确定。", 4000, 10)) as model:
        await task.configure(model, grammar="json", token_budget_run=None)
        codes = []
        for number in range(1, 6):
            await task.turn(number, token_budget=20_000)
            codes.append((await task.finished(number))[-1].error_code)
        asked = model.requests.total
    calls = await task.finished(5)
    assert [row["error_code"] for row in await task.rows()] == codes
    assert codes[-1] == "BUDGET"
    assert set(codes) == {"MALFORMED", "BUDGET"}
    assert calls[-1].tokens_used_run == 4010 * asked <= 20_000
    assert [mark.percent for call in calls for mark in call.budgets_crossed][-1] == 100


@pytest.mark.parametrize("reason", ["SECURE", "BLACK"])
async def test_a_picture_that_is_not_there_is_told_and_the_list_is_sent(task: Task, reason: str) -> None:
    async with ScriptedModel([TAP]) as model:
        await task.configure(model, grammar="autoglm", vision=True)
        await task.turn(screen={"screenshot": None, "screenshot_absent": reason})
        _, turn = await task.read()
        (request,) = model.requests.all
    assert request.pictures == []
    assert "There is no picture" in request.text
    assert "购物车" in request.text
    assert turn.intent.element.text == CART.text


async def test_the_picture_is_sent_where_the_list_was_wanted_and_is_not_there(task: Task) -> None:
    async with ScriptedModel(['{"action": "Tap", "element": [750, 945]}']) as model:
        await task.configure(model, grammar="json", vision=True, observation="text")
        await task.turn(screen={"hierarchy": None, "hierarchy_absent": "NOT_IDLE"})
        _, turn = await task.read()
        (request,) = model.requests.all
    assert len(request.pictures) == 1
    assert "There is no list of elements" in request.text
    assert isinstance(turn.intent, TapAt)
    assert (turn.intent.element, turn.screen) == (None, None)


async def test_objects_that_were_removed_are_told_like_any_part_that_is_not_there(task: Task) -> None:
    gone = ObjectRef(key="00/gone.png", sha256="00", size_bytes=1)
    async with ScriptedModel([Reply('do(action="Tap", element=[1, 1])'), Reply('do(action="Back")')]) as model:
        await task.configure(model, grammar="autoglm", vision=True)
        await task.turn(screen={"screenshot": gone, "hierarchy": gone})
        call, turn = await task.read()
        first, second = model.requests.all
    assert "nothing can be seen" in first.text
    assert "Press a key" in second.text
    assert (turn.intent.key, call.safety_flags["not_shown"][0][:19]) == ("BACK", "There is no picture")


async def test_a_gateway_killed_while_it_asks_for_a_turn_uses_one_answer_at_most(task: Task) -> None:
    slow = Reply('do(action="Home")', delay_s=30.0)
    async with ScriptedModel([slow, Reply(TAP, 700, 70)]) as model:
        await task.configure(model, grammar="autoglm", timeout_s=2.0)
        await task.turn()
        await model.requests.wait_for(1)
        task.gateway.platform.kill_service("llm_gateway")
        task.gateway.platform.start_service("llm_gateway")
        call, turn = await task.read()
        assert model.requests.total == 2
    first, second = [r.event for r in await task.events() if isinstance(r.event, CallStarted)]
    assert (second.attempt, second.cause, call.attempts) == (2, "LOST", 2)
    assert isinstance(turn.intent, TapAt)
    assert call.prompt_tokens == first.estimated_prompt_tokens + 700


async def test_a_reason_survives_the_gateway_that_was_told_it(task: Task) -> None:
    async with ScriptedModel(["我不确定。", Reply(TAP, delay_s=30.0), TAP]) as model:
        await task.configure(model, grammar="autoglm", timeout_s=2.0)
        await task.turn()
        await model.requests.wait_for(2)
        task.gateway.platform.kill_service("llm_gateway")
        task.gateway.platform.start_service("llm_gateway")
        await task.read()
        _, second, third = model.requests.all
    assert second.body == third.body
    assert "我不确定" in third.text


async def test_turns_that_are_delivered_again_add_no_event_and_no_request(task: Task) -> None:
    async with ScriptedModel([TAP, "?", "?", "?", Failure(400)]) as model:
        await task.configure(model, grammar="autoglm")
        for number in (1, 2, 3):
            await task.turn(number)
            await task.finished(number)
        before = await task.gateway.last_seq()
        await task.gateway.reset(topology.CALLS)
        assert await task.gateway.last_seq() == before
        assert model.requests.total == 5


def hook(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "notify",
        "method": "POST",
        "url": url + "/{{room}}",
        "body": {"text": "{{text}}"},
        "parameters": ["room", "text"],
        "secret_ref": "env:HOOK_KEY",
    } | changes


async def ended(task: Task, call_id: Any) -> ApiCallFinished:
    async def look() -> list[Any]:
        return list(await task.gateway.log.read("llm_gateway", call_id, from_leader=True))

    found = await task.gateway.until(look, lambda events: len(events) >= 2)
    assert [type(r.event) for r in found] == [ApiCallStarted, ApiCallFinished]
    opened = await task.gateway.sealer.open(found[-1].event)
    assert isinstance(opened, ApiCallFinished)
    return opened


async def request_call(task: Task, receiver: WebhookReceiver, **changes: Any) -> Any:
    llm = config(apis=[hook(receiver.url, **changes)])
    await task.gateway.append(config_changed(llm, config_id=task.config_id))
    given: dict[str, Any] = {"run_id": task.run_id, "config_id": task.config_id}
    asked = api_call_requested(now=SystemClock().now(), room="a/b", text="好", **given)
    await task.gateway.append(asked)
    return asked


async def test_a_registered_call_is_made_once_and_its_answer_is_sealed(task: Task) -> None:
    async with WebhookReceiver(lambda got: Answer(200, {"you": got.headers["authorization"]})) as receiver:
        asked = await request_call(task, receiver)
        finished = await ended(task, asked.call_id)
        await task.gateway.reset(topology.API_CALLS)
        (got,) = receiver.received.all
    assert (got.path, got.json(), got.headers["authorization"]) == ("/a/b", {"text": "好"}, f"Bearer {SECRET}")
    assert (finished.status, finished.error_code, finished.turn) == (200, None, 3)
    assert json.loads(finished.answer.reveal()) == {"you": "Bearer ***"}
    kept = (await task.gateway.js.get_last_msg(STREAM, event_filter(ApiCallFinished, key=asked.call_id))).data or b""
    assert b"Bearer" not in kept


async def test_a_gateway_killed_in_a_registered_call_makes_it_no_second_time(task: Task) -> None:
    async with WebhookReceiver(lambda _: Answer(delay_s=20.0)) as receiver:
        asked = await request_call(task, receiver, timeout_s=2.0)
        await receiver.received.wait_for(1)
        task.gateway.platform.kill_service("llm_gateway")
        task.gateway.platform.start_service("llm_gateway")
        finished = await ended(task, asked.call_id)
        assert receiver.received.total == 1
    assert (finished.error_code, finished.status) == ("UNKNOWN_OUTCOME", None)
