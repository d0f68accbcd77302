"""The elements of a screen: what can be acted on, and the labels that inform."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from contracts.values import LocatorCandidate, ScreenElement, Visibility
from services.hierarchy.labels import has_trusted_id, is_editable, own_label, spoken_label
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface

MAX_ELEMENTS: Final = 300
_MAX_TEXT: Final = 1_000


def chosen_nodes(surface: Surface) -> list[Node]:
    """Nodes that become elements, in document order: everything that can be acted on, and labels in sight.

    Beyond MAX_ELEMENTS, elements that can be acted on are kept before labels, earlier before later.
    """
    acted: list[Node] = []
    labels: list[Node] = []
    for node in surface.nodes:
        if is_interactable(node):
            acted.append(node)
        elif node.position in surface.sight.seen and own_label(node):
            labels.append(node)
    kept = [*acted, *labels][:MAX_ELEMENTS]
    return sorted(kept, key=lambda node: node.position)


def is_interactable(node: Node) -> bool:
    return node.is_actionable or is_editable(node)


def element_hash(surface: Surface, node: Node) -> str:
    """32 hex digits of the path from the nearest named ancestor (or itself) and the resource id, as the database design
    asks. Texts and pixels are no part of it, so it lasts while the content changes; unique within a hierarchy."""
    tree = surface.tree
    anchor = node if _is_anchor(surface, node) else None
    if anchor is None:
        anchor = next((above for above in tree.ancestors(node) if _is_anchor(surface, above)), None)
    if anchor is node:
        path = ""
    elif anchor is not None:
        path = tree.path(node, below=anchor)
    else:
        root = surface.tree.roots.index(next((a for a in _up(surface, node) if a.depth == 0), node))
        path = f"{root}{tree.path(node)}"
    name = f"{anchor.resource_id if anchor is not None else ''}|{path}|{node.class_name}|{node.resource_id}"
    return blake2b(name.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _up(surface: Surface, node: Node) -> list[Node]:
    return [node, *surface.tree.ancestors(node)]


def _is_anchor(surface: Surface, node: Node) -> bool:
    return has_trusted_id(node) and len(surface.tree.with_attribute("resource-id", node.resource_id)) == 1


def visibility(surface: Surface, node: Node) -> Visibility:
    """VISIBLE: seen. GONE: without an area. HIDDEN: off the screen, covered, or marked so by the source."""
    if node.position in surface.sight.seen:
        return Visibility.VISIBLE
    return Visibility.GONE if node.bounds.area == 0 else Visibility.HIDDEN


def to_element(surface: Surface, node: Node, locators: tuple[LocatorCandidate, ...]) -> ScreenElement:
    """The row of the database design. What was typed into a password field is left out."""
    return ScreenElement(
        element_hash=element_hash(surface, node),
        element_type=node.class_name or "node",
        resource_id=node.resource_id or None,
        content_desc=node.content_desc[:_MAX_TEXT] or None,
        text_value=(node.text[:_MAX_TEXT] or None) if not node.password else None,
        accessibility_label=spoken_label(surface.tree, node) or None,
        xpath=surface.tree.path(node),
        bounds=node.bounds.to_bounds(),
        visibility=visibility(surface, node),
        interactable=is_interactable(node) and node.enabled,
        locators=locators,
    )
