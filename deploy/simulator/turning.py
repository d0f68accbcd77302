"""Points and bounds of a screen that is turned.

`rotation` counts quarter turns, as `Surface.ROTATION_*` does; width and height are pixels of the unturned screen.
"""

from __future__ import annotations

import re

_BOUNDS = re.compile(r'bounds="\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]"')
_ROTATION = re.compile(r'(<hierarchy[^>]*rotation=")\d"')


def unturned(x: int, y: int, rotation: int, width: int, height: int) -> tuple[int, int]:
    """The point of the unturned screen under a point of the turned one."""
    match rotation:
        case 1:
            return width - 1 - y, x
        case 2:
            return width - 1 - x, height - 1 - y
        case 3:
            return y, height - 1 - x
        case _:
            return x, y


def turned(hierarchy: str, rotation: int, width: int, height: int) -> str:
    """The hierarchy of an unturned screen with the bounds that its nodes have on the turned one."""

    def turn(match: re.Match[str]) -> str:
        left, top, right, bottom = map(int, match.groups())
        match rotation:
            case 1:
                box = (top, width - right, bottom, width - left)
            case 2:
                box = (width - right, height - bottom, width - left, height - top)
            case _:
                box = (height - bottom, left, height - top, right)
        return 'bounds="[{},{}][{},{}]"'.format(*box)

    return _ROTATION.sub(rf'\g<1>{rotation}"', _BOUNDS.sub(turn, hierarchy))
