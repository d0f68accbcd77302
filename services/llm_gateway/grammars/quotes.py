"""Where a text ends that a model put in quotes, or in none: quotes inside it are often not escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from services.llm_gateway.grammars.names import ARGUMENT_NAMES

CLOSING: Final = {
    '"': '"', "“": "”", "”": "”", "＂": "＂", "'": "'", "‘": "’", "’": "’", "「": "」", "『": "』", "`": "`",
}  # fmt: skip
"""Quotes that begin a text, with those that end it."""
_MISTAKEN: Final = '"”“＂'
"""What ends a text whose own closing quote is nowhere."""
_NAME = r"[A-Za-z_\u4e00-\u9fff][\w ]{0,30}"
_ARGUMENT = "|".join(ARGUMENT_NAMES)
_BLANK = r"\s{0,99}"
AFTER_ARGUMENT: Final = re.compile(
    rf"{_BLANK}(?:[,，、;；]?{_BLANK}(?:{_ARGUMENT})\s?[=＝:：]|(?P<close>[,，]?{_BLANK}[)）]))", re.IGNORECASE
)
"""What follows the value of an argument: another one, or the bracket that ends the call."""
AFTER_VALUE: Final = re.compile(
    rf"{_BLANK}(?:[}}｝]|[\]］】]{_BLANK}[}}｝,，]|[,，;；]?{_BLANK}(?:[\"“”'‘’][^\"“”'‘’\n]{{1,40}}[\"“”'‘’]|{_NAME})\s?[:：]"
    rf"|[,，]{_BLANK}[}}｝])"
)
AFTER_ITEM: Final = re.compile(rf"{_BLANK}[,，、;；\]］】)）]")
AFTER_KEY: Final = re.compile(rf"{_BLANK}[:：=]")
_NOTHING_ELSE = re.compile(
    r"(?:[ \t]{0,9}[)）\]}】\"'”`;；。.,，!！]){0,9}[ \t]{0,99}(?:$|[\r\n<`]|\\n|(?:do|finish)\s*[(（])"
)
"""What follows the end of a call that is the end of its line, too."""
_LABEL = r"(?:[*# ]{0,4}[A-Za-z\u4e00-\u9fff ]{1,20}[:：][* ]{0,4})?"
_ENOUGH = re.compile(rf"</?(?:answer|think(?:ing)?|tool_call)>|\n[ \t]*{_LABEL}(?:do|finish)\s*[(（]", re.IGNORECASE)
"""Where no text goes on: a tag, or the next call."""
_REST_IS_BLANK = re.compile(r"\s*$")
_STOPS = re.compile(r"[,，、;；)）]")
_ESCAPE = re.compile(r"\\(?:u(?P<digits>[0-9a-fA-F]{4})|(?P<letter>.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_ESCAPED_IN_PYTHON: Final = "\\\"'/“”\n"


def closing_quote(text: str, at: int, opening: str, after: re.Pattern[str], *, escaped: bool) -> int | None:
    """The place of the quote that ends a text which begins at `at`; None where there is none.

    It is one behind which stands what can follow a text (`after`). Of several the first counts that ends its line, too,
    and leaves the quotes inside paired; then one that ends its line; then a paired one. The
    last is looked for on its own line only.
    """
    best: dict[int, int] = {}
    before = at  # Up to here there is neither a tag nor a call.
    for inner, quote in enumerate(_quotes(text, at, CLOSING[opening], escaped=escaped)):
        if _ENOUGH.search(text, before, quote) or (2 in best and "\n" in text[before:quote]):
            break
        before = quote
        following = after.match(text, quote + 1)
        if following is not None:
            is_clean = following.groupdict().get("close") is None or _NOTHING_ELSE.match(text, following.end())
            best.setdefault((0 if is_clean else 2) + inner % 2, quote)
            if 0 in best:
                break
        elif inner % 2 == 0 and _REST_IS_BLANK.match(text, quote + 1):
            best.setdefault(1, quote)
    if best:
        return best[min(best)]
    for quote in _quotes(text, at, _MISTAKEN, escaped=False):
        if quote > before and _ENOUGH.search(text, before, quote):
            return None
        before = max(before, quote)
        if after.match(text, quote + 1):
            return quote
    return None


def bare_end(text: str, at: int) -> int | None:
    """Where an argument without quotes ends; None where it does not."""
    unclean = None
    for stop in _STOPS.finditer(text, at):
        following = AFTER_ARGUMENT.match(text, stop.start())
        if following is None:
            continue
        if following["close"] is None or _NOTHING_ELSE.match(text, following.end()):
            return stop.start()
        unclean = stop.start() if unclean is None else unclean
    return unclean


def text_limit(text: str, at: int) -> int:
    """Where the next tag or call begins, at the end of all at the latest."""
    found = _ENOUGH.search(text, at)
    return found.start() if found is not None else len(text)


def unescaped(text: str, *, python: bool) -> str:
    """Escapes read. A backslash that escapes nothing stays in Python, and is dropped in JSON."""
    if "\\" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        digits, letter = found["digits"], found["letter"]
        if digits is not None:
            return chr(int(digits, 16))
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        return letter if not python or letter in _ESCAPED_IN_PYTHON else f"\\{letter}"

    return joined(_ESCAPE.sub(one, text))


def joined(text: str) -> str:
    """Halves of characters put together; one that stays alone is replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _quotes(text: str, at: int, closing: str, *, escaped: bool) -> Iterator[int]:
    """Places of quotes that may end a text; behind a backslash only where the opening one was behind one, too."""
    for found in re.compile(rf"\\.|[{closing}]", re.DOTALL).finditer(text, at):
        if found.group()[0] != "\\":
            yield found.start()
        elif escaped and found.group()[1] in closing:
            yield found.start() + 1
