"""The XML of the resident server: with attributes and line breaks of its own, of one window or of all in sight."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from deploy.simulator.hierarchy import FLAGS, XmlNode, hierarchy_xml
from deploy.simulator.keyguard import SYSTEM_UI
from deploy.simulator.screen import Box

_HEAD = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
_TAG = re.compile(r"<(/?)(\w+)([^>]*?)(/?)>")
_BOUNDS = re.compile(r' (bounds="[^"]*")')
_HIERARCHY = re.compile(r"<hierarchy[^>]*>(.*)</hierarchy>", re.DOTALL)
KEYBOARD = "com.android.inputmethod.latin"
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@lru_cache(maxsize=256)
def as_server(hierarchy: str, api: int) -> str:
    """What `uiautomator` would print, as the server prints it: each node says more, on a line of its own."""
    extra = "".join(
        f' {name}="{value}"'
        for name, value, since in (("drawing-order", "0", 24), ("hint", "", 26), ("display-id", "0", 30))
        if api >= since
    )
    lines, depth = [_HEAD], 0
    for closing, name, attributes, empty in _TAG.findall(hierarchy):
        depth -= bool(closing)
        said = _BOUNDS.sub(rf' visible-to-user="true" \1{extra}', attributes) if name == "node" else attributes
        lines.append(f"{'  ' * depth}<{closing}{name}{said.rstrip()}{' /' if empty else ''}>")
        depth += not (closing or empty)
    return "\r\n".join(lines)


def all_windows(hierarchy: str, keyboard: Box | None, bars: tuple[Box, ...]) -> str:
    """The hierarchy with the roots of the system's bars and of the keyboard, in no order that means anything."""
    found = _HIERARCHY.search(hierarchy)
    if found is None:
        return hierarchy
    roots = [found[1], *(_root(hierarchy_xml([_bar(box)])) for box in bars)]
    if keyboard is not None:
        roots.append(_root(hierarchy_xml([_keyboard(keyboard)])))
    roots.sort(key=lambda root: zlib.crc32(root.encode()))
    return hierarchy[: found.start(1)] + "".join(roots) + hierarchy[found.end(1) :]


def _root(xml: str) -> str:
    found = _HIERARCHY.search(xml)
    return found[1] if found else ""


def _flags(*on: str) -> tuple[bool, ...]:
    return tuple(name in ("enabled", *on) for name in FLAGS)


def _bar(box: Box) -> XmlNode:
    name = "status_bar" if box[1] == 0 else "navigation_bar_frame"
    child = XmlNode("", f"{SYSTEM_UI}:id/{name}", "android.widget.FrameLayout", SYSTEM_UI, "", _flags(), box)
    return XmlNode("", "", "android.widget.FrameLayout", SYSTEM_UI, "", _flags(), box, (child,))


def _keyboard(box: Box) -> XmlNode:
    left, top, right, bottom = box
    row = (bottom - top) // len(_KEYS)
    keys = []
    for number, letters in enumerate(_KEYS):
        width = (right - left) // len(letters)
        for at, letter in enumerate(letters):
            place = (left + at * width, top + number * row, left + (at + 1) * width, top + (number + 1) * row)
            keys.append(XmlNode("", "", "android.widget.Button", KEYBOARD, letter, _flags("clickable"), place))
    view = XmlNode("", f"{KEYBOARD}:id/keyboard_view", "android.view.View", KEYBOARD, "", _flags(), box, tuple(keys))
    return XmlNode("", "", "android.widget.FrameLayout", KEYBOARD, "", _flags(), box, (view,))
