"""The XML that `uiautomator dump` prints, attribute by attribute in its order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold: uiautomator prints a dot for each."""


@dataclass(frozen=True, slots=True)
class XmlNode:
    """One `<node>`: `flags` in the order of `FLAGS`; bounds as left, top, right, bottom.

    `index` is the node's place among all its siblings, the ones that uiautomator leaves out included; without it the
    children are counted.
    """

    text: str
    resource_id: str
    class_name: str
    package: str
    desc: str
    flags: tuple[bool, ...]
    bounds: tuple[int, int, int, int]
    children: tuple[XmlNode, ...] = ()
    index: int | None = None


FLAGS = (
    "checkable",
    "checked",
    "clickable",
    "enabled",
    "focusable",
    "focused",
    "scrollable",
    "long-clickable",
    "password",
    "selected",
)


def hierarchy_xml(roots: Iterable[XmlNode]) -> str:
    """The complete document, the declaration included; `index` counts the children of each node."""
    body = "".join(_node_xml(root, index) for index, root in enumerate(roots))
    return f'{_HEAD}<hierarchy rotation="0">{body}</hierarchy>'


def _node_xml(node: XmlNode, index: int) -> str:
    left, top, right, bottom = node.bounds
    place = index if node.index is None else node.index
    flags = " ".join(f'{name}="{str(on).lower()}"' for name, on in zip(FLAGS, node.flags, strict=True))
    opening = (
        f'<node index="{place}" text="{_escape(node.text)}" resource-id="{_escape(node.resource_id)}"'
        f' class="{_escape(node.class_name)}" package="{_escape(node.package)}" content-desc="{_escape(node.desc)}"'
        f' {flags} bounds="[{left},{top}][{right},{bottom}]"'
    )
    if not node.children:
        return f"{opening} />"
    children = "".join(_node_xml(child, at) for at, child in enumerate(node.children))
    return f"{opening}>{children}</node>"


def _escape(text: str) -> str:
    cleaned = _FORBIDDEN.sub(".", text)
    for character, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("\n", "&#10;"),
        ("\r", "&#13;"),
        ("\t", "&#9;"),
    ):
        cleaned = cleaned.replace(character, entity)
    return cleaned
