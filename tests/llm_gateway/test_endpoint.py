"""A real endpoint on loopback: what it does becomes a reply with what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from deploy.embedded.openai_server import Failure, Garbage, Hang, ModelRequest, ScriptedModel, Turn
from deploy.embedded.openai_server import Reply as Answer
from services.llm_gateway.decisions.answer import parse_answer
from services.llm_gateway.decisions.asking import MalformedAnswerError
from services.llm_gateway.decisions.exchange import Reply, Request
from services.llm_gateway.effects.endpoint import MAX_REPLY_CHARS, Endpoint
from tests.llm_gateway.world import FIELD, config

KEY = SecretStr("sk-very-secret")
MESSAGES = Request([{"role": "user", "content": "which?"}])


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


async def ask(http: httpx2.AsyncClient, *turns: Turn, key: SecretStr = KEY, limit_s: float = 5.0) -> Reply:
    async with ScriptedModel(turns, api_key=KEY.get_secret_value()) as model:
        return await Endpoint(http).ask(config(base_url=model.base_url), key, MESSAGES, limit_s=limit_s)


async def test_an_answer_comes_with_its_tokens(http: httpx2.AsyncClient) -> None:
    reply = await ask(http, Answer("选 2", prompt_tokens=11, completion_tokens=3, delay_s=0.02))
    assert (reply.outcome, reply.text, reply.finish_reason, reply.usage) == ("TEXT", "选 2", "stop", (11, 3))
    assert reply.latency_ms >= 20
    assert reply.detail["model"] == "m"


async def test_half_characters_are_replaced(http: httpx2.AsyncClient) -> None:
    assert (await ask(http, "a\ud800b")).text == "a?b"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (408, "UNAVAILABLE"),
        (401, "UNCONFIGURED"),
        (404, "UNCONFIGURED"),
        (400, "REFUSED"),
    ],
)
async def test_an_error_status_costs_nothing_and_says_what_it_is(
    http: httpx2.AsyncClient, status: int, outcome: str
) -> None:
    reply = await ask(http, Failure(status, "scripted words"))
    assert (reply.outcome, reply.may_have_cost, reply.usage) == (outcome, False, None)
    assert reply.detail["status"] == status
    assert "scripted words" in reply.detail["error"]


async def test_a_limit_of_the_rate_tells_when_to_come_back(http: httpx2.AsyncClient) -> None:
    reply = await ask(http, Failure(429, retry_after_s=1.5))
    assert (reply.outcome, reply.retry_after_s, reply.may_have_cost) == ("RATE_LIMITED", 1.5, False)


async def test_no_answer_in_time_may_have_cost(http: httpx2.AsyncClient) -> None:
    reply = await ask(http, Hang(), limit_s=0.2)
    assert (reply.outcome, reply.may_have_cost) == ("TIMEOUT", True)
    assert 150 <= reply.latency_ms < 2000


@pytest.mark.parametrize(
    "garbage",
    [
        Garbage(),
        Garbage(b"{not json", "application/json"),
        Garbage(b'{"choices": []}', "application/json"),
        Garbage(b'{"choices": [{}]}', "application/json"),
        Garbage(b"[1, 2]", "application/json"),
        Garbage(b"null", "application/json"),
        Garbage(b'{"choices": [{"message": null}]}', "application/json"),
        Garbage(b"\xff\xfe", "application/json"),
        Garbage(b"", "application/json"),
    ],
    ids=lambda garbage: garbage.body.decode(errors="replace")[:20],
)
async def test_a_body_that_is_no_completion_is_an_answer_that_nobody_can_read(
    http: httpx2.AsyncClient, garbage: Garbage
) -> None:
    reply = await ask(http, garbage)
    assert (reply.outcome, reply.usage) == ("TEXT", None)
    with pytest.raises(MalformedAnswerError):
        parse_answer(reply.text, [FIELD])


async def test_a_cut_answer_may_have_cost(http: httpx2.AsyncClient) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id": "x", ')
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        llm = config(base_url=f"http://127.0.0.1:{port}/v1")
        reply = await Endpoint(http).ask(llm, KEY, MESSAGES, limit_s=5.0)
    assert (reply.outcome, reply.may_have_cost) == ("UNAVAILABLE", True)


async def test_an_endpoint_that_is_not_there_costs_nothing(http: httpx2.AsyncClient) -> None:
    reply = await Endpoint(http).ask(config(base_url="http://127.0.0.1:9/v1"), KEY, MESSAGES, limit_s=5.0)
    assert (reply.outcome, reply.may_have_cost) == ("UNAVAILABLE", False)


async def test_the_key_is_sent_and_never_kept(http: httpx2.AsyncClient) -> None:
    def echo(asked: ModelRequest) -> Turn:
        return Failure(500, f"you sent {asked.authorization}")

    async with ScriptedModel(echo) as model:
        reply = await Endpoint(http).ask(config(base_url=model.base_url), KEY, MESSAGES, limit_s=5.0)
        assert model.requests.all[0].authorization == f"Bearer {KEY.get_secret_value()}"
    assert KEY.get_secret_value() not in str(reply)
    assert "Bearer ***" in reply.detail["error"]


async def test_a_model_that_knows_the_limit_under_its_newer_name_is_asked_with_that(http: httpx2.AsyncClient) -> None:
    def newer(asked: ModelRequest) -> Turn:
        if "max_tokens" in asked.body:
            return Failure(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return str(asked.body["max_completion_tokens"])

    async with ScriptedModel(newer) as model:
        reply = await Endpoint(http).ask(config(base_url=model.base_url), KEY, MESSAGES, limit_s=5.0)
    assert (reply.outcome, reply.text) == ("TEXT", "100")


async def test_an_answer_that_is_cut_here_counts_as_cut_off(http: httpx2.AsyncClient) -> None:
    """Else the half that is left could be taken for the whole."""
    long = "x" * MAX_REPLY_CHARS
    text = await ask(http, Answer(f'finish(message="done"){long}, but nothing was bought'))
    call = await ask(http, Answer("", tool_calls=(("finish", f'{{"message": "{long}", "success": false}}'),)))
    whole = await ask(http, Answer(long))
    assert (text.finish_reason, len(text.text)) == ("length", MAX_REPLY_CHARS)
    assert (call.finish_reason, len(call.tool_calls[0].arguments)) == ("length", MAX_REPLY_CHARS)
    assert (whole.finish_reason, whole.text) == ("stop", long)


async def test_the_key_is_masked_in_answers_and_in_errors_that_are_cut_in_its_middle(http: httpx2.AsyncClient) -> None:
    key = KEY.get_secret_value()
    repeated = await ask(http, Answer(f"t {key}", thinking=f"k {key}", tool_calls=(("note", f'{{"text": "{key}"}}'),)))
    garbage = await ask(http, Garbage(f'{{"headers": "Bearer {key}"}}'.encode(), "application/json"))
    for pad in range(440, 500, 3):
        failed = await ask(http, Failure(500, "x" * pad + key))
        assert key[:8] not in str(failed)
    assert key not in str(repeated) + str(garbage)
    assert "***" in repeated.text
    assert "***" in repeated.thinking
    assert "***" in repeated.tool_calls[0].arguments
