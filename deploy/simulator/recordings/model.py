"""A recording as values: states with their trees and pictures, and where gestures led."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from deploy.simulator.hierarchy import FLAGS, XmlNode

Direction: TypeAlias = Literal["UP", "DOWN", "LEFT", "RIGHT"]
"""Where the content is scrolled to: DOWN shows what is below, so the finger moves up."""
DIRECTIONS: tuple[Direction, ...] = ("UP", "DOWN", "LEFT", "RIGHT")
Box: TypeAlias = tuple[int, int, int, int]

_CHECKABLE, _CLICKABLE, _ENABLED = FLAGS.index("checkable"), FLAGS.index("clickable"), FLAGS.index("enabled")
_SCROLLABLE, _LONG = FLAGS.index("scrollable"), FLAGS.index("long-clickable")


@dataclass(frozen=True, slots=True)
class Gesture:
    """What a finger did to what: a node by its path of child positions, or a key by its name."""

    kind: Literal["tap", "hold", "scroll", "key", "launch"]
    node: tuple[int, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class State:
    """One recorded screen. `stack` are its components (`package/full activity name`) as recorded, the top one first."""

    name: str
    package: str
    activity: str
    roots: tuple[XmlNode, ...]
    picture: Path
    stack: tuple[str, ...] = ()

    def walk(self) -> Iterator[tuple[tuple[int, ...], XmlNode]]:
        """Every node with its path, in drawing order: the later one lies on top."""
        yield from _walk(self.roots, ())

    def touched(self, x: int, y: int) -> tuple[int, ...] | None:
        """The topmost node at the point that a touch means something to."""
        return self._topmost(x, y, (_CLICKABLE, _CHECKABLE, _LONG))

    def scrolled(self, x: int, y: int) -> tuple[int, ...] | None:
        """The topmost node at the point that scrolls."""
        return self._topmost(x, y, (_SCROLLABLE,))

    def _topmost(self, x: int, y: int, flags: tuple[int, ...]) -> tuple[int, ...] | None:
        found = None
        for path, node in self.walk():
            left, top, right, bottom = node.bounds
            if left <= x < right and top <= y < bottom and any(node.flags[flag] for flag in flags):
                found = path
        return found

    def gestures(self) -> tuple[Gesture, ...]:
        """What the dump lets one see to try: each enabled node that can be tapped (one for each box), held or scrolled
        in four directions, and BACK."""
        boxes: set[Box] = set()
        found: list[Gesture] = []
        for path, node in self.walk():
            if not node.flags[_ENABLED]:
                continue
            if (node.flags[_CLICKABLE] or node.flags[_CHECKABLE]) and node.bounds not in boxes:
                boxes.add(node.bounds)
                found.append(Gesture("tap", path))
            if node.flags[_LONG]:
                found.append(Gesture("hold", path))
            if node.flags[_SCROLLABLE]:
                found += [Gesture("scroll", path, direction) for direction in DIRECTIONS]
        return (*found, Gesture("key", detail="BACK"))


def _walk(nodes: tuple[XmlNode, ...], path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], XmlNode]]:
    for at, node in enumerate(nodes):
        yield (*path, at), node
        yield from _walk(node.children, (*path, at))


Move: TypeAlias = tuple[str, Gesture]
"""A state's name and what was done in it."""


@dataclass(frozen=True)
class Recording:
    """Everything that was recorded of one app.

    `moves` names the states that a gesture led to, in the order of recording (several: they take turns); `timed` the
    ones that came by themselves. `screen` is the size of the pictures, to which all bounds are scaled. `moves` holds
    gestures that changed nothing too, with their own state as the target.
    """

    package: str
    version_name: str
    version_code: int
    label: str
    main_activity: str
    start: str
    states: Mapping[str, State]
    moves: Mapping[Move, tuple[str, ...]]
    timed: Mapping[str, tuple[str, ...]]
    screen: tuple[int, int]
    activities: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    home: str = ""
    """Name of the recorded launcher, where there is one."""
    foreign: tuple[str, ...] = field(default=())
    """Other packages that were seen."""
