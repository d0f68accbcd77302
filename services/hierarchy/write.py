"""Writes a Tree as `uiautomator dump` would. The inverse of `parse`, for recordings and for tests."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import quoteattr

from services.hierarchy.node import Node, Tree, attribute

_NAMES: Final = (
    "index", "text", "resource-id", "class", "package", "content-desc", "checkable", "checked", "clickable", "enabled",
    "focusable", "focused", "scrollable", "long-clickable", "password", "selected", "bounds",
)  # fmt: skip
_HEAD: Final = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"


def to_xml(tree: Tree) -> str:
    """The document on one line, as the phone writes it. What the source marked invisible says `displayed="false"`."""
    parts = [f'{_HEAD}<hierarchy rotation="{tree.rotation}">']
    closing: list[int] = []
    for node in tree:
        while closing and closing[-1] <= node.position:
            parts.append("</node>")
            closing.pop()
        parts.append(_opening(node))
        if node.children:
            closing.append(node.end)
    parts.extend("</node>" for _ in closing)
    parts.append("</hierarchy>")
    return "".join(parts)


def _opening(node: Node) -> str:
    given = [f"{name}={_quoted(attribute(node, name))}" for name in _NAMES]
    if node.hint:
        given.append(f"hint={_quoted(node.hint)}")
    if not node.visible:
        given.append('displayed="false"')
    return f"<node {' '.join(given)}{'>' if node.children else ' />'}"


def _quoted(value: str) -> str:
    return quoteattr(value, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
