"""Swipes: from a point to a point, or in a direction across the screen or an element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, assert_never

from contracts.values import Bounds, Point, SwipeTo
from contracts.values.actions import Direction
from services.llm_gateway.grammars.arguments import UnclearError
from services.llm_gateway.grammars.places import numbers, point_of
from services.llm_gateway.grammars.shown import Shown

_DIRECTIONS: Final[Mapping[str, Direction]] = {
    "up": "UP", "down": "DOWN", "left": "LEFT", "right": "RIGHT",
    "upward": "UP", "downward": "DOWN", "upwards": "UP", "downwards": "DOWN",
    "上": "UP", "下": "DOWN", "左": "LEFT", "右": "RIGHT",
    "向上": "UP", "向下": "DOWN", "向左": "LEFT", "向右": "RIGHT",
    "上滑": "UP", "下滑": "DOWN", "左滑": "LEFT", "右滑": "RIGHT",
}  # fmt: skip
_OPPOSITE: Final[Mapping[Direction, Direction]] = {"UP": "DOWN", "DOWN": "UP", "LEFT": "RIGHT", "RIGHT": "LEFT"}
_DRAG: Final = 0.5
"""Part of the screen, or of an element, that a swipe in a direction takes."""


def swipe(roles: Mapping[str, Any], number: int | None, shown: Shown, *, scrolls: bool) -> SwipeTo:
    """`scrolls`: the direction is where the content is looked at next, against which the finger goes. Raises
    `UnclearError` and `PlaceError`."""
    start, end = _ends(roles)
    if start and end:
        begins, ends = point_of(start, shown), point_of(end, shown)
        if begins == ends:
            raise UnclearError("start and end are the same point")
        return SwipeTo(start=begins, end=ends, direction=_direction(begins, ends))
    said = roles.get("direction")
    direction = _DIRECTIONS.get(said.strip().casefold()) if isinstance(said, str) else None
    if direction is None:
        raise UnclearError("say start [x, y] and end [x, y], or a direction: up, down, left, right")
    if scrolls:
        direction = _OPPOSITE[direction]
    begins, ends = dragged(direction, whole(shown) if number is None else shown.places[number - 1])
    return SwipeTo(start=begins, end=ends, direction=direction)


def dragged(direction: Direction, within: Bounds) -> tuple[Point, Point]:
    """Where a finger goes that is drawn in a direction across the middle of something."""
    x, y = within.centre.x, within.centre.y
    across, along = max(round(within.width * _DRAG / 2), 1), max(round(within.height * _DRAG / 2), 1)
    match direction:
        case "UP":
            return Point(x=x, y=y + along), Point(x=x, y=y - along)
        case "DOWN":
            return Point(x=x, y=y - along), Point(x=x, y=y + along)
        case "LEFT":
            return Point(x=x + across, y=y), Point(x=x - across, y=y)
        case "RIGHT":
            return Point(x=x - across, y=y), Point(x=x + across, y=y)
        case _:
            assert_never(direction)


def whole(shown: Shown) -> Bounds:
    return Bounds(x=0, y=0, width=shown.width, height=shown.height)


def _ends(roles: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    start, end = numbers(roles.get("start")), numbers(roles.get("end"))
    if not start and "x1" in roles:
        return _pair(roles, "x1", "y1"), _pair(roles, "x2", "y2")
    return start or (numbers(roles.get("point")) if end else []), end


def _pair(roles: Mapping[str, Any], *names: str) -> list[str]:
    return [number for name in names if name in roles for number in numbers(roles[name])]


def _direction(start: Point, end: Point) -> Direction:
    across, along = end.x - start.x, end.y - start.y
    if abs(across) > abs(along):
        return "RIGHT" if across > 0 else "LEFT"
    return "DOWN" if along > 0 else "UP"
