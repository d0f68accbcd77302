"""An OpenAI-compatible endpoint, asked once: whatever happens becomes a `Reply`, and nothing is repeated here.

Repetitions are decisions (`decisions.calls`), because each one has to be in the log with its price before it is sent.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, cast

import httpx2
import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import SecretStr

from contracts.configs import LlmConfig
from services.llm_gateway.decisions.exchange import Outcome, Reply, Request
from services.llm_gateway.grammars.shown import ToolCall

MAX_REPLY_CHARS: Final = 16 * 1024
MAX_TOOL_CALLS: Final = 8
_MAX_DETAIL_CHARS = 500
_MAX_NAME_CHARS = 200
_MASK: Final = "***"
_MAX_RETRY_AFTER_S = 120.0
_TRANSIENT = frozenset({408, 409, 425})
_MISCONFIGURED = frozenset({401, 403, 404})


@dataclass(frozen=True)
class Endpoint:
    """Asks models over one pool of connections."""

    http: httpx2.AsyncClient

    async def ask(self, config: LlmConfig, key: SecretStr, request: Request, *, limit_s: float) -> Reply:
        """One request, given up after `limit_s`. Never raises for what the endpoint or the network does."""
        client = AsyncOpenAI(
            base_url=config.base_url,
            api_key=key.get_secret_value() or "none",
            http_client=self.http,
            max_retries=0,
            timeout=limit_s,
        )
        begun_s = time.perf_counter()
        try:
            async with asyncio.timeout(limit_s):
                reply = _reply(*await _complete(client, config, request))
        except openai.APIStatusError as error:
            reply = _refused(error)
        except (openai.APIError, TimeoutError) as error:
            reply = _unheard(error)
        latency_ms = round((time.perf_counter() - begun_s) * 1000)
        return replace(_bounded(reply, key.get_secret_value()), latency_ms=latency_ms)


async def _complete(client: AsyncOpenAI, config: LlmConfig, request: Request) -> tuple[Any, str]:
    """The completion as it was understood, and its body. Newer models know the limit under another name only."""
    ask = client.chat.completions.with_raw_response.create
    given: dict[str, Any] = {"model": config.model, "messages": cast("Any", request.messages), **request.settings()}
    if request.extra_body:
        given["extra_body"] = request.extra_body
    try:
        raw = await ask(**given, max_tokens=config.max_tokens)
    except openai.BadRequestError as error:
        if "max_completion_tokens" not in str(error):
            raise
        raw = await ask(**given, max_completion_tokens=config.max_tokens)
    try:
        return raw.parse(), raw.text
    except ValueError:
        return None, raw.text


def _reply(completion: Any, body: str) -> Reply:
    """A body that is no completion counts as an answer that nobody can read."""
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        return Reply("TEXT", text=body, detail={"error": "the body is no chat completion"})
    choice = completion.choices[0]
    usage = completion.usage
    counted = None
    if usage is not None and usage.prompt_tokens is not None and usage.completion_tokens is not None:
        counted = (max(usage.prompt_tokens, 0), max(usage.completion_tokens, 0))
    message = choice.message
    refusal = getattr(message, "refusal", None)
    return Reply(
        "REFUSED" if refusal else "TEXT",
        text=str(refusal or getattr(message, "content", None) or ""),
        finish_reason=str(choice.finish_reason or ""),
        usage=counted,
        detail={"id": str(completion.id), "model": str(completion.model)},
        tool_calls=_tool_calls(message),
        thinking=str(getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or ""),
    )


def _tool_calls(message: Any) -> tuple[ToolCall, ...]:
    """The first functions that the model calls, as it wrote them; one in the older form too."""
    calls = [getattr(call, "function", None) for call in getattr(message, "tool_calls", None) or []]
    calls.append(getattr(message, "function_call", None))
    return tuple(
        ToolCall(str(getattr(call, "name", None) or ""), _arguments(call))
        for call in calls[:MAX_TOOL_CALLS]
        if call is not None
    )


def _arguments(call: Any) -> str:
    """JSON; some endpoints send the object itself."""
    given = getattr(call, "arguments", None)
    return given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)


def _refused(error: openai.APIStatusError) -> Reply:
    """An HTTP status that is an error: the endpoint did no work."""
    outcome: Outcome
    if error.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        outcome = "RATE_LIMITED"
    elif error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status_code in _TRANSIENT:
        outcome = "UNAVAILABLE"
    elif error.status_code in _MISCONFIGURED:
        outcome = "UNCONFIGURED"
    else:
        outcome = "REFUSED"
    detail = {"status": error.status_code, "error": str(error)}
    return Reply(outcome, retry_after_s=_retry_after_s(error.response), detail=detail)


def _unheard(error: openai.APIError | TimeoutError) -> Reply:
    """No whole answer. What reached the endpoint may have been worked on, and will be charged for."""
    reached = not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    is_late = isinstance(error, openai.APITimeoutError | TimeoutError)
    said = str(error.__cause__ or error) or type(error).__name__
    return Reply("TIMEOUT" if is_late else "UNAVAILABLE", may_have_cost=reached, detail={"error": said})


def _retry_after_s(response: httpx2.Response) -> float | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _bounded(reply: Reply, key: str) -> Reply:
    """What can be kept. The key is masked wherever the other side repeats it, before anything is cut, so that no part
    of it is left. An answer that is cut here counts as one that was cut off at its maximum."""

    def kept(text: str) -> str:
        return _clean(text.replace(key, _MASK) if key else text)

    calls = reply.tool_calls
    is_cut = any(len(said) > MAX_REPLY_CHARS for said in (reply.text, *(call.arguments for call in calls)))
    return replace(
        reply,
        text=kept(reply.text),
        thinking=kept(reply.thinking),
        tool_calls=tuple(ToolCall(kept(call.name)[:_MAX_NAME_CHARS], kept(call.arguments)) for call in calls),
        detail={name: kept(v)[:_MAX_DETAIL_CHARS] if isinstance(v, str) else v for name, v in reply.detail.items()},
        finish_reason="length" if is_cut else kept(reply.finish_reason)[:_MAX_NAME_CHARS],
    )


def _clean(text: str) -> str:
    """Bounded, and without halves of characters that JSON lets through."""
    return text[:MAX_REPLY_CHARS].encode(errors="replace").decode()
