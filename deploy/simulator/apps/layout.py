"""Layout: nodes, the values they read and a box become views with bounds. Pure; text is measured with the real font."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploy.simulator.apps.actions import ON
from deploy.simulator.apps.model import Kind, Node
from deploy.simulator.apps.palette import line_height, text_width, wrap
from deploy.simulator.apps.scope import Scope
from deploy.simulator.apps.view import (
    CONTENT,
    HEIGHT,
    NAVIGATION_BAR,
    STATUS_BAR,
    WIDTH,
    Box,
    View,
    intersect,
    is_empty,
)

_CLASSES: dict[Kind, str] = {
    "column": "android.widget.LinearLayout",
    "row": "android.widget.LinearLayout",
    "grid": "android.widget.GridLayout",
    "scroll": "android.widget.ScrollView",
    "list": "androidx.recyclerview.widget.RecyclerView",
    "label": "android.widget.TextView",
    "button": "android.widget.Button",
    "field": "android.widget.EditText",
    "switch": "android.widget.Switch",
    "check": "android.widget.CheckBox",
    "icon": "android.widget.ImageView",
    "image": "android.widget.ImageView",
    "web": "android.webkit.WebView",
    "progress": "android.widget.ProgressBar",
    "space": "android.view.View",
}
_HEIGHTS: dict[Kind, int] = {
    "button": 120,
    "field": 132,
    "switch": 84,
    "check": 84,
    "icon": 84,
    "image": 200,
    "progress": 120,
    "space": 2,
}
_WIDTHS: dict[Kind, int] = {"switch": 126, "check": 84, "icon": 84, "image": 200, "progress": 120, "space": 2}
_SCROLLING = ("list", "scroll", "web")
_UNBOUNDED = 10**6
_NOWHERE: Box = (0, 0, 0, 0)


@dataclass(frozen=True)
class Setting:
    """What a layout depends on besides the nodes: values, the focused field, scroll offsets, whose package it is."""

    scope: Scope
    package: str
    focus: str = ""
    offsets: Mapping[str, int] = field(default_factory=dict)
    heights: dict[tuple[int, int], int] = field(default_factory=dict)
    """Heights worked out in this layout, by node identity and width."""


def arrange(root: Node, setting: Setting) -> View:
    """A whole window: the decor that Android puts around an activity, with the screen's own nodes inside."""
    content = _place(root, CONTENT, CONTENT, setting, "0")
    package = setting.package
    bottom = HEIGHT - NAVIGATION_BAR
    holder = _decor("android.widget.FrameLayout", CONTENT, package, "android:id/content", (content,))
    column = _decor("android.widget.LinearLayout", (0, 0, WIDTH, bottom), package, "", (holder,))
    status = _decor("android.view.View", (0, 0, WIDTH, STATUS_BAR), package, "android:id/statusBarBackground")
    navigation = _decor("android.view.View", (0, bottom, WIDTH, HEIGHT), package, "android:id/navigationBarBackground")
    return _decor("android.widget.FrameLayout", (0, 0, WIDTH, HEIGHT), package, "", (column, navigation, status))


def arrange_dialog(root: Node, setting: Setting) -> View:
    """A dialog's window: as high as its nodes need, in the middle of the screen."""
    width = root.width or 930
    height = min(_height(root, width, setting), HEIGHT - 400)
    left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
    box = (left, top, left + width, top + height)
    content = _place(root, box, box, setting, "0")
    holder = _decor("android.widget.FrameLayout", box, setting.package, "android:id/content", (content,))
    return _decor("android.widget.FrameLayout", box, setting.package, "", (holder,))


def _decor(class_name: str, box: Box, package: str, resource_id: str, children: tuple[View, ...] = ()) -> View:
    return View(
        key="",
        kind="column",
        class_name=class_name,
        package=package,
        box=box,
        seen=box,
        look=_PLAIN.look,
        resource_id=resource_id,
        children=children,
    )


_PLAIN = Node("column")


