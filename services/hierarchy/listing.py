"""A screen as compact numbered text for a model: what can be acted on, and what can be read.

An element that takes taps stands for what is written in it; a row of a list for its labels. What takes no part (out of
sight, behind a panel, without a text) is left out, and so is what goes beyond the limits: that is counted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from services.hierarchy.kinds import kind_of_node
from services.hierarchy.labels import is_editable
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface
from services.hierarchy.targets import Screen

MAX_TEXT: Final = 100
"""Characters of one text."""
MAX_TEXTS: Final = 6
"""Texts of one element."""
MAX_CHARS: Final = 12_000
"""Characters of all lines."""
_MAX_ID: Final = 60
_NO_NAME: Final = re.compile(r"[^\w.:/$-]+")
"""What no name of an id holds; those of web pages are whatever the page says."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Listing:
    """Lines are numbered from 1, and so are the elements that they stand for. `left_out` counts elements that could be
    listed and are not."""

    lines: tuple[str, ...]
    left_out: int
    nodes: tuple[Node, ...] = field(repr=False)

    def node(self, number: int) -> Node | None:
        """The element of a line; None where there is no such line."""
        return self.nodes[number - 1] if 1 <= number <= len(self.nodes) else None


@dataclass
class _Entry:
    node: Node
    acts: bool
    texts: list[str] = field(default_factory=list)
    more: bool = False

    def add(self, text: str) -> None:
        if text and text not in self.texts:
            if len(self.texts) < MAX_TEXTS:
                self.texts.append(text)
            else:
                self.more = True


def list_screen(screen: Screen, *, limit: int = 120) -> Listing:
    """At most `limit` lines. What can be acted on is kept before what can only be read, earlier before later.

    Deterministic: equal hierarchies have equal numbers.
    """
    entries = [one for one in _entries(screen.surface) if one.acts or one.texts]
    kept, room = set[int](), MAX_CHARS
    for one in sorted(entries, key=lambda one: not one.acts):
        size = len(_line(len(entries), one)) + 1
        if len(kept) == max(limit, 0) or size > room:
            break
        kept.add(one.node.position)
        room -= size
    shown = [one for one in entries if one.node.position in kept]
    lines = tuple(_line(number, one) for number, one in enumerate(shown, 1))
    return Listing(lines, len(entries) - len(shown), tuple(one.node for one in shown))


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """A text on one line without marks of direction and other characters that cannot be seen, cut at `limit`."""
    bare = "".join(char if unicodedata.category(char) not in _HIDDEN else " " for char in text[: 4 * limit])
    line = " ".join(bare.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _entries(surface: Surface) -> list[_Entry]:
    """In document order. Each text goes to the element that takes its taps, else to its row, else stands alone."""
    entries: dict[int, _Entry] = {}
    owners: dict[int, _Entry] = {}
    for node in surface.seen():
        above = owners.get(node.parent)
        if node.is_actionable or is_editable(node):
            entry = entries[node.position] = _Entry(node, acts=_takes_part(surface, node))
        elif above is not None and (above.acts or _same_row(surface, above.node, node)) and not above.node.scrollable:
            entry = above
        elif surface.rows.get(node.position) == node.position:
            entry = entries[node.position] = _Entry(node, acts=False)
        else:
            entry = _Entry(node, acts=False)
            if any(_said(node)):
                entries[node.position] = entry
        owners[node.position] = entry
        for text in _said(node):
            entry.add(text)
    return list(entries.values())


def _takes_part(surface: Surface, node: Node) -> bool:
    """A scrim, or what lies under one, cannot be acted on."""
    return node.position in surface.sight.reached or is_editable(node)


def _same_row(surface: Surface, above: Node, node: Node) -> bool:
    row = surface.rows.get(node.position)
    return row is not None and row == surface.rows.get(above.position) == above.position


def _said(node: Node) -> Iterator[str]:
    if not node.password:
        yield plain(node.text)
    yield plain(node.content_desc)
    if not node.text or node.password:
        yield plain(node.hint)


def _line(number: int, entry: _Entry) -> str:
    node = entry.node
    parts = [str(number), kind_of_node(node) if entry.acts or not node.children else "row"]
    parts.extend(json.dumps(text, ensure_ascii=False) for text in entry.texts)
    if entry.more:
        parts.append("…")
    name = _NO_NAME.sub("_", plain(node.id_name, _MAX_ID))
    if name:
        parts.append(f"#{name}")
    parts.extend(_flags(entry))
    return " ".join(parts)


def _flags(entry: _Entry) -> Iterator[str]:
    node = entry.node
    if node.checkable:
        yield "checked" if node.checked else "unchecked"
    if node.selected:
        yield "selected"
    if not node.enabled:
        yield "disabled"
    if node.focused:
        yield "focused"
    if node.password:
        yield "password"
    if node.scrollable:
        yield "scrollable"
    if node.long_clickable and not node.clickable:
        yield "long-press"
