"""What a locator addresses on a captured screen, and which locators would address what is at a point. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.device_agent import Capture
from contracts.values import AnyTarget, LocatorCandidate, Point, Strategy, Target
from services.cli.errors import CliError, ExitCode
from services.hierarchy.errors import HierarchyError, LocatorError
from services.hierarchy.node import Node, Tree
from services.hierarchy.parse import parse
from services.hierarchy.surface import survey
from services.hierarchy.targets import Screen, addressed, labels
from services.screen_indexer.ranking import ranked

_TARGET: TypeAdapter[Target] = TypeAdapter(AnyTarget)
_WRITTEN = {Strategy.ID: "id=", Strategy.TEXT: "text=", Strategy.ACCESSIBILITY_ID: "description="}


@dataclass(frozen=True)
class Found:
    """A node that a locator addresses: whether it can be seen, and where a tap would go."""

    node: Node
    seen: bool
    reached: bool

    def as_row(self) -> dict[str, Any]:
        box = self.node.bounds
        return {
            "class": self.node.short_class,
            "id": self.node.resource_id,
            "text": self.node.text or self.node.content_desc,
            "bounds": box.to_text(),
            "point": box.to_bounds().centre.model_dump(),
            "seen": self.seen,
            "reached": self.reached,
        }


def read_screen(hierarchy: bytes, capture: Capture) -> Screen:
    """Raises `CliError` where the hierarchy cannot be read."""
    try:
        return Screen.of(parse(hierarchy), capture.width, capture.height)
    except HierarchyError as error:
        raise CliError(f"the hierarchy cannot be read: {error}") from error


def locate(screen: Screen, locator: str) -> tuple[Target, list[Found]]:
    """Everything that a locator addresses, seen or not. Raises `CliError` for one that is none."""
    try:
        target = _TARGET.validate_python(locator)
        if target.point is not None:
            raise CliError("give a point as two numbers", ExitCode.USAGE)
        nodes = addressed(screen.tree, target)
    except ValidationError as error:
        raise CliError(f"{locator!r}: {error.errors()[0]['msg']}", ExitCode.USAGE) from None
    except LocatorError as error:
        raise CliError(str(error), ExitCode.USAGE) from None
    return target, [found_at(screen, node) for node in nodes]


def found_at(screen: Screen, node: Node) -> Found:
    return Found(node, node.position in screen.sight.seen, node.position in screen.sight.reached)


def nothing(screen: Screen, target: Target) -> str:
    said = ", ".join(f'"{label}"' for label in labels(screen))
    return f"nothing matches {target.words}; there is {said or 'no text'}"


def at_point(screen: Screen, point: Point) -> list[Node]:
    """What is at a point: the smallest element, and where that takes no taps, the one around it that does.

    Raises `CliError` where nothing is there.
    """
    here = [n for n in screen.tree if n.position in screen.sight.seen and n.bounds.holds_point(point.x, point.y)]
    if not here:
        raise CliError(f"nothing is at {point.x},{point.y} on a screen of {screen.size.to_text()}", ExitCode.NOT_FOUND)
    # Of equals the last is the innermost, and the one that is drawn above.
    smallest = min(here, key=lambda node: (node.bounds.area, -node.position))
    around = next((n for n in screen.tree.ancestors(smallest) if n.is_actionable), None)
    return [smallest] if smallest.is_actionable or around is None else [smallest, around]


def proposals(screen: Screen, node: Node, capture: Capture) -> tuple[LocatorCandidate, ...]:
    """Locators of an element, best first: each addresses it alone on this screen."""
    surface = survey(screen.tree, capture.width, capture.height, capture.foreground)
    return ranked(surface, node)


def as_written(candidate: LocatorCandidate) -> str:
    """A locator as a step or a command takes it."""
    return _WRITTEN.get(candidate.strategy, "") + candidate.locator_value


def tree_lines(tree: Tree) -> Iterator[str]:
    """The hierarchy for people: one line a node, what matters of it."""
    for node in tree:
        said = f' "{node.text or node.content_desc}"' if node.text or node.content_desc else ""
        ident = f" #{node.id_name}" if node.resource_id else ""
        marks = "".join(f" {name}" for name in ("clickable", "scrollable", "checked", "focused") if getattr(node, name))
        off = "" if node.enabled else " disabled"
        yield f"{'  ' * node.depth}{node.short_class}{ident}{said} {node.bounds.to_text()}{marks}{off}"
