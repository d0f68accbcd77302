"""UiSelector: which nodes of a hierarchy are meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from lxml import etree

Node: TypeAlias = "etree._Element"
Selector: TypeAlias = dict[str, Any]

_STRINGS = {"text": "text", "className": "class", "description": "content-desc", "packageName": "package"}
_STRINGS["resourceId"] = "resource-id"
_FLAGS = {
    "checkable": "checkable",
    "checked": "checked",
    "clickable": "clickable",
    "longClickable": "long-clickable",
    "scrollable": "scrollable",
    "enabled": "enabled",
    "focusable": "focusable",
    "focused": "focused",
    "selected": "selected",
}
_HOW: dict[str, Callable[[str, str], bool]] = {
    "": lambda value, wanted: value == wanted,
    "Contains": lambda value, wanted: wanted in value,
    "StartsWith": lambda value, wanted: value.startswith(wanted),
    "Matches": lambda value, wanted: re.fullmatch(wanted, value, re.DOTALL) is not None,
}
_BOUNDS = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")


def parse_hierarchy(hierarchy: str) -> Node:
    """The root element; entities are not expanded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    return etree.fromstring(hierarchy.encode(), parser)


def find(root: Node, selector: Selector) -> list[Node]:
    """The nodes that a selector means, in document order, with its `child` and `sibling` steps taken."""
    found = _pick([node for node in root.iter("node") if _matches(node, selector)], selector)
    steps = zip(selector.get("childOrSibling", ()), selector.get("childOrSiblingSelector", ()), strict=False)
    for step, inner in steps:
        reached: dict[Node, None] = {}
        for node in found:
            around = node.iterdescendants("node") if step == "child" else _siblings(node)
            reached |= dict.fromkeys(other for other in around if _matches(other, inner))
        found = _pick(list(reached), inner)
    return found


def _siblings(node: Node) -> list[Node]:
    parent = node.getparent()
    return [] if parent is None else [child for child in parent if child is not node]


def _pick(nodes: list[Node], selector: Selector) -> list[Node]:
    if "instance" not in selector:
        return nodes
    instance = int(selector["instance"])
    return nodes[instance : instance + 1]


def _matches(node: Node, selector: Selector) -> bool:
    for name, wanted in selector.items():
        if name in _FLAGS:
            if (node.get(_FLAGS[name]) == "true") != bool(wanted):
                return False
        elif name == "index":
            if node.get("index") != str(wanted):
                return False
        elif not _string_matches(node, name, wanted):
            return False
    return True


def _string_matches(node: Node, name: str, wanted: object) -> bool:
    for how, compare in _HOW.items():
        attribute = _STRINGS.get(name.removesuffix(how) if how else name)
        if attribute is not None and (not how or name.endswith(how)):
            return compare(node.get(attribute, ""), str(wanted))
    return True


def bounds(node: Node) -> dict[str, int]:
    match = _BOUNDS.fullmatch(node.get("bounds", ""))
    figures = map(int, match.groups()) if match else (0, 0, 0, 0)
    return dict(zip(("left", "top", "right", "bottom"), figures, strict=True))


def centre(node: Node) -> tuple[int, int]:
    box = bounds(node)
    return (box["left"] + box["right"]) // 2, (box["top"] + box["bottom"]) // 2


def describe(node: Node) -> dict[str, Any]:
    """What `objInfo` tells of a node."""
    flags = {name: node.get(attribute) == "true" for name, attribute in _FLAGS.items()}
    return flags | {
        "bounds": bounds(node),
        "childCount": len(node),
        "className": node.get("class", ""),
        "contentDescription": node.get("content-desc", ""),
        "packageName": node.get("package", ""),
        "resourceName": node.get("resource-id") or None,
        "text": node.get("text", ""),
        "visibleBounds": bounds(node),
    }
