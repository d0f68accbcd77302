"""Fills parameters into a registered HTTP call: each in the form that its place takes, so that none gets out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from contracts.configs import PARAMETER_PLACE, ApiCallConfig

MAX_PARAMETER_CHARS: Final = 20_000
_MAX_URL_CHARS: Final = 8_000
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_DOTS: Final = frozenset({".", ".."})


class BadParameterError(Exception):
    """A call cannot be made with these parameters. The message says which one, and what to do."""


@dataclass(frozen=True)
class Filled:
    """What is sent: a URL, headers (without authorization), and a JSON body where there is one."""

    method: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any] | None


def filled(api: ApiCallConfig, given: Mapping[str, str]) -> Filled:
    """The request of a call with these parameters: all of those that are registered, and no others. Raises
    `BadParameterError`."""
    _check(api, given)
    url = PARAMETER_PLACE.sub(lambda found: quote(given[found[1]], safe=""), api.url)
    if len(url) > _MAX_URL_CHARS:
        raise BadParameterError(f"the URL would have {len(url)} characters, more than {_MAX_URL_CHARS}: shorten them")
    if _DOTS & {unquote(part) for part in urlsplit(url).path.split("/")}:
        raise BadParameterError("a part of the URL's path would be '.' or '..': give another value")
    headers = {name: _header(name, value, given) for name, value in api.headers.items()}
    return Filled(api.method, url, headers, None if api.body is None else _json(api.body, given))


def _check(api: ApiCallConfig, given: Mapping[str, str]) -> None:
    takes = ", ".join(api.parameters) or "none"
    if missing := [name for name in api.parameters if name not in given]:
        raise BadParameterError(f"parameter {missing[0]} is missing. {api.name} takes: {takes}")
    if unknown := [name for name in given if name not in api.parameters]:
        raise BadParameterError(f"{api.name} has no parameter {unknown[0][:100]!r}. It takes: {takes}")
    if long := [name for name, value in given.items() if len(value) > MAX_PARAMETER_CHARS]:
        raise BadParameterError(f"parameter {long[0]} has more than {MAX_PARAMETER_CHARS} characters: shorten it")
    if half := [name for name, value in given.items() if not _is_text(value)]:
        raise BadParameterError(f"parameter {half[0]} holds half a character: write it anew")


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _header(name: str, value: str, given: Mapping[str, str]) -> str:
    found = _filled(value, given)
    if _HEADER_VALUE.fullmatch(found) is None:
        raise BadParameterError(f"header {name} takes printable ASCII on one line: give another value")
    return found


def _json(value: Any, given: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _filled(value, given)
        case dict():
            return {name: _json(inner, given) for name, inner in value.items()}
        case list():
            return [_json(inner, given) for inner in value]
        case _:
            return value


def _filled(text: str, given: Mapping[str, str]) -> str:
    """In one pass: a parameter that holds the name of another is not filled in again."""
    return PARAMETER_PLACE.sub(lambda found: given[found[1]], text)
