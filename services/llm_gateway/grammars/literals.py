"""Reads values as models write them, as JSON or as Python: with trailing commas, comments, Chinese punctuation, single
or no quotes, and quotes inside quoted text. What is valid JSON is read as JSON, exactly.

Numbers stay the text that was written, because it may be what is to be typed: `007`, a number of 19 digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from services.llm_gateway.grammars.quotes import (
    AFTER_ARGUMENT,
    AFTER_ITEM,
    AFTER_KEY,
    AFTER_VALUE,
    CLOSING,
    bare_end,
    closing_quote,
    joined,
    text_limit,
    unescaped,
)

MAX_CHARS: Final = 16 * 1024
"""Of a longer answer only its end is read: models think before they answer."""
MAX_DEPTH: Final = 20
EFFORT: Final = 200_000
"""Characters read in vain, at most, in one answer: beginnings of what turns out to be nothing."""
LEAST_EFFORT: Final = 50
_DEEP_EFFORT: Final = 4_000

_OPEN_OBJECT, _CLOSE_OBJECT = "{｛", "}｝"
_OPEN_LIST, _CLOSE_LIST = "[［【(（", "]］】)）"
_COMMA, _COLON = ",，、;；", ":：=＝"
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "none": None}
_SKIP = re.compile(r"(?:\s+|//[^\n]{0,300}(?=\n|$)|/\*(?:[^*]|\*(?!/)){0,300}\*/)+")
_BARE = re.compile(r"[^\s,，、;；:：={}｛｝\[\]［］【】\"“”]+")


class Bare(str):
    """A text that was written without quotes."""

    __slots__ = ()


class NotReadableError(ValueError):
    """What stands there is no value."""


class CutOffError(NotReadableError):
    """The text ends in the middle of a value."""


class TooMuchError(ValueError):
    """An answer begins so many things that are none, that it is not read to its end."""


def _is_deep(found: Any) -> bool:
    """Whether anything in it is nested deeper than `MAX_DEPTH`."""
    level = [found]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
    return bool(level)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises `NotReadableError` where a key has two values: it may have come from a text inside it."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            raise NotReadableError(f"{key} is given twice")
    return found


_EXACT = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str, parse_constant=str, strict=False)


@dataclass
class Reader:
    """One pass over `text` from `at` on. Each method reads one thing and leaves `at` behind it.

    `sealed`: nothing can have been cut off, so that a text without its closing quote ends where all ends.
    """

    text: str
    at: int = 0
    sealed: bool = False
    closed: bool = True
    """False once a closing bracket was missing at the end, with everything before it whole."""
    furthest: int = 0
    """How far was looked in vain."""
    partial: dict[str, Any] = field(default_factory=dict)
    """What the outermost object holds so far."""

    def json(self) -> Any:
        """An object or a list, exactly where it is valid JSON. Raises `NotReadableError`."""
        return self._exactly_or(0)

    def argument(self) -> Any:
        """The value of an argument of a call. Without quotes it is a text up to the next argument or the end."""
        if self.peek() in _OPEN_OBJECT + _OPEN_LIST:
            return self._exactly_or(1)
        if self._opens_string():
            return self._string(AFTER_ARGUMENT)
        end = bare_end(self.text, self.at)
        if end is None and not self.sealed:
            raise self._cut("an argument does not end")
        end = len(self.text) if end is None else end
        found = self.text[self.at : end].strip()
        self.at = end
        return None if found.lower() in {"none", "null"} else Bare(found)

    def peek(self) -> str:
        """The next character that means something."""
        self._skip()
        if self.at >= len(self.text):
            raise self._cut("the text ends in the middle")
        return self.text[self.at]

    def take(self, characters: str) -> bool:
        if self.peek() not in characters:
            return False
        self.at += 1
        return True

    def ends_with(self, characters: str) -> bool:
        """Takes a closing bracket; at the end of the text does as if it was there."""
        self._skip()
        if self.at >= len(self.text):
            self.closed = False
            return True
        return self.take(characters)

    def give_up(self) -> None:
        """Goes to where the next tag or call begins: what stands before it belongs to what does not end."""
        self.at, self.closed = text_limit(self.text, self.at), False

    def _exactly_or(self, depth: int) -> Any:
        """What is valid JSON, as JSON; else as a model may have meant it."""
        try:
            found, self.at = _EXACT.raw_decode(self.text, self.at)
        except RecursionError:
            self.furthest = self.at + _DEEP_EFFORT
            raise NotReadableError("nested too deeply") from None
        except ValueError:
            return self._value(depth)
        if _is_deep(found):
            raise NotReadableError(f"nested deeper than {MAX_DEPTH} levels")
        return found

    def _value(self, depth: int, after: re.Pattern[str] = AFTER_VALUE) -> Any:
        if depth > MAX_DEPTH:
            raise NotReadableError(f"nested deeper than {MAX_DEPTH} levels")
        here = self.peek()
        if here in _OPEN_OBJECT:
            return self._object(depth)
        if here in _OPEN_LIST:
            return self._list(depth)
        if self._opens_string():
            return self._string(after)
        return self._bare()

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        if depth == 0:
            self.partial = found
        while not self.ends_with(_CLOSE_OBJECT):
            if self.take(_COMMA):
                continue
            key = self._string(AFTER_KEY) if self._opens_string() else str(self._bare())
            if not self.take(_COLON):
                raise NotReadableError(f"no colon behind a key at {self.at}")
            value = self._value(depth + 1)
            if found.setdefault(key, value) != value:
                raise NotReadableError(f"{key} is given twice")
        return found

    def _list(self, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        while not self.take(_CLOSE_LIST):
            if not self.take(_COMMA):
                found.append(self._value(depth + 1, AFTER_ITEM))
        return found

    def _string(self, after: re.Pattern[str]) -> str:
        escaped = self.text[self.at] == "\\"
        opening = self.text[self.at + escaped]
        begin = self.at + escaped + 1
        is_argument = after is AFTER_ARGUMENT
        end = closing_quote(self.text, begin, opening, after, escaped=escaped)
        if end is None and not (self.sealed and is_argument):
            raise self._cut("a text does not end")
        if end is None:
            end = max(len(self.text.rstrip().rstrip(")）")), begin)
        found = self.text[begin : end - (escaped and self.text[end - 1 : end] == "\\")]
        self.at = end + 1
        return unescaped(found, python=is_argument)

    def _bare(self) -> Any:
        """A number as it is written, a constant, or a word without quotes."""
        word = _BARE.match(self.text, self.at)
        if word is None:
            raise NotReadableError(f"nothing that can be read at {self.at}")
        found = word.group().rstrip(")）") or word.group()
        if self.at + len(found) >= len(self.text) and not self.sealed:
            raise self._cut("a word may go on")
        self.at += len(found)
        return _CONSTANTS.get(found.lower(), found)

    def _opens_string(self) -> bool:
        here = self.text[self.at]
        return here in CLOSING or (here == "\\" and self.text[self.at + 1 : self.at + 2] in {'"', "'"})

    def _skip(self) -> None:
        if (skipped := _SKIP.match(self.text, self.at)) is not None:
            self.at = skipped.end()

    def _cut(self, why: str) -> CutOffError:
        self.furthest = len(self.text)
        return CutOffError(why)


def objects(text: str) -> Iterator[dict[str, Any]]:
    """Every outermost object in a text, in order, as far as it can be read with bounded effort. Objects in what cannot
    be read are looked for inside it. What has no closing bracket is none."""
    text = joined(text[-MAX_CHARS:])
    at, effort = 0, EFFORT
    while effort > 0 and (begun := re.compile(r"[{｛]").search(text, at)) is not None:
        reader = Reader(text, begun.start())
        at = begun.end()
        try:
            found = reader.json()
        except NotReadableError:
            effort -= max(max(reader.furthest, reader.at) - at, LEAST_EFFORT)
            continue
        if isinstance(found, dict) and reader.closed:
            at = reader.at
            yield found
