"""One HTTP request to a channel: within a time and a size, and its failures in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

_ANSWER_LIMIT_BYTES = 64 * 1024
_KEPT_CHARS = 2000


class SendError(Exception):
    """A message did not get there, or nobody knows whether it did. `response` says what was answered, if anything."""

    def __init__(self, words: str, response: Mapping[str, Any] | None = None) -> None:
        super().__init__(words)
        self.response = dict(response or {})


@dataclass(frozen=True)
class Answer:
    """What a webhook said. `payload` is what is kept of it; `body` is its JSON, if it is an object."""

    status: int
    body: dict[str, Any]
    payload: dict[str, Any]


async def post(client: httpx.AsyncClient, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
    """Posts JSON. Raises `SendError` unless the answer has a status of 200 to 299."""
    try:
        async with client.stream("POST", url, json=body, headers=dict(headers), follow_redirects=False) as response:
            content = await _read(response)
    except httpx.HTTPError as error:
        raise SendError(f"the webhook cannot be reached: {str(error) or type(error).__name__}") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SendError(f"the webhook's URL or its secret cannot be sent: {error}") from error
    answer = _answer(response.status_code, content)
    if not response.is_success:
        raise SendError(f"the webhook answered with HTTP status {answer.status}", answer.payload)
    return answer


async def _read(response: httpx.Response) -> bytes:
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) >= _ANSWER_LIMIT_BYTES:
            break
    return content[:_ANSWER_LIMIT_BYTES]


def _answer(status: int, content: bytes) -> Answer:
    text = content.decode(errors="replace").replace("\x00", "")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    kept: Any = body if len(text) <= _KEPT_CHARS and _is_storable(body) else text[:_KEPT_CHARS]
    return Answer(status, body if isinstance(body, dict) else {}, {"status": status, "body": kept})


def _is_storable(body: Any) -> bool:
    """Whether PostgreSQL takes it as JSON: no NUL, no half character, no NaN, and something at all."""
    if body is None:
        return False
    try:
        return "\\u0000" not in json.dumps(body, allow_nan=False) and bool(
            json.dumps(body, ensure_ascii=False).encode()
        )
    except ValueError:
        return False
