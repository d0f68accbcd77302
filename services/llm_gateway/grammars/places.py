"""Points of models and points of the screen: the space that a model says them in, and how it writes them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from contracts.values import Bounds, Point
from services.llm_gateway.grammars.shown import Shown

_NUMBER = re.compile(r"[-−－+]?\d+(?:[.．]\d+)?%?")
_POINT_TEXT = re.compile(
    r"(?:</?[a-z_]{1,12}>|<\|[a-z_]{1,20}\|>|[\s\d.．,，、;；%()（）\[\]【】{}+−－-]|[xXyY]\s*[=:：])*"
)
_PER_MILLE: Final = 1000
_FRACTION_STEPS: Final = 10_000
_DIGITS: Final = 12


class PlaceError(ValueError):
    """What was written is no point. The message says why, in words that the model can be told."""


def numbers(value: Any) -> list[str]:
    """The numbers in what was written for a point, in order; none where it is something else."""
    match value:
        case list():
            return [number for entry in value for number in numbers(entry)]
        case dict():
            keys = {str(key).lower(): entry for key, entry in value.items()}
            names = ("x", "y") if "x" in keys else ("x1", "y1", "x2", "y2") if "x1" in keys else tuple(keys)
            return [number for name in names if name in keys for number in numbers(keys[name])]
        case str() if len(value) < 200 and _POINT_TEXT.fullmatch(value):
            return _NUMBER.findall(value)
        case bool() | None:
            return []
        case int() | float():
            return [str(value)]
        case _:
            return []


def point_of(written: list[str], shown: Shown) -> Point:
    """The pixel that two numbers mean, or four of a box. Raises `PlaceError`."""
    if len(written) not in {2, 4}:
        raise PlaceError(f"a point has two numbers, and not {len(written)}")
    values = [_value(number) for number in written]
    if any(value < 0 for value in values):
        raise PlaceError(f"a point is not negative: [{', '.join(written)}]")
    is_fraction = written[0].endswith("%")
    if any(number.endswith("%") is not is_fraction for number in written):
        raise PlaceError(f"some of its numbers are percent: [{', '.join(written)}]")
    if len(values) == 4:
        left, top, right, bottom = values
        if right < left or bottom < top:
            raise PlaceError(
                f"a box is [left, top, right, bottom]: [{', '.join(written)}]; say the point [x, y] instead"
            )
        values = [(left + right) / 2, (top + bottom) / 2]
    is_fraction = is_fraction or (max(values) <= 1 and any(value % 1 for value in values))
    return _pixel(values, shown, written, is_fraction=is_fraction)


def said_point(point: Point, shown: Shown) -> list[float]:
    """A pixel in the space of the model: the least value that means it, where one does."""
    width, height = max(shown.width, 1), max(shown.height, 1)
    x, y = min(max(point.x, 0), width - 1), min(max(point.y, 0), height - 1)
    match shown.coordinates:
        case "per_mille":
            return [min(-(-x * _PER_MILLE // width), 999), min(-(-y * _PER_MILLE // height), 999)]
        case "pixels":
            wide, high = _picture(shown)
            return [min(-(-x * wide // width), wide - 1), min(-(-y * high // height), high - 1)]
        case "fraction":
            return [
                -(-x * _FRACTION_STEPS // width) / _FRACTION_STEPS,
                -(-y * _FRACTION_STEPS // height) / _FRACTION_STEPS,
            ]


def space_words(shown: Shown) -> str:
    """The space of points in words."""
    match shown.coordinates:
        case "per_mille":
            return "from 0 to 999 of the width and of the height, [0,0] at the top left, [999,999] at the bottom right"
        case "pixels":
            wide, high = _picture(shown)
            return f"in pixels of the picture, which is {wide} wide and {high} high, [0,0] at the top left"
        case "fraction":
            return "from 0 to 1 of the width and of the height, [0,0] at the top left"


def holding(point: Point, places: tuple[Bounds, ...]) -> int | None:
    """The number of the smallest listed element whose centre is this very point."""
    fitting = [(place.area, at) for at, place in enumerate(places, 1) if place.centre == point]
    return min(fitting)[1] if fitting else None


def _value(number: str) -> Decimal:
    plain = number.translate(str.maketrans("−－．", "--."))
    if len(plain) > _DIGITS:
        raise PlaceError(f"{number[:20]} is no coordinate")
    return Decimal(plain.rstrip("%")) / (100 if plain.endswith("%") else 1)


def _pixel(values: list[Decimal], shown: Shown, written: list[str], *, is_fraction: bool) -> Point:
    if is_fraction:
        wide, high = Decimal(1), Decimal(1)
    elif shown.coordinates == "per_mille":
        wide = high = Decimal(_PER_MILLE)
    elif shown.coordinates == "pixels":
        wide, high = (Decimal(side) for side in _picture(shown))
    else:
        wide = high = Decimal(1)
    x, y = values
    if x > wide or y > high:
        raise PlaceError(f"[{', '.join(written)}] is outside of the screen: points are {space_words(shown)}")
    return Point(
        x=min(int(x * shown.width / wide), max(shown.width - 1, 0)),
        y=min(int(y * shown.height / high), max(shown.height - 1, 0)),
    )


def _picture(shown: Shown) -> tuple[int, int]:
    wide, high = shown.picture if shown.picture is not None else (shown.width, shown.height)
    return max(wide, 1), max(high, 1)
