"""What a point of a model means: the element under it, or the one that it just missed."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Final

from contracts.values import Point
from services.hierarchy.geometry import Rect
from services.hierarchy.kinds import kind_of_node
from services.hierarchy.labels import is_editable, own_label, spoken_label
from services.hierarchy.node import Node
from services.hierarchy.owners import Owner, kind_of, package_of
from services.hierarchy.targets import Miss, Screen

REACH: Final = 0.025
"""How far a point may lie beside an element that it means, as a part of the longer side of the screen: a finger's
half."""
_NAMED: Final = 3
_LABEL_CHARS: Final = 40


@dataclass(frozen=True)
class Snapped:
    """The element that is meant, and where to touch it: the point itself where it hits the element, else the nearest
    place well inside."""

    node: Node
    point: Point


def snap(screen: Screen, point: Point) -> Snapped | Miss:
    """The element that a point means.

    What takes taps and is on top there; else what is written there; else what takes taps within a finger's width. A
    point off the screen, on the keyboard, or far from everything, is a miss that says what is there or near.
    """
    if not screen.size.holds_point(point.x, point.y):
        return Miss(f"({point.x}, {point.y}) is off the screen, which is {screen.size.width} x {screen.size.height}")
    if (over := _window_over(screen, point)) is not None:
        return Miss(f"({point.x}, {point.y}) is on {over}")
    hit = on_top(screen, point)
    if hit is not None:
        return Snapped(hit, point)
    near = _near(screen, point)
    if near and near[0][0] <= REACH * max(screen.size.width, screen.size.height):
        return Snapped(near[0][1], _inside(_box(screen, near[0][1]), point))
    return Miss(f"there is nothing to act on at ({point.x}, {point.y}); {_what_is_near(screen, near)}")


def name_of(screen: Screen, node: Node) -> str:
    """`button "Save"`, for people and models."""
    label = spoken_label(screen.tree, node) or node.id_name
    short = label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1] + "…"
    return f'{kind_of_node(node)} "{short}"' if short else kind_of_node(node)


def on_top(screen: Screen, point: Point) -> Node | None:
    """What a finger would touch there: what takes taps and is drawn last, else what is written there."""
    found = (_top_of(screen, window, point) for window in _windows(screen, point))
    return next((node for node in found if node is not None), None)


def takes_part(screen: Screen, node: Node) -> bool:
    """Whether an element can be acted on where it is: in sight, not under anything, and made for it."""
    return node.position in screen.sight.reached and (node.is_actionable or is_editable(node))


def _windows(screen: Screen, point: Point) -> list[tuple[Node, ...]]:
    """Nodes by window, the foremost first: those that lie over the app (keyboard, system bars), then the app's."""
    over = [
        screen.tree.nodes[root.position : root.end]
        for root in over_the_app(screen)
        if root.bounds.clipped(screen.size).holds_point(point.x, point.y)
    ]
    own = [
        tuple(node for node in screen.surface.nodes if root.position <= node.position < root.end)
        for root in screen.tree.roots
    ]
    return [*over, *(window for window in own if window)]


def _window_over(screen: Screen, point: Point) -> str | None:
    for root in over_the_app(screen):
        if root.bounds.clipped(screen.size).holds_point(point.x, point.y):
            if kind_of(package_of(screen.tree, root)) is Owner.KEYBOARD:
                return "the keyboard: type the text instead, or go back to close it"
            return "a bar of the system"
    return None


def over_the_app(screen: Screen) -> list[Node]:
    """Windows that lie over the app's: the keyboard, and bars of the system."""
    front = {node.position for node in screen.surface.nodes}
    found = []
    for root in screen.tree.roots:
        owner = kind_of(package_of(screen.tree, root))
        is_bar = owner is Owner.SYSTEM and root.bounds.area < screen.size.area / 2
        if root.position not in front and (owner is Owner.KEYBOARD or is_bar):
            found.append(root)
    return found


def _top_of(screen: Screen, window: tuple[Node, ...], point: Point) -> Node | None:
    """The last that is drawn there, if it takes taps; else the smallest with a text of its own."""
    here = [node for node in window if _box(screen, node).holds_point(point.x, point.y)]
    acting = [node for node in here if takes_part(screen, node)]
    taps = [node for node in acting if not node.scrollable or node.clickable]
    if taps:
        return taps[-1]
    told = [node for node in here if node.position in screen.sight.reached and own_label(node)]
    if told:
        return min(told, key=lambda node: (_box(screen, node).area, -node.position))
    return acting[-1] if acting else None


def _box(screen: Screen, node: Node) -> Rect:
    return node.bounds.clipped(screen.size)


def _near(screen: Screen, point: Point) -> list[tuple[float, Node]]:
    found = [
        (_distance(_box(screen, node), point), node)
        for node in screen.surface.nodes
        if takes_part(screen, node) and (not node.scrollable or node.clickable)
    ]
    return sorted(found, key=lambda one: (one[0], one[1].bounds.area, one[1].position))


def _distance(box: Rect, point: Point) -> float:
    across = max(box.left - point.x, 0, point.x - (box.right - 1))
    along = max(box.top - point.y, 0, point.y - (box.bottom - 1))
    return hypot(across, along)


def _inside(box: Rect, point: Point) -> Point:
    """The place of a box nearest to a point, a quarter of the box away from its edges."""
    return Point(
        x=min(max(point.x, box.left + box.width // 4), box.right - 1 - box.width // 4),
        y=min(max(point.y, box.top + box.height // 4), box.bottom - 1 - box.height // 4),
    )


def _what_is_near(screen: Screen, near: list[tuple[float, Node]]) -> str:
    if not near:
        return "nothing on this screen can be acted on"
    names = []
    for _, node in near[:_NAMED]:
        centre = _box(screen, node).to_bounds().centre
        names.append(f"{name_of(screen, node)} at ({centre.x}, {centre.y})")
    return f"near it: {', '.join(names)}"
