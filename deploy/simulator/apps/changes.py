"""What one version of an app changes in another, as values: played by the engine, and the truth that tests compare to.

An element is addressed by its resource entry in the base version, or by its name where it has no id; every node of the
screen with that address is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from deploy.simulator.apps.actions import Ask, Choose, Effect, Goto, Show, Submit
from deploy.simulator.apps.model import App, Node, Screen


@dataclass(frozen=True, slots=True)
class RenameId:
    """The element has another resource entry."""

    screen: str
    element: str
    id: str


@dataclass(frozen=True, slots=True)
class ChangeText:
    """The element says something else."""

    screen: str
    element: str
    text: str


@dataclass(frozen=True, slots=True)
class Wrap:
    """The element stands in a container of its own."""

    screen: str
    element: str
    container_id: str


@dataclass(frozen=True, slots=True)
class Move:
    """The element stands at another place among its siblings."""

    screen: str
    element: str
    position: int


@dataclass(frozen=True, slots=True)
class DropScreen:
    """The screen is gone; what opened it does nothing any more."""

    screen: str


@dataclass(frozen=True, slots=True)
class AddScreen:
    """A new screen; its activity is declared where it was not."""

    screen: Screen


@dataclass(frozen=True, slots=True)
class AddElement:
    """A new element after another one."""

    screen: str
    after: str
    node: Node


@dataclass(frozen=True, slots=True)
class Redirect:
    """A tap on the element has other effects."""

    screen: str
    element: str
    tap: tuple[Effect, ...]


Change: TypeAlias = RenameId | ChangeText | Wrap | Move | DropScreen | AddScreen | AddElement | Redirect


def changed(app: App, version_name: str, version_code: int, changes: Iterable[Change]) -> App:
    """The app with the changes made. A change that meets nothing is a `ValueError`: the description is wrong."""
    screens = dict(app.screens)
    for change in changes:
        match change:
            case DropScreen():
                del screens[change.screen]
                screens = {name: _without_way_to(each, change.screen) for name, each in screens.items()}
            case AddScreen():
                screens[change.screen.name] = change.screen
            case _:
                screens[change.screen] = _edited(screens[change.screen], change)
    return replace(
        app, version_name=version_name, version_code=version_code, screens=screens, activities=_activities(app, screens)
    )


def _activities(app: App, screens: Mapping[str, Screen]) -> tuple[str, ...]:
    """The declared activities: without those whose every screen was dropped, with those that new screens bring."""
    used = dict.fromkeys(screen.activity for screen in screens.values())
    kept = [each for each in app.activities if each in used]
    return (*kept, *(each for each in used if each not in kept))


def addressed(node: Node, element: str) -> bool:
    """Whether the address means this node."""
    return element == (node.id or node.name)


def find(node: Node, element: str) -> Node | None:
    """The first node with the address."""
    if addressed(node, element):
        return node
    return next((found for child in node.children if (found := find(child, element)) is not None), None)


def _edited(screen: Screen, change: RenameId | ChangeText | Wrap | Move | AddElement | Redirect) -> Screen:
    match change:
        case RenameId():
            root = _each(screen.root, change.element, lambda node: replace(node, id=change.id))
        case ChangeText():
            root = _each(screen.root, change.element, lambda node: replace(node, text=change.text))
        case Redirect():
            root = _each(screen.root, change.element, lambda node: replace(node, tap=change.tap))
        case Wrap():
            root = _each(screen.root, change.element, lambda node: _wrapped(node, change.container_id))
        case Move():
            root = _siblings(screen.root, change.element, lambda nodes, at: _moved(nodes, at, change.position))
        case AddElement():
            root = _siblings(screen.root, change.after, lambda nodes, at: _inserted(nodes, at, change.node))
        case _:
            assert_never(change)
    if root == screen.root:
        raise ValueError(f"{change} changes nothing on the screen {screen.name!r}")
    return replace(screen, root=root)


def _each(node: Node, element: str, edit: Callable[[Node], Node]) -> Node:
    children = tuple(_each(child, element, edit) for child in node.children)
    edited = replace(node, children=children)
    return edit(edited) if addressed(node, element) else edited


def _wrapped(node: Node, container_id: str) -> Node:
    return Node(
        "column",
        name=container_id,
        id=container_id,
        class_name="android.widget.FrameLayout",
        weight=node.weight,
        shown=node.shown,
        children=(replace(node, shown=None, weight=0),),
    )


_Nodes: TypeAlias = tuple[Node, ...]


def _siblings(node: Node, element: str, edit: Callable[[_Nodes, int], _Nodes]) -> Node:
    at = next((at for at, child in enumerate(node.children) if addressed(child, element)), None)
    if at is not None:
        return replace(node, children=edit(node.children, at))
    return replace(node, children=tuple(_siblings(child, element, edit) for child in node.children))


def _inserted(nodes: _Nodes, at: int, node: Node) -> _Nodes:
    return (*nodes[: at + 1], node, *nodes[at + 1 :])


def _moved(nodes: _Nodes, at: int, position: int) -> _Nodes:
    rest = [*nodes[:at], *nodes[at + 1 :]]
    rest.insert(position, nodes[at])
    return tuple(rest)


def _without_way_to(screen: Screen, dropped: str) -> Screen:
    def edit(node: Node) -> Node:
        tap = tuple(effect for effect in node.tap if dropped not in targets((effect,)))
        return replace(node, tap=tap, children=tuple(edit(child) for child in node.children))

    return replace(screen, root=edit(screen.root))


def targets(effects: Iterable[Effect]) -> set[str]:
    """Names of the app's screens and dialogs that the effects can lead to."""
    found: set[str] = set()
    for effect in effects:
        match effect:
            case Goto():
                found.add(effect.screen)
            case Show():
                found.add(effect.dialog)
            case Choose():
                found |= targets((*effect.then, *effect.otherwise))
            case Submit():
                found |= targets(effect.done)
            case Ask():
                found |= targets((*effect.granted, *effect.denied))
    return found
