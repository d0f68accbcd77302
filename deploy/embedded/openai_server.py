"""A chat-completions endpoint on loopback that answers from a script, so that runs with a model can be repeated."""

from __future__ import annotations

import asyncio
import base64
import inspect
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from aiohttp import web

from deploy.embedded.loopback import LoopbackServer, Records

PIECE_CHARS = 16
HANG_LIMIT_S = 600.0
MODEL = "scripted"


@dataclass(frozen=True)
class Reply:
    """An answer of the model, after `delay_s`. Token counts are what `usage` reports, where the endpoint counts.

    `tool_calls`: name and arguments (JSON) of each function that the model calls. `thinking`: what is kept apart from
    the answer, as some endpoints do.
    """

    content: str
    prompt_tokens: int = 100
    completion_tokens: int = 20
    finish_reason: str = "stop"
    delay_s: float = 0.0
    tool_calls: tuple[tuple[str, str], ...] = ()
    thinking: str = ""
    counts: bool = True

    def message(self) -> dict[str, Any]:
        """The message of the assistant, as the API has it."""
        message: dict[str, Any] = {"role": "assistant", "content": self.content}
        if self.thinking:
            message["reasoning_content"] = self.thinking
        if self.tool_calls:
            message["tool_calls"] = [
                {"id": f"call-{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for number, (name, arguments) in enumerate(self.tool_calls, 1)
            ]
        return message


@dataclass(frozen=True)
class Failure:
    """An HTTP error (500, 429 with Retry-After, 401 ..) in the form that OpenAI uses."""

    status: int
    message: str = "scripted failure"
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Hang:
    """No answer: the connection stays open until the client gives up."""


@dataclass(frozen=True)
class Garbage:
    """Status 200 with a body that is no chat completion."""

    body: bytes = b"<html>502 Bad Gateway</html>"
    content_type: str = "text/html"


Turn = str | Reply | Failure | Hang | Garbage


@dataclass(frozen=True)
class ModelRequest:
    """One request as it arrived."""

    authorization: str
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """All text of all messages; pictures are left out."""
        return "\n".join(part for message in self.body.get("messages", []) for part in _texts(message.get("content")))

    @property
    def pictures(self) -> list[bytes]:
        """The pictures of all messages that are sent along as data URLs."""
        return [
            base64.b64decode(part["image_url"]["url"].partition(";base64,")[2])
            for message in self.body.get("messages", [])
            for part in (message.get("content") or [])
            if isinstance(part, dict) and part.get("type") == "image_url"
        ]


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or [] if part.get("type") == "text"]


class ScriptedModel(LoopbackServer):
    """`base_url` is what an OpenAI client is given. `script`: the answers in order, or a function of the request, which
    may take its time.

    When a list is used up, the answer is an error 400 that says so: it is not repeated silently.
    """

    def __init__(
        self,
        script: Iterable[Turn] | Callable[[ModelRequest], Turn | Awaitable[Turn]],
        api_key: str | None = None,
        limit: int = 1000,
        file: Path | None = None,
    ) -> None:
        super().__init__({"POST /v1/chat/completions": self._complete, "GET /v1/models": self._models})
        self._turns = None if callable(script) else iter(script)
        self._script = script if callable(script) else None
        self._api_key = api_key
        self._ids = itertools.count(1)
        self.requests: Records[ModelRequest] = Records(lambda request: request.body, limit, file)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def _models(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "waymark"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = ModelRequest(request.headers.get("Authorization", ""), await request.json())
        except json.JSONDecodeError as error:
            return _failure(Failure(400, f"the body is not JSON: {error}"))
        self.requests.add(asked)
        if self._api_key is not None and asked.authorization != f"Bearer {self._api_key}":
            return _failure(Failure(401, "incorrect API key"))
        match await self._next(asked):
            case str(content):
                return await self._reply(request, asked, Reply(content))
            case Reply() as reply:
                return await self._reply(request, asked, reply)
            case Failure() as failure:
                return _failure(failure)
            case Hang():
                await asyncio.sleep(HANG_LIMIT_S)
                return _failure(Failure(504, "nobody gave up waiting"))
            case Garbage(body, content_type):
                return web.Response(body=body, content_type=content_type)
            case unknown:
                assert_never(unknown)

    async def _next(self, asked: ModelRequest) -> Turn:
        if self._script is not None:
            turn = self._script(asked)
            return await turn if inspect.isawaitable(turn) else turn
        return next(self._turns or iter(()), Failure(400, f"the script ended before request {self.requests.total}"))

    async def _reply(self, request: web.Request, asked: ModelRequest, reply: Reply) -> web.StreamResponse:
        await asyncio.sleep(reply.delay_s)
        head = {"id": f"chatcmpl-{next(self._ids)}", "created": 1, "model": asked.body.get("model", MODEL)}
        usage = {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        }
        if asked.body.get("stream"):
            with_usage = bool((asked.body.get("stream_options") or {}).get("include_usage"))
            return await _stream(request, head, reply, usage if with_usage and reply.counts else None)
        choice = {"index": 0, "message": reply.message(), "finish_reason": reply.finish_reason}
        counted = {"usage": usage} if reply.counts else {}
        return web.json_response({**head, "object": "chat.completion", "choices": [choice], **counted})


async def _stream(
    request: web.Request, head: dict[str, Any], reply: Reply, usage: dict[str, int] | None
) -> web.StreamResponse:
    """Server-sent events: the content in pieces, functions that are called, the reason of its end, the usage where it
    was asked for."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)

    async def send(choices: list[dict[str, Any]], **more: Any) -> None:
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        await response.write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())

    for start in range(0, len(reply.content), PIECE_CHARS):
        delta = {"role": "assistant", "content": reply.content[start : start + PIECE_CHARS]}
        await send([{"index": 0, "delta": delta, "finish_reason": None}])
    if reply.tool_calls:
        calls = [{"index": at, **call} for at, call in enumerate(reply.message()["tool_calls"])]
        await send([{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}])
    await send([{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}])
    if usage is not None:
        await send([], usage=usage)
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _failure(failure: Failure) -> web.Response:
    headers = {} if failure.retry_after_s is None else {"Retry-After": str(failure.retry_after_s)}
    error = {"message": failure.message, "type": "scripted", "code": failure.status}
    return web.json_response({"error": error}, status=failure.status, headers=headers)
