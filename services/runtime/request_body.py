"""Bodies of requests as people publish them: bare JSON that may be anything, and refusals in words that help."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

MAX_REQUEST_BYTES = 256 * 1024
MAX_DEPTH = 20
_PROBLEMS_SHOWN = 5


@dataclass(frozen=True)
class RefusedError(Exception):
    """Why a request cannot be followed: a code for programs, a reason for the person."""

    code: str
    reason: str


def read_request(body: bytes, kind: type[M], example: str) -> M:
    """A request from its bytes. Raises `RefusedError`, whose reason says what to change; `example` is a right one."""
    value = _read_json(body)
    if not isinstance(value, dict):
        raise RefusedError("NOT_AN_OBJECT", f"the request must be a JSON object such as {example}")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise RefusedError("INVALID", f"{_explain(error)}; a request looks like {example}") from None


def _read_json(body: bytes) -> object:
    if len(body) > MAX_REQUEST_BYTES:
        raise RefusedError("TOO_LARGE", f"the request is {len(body)} bytes long; {MAX_REQUEST_BYTES} is the most")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise RefusedError("NOT_UTF8", f"the request is not UTF-8 text: byte {error.start} cannot be read") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        raise RefusedError("TOO_DEEP", f"the request has more than {MAX_DEPTH} objects and lists; it needs one")
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise RefusedError("NOT_JSON", f"the request is not JSON: {error}") from None
    return value


def _explain(error: ValidationError) -> str:
    """What is wrong, field by field."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)[:_PROBLEMS_SHOWN]
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'request'}: {p['msg']}" for p in problems)
