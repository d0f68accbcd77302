"""What is true of the described apps, worked out from their descriptions: for tests and for the demo's own check.

Nothing here is copied by hand: the screens come from a walk over the effects, the changes from the list that makes
version 2 out of version 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from deploy.simulator.apps.catalog import app
from deploy.simulator.apps.changes import (
    AddElement,
    AddScreen,
    Change,
    ChangeText,
    DropScreen,
    Move,
    Redirect,
    RenameId,
    Wrap,
    addressed,
    find,
    targets,
)
from deploy.simulator.apps.demo.version2 import CHANGES
from deploy.simulator.apps.model import App, Node, Screen

_CHANGES: dict[tuple[str, str], tuple[Change, ...]] = {("1", "2"): CHANGES}


@dataclass(frozen=True, slots=True)
class ScreenTruth:
    """A screen that an explorer can reach. `mark` is one value that it shows as it opens and no other screen has.

    A mark of `by` "id" is a full resource id, of "text" a text or content description, both as the hierarchy has them.
    """

    name: str
    activity: str
    by: Literal["id", "text"]
    mark: str
    dialog: bool = False
    secure: bool = False


@dataclass(frozen=True, slots=True)
class ElementChange:
    """One changed element: where, which (resource entry or name in the base version), before and after."""

    screen: str
    element: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VersionChanges:
    """What a version changes. `renamed` holds ids, `retexted` texts, `wrapped` container ids, `moved` positions."""

    renamed: tuple[ElementChange, ...]
    retexted: tuple[ElementChange, ...]
    wrapped: tuple[ElementChange, ...]
    moved: tuple[ElementChange, ...]
    redirected: tuple[ElementChange, ...]
    added_elements: tuple[ElementChange, ...]
    dropped_screens: tuple[str, ...]
    added_screens: tuple[str, ...]


def reachable_screens(version: str, name: str = "demo") -> tuple[ScreenTruth, ...]:
    """Every screen and dialog of the app itself that gestures lead to, in the order of a breadth-first walk.

    Left out: pages that turn into another one by themselves (the splash screen), and other apps' windows (permission
    controller, browser, the system's ANR dialog).
    """
    described = app(name, version)
    reached = _walk(described)
    return tuple(
        _truth(described, described.screens[each], reached) for each in reached if not described.screens[each].after
    )


def transient_screens(version: str, name: str = "demo") -> tuple[str, ...]:
    """Names of the screens that turn into another one by themselves."""
    described = app(name, version)
    return tuple(each for each in _walk(described) if described.screens[each].after)


def reachable_activities(version: str, name: str = "demo") -> tuple[str, ...]:
    """The declared activities that gestures lead to, the splash activity included, in the order of declaration."""
    described = app(name, version)
    used = {described.screens[each].activity for each in _walk(described)}
    return tuple(each for each in described.activities if each in used)


def changes(base: str, target: str) -> VersionChanges:
    """The changes by design. Versions that nothing is declared for are a `ValueError`."""
    if (base, target) not in _CHANGES:
        known = ", ".join(f"{one} to {other}" for one, other in _CHANGES)
        raise ValueError(f"no changes are declared from version {base} to {target}; declared: {known}")
    described, made = app("demo", base), _CHANGES[base, target]
    return VersionChanges(
        renamed=tuple(_renamed(described, each) for each in made if isinstance(each, RenameId)),
        retexted=tuple(_retexted(described, each) for each in made if isinstance(each, ChangeText)),
        wrapped=tuple(ElementChange(e.screen, e.element, "", e.container_id) for e in made if isinstance(e, Wrap)),
        moved=tuple(_moved(described, each) for each in made if isinstance(each, Move)),
        redirected=tuple(_redirected(described, each) for each in made if isinstance(each, Redirect)),
        added_elements=tuple(
            ElementChange(each.screen, each.node.id or each.node.name, "", each.node.text)
            for each in made
            if isinstance(each, AddElement)
        ),
        dropped_screens=tuple(each.screen for each in made if isinstance(each, DropScreen)),
        added_screens=tuple(each.screen.name for each in made if isinstance(each, AddScreen)),
    )


def _walk(described: App) -> tuple[str, ...]:
    reached = [described.start]
    for name in reached:
        screen = described.screens[name]
        effects = [*screen.after, *screen.on_back]
        for node in nodes(screen.root):
            effects += [*node.tap, *node.hold, *node.double, *node.enter]
        reached += sorted(targets(effects) - set(reached), key=list(described.screens).index)
    return tuple(reached)


def nodes(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from nodes(child)


def _truth(described: App, screen: Screen, reached: Iterable[str]) -> ScreenTruth:
    others = [described.screens[each] for each in reached if each != screen.name]
    by, mark = _mark(described, screen, others)
    return ScreenTruth(screen.name, screen.activity, by, mark, screen.dialog, screen.secure)


_Mark: TypeAlias = tuple[Literal["id", "text"], str]


def _mark(described: App, screen: Screen, others: list[Screen]) -> _Mark:
    """The first id, else the first text, that this screen shows as it opens and no other screen has."""
    taken = {value for other in others for node in nodes(other.root) for value in _values(described, node)}
    for want in ("id", "text"):
        for node in _always_shown(screen.root):
            for by, value in _values(described, node):
                if by == want and (by, value) not in taken and "{" not in value:
                    return by, value
    raise ValueError(f"the screen {screen.name!r} looks like the others: give one of its nodes an id of its own")


def _always_shown(node: Node) -> Iterator[Node]:
    """Nodes without a condition, from the top: the first ones are in sight when the screen opens."""
    if node.shown is None:
        yield node
        for child in node.children:
            yield from _always_shown(child)


def _values(described: App, node: Node) -> list[_Mark]:
    found: list[_Mark] = [("text", text) for text in (node.text, node.desc) if text]
    if node.id:
        found.append(("id", node.id if ":" in node.id else f"{described.package}:id/{node.id}"))
    return found


def _found(described: App, screen: str, element: str) -> Node:
    node = find(described.screens[screen].root, element)
    if node is None:
        raise ValueError(f"the screen {screen!r} has no element {element!r}")
    return node


def _renamed(described: App, change: RenameId) -> ElementChange:
    before = _found(described, change.screen, change.element).id
    return ElementChange(change.screen, change.element, before, change.id)


def _retexted(described: App, change: ChangeText) -> ElementChange:
    before = _found(described, change.screen, change.element).text
    return ElementChange(change.screen, change.element, before, change.text)


def _moved(described: App, change: Move) -> ElementChange:
    for node in nodes(described.screens[change.screen].root):
        for at, child in enumerate(node.children):
            if addressed(child, change.element):
                return ElementChange(change.screen, change.element, str(at), str(change.position))
    raise ValueError(f"the screen {change.screen!r} has no element {change.element!r}")


def _redirected(described: App, change: Redirect) -> ElementChange:
    before = sorted(targets(_found(described, change.screen, change.element).tap))
    return ElementChange(change.screen, change.element, " ".join(before), " ".join(sorted(targets(change.tap))))
