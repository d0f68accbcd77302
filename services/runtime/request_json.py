"""Bytes that a person published become a JSON object, or a reason why not, whatever they are."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")

MAX_REQUEST_BYTES = 256 * 1024
MAX_DEPTH = 20
_MAX_DIGITS = 18
"""Longer whole numbers do not fit where they are kept."""
_PROBLEMS_SHOWN = 5
_SHOWN_CHARS = 80
_WORDS = {"extra_forbidden": "there is no such field", "missing": "this field is needed"}
EXAMPLE = '{"kind": "explore", "app": "com.example"}'
"""A request as most people write it."""


@dataclass(frozen=True)
class RejectedError(Exception):
    """Why a request cannot be accepted: a code for programs, a reason for the person."""

    code: str
    reason: str


def parse(body: bytes, kind: TypeAdapter[T], example: str = EXAMPLE) -> T:
    """A request from its bytes, its types exactly as JSON has them. Raises `RejectedError`, which says what to change;
    `example` is a right one."""
    value = read_object(body, example)
    try:
        return kind.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise RejectedError("INVALID", explain(error)) from None


def read_object(body: bytes, example: str = EXAMPLE) -> dict[str, Any]:
    """The JSON object in the bytes. Raises `RejectedError`."""
    if len(body) > MAX_REQUEST_BYTES:
        raise RejectedError("TOO_LARGE", f"the request is {len(body)} bytes long; {MAX_REQUEST_BYTES} is the most")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedError("NOT_UTF8", f"the request is not UTF-8 text: byte {error.start} cannot be read") from None
    if _depth(text) > MAX_DEPTH:
        raise RejectedError("TOO_DEEP", f"the request is nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(
            text, parse_constant=_constant, parse_float=_number, parse_int=_whole, object_pairs_hook=_object
        )
    except ValueError as error:
        raise RejectedError("NOT_JSON", f"the request is not JSON: {error}; one is {example}") from None
    if not isinstance(value, dict):
        raise RejectedError("NOT_AN_OBJECT", f"the request must be a JSON object such as {example}")
    _refuse_unkept(value)
    return value


def explain(error: ValidationError) -> str:
    """What is wrong with a request, field by field, for the person who wrote it (the first five)."""
    parts = []
    for problem in error.errors(include_url=False, include_context=False)[:_PROBLEMS_SHOWN]:
        place = ".".join(str(p) for p in problem["loc"]) or "request"
        given = problem.get("input")
        shown = "" if isinstance(given, dict | list) else f" (it is {_short(json.dumps(given, ensure_ascii=False))})"
        said = _WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        parts.append(f"{_short(place)}: {_short(said, 200)}{shown}")
    return "; ".join(parts)


def _short(text: str, chars: int = _SHOWN_CHARS) -> str:
    return text if len(text) <= chars else text[:chars] + "…"


def _depth(text: str) -> int:
    """Greatest nesting of brackets outside strings; found without recursion."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON value")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {_short(text, 20)} is too large")
    return number


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise ValueError(f"the number {_short(text, 20)} has more than {_MAX_DIGITS} digits")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two fields of the same name nobody can say which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {json.dumps(_short(twice))} is there twice")
    return found


def _refuse_unkept(value: Any) -> None:
    """Text that no database keeps: U+0000, and halves of surrogate pairs."""
    match value:
        case str():
            if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
                bad = next(c for c in value if c == "\0" or "\ud800" <= c <= "\udfff")
                raise RejectedError("INVALID", f"a text holds the character U+{ord(bad):04X}, which cannot be kept")
        case dict():
            for name, each in value.items():
                _refuse_unkept(name)
                _refuse_unkept(each)
        case list():
            for each in value:
                _refuse_unkept(each)
        case _:
            pass
