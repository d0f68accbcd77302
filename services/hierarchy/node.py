"""The UI hierarchy as an immutable tree in document order.

A node knows its place (`position`, `end`, `parent`): descendants are a slice and ancestors a short walk, without
reference cycles.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from services.hierarchy.geometry import EMPTY, Rect

ROOT: Final = -1
"""Parent of the topmost nodes: the `hierarchy` element of the document."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One node. Strings are never None: a missing attribute is "". Compared by identity.

    position  place in document order, from 0
    end       one past the position of its last descendant
    parent    position of its parent, ROOT for a window
    index     what the dump calls `index`: the place among the parent's children
    visible   False only where the source says so (DroidBot, `displayed`, `visible-to-user`)
    """

    position: int
    end: int
    parent: int
    depth: int
    index: int
    bounds: Rect
    children: tuple[Node, ...]
    class_name: str
    package: str
    resource_id: str
    text: str
    content_desc: str
    hint: str
    checkable: bool
    checked: bool
    clickable: bool
    enabled: bool
    focusable: bool
    focused: bool
    scrollable: bool
    long_clickable: bool
    password: bool
    selected: bool
    visible: bool

    @property
    def short_class(self) -> str:
        """`Button` of `android.widget.Button`."""
        return self.class_name.rpartition(".")[2]

    @property
    def id_name(self) -> str:
        """`login` of `com.example:id/login`; the whole id where it has another form (web pages)."""
        return self.resource_id.rpartition(":id/")[2]

    @property
    def is_actionable(self) -> bool:
        return self.clickable or self.long_clickable or self.checkable or self.scrollable


_FLAGS: Final = (
    "checkable", "checked", "clickable", "enabled", "focusable", "focused", "scrollable", "password", "selected",
)  # fmt: skip

_ATTRIBUTES: Final[Mapping[str, Callable[[Node], str]]] = {
    "text": lambda node: node.text,
    "resource-id": lambda node: node.resource_id,
    "class": lambda node: node.class_name,
    "package": lambda node: node.package,
    "content-desc": lambda node: node.content_desc,
    "hint": lambda node: node.hint,
    "index": lambda node: str(node.index),
    "bounds": lambda node: node.bounds.to_text(),
    "long-clickable": lambda node: "true" if node.long_clickable else "false",
    "displayed": lambda node: "true" if node.visible else "false",
} | {name: (lambda node, name=name: "true" if getattr(node, name) else "false") for name in _FLAGS}

ATTRIBUTE_NAMES: Final = frozenset(_ATTRIBUTES)


def attribute(node: Node, name: str) -> str:
    """The attribute as the dump would write it; KeyError when Android has no such attribute."""
    return _ATTRIBUTES[name](node)


class Tree:
    """A hierarchy: its nodes in document order, its windows (`roots`), and look-ups by attribute made on demand."""

    def __init__(self, nodes: Sequence[Node], rotation: int = 0) -> None:
        self.nodes: Final[tuple[Node, ...]] = tuple(nodes)
        self.roots: Final[tuple[Node, ...]] = tuple(node for node in self.nodes if node.parent == ROOT)
        self.rotation: Final = rotation
        self._by_attribute: dict[str, dict[str, list[Node]]] = {}

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @cached_property
    def extent(self) -> Rect:
        """Around all windows: the best guess of the screen where no picture says its size."""
        around = EMPTY
        for root in self.roots:
            around = around.united(root.bounds)
        return around

    def parent(self, node: Node) -> Node | None:
        return None if node.parent == ROOT else self.nodes[node.parent]

    def ancestors(self, node: Node) -> Iterator[Node]:
        """From the parent up to the window."""
        while node.parent != ROOT:
            node = self.nodes[node.parent]
            yield node

    def descendants(self, node: Node) -> tuple[Node, ...]:
        """All below it, in document order, without itself."""
        return self.nodes[node.position + 1 : node.end]

    def siblings(self, node: Node) -> tuple[Node, ...]:
        """The children of its parent, itself among them; the windows for a window."""
        return self.roots if node.parent == ROOT else self.nodes[node.parent].children

    def with_attribute(self, name: str, value: str) -> Sequence[Node]:
        """Nodes whose attribute is exactly `value`, in document order."""
        table = self._by_attribute.get(name)
        if table is None:
            table = defaultdict(list)
            read = _ATTRIBUTES[name]
            for node in self.nodes:
                table[read(node)].append(node)
            table = self._by_attribute[name] = dict(table)
        return table.get(value, ())

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The XML tag of each node, by position."""
        return tuple(tag_name(node.class_name) for node in self.nodes)

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Of each node, by position, `android.widget.Button[2]`: its tag and its place among siblings of that tag,
        counted from 1 and left out where it is the only one."""
        steps = list(self.tags)
        for family in (self.roots, *(node.children for node in self.nodes if len(node.children) > 1)):
            alike: dict[str, list[int]] = defaultdict(list)
            for node in family:
                alike[self.tags[node.position]].append(node.position)
            for tag, positions in alike.items():
                if len(positions) > 1:
                    for place, position in enumerate(positions, 1):
                        steps[position] = f"{tag}[{place}]"
        return tuple(steps)

    def path(self, node: Node, below: Node | None = None) -> str:
        """Absolute positional path `/hierarchy/android.widget.FrameLayout/..`, or the steps `below` an ancestor."""
        steps = self.steps
        found = [steps[node.position]]
        for ancestor in self.ancestors(node):
            if ancestor is below:
                return "/" + "/".join(reversed(found))
            found.append(steps[ancestor.position])
        return "/hierarchy/" + "/".join(reversed(found))


_NO_TAG_CHARS = re.compile(r"[$@#&]")
_DOTS = re.compile(r"\.{2,}")


@lru_cache(maxsize=2048)
def tag_name(class_name: str) -> str:
    """The XML tag that Appium and uiautomator2 make of a class: `app.ActionBar$Tab` -> `app.ActionBar.Tab`."""
    return _DOTS.sub(".", _NO_TAG_CHARS.sub(".", class_name)).strip(".") or "node"