def _shown(node: Node, setting: Setting) -> list[Node]:
    return [child for child in node.children if setting.scope.holds(child.shown)]


def _height(node: Node, width: int, setting: Setting) -> int:
    key = (id(node), width)
    if key not in setting.heights:
        setting.heights[key] = node.height or _natural_height(node, width, setting)
    return setting.heights[key]


def _natural_height(node: Node, width: int, setting: Setting) -> int:
    left, top, right, bottom = node.pad
    inner = width - left - right
    children = _shown(node, setting)
    match node.kind:
        case "column" | "scroll" | "list" | "web":
            needed = sum(_height(child, _child_width(child, inner, setting), setting) for child in children)
            needed += node.gap * max(0, len(children) - 1)
        case "row":
            widths = _row_widths(node, children, inner, setting)
            needed = max((_height(child, w, setting) for child, w in zip(children, widths, strict=True)), default=0)
        case "grid":
            cell = (inner - node.gap * (node.columns - 1)) // node.columns
            lines = [children[at : at + node.columns] for at in range(0, len(children), node.columns)]
            needed = sum(max(_height(child, cell, setting) for child in line) for line in lines)
            needed += node.gap * max(0, len(lines) - 1)
        case "label":
            look = node.look
            lines_of_text = wrap(setting.scope.fill(node.text), look.size, look.weight, max(inner, 1), look.lines)
            needed = len(lines_of_text) * line_height(look.size)
        case _:
            return _HEIGHTS[node.kind]
    return needed + top + bottom


def _width(node: Node, setting: Setting) -> int:
    """The width that a node takes by itself in a row."""
    if node.width:
        return node.width
    left, _, right, _ = node.pad
    look = node.look
    match node.kind:
        case "label":
            text = setting.scope.fill(node.text)
            needed = max(text_width(line, look.size, look.weight) for line in text.split("\n"))
            return round(needed + 0.999) + left + right
        case "button":
            return round(text_width(setting.scope.fill(node.text), look.size, look.weight)) + 96
        case "column" | "row" | "grid" | "scroll" | "list" | "web" | "field":
            widths = [_width(child, setting) for child in _shown(node, setting)]
            inner = sum(widths) + node.gap * max(0, len(widths) - 1) if node.kind == "row" else max(widths, default=0)
            return inner + left + right
        case _:
            return _WIDTHS[node.kind]


def _child_width(child: Node, inner: int, setting: Setting) -> int:
    if child.width:
        return min(child.width, inner)
    return min(_width(child, setting), inner) if child.kind in ("icon", "image", "progress", "check") else inner


