"""Reads JSON as models write it: fenced, in the middle of prose, with trailing commas, comments, Chinese punctuation,
single quotes, Python's constants, or quotes inside quoted text. What is valid JSON is read as JSON, exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

MAX_CHARS: Final = 16 * 1024
"""Of a longer text only its end is read: models think before they answer."""
MAX_DEPTH: Final = 20
_MAX_BRACES: Final = 200
"""Opening braces, from the end, that are tried as the beginning of an object."""

_OPEN_OBJECT, _CLOSE_OBJECT = "{｛", "}｝"
_OPEN_LIST, _CLOSE_LIST = "[［【", "]］】"
_COMMA, _COLON = ",，、;；", ":："
_CLOSING_QUOTE: Final = {'"': '"”“', "“": '”“"', "”": '”"', "'": "'", "‘": "’'", "「": "」"}
_AFTER_STRING: Final = frozenset(_COMMA + _COLON + _CLOSE_OBJECT + _CLOSE_LIST)
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "none": None}
_BARE = re.compile(r"[^\s,，、;；:：{}｛｝\[\]［］【】\"“”]+")
_SKIP = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class NotJsonError(ValueError):
    """The text, or the place in it that was tried, is not an object."""


def objects(text: str) -> Iterator[dict[str, Any]]:
    """Every outermost object in a text, in order. Objects in what cannot be read are looked for inside it."""
    text = text[-MAX_CHARS:]
    at = 0
    for start in [i for i, character in enumerate(text) if character in _OPEN_OBJECT][-_MAX_BRACES:]:
        if start < at:
            continue  # Inside an object that was read.
        try:
            found, at = _strictly(text, start)
        except ValueError:
            try:
                reader = _Reader(text, start)
                found, at = reader.value(0), reader.at
            except NotJsonError:
                continue
        if isinstance(found, dict):
            yield found


def _strictly(text: str, start: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder().raw_decode(text, start)
    except RecursionError:
        raise NotJsonError("nested too deeply") from None


class _Reader:
    """One pass over a text from `at` on. Each method reads one thing and leaves `at` behind it."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self.at = at

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels")
        here = self._peek()
        if here in _OPEN_OBJECT:
            return self._object(depth)
        if here in _OPEN_LIST:
            return self._list(depth)
        if here in _CLOSING_QUOTE:
            return self._string(_CLOSING_QUOTE[here])
        return self._bare()

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        while not self._take(_CLOSE_OBJECT):
            if self._take(_COMMA):
                continue
            here = self._peek()
            key = self._string(_CLOSING_QUOTE[here]) if here in _CLOSING_QUOTE else str(self._bare())
            if not self._take(_COLON):
                raise NotJsonError(f"no colon behind a key at {self.at}")
            found[key] = self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        while not self._take(_CLOSE_LIST):
            if not self._take(_COMMA):
                found.append(self.value(depth + 1))
        return found

    def _string(self, closing: str) -> str:
        """Ends at a quote that something follows which can follow a string; other quotes belong to the text."""
        self.at += 1
        parts: list[str] = []
        while self.at < len(self._text):
            here = self._text[self.at]
            self.at += 1
            if here == "\\":
                parts.append(self._escape())
            elif here in closing and self._ends_string():
                return "".join(parts)
            else:
                parts.append(here)
        raise NotJsonError("a string does not end")

    def _escape(self) -> str:
        if self.at >= len(self._text):
            raise NotJsonError("a string does not end")
        here = self._text[self.at]
        self.at += 1
        if here != "u":
            return _ESCAPES.get(here, here)
        digits = self._text[self.at : self.at + 4]
        if re.fullmatch(r"[0-9a-fA-F]{4}", digits) is None:
            return here
        self.at += 4
        return chr(int(digits, 16))

    def _ends_string(self) -> bool:
        at = self.at
        if (skipped := _SKIP.match(self._text, at)) is not None:
            at = skipped.end()
        return at >= len(self._text) or self._text[at] in _AFTER_STRING

    def _bare(self) -> Any:
        """A number, a constant, or a word without quotes."""
        self._peek()
        word = _BARE.match(self._text, self.at)
        if word is None:
            raise NotJsonError(f"nothing that can be read at {self.at}")
        self.at = word.end()
        text = word.group()
        if _NUMBER.fullmatch(text) is not None:
            return float(text) if any(c in text for c in ".eE") else int(text[:18])
        return _CONSTANTS.get(text.lower(), text)

    def _peek(self) -> str:
        """The next character that means something."""
        if (skipped := _SKIP.match(self._text, self.at)) is not None:
            self.at = skipped.end()
        if self.at >= len(self._text):
            raise NotJsonError("the text ends in the middle")
        return self._text[self.at]

    def _take(self, characters: str) -> bool:
        if self._peek() not in characters:
            return False
        self.at += 1
        return True
