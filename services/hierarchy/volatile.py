"""Texts that change by themselves: clocks, dates, counters, readings.

An app with a ticking clock once gave 70 states of 3 structures, another a state per battery reading. So identities are
made of steady texts: what changes by itself is replaced by a mark of its kind, and what a person did stays visible:

- times, dates and times ago become `<time>`, `<date>`, `<ago>`;
- `3/9` and `3 of 9` become `<none>`, `<some>` or `<all>`: "0/9" and "1/9" are different states (a button that does
  nothing may work in the other), "12/181" and "13/181" are not;
- any other number, with its currency, unit or `+`, becomes `#`, but zero stays `0`: an empty cart is another state than
  a full one. Prices are numbers: they follow the market, not the person;
- a percentage becomes `#%`.

Words are kept, also "Today" and weekdays: they are labels more often than dates.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MAX_CHARS: Final = 300

_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_WEEKDAY: Final = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?|星期[一二三四五六日天]|周[一二三四五六日天])"
_UNIT: Final = (
    r"(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mo|months?|y|yrs?|years?"
    r"|秒钟?|分钟|小时|天|周|个月|月|年)"
)
_VOLATILE: Final = re.compile(
    rf"""
    (?P<date>
        (?:{_WEEKDAY}[,，]?\s*)?
        (?: \d{{4}}\s*[-/.年]\s*\d{{1,2}}(?:\s*[-/.月]\s*\d{{1,2}}\s*[日号]?|\s*月)
          | \d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}\b
          | \d{{1,2}}\s*月\s*\d{{1,2}}\s*[日号]
          | {_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}}\b)?
          | \d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:,?\s+\d{{4}}\b)?
        )
        (?:\s*[,，(（]?\s*{_WEEKDAY}[)）]?)?
    )
    | (?P<time>
        (?:(?:上午|下午|凌晨|早上|中午|晚上|[AaPp][Mm])\s*)?
        (?: \d{{1,3}}[:：]\d{{2}}(?:[:：]\d{{2}})?(?:[.,]\d{{1,3}})? | \d{{1,2}}\s*[时点]\s*\d{{1,2}}\s*分? )
        (?:\s*[AaPp]\.?[Mm]\b\.?)?
    )
    | (?P<ago> \d+\s*{_UNIT}\s*(?:ago\b|前) | \bjust\ now\b | 刚刚 )
    | (?P<percent> [-+−]?\d+(?:[.,]\d+)?\s*[%％] )
    | (?P<ratio> (?<![\w/.])(?P<part>\d{{1,6}})\s*(?:/|\bof\b|／)\s*(?P<whole>\d{{1,6}})(?![\w/]) )
    | (?P<number>
        (?:(?<![\w])[-+−])?(?:[$€£¥￥₹₩]\s?)?(?<![A-Za-z_0-9])\d+(?:[.,'\u00a0]\d+)*
        (?:\s?[kKmMbB万亿]\b|[万亿])?\+?(?:\s?[€₽元])?
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MERIDIEM: Final = frozenset({"AM", "PM", "上午", "下午"})
# Marks of direction and joiners that a screen reader needs and an identity does not.
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@lru_cache(maxsize=8192)
def steady(text: str) -> str:
    """The text without what changes by itself, blanks made one, at most MAX_CHARS long."""
    plain = squeezed(text)
    if plain.upper() in _MERIDIEM:
        return "<time>"
    return _VOLATILE.sub(_mark, plain)


@lru_cache(maxsize=8192)
def squeezed(text: str) -> str:
    """The text on one line without invisible marks, cut at MAX_CHARS."""
    return " ".join(_INVISIBLE.sub("", text[: 2 * MAX_CHARS]).split())[:MAX_CHARS]


def _mark(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "ratio" | "part" | "whole":
            return _ratio(int(found["part"]), int(found["whole"]))
        case "number":
            digits = [char for char in found[0] if char.isdigit()]
            return "0" if all(int(char) == 0 for char in digits) else "#"
        case "percent":
            return "#%"
        case kind:
            return f"<{kind}>"


def _ratio(part: int, whole: int) -> str:
    if part == 0:
        return "<none>"
    return "<all>" if part >= whole else "<some>"


@lru_cache(maxsize=8192)
def is_volatile(text: str) -> bool:
    """Whether a locator made of the text will soon miss: it holds a time, date or counter, or is mostly numbers."""
    plain = squeezed(text)
    if plain.upper() in _MERIDIEM:
        return True
    kinds = {found.lastgroup for found in _VOLATILE.finditer(plain)}
    if kinds - {"number"}:
        return True
    letters = sum(char.isalpha() for char in plain)
    return bool(kinds) and (letters < 4 or plain[:1].isdigit() or plain.rstrip().endswith((")", "]")))
