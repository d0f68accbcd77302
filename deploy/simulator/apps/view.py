"""A screen laid out: boxes with everything that uiautomator, a finger and the painter want to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from deploy.simulator.apps.model import Kind, Look, Node

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""

WIDTH, HEIGHT = 1080, 1920
STATUS_BAR = 63
NAVIGATION_BAR = 126
CONTENT: Box = (0, STATUS_BAR, WIDTH, HEIGHT - NAVIGATION_BAR)


def intersect(one: Box, other: Box) -> Box:
    """What both boxes cover; empty boxes have no width or no height."""
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def is_empty(box: Box) -> bool:
    """Whether the box covers no pixel."""
    return box[2] <= box[0] or box[3] <= box[1]


def contains(box: Box, x: int, y: int) -> bool:
    """Whether the point lies on the box."""
    return box[0] <= x < box[2] and box[1] <= y < box[3]


@dataclass(frozen=True, slots=True)
class View:
    """One node with its place. `seen` is the part of `box` that is on the screen; `key` names it within its screen.

    `overflow` is how many pixels of a list's content do not fit: the largest scroll offset.
    """

    key: str
    kind: Kind
    class_name: str
    package: str
    box: Box
    seen: Box
    look: Look
    resource_id: str = ""
    text: str = ""
    desc: str = ""
    hinting: bool = False
    clickable: bool = False
    long_clickable: bool = False
    checkable: bool = False
    checked: bool = False
    enabled: bool = True
    focusable: bool = False
    focused: bool = False
    scrollable: bool = False
    password: bool = False
    selected: bool = False
    overflow: int = 0
    children: tuple[View, ...] = ()
    node: Node | None = field(default=None, compare=False)

    def walk(self) -> Iterator[View]:
        """This view and all below it, in drawing order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything in a picture: windows from the back to the front, and a toast over them."""

    windows: tuple[View, ...]
    toast: str = ""
    phase: int = 0
    """Step of an animation, 0 where nothing moves."""