def _row_widths(node: Node, children: list[Node], inner: int, setting: Setting) -> list[int]:
    free = inner - node.gap * max(0, len(children) - 1)
    fixed = [0 if child.weight else _width(child, setting) for child in children]
    total = sum(child.weight for child in children)
    rest = max(0, free - sum(fixed))
    return [rest * each.weight // total if each.weight else taken for each, taken in zip(children, fixed, strict=True)]


def _place(node: Node, box: Box, clip: Box, setting: Setting, path: str) -> View:
    key = node.name or path
    seen = intersect(box, clip)
    left, top, right, bottom = node.pad
    inner = (box[0] + left, box[1] + top, box[2] - right, box[3] - bottom)
    overflow = 0
    if node.kind in _SCROLLING:
        content = _natural_height(node, box[2] - box[0], setting)
        overflow = max(0, content - (box[3] - box[1]))
        offset = min(setting.offsets.get(key, 0), overflow)
        inner = (inner[0], inner[1] - offset, inner[2], inner[1] - offset + _UNBOUNDED)
    children = _place_children(node, inner, seen, setting, key if node.name else path)
    view = _view(node, key, setting)
    return replace(
        view,
        box=box,
        seen=seen,
        overflow=overflow,
        scrollable=overflow > 0,
        children=children,
        focusable=view.clickable or overflow > 0,
    )


def _place_children(node: Node, inner: Box, clip: Box, setting: Setting, path: str) -> tuple[View, ...]:
    children = _shown(node, setting)
    boxes = {"row": _row_boxes, "grid": _grid_boxes}.get(node.kind, _column_boxes)(node, children, inner, setting)
    placed = []
    for at, (child, box) in enumerate(zip(children, boxes, strict=True)):
        if not is_empty(intersect(box, clip)):
            placed.append(_place(child, box, clip, setting, f"{path}.{at}"))
    return tuple(placed)


def _column_boxes(node: Node, children: list[Node], inner: Box, setting: Setting) -> list[Box]:
    left, top, right, bottom = inner
    widths = [_child_width(child, right - left, setting) for child in children]
    heights = [0 if c.weight else _height(c, w, setting) for c, w in zip(children, widths, strict=True)]
    rest = bottom - top - sum(heights) - node.gap * max(0, len(children) - 1)
    total = sum(child.weight for child in children)
    boxes, y = [], top
    for child, width, height in zip(children, widths, heights, strict=True):
        high = max(0, rest) * child.weight // total if child.weight else height
        x = left + {"left": 0, "center": (right - left - width) // 2, "right": right - left - width}[node.look.align]
        boxes.append((x, y, x + width, y + high))
        y += high + node.gap
    return boxes


def _row_boxes(node: Node, children: list[Node], inner: Box, setting: Setting) -> list[Box]:
    left, top, right, bottom = inner
    boxes, x = [], left
    for child, width in zip(children, _row_widths(node, children, right - left, setting), strict=True):
        high = min(_height(child, width, setting), bottom - top) if child.kind != "space" else bottom - top
        y = top + (bottom - top - high) // 2
        boxes.append((x, y, x + width, y + high))
        x += width + node.gap
    return boxes


def _grid_boxes(node: Node, children: list[Node], inner: Box, setting: Setting) -> list[Box]:
    left, top, right, _ = inner
    cell = (right - left - node.gap * (node.columns - 1)) // node.columns
    boxes, y = [], top
    for at in range(0, len(children), node.columns):
        line = children[at : at + node.columns]
        high = max(_height(child, cell, setting) for child in line)
        for column, _ in enumerate(line):
            x = left + column * (cell + node.gap)
            boxes.append((x, y, x + cell, y + high))
        y += high + node.gap
    return boxes


def _view(node: Node, key: str, setting: Setting) -> View:
    """What a node says by itself, without its place."""
    scope = setting.scope
    typed = scope.value(key) if node.kind == "field" else ""
    hinting = node.kind == "field" and not typed
    shown_text = "•" * len(typed) if node.password else typed
    enabled = scope.holds(node.enabled)
    checkable = node.kind in ("switch", "check")
    clickable = bool(node.tap) or node.kind == "field" or (checkable and bool(node.bind))
    class_name = node.class_name or ("android.widget.ImageButton" if node.kind == "icon" and node.tap else "")
    look = node.look
    if "{" in look.icon + look.fill:
        look = replace(look, icon=scope.fill(look.icon), fill=scope.fill(look.fill))
    return View(
        key=key,
        kind=node.kind,
        class_name=class_name or _CLASSES[node.kind],
        package=setting.package,
        box=_NOWHERE,
        seen=_NOWHERE,
        look=look,
        resource_id=_resource_id(node.id, setting.package),
        text=(node.hint if hinting else shown_text) if node.kind == "field" else scope.fill(node.text),
        desc=scope.fill(node.desc),
        hinting=hinting,
        clickable=clickable,
        long_clickable=bool(node.hold) or node.kind == "field",
        checkable=checkable,
        checked=checkable and scope.value(node.bind) == ON,
        enabled=enabled,
        focused=node.kind == "field" and setting.focus == key,
        password=node.password,
        selected=node.selected is not None and scope.holds(node.selected),
        node=node,
    )


def _resource_id(entry: str, package: str) -> str:
    return entry if not entry or ":" in entry else f"{package}:id/{entry}"
