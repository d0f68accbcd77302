"""Values of XPath 1.0: their conversions, comparisons and the string functions."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType, assert_never

_SPACE: Final = re.compile(r"[ \t\r\n]+")

Place = NewType("Place", int)
"""A position in the tree, or ROOT for the `hierarchy` element, or _DOCUMENT above it."""


@dataclass(frozen=True, slots=True)
class Places:
    """A node set in document order."""

    found: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Strings:
    """A set of attributes, as their values."""

    found: Sequence[str]


Value = Places | Strings | str | float | bool


def width_of(value: Value) -> int:
    return len(value.found) if isinstance(value, Places | Strings) else 1


def truth(value: Value) -> bool:
    match value:
        case Places(found) | Strings(found):
            return bool(found)
        case float():
            return value != 0 and not math.isnan(value)
        case _:
            return bool(value)


def as_string(value: Value) -> str:
    """Elements of a hierarchy hold no text nodes: their string is empty."""
    match value:
        case Strings(found):
            return found[0] if found else ""
        case Places():
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case str():
            return value
        case _:
            assert_never(value)


def as_number(value: Value) -> float:
    if isinstance(value, bool | float):
        return float(value)
    text = as_string(value).strip(" \t\r\n")
    digits = text.removeprefix("-").replace(".", "", 1)
    return float(text) if digits.isascii() and digits.isdigit() else math.nan


def compared(operator: str, left: Value, right: Value) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return _by(operator, truth(left), truth(right)) if operator in ("=", "!=") else _numbers(operator, left, right)
    for one in _members(left):
        for other in _members(right):
            if operator in ("=", "!=") and not isinstance(one, float) and not isinstance(other, float):
                if _by(operator, one, other):
                    return True
            elif _numbers(operator, one, other):
                return True
    return False


def _members(value: Value) -> Sequence[str | float]:
    match value:
        case Strings(found):
            return found
        case Places(found):
            return [""] * len(found)
        case _:
            return [value]


def _numbers(operator: str, left: Value, right: Value) -> bool:
    return _by(operator, as_number(left), as_number(right))


def _by(operator: str, left: str | float, right: str | float) -> bool:  # one per case
    if isinstance(left, str) or isinstance(right, str):
        return (left == right) is (operator == "=")
    match operator:
        case "=":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def string_function(name: str, given: list[str]) -> Value:  # one per case
    text = given[0] if given else ""
    match name:
        case "string":
            return text
        case "concat":
            return "".join(given)
        case "contains":
            return given[1] in text
        case "starts-with":
            return text.startswith(given[1])
        case "ends-with":
            return text.endswith(given[1])
        case "normalize-space":
            return " ".join(_SPACE.split(text.strip(" \t\r\n")))
        case "string-length":
            return float(len(text))
        case _:
            table: dict[int, str | None] = {}
            for at, char in enumerate(given[1]):
                table.setdefault(ord(char), given[2][at] if at < len(given[2]) else None)
            return text.translate(table)
