"""Which windows are in sight, by `dumpsys window windows` of any Android generation, whole or filtered by `LINES`."""

from __future__ import annotations

import re
from typing import Literal

from contracts.values import Bounds, WindowSeen

MOST = 40
"""Windows that are kept; a phone has ten or so."""
LINES = (
    "Window #|mDisplayId=|package=|mAttrs=| ty=|fl=|mGivenContentInsets=|rame=|isOnScreen=|isVisible=|mViewVisibility="
    "|mHasSurface=|Surface: shown=|mCurrentFocus|mFocusedApp"
)
"""A regular expression (`grep -E`) of the lines that `windows`, `window.foreground` and `window.is_secure` read."""

_BLOCK = re.compile(r"(?m)^\s*Window #\d+ Window\{")
_HEAD = re.compile(r"(?P<token>[0-9a-f]+) (?:u\d+ )?(?P<title>[^}]*?)(?: paused=\w+)?\}")
_FOCUS = re.compile(r"mCurrentFocus=Window\{([0-9a-f]+) ")
_TYPE = re.compile(r"\bty=(\w+)")
_PACKAGE = re.compile(r"\bpackage=([\w.]+)")
_BOX = r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]"
_FRAME = re.compile(rf"\b(?:mFrame|frame)={_BOX}")
_INSETS = re.compile(rf"\bmGivenContentInsets={_BOX}")
_KEYBOARDS = {"2011", "2012", "INPUT_METHOD", "INPUT_METHOD_DIALOG"}
_WALLPAPERS = {"2013", "WALLPAPER"}
_LAST_APPLICATION = 1999


def windows(output: str) -> tuple[WindowSeen, ...]:
    """The windows that can be seen, as the phone lists them: from the front to the back.

    Wallpapers, and what is parked beside the screen, are left out. A keyboard often has a window as large as the
    screen and says by insets how much of it is only air: `bounds` is what is left, and one of air alone is not there.
    """
    focus = _FOCUS.findall(output)
    found = (_window(block, focus[-1] if focus else "") for block in _BLOCK.split(output)[1:])
    return tuple(window for window in found if window is not None)[:MOST]


def _window(block: str, focus: str) -> WindowSeen | None:
    head = _HEAD.match(block)
    kind = _type(block)
    if head is None or kind is None or not _visible(block):
        return None
    bounds = _bounds(block, with_insets=kind == "KEYBOARD")
    if bounds is not None and (bounds.area == 0 or bounds.x + bounds.width <= 0 or bounds.y + bounds.height <= 0):
        return None
    title = head["title"][:200]
    named = _PACKAGE.search(block)
    package = named[1] if named else title.partition("/")[0] if "/" in title else ""
    return WindowSeen(type=kind, package=package, title=title, bounds=bounds, focused=head["token"] == focus)


def _type(block: str) -> Literal["APP", "SYSTEM", "KEYBOARD"] | None:
    """None for what is behind everything."""
    found = _TYPE.search(block)
    name = found[1] if found else ""
    if name in _WALLPAPERS:
        return None
    if name in _KEYBOARDS:
        return "KEYBOARD"
    if name.isdigit():
        return "APP" if int(name) <= _LAST_APPLICATION else "SYSTEM"
    return "APP" if "APPLICATION" in name and "OVERLAY" not in name else "SYSTEM"


def _visible(block: str) -> bool:
    """Newer phones say so; older ones say whether the view is visible (0x0) and its surface shown."""
    if (told := re.search(r"\bisVisible=(\w+)", block)) is not None:
        return told[1] == "true"
    shown = re.search(r"Surface: shown=(\w+)|\bmHasSurface=(\w+)", block)
    return "mViewVisibility=0x0" in block and shown is not None and "true" in shown.groups()


def _bounds(block: str, with_insets: bool) -> Bounds | None:
    frame = _FRAME.search(block)
    if frame is None:
        return None
    left, top, right, bottom = map(int, frame.groups())
    insets = _INSETS.search(block) if with_insets else None
    if insets is not None:
        before_x, before_y, after_x, after_y = map(int, insets.groups())
        left, top, right, bottom = left + before_x, top + before_y, right - after_x, bottom - after_y
    return Bounds(x=left, y=top, width=max(right - left, 0), height=max(bottom - top, 0))
