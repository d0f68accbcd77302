"""Numbers and durations as models write them: digits of any width, words, Chinese numerals."""

from __future__ import annotations

import re
from typing import Any, Final

_COUNTED: Final = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
]  # fmt: skip
_WORDS: Final[dict[str, float]] = {
    **{word: float(value) for value, word in enumerate(_COUNTED)},
    "a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "half": 0.5, "半": 0.5,
}  # fmt: skip
_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_DURATION = re.compile(
    r"(?P<number>[-−]?\d{1,9}(?:[.．]\d{1,9})?(?:[eE]-?\d{1,3})?|[^\W\d]{1,12}?)\s*"
    r"(?P<unit>ms|毫秒|milliseconds?|s|secs?|seconds?|秒钟?|m|mins?|minutes?|分钟?)?\.?",
    re.IGNORECASE,
)


def seconds_in(value: Any) -> float | None:
    """A duration in seconds: `3`, `"2 seconds"`, `"500ms"`, `"两秒"`; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    found = _DURATION.fullmatch(str(value).strip())
    if found is None:
        return None
    number = _number(found["number"])
    if number is None:
        return None
    unit = (found["unit"] or "s").casefold()
    if unit in {"ms", "毫秒", "millisecond", "milliseconds"}:
        return number / 1000
    return number * 60 if unit[0] in "m分" else number


def whole_number(value: Any) -> int | None:
    """A whole number: `5`, `"#5"`, `"[5]"`, `5.0`, `"five"`, `"五"`; None for what is none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    number = _number(str(value).strip().strip("#[]()（）【】").strip())
    return int(number) if number is not None and number == int(number) else None


def _number(text: str) -> float | None:
    plain = text.translate(str.maketrans("−．", "-.")).casefold()
    if len(plain) > 20:
        return None
    try:
        number = float(plain)
    except ValueError:
        return _WORDS.get(plain, _chinese(plain))
    return number if abs(number) < 1e9 else None


def _chinese(text: str) -> float | None:
    """Numerals up to ninety-nine."""
    tens, found, ones = text.rpartition("十")
    if (tens and tens not in _DIGITS) or (ones and ones not in _DIGITS) or not text:
        return None
    return (_DIGITS.get(tens, 1) if found else 0) * 10 + _DIGITS.get(ones, 0)
