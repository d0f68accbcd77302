"""Reads values as models write them, as JSON or as Python: with trailing commas, comments, Chinese punctuation, single or
no quotes, and quotes inside quoted text. What is valid JSON is read as JSON, exactly.

Numbers stay the text that was written, because it may be what is to be typed: `007`, a number of 19 digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from services.llm_gateway.grammars.names import ARGUMENT_NAMES

MAX_DEPTH: Final = 20

_OPEN_OBJECT, _CLOSE_OBJECT = "{｛", "}｝"
_OPEN_LIST, _CLOSE_LIST = "[［【(（", "]］】)）"
_COMMA, _COLON = ",，、;；", ":：=＝"
_CLOSING: Final = {
    '"': '"',
    "“": "”",
    "”": "”",
    "＂": "＂",
    "'": "'",
    "‘": "’",
    "’": "’",
    "「": "」",
    "『": "』",
    "`": "`",
}
_OTHER_CLOSING: Final = '"”“＂'
"""What ends a text whose own closing quote is nowhere."""
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "none": None}
_SKIP = re.compile(r"(?:\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)+")
_BARE = re.compile(r"[^\s,，、;；:：={}｛｝\[\]［］【】\"“”]+")
_ESCAPE = re.compile(r"\\(?:u(?P<digits>[0-9a-fA-F]{4})|(?P<letter>.))", re.DOTALL)
_KEEPS_NO_BACKSLASH: Final = "\\\"'/“”\n"
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NAME = r"[A-Za-z_\u4e00-\u9fff][\w ]{0,30}"
_ARGUMENT = "|".join(ARGUMENT_NAMES)
_ENDS_ARGUMENT = re.compile(
    rf"\s*(?:[,，、;；]?\s*(?:{_ARGUMENT})\s*[=＝:：]|(?P<close>[,，]?\s*[)）]))", re.IGNORECASE
)
_CLEAN = re.compile(r"(?:[ \t]*[)）\]}】\"'”`;；。.,，!！])*[ \t]*(?:$|[\r\n<`]|\\n|(?:do|finish)\s*[(（])")
_ENDS_VALUE = re.compile(
    rf"\s*(?:[}}｝]|[\]］】]\s*[}}｝,，]|[,，;；]?\s*(?:[\"“”'‘’]{_NAME}[\"“”'‘’]|{_NAME})\s*[:：]|[,，]\s*[}}｝])"
)
_ENDS_ITEM = re.compile(r"\s*[,，、;；\]］】)）]")
_ENDS_KEY = re.compile(r"\s*[:：=]")
_WINDOW_ENDS = re.compile(r"</?(?:answer|think(?:ing)?|tool_call)>|\n[ \t]*(?:do|finish)\s*[(（]", re.IGNORECASE)
_ALL_ENDS = re.compile(r"\s*$")
_STOPS = re.compile(r"[,，、;；)）]")
_EXACT = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


class Bare(str):
    """A text that was written without quotes."""

    __slots__ = ()


class NotReadableError(ValueError):
    """What stands there is no value."""


class CutOffError(NotReadableError):
    """The text ends in the middle of a value."""


@dataclass
class Reader:
    """One pass over `text` from `at` on. Each method reads one thing and leaves `at` behind it."""

    text: str
    at: int = 0
    sealed: bool = False
    """Whether nothing can have been cut off: then a text without its closing quote ends where all ends."""
    closed: bool = True
    """False once a closing bracket was missing at the end, with everything before it whole."""
    furthest: int = 0
    partial: dict[str, Any] = field(default_factory=dict)
    """What the outermost object holds so far."""

    def json(self) -> Any:
        """An object or a list, exactly where it is valid JSON. Raises `NotReadableError`."""
        try:
            found, self.at = _EXACT.raw_decode(self.text, self.at)
        except RecursionError:
            raise NotReadableError("nested too deeply") from None
        except ValueError:
            return self.value(0)
        return found

    def value(self, depth: int, ends: re.Pattern[str] = _ENDS_VALUE) -> Any:
        if depth > MAX_DEPTH:
            raise NotReadableError(f"nested deeper than {MAX_DEPTH} levels")
        here = self.peek()
        if here in _OPEN_OBJECT:
            return self._object(depth)
        if here in _OPEN_LIST:
            return self._list(depth)
        if self._opens_string():
            return self.string(ends)
        return self._bare()

    def argument(self) -> Any:
        """The value of an argument of a call. Without quotes it is a text up to the next argument or the end."""
        here = self.peek()
        if here in _OPEN_OBJECT:
            return self._object(1)
        if here in _OPEN_LIST:
            return self._list(1)
        if self._opens_string():
            return self.string(_ENDS_ARGUMENT)
        end = self._bare_end()
        found = self.text[self.at : end].strip()
        self.at = end
        return None if found.lower() in {"none", "null"} else Bare(found)

    def string(self, ends: re.Pattern[str]) -> str:
        """Ends at a quote behind which stands what can follow a text; other quotes belong to the text.

        Of several such quotes the first counts that leaves the quotes inside paired.
        """
        opening = self.text[self.at]
        escaped = opening == "\\"
        if escaped:
            self.at += 1
            opening = self.text[self.at]
        self.at += 1
        end = self._closing(_CLOSING[opening], ends, escaped=escaped)
        cut = end - (escaped and self.text[end - 1] == "\\")
        found = self.text[self.at : cut]
        self.at = end + 1
        return _unescaped(found, python=ends is _ENDS_ARGUMENT)

    def peek(self) -> str:
        """The next character that means something."""
        if (skipped := _SKIP.match(self.text, self.at)) is not None:
            self.at = skipped.end()
        if self.at >= len(self.text):
            raise CutOffError("the text ends in the middle")
        return self.text[self.at]

    def take(self, characters: str) -> bool:
        if self.peek() not in characters:
            return False
        self.at += 1
        return True

    def ends_with(self, characters: str) -> bool:
        """Takes a closing bracket; at the end of the text does as if it was there."""
        if _ALL_ENDS.match(self.text, skipped.end() if (skipped := _SKIP.match(self.text, self.at)) else self.at):
            self.closed = False
            return True
        return self.take(characters)

    def window(self) -> int:
        """Where the next tag or call begins, at the end at the latest."""
        found = _WINDOW_ENDS.search(self.text, self.at)
        return found.start() if found is not None else len(self.text)

    def _opens_string(self) -> bool:
        here = self.text[self.at]
        return here in _CLOSING or (here == "\\" and self.text[self.at + 1 : self.at + 2] in tuple("\"'"))

    def _closing(self, closing: str, ends: re.Pattern[str], *, escaped: bool = False) -> int:
        """Where the text ends: the place of its closing quote. Looks no further than a tag or the next call."""
        best: dict[int, int] = {}
        inner, before = 0, self.at
        for at in _quotes(self.text, self.at, closing, escaped=escaped):
            if _WINDOW_ENDS.search(self.text, before, at):
                break
            before = at
            following = ends.match(self.text, at + 1)
            if following is not None:
                close = following.groupdict().get("close")
                clean = close is None or _CLEAN.match(self.text, following.end()) is not None
                best.setdefault((0 if clean else 2) + inner % 2, at)
                if 0 in best:
                    break
            elif inner % 2 == 0 and _ALL_ENDS.match(self.text, at + 1):
                best.setdefault(1, at)
            inner += 1
        if best:
            return best[min(best)]
        for at in _quotes(self.text, self.at, _OTHER_CLOSING, escaped=False):
            if _WINDOW_ENDS.search(self.text, self.at, at):
                break
            if ends.match(self.text, at + 1):
                return at
        if self.sealed and ends is _ENDS_ARGUMENT:
            return len(self.text.rstrip().rstrip(")）"))
        self.furthest = max(self.furthest, len(self.text))
        raise CutOffError("a text does not end")

    def _bare_end(self) -> int:
        """Where an argument without quotes ends."""
        unclean = None
        for stop in _STOPS.finditer(self.text, self.at):
            at = stop.start()
            following = _ENDS_ARGUMENT.match(self.text, at)
            if following is None:
                continue
            if following["close"] is None or _CLEAN.match(self.text, following.end()):
                return at
            unclean = at if unclean is None else unclean
        if unclean is None:
            raise CutOffError("an argument does not end")
        return unclean

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        if depth == 0:
            self.partial = found
        while not self.ends_with(_CLOSE_OBJECT):
            if self.take(_COMMA):
                continue
            key = self.string(_ENDS_KEY) if self._opens_string() else str(self._bare())
            if not self.take(_COLON):
                raise NotReadableError(f"no colon behind a key at {self.at}")
            found[key] = self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        while not self.take(_CLOSE_LIST):
            if not self.take(_COMMA):
                found.append(self.value(depth + 1, _ENDS_ITEM))
        return found

    def _bare(self) -> Any:
        """A number as it is written, a constant, or a word without quotes."""
        word = _BARE.match(self.text, self.at)
        if word is None:
            raise NotReadableError(f"nothing that can be read at {self.at}")
        found = word.group().rstrip(")）") or word.group()
        if word.end() >= len(self.text):
            raise CutOffError("a word may go on")
        self.at += len(found)
        return _CONSTANTS.get(found.lower(), found)


def _quotes(text: str, at: int, closing: str, *, escaped: bool) -> Iterator[int]:
    """Places of quotes that may end a text; behind a backslash only where the opening one was behind one, too."""
    for found in re.compile(rf"\\.|[{closing}]", re.DOTALL).finditer(text, at):
        if found.group()[0] != "\\":
            yield found.start()
        elif escaped and found.group()[1] in closing:
            yield found.start() + 1


def _unescaped(text: str, *, python: bool) -> str:
    """Escapes read; one that is none stays as it is in Python, and loses its backslash in JSON."""
    if "\\" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        digits, letter = found["digits"], found["letter"]
        if digits is not None:
            return chr(int(digits, 16))
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        return letter if not python or letter in _KEEPS_NO_BACKSLASH else f"\\{letter}"

    return _joined(_ESCAPE.sub(one, text))


def _joined(text: str) -> str:
    """Halves of characters put together; what stays alone is replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
