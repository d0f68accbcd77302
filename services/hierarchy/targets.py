"""Which element a step means on the screen in front, where a finger reaches it, and what there is instead. Pure.

The same answer on the phone, before something is touched, and for a person who tries a locator by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.values import Bounds, Place, Point, Strategy, Target
from services.hierarchy.errors import LocatorError
from services.hierarchy.geometry import Rect
from services.hierarchy.locators import evaluate
from services.hierarchy.node import Node, Tree
from services.hierarchy.surface import Surface, survey
from services.hierarchy.visibility import Sight, look

LABELS_SHOWN = 12
_LABEL_CHARS = 40


@dataclass(frozen=True)
class Screen:
    """A hierarchy on a screen of a size, with what is seen of it."""

    tree: Tree
    size: Rect
    sight: Sight
    _surfaces: list[Surface] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, tree: Tree, width: int | None, height: int | None) -> Screen:
        """Sizes that are not known are taken from the windows."""
        given = Rect(0, 0, width or 0, height or 0)
        size = given if given.area else tree.extent
        return cls(tree, size, look(tree, size))

    @property
    def surface(self) -> Surface:
        """The same as a person sees it: whose it is, which windows count, which nodes are rows. Made once.

        Not a `cached_property`: until Python 3.12 that has one lock for all screens.
        """
        if not self._surfaces:
            self._surfaces.append(survey(self.tree, self.size.width, self.size.height, sight=self.sight))
        return self._surfaces[0]


@dataclass(frozen=True)
class Match:
    """What a target means: the part of the element that can be seen, and its middle; a point has no element."""

    point: Point
    bounds: Bounds | None = None
    node: Node | None = None


@dataclass(frozen=True)
class Miss:
    """Why a target means nothing here, or not one thing; `matches` counts what it addresses, seen or not."""

    reason: str
    matches: int = 0


def find(screen: Screen, target: Target) -> Match | Miss:
    """The one element that is meant. Where several match, `index` has to choose."""
    if target.point is not None:
        return Match(point_of(target.point, screen.size))
    try:
        found = addressed(screen.tree, target)
    except LocatorError as error:
        return Miss(str(error))
    seen = shown(screen, found)
    if not seen:
        hidden = f"{len(found)} match {target.words}, but cannot be seen: scroll to it, or close what covers it"
        return Miss(hidden if found else f"nothing matches {target.words}", len(found))
    if target.index is None and len(seen) > 1:
        return Miss(f"{len(seen)} elements match {target.words}: narrow it, or choose with index", len(seen))
    at = target.index or 0
    if at >= len(seen):
        return Miss(f"{len(seen)} elements match, so that there is none with index {at}: {target.words}", len(seen))
    box = seen[at].bounds.clipped(screen.size)
    return Match(box.to_bounds().centre, box.to_bounds(), seen[at])


def is_seen(screen: Screen, target: Target) -> bool:
    """Whether anything that the target addresses can be seen. Raises `LocatorError`."""
    if target.point is not None:
        raise LocatorError("a point is always there: wait for an element")
    return len(shown(screen, addressed(screen.tree, target))) > (target.index or 0)


def addressed(tree: Tree, target: Target) -> Sequence[Node]:
    """Nodes that the target addresses, seen or not, in document order. Raises `LocatorError`."""
    if target.xpath is not None:
        return evaluate(tree, Strategy.XPATH, target.xpath)
    if target.uiselector is not None:
        return evaluate(tree, Strategy.CUSTOM, target.uiselector)
    found = [node for node in tree if _holds(node, target)]
    # A row often repeats what its label says: the innermost is meant.
    positions = [node.position for node in found]
    return [
        node for at, node in enumerate(found) if at + 1 == len(found) or positions[at + 1] >= node.end
    ]  # fmt: skip


def shown(screen: Screen, nodes: Sequence[Node]) -> list[Node]:
    return [n for n in nodes if n.position in screen.sight.seen and n.bounds.clipped(screen.size).area]


def point_of(place: Place, size: Rect) -> Point:
    """A place in pixels of a screen; what lies beyond its edge is drawn to it only where it is given in percent."""
    if place.unit == "PX":
        return Point(x=round(place.x), y=round(place.y))
    return Point(x=min(round(size.width * place.x / 100), max(size.width - 1, 0)),
                 y=min(round(size.height * place.y / 100), max(size.height - 1, 0)))  # fmt: skip


def focused_field(screen: Screen) -> Node | None:
    """The field that takes what is typed; None where none has the focus."""
    fields = [n for n in screen.tree if n.focused and n.position in screen.sight.seen]
    return fields[-1] if fields else None


def labels(screen: Screen) -> list[str]:
    """What can be read on the screen, from the top, shortened; nothing of password fields."""
    found: dict[str, None] = {}
    for node in shown(screen, screen.tree.nodes):
        text = " ".join(_said(node).split())
        if text and not node.password:
            found[text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1] + "…"] = None
    return list(found)[:LABELS_SHOWN]


def _said(node: Node) -> str:
    return node.text or node.content_desc


def _holds(node: Node, target: Target) -> bool:
    return (
        (target.text is None or _said(node) == target.text)
        and (target.text_contains is None or target.text_contains.casefold() in _said(node).casefold())
        and (target.description is None or node.content_desc == target.description)
        and (target.id is None or target.id in {node.resource_id, node.id_name})
    )
