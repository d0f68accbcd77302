"""From nested records to a Tree: one place that orders siblings, sets places and keeps the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.hierarchy.errors import Defect, HierarchyError
from services.hierarchy.geometry import EMPTY, Rect
from services.hierarchy.node import ROOT, Node, Tree

MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 200


@dataclass(slots=True)
class Record:
    """A node while it is being read. `index` None: the source does not say, document order counts.

    `values` are the fields of Node from `class_name` on, in their order.
    """

    values: tuple[Any, ...]
    index: int | None = None
    bounds: Rect = EMPTY
    children: list[Record] = field(default_factory=list)


def in_order(children: list[Record]) -> list[Record]:
    """Siblings by their index; as they stand where one has none. Stable, so equal indices keep document order."""
    if len(children) < 2:
        return children
    indices = [child.index for child in children if child.index is not None]
    if len(indices) < len(children) or indices == sorted(indices):
        return children
    return sorted(children, key=lambda child: child.index or 0)


def build(roots: Sequence[Record], rotation: int = 0) -> Tree:
    """A Tree of the records. Raises HierarchyError beyond MAX_NODES or MAX_DEPTH."""
    flat: list[tuple[Record, int, int, int]] = []
    pending = [(root, ROOT, 0, at) for at, root in reversed(list(enumerate(roots)))]
    while pending:
        record, parent, depth, at = pending.pop()
        if depth > MAX_DEPTH:
            raise HierarchyError(Defect.TOO_DEEP, f"the hierarchy is nested deeper than {MAX_DEPTH} nodes")
        if len(flat) >= MAX_NODES:
            raise HierarchyError(Defect.TOO_MANY_NODES, f"the hierarchy has more than {MAX_NODES} nodes")
        here = len(flat)
        flat.append((record, parent, depth, at))
        ordered = in_order(record.children)
        pending.extend((child, here, depth + 1, place) for place, child in reversed(list(enumerate(ordered))))
    return Tree(_frozen(flat), rotation)


def _frozen(flat: list[tuple[Record, int, int, int]]) -> list[Node]:
    """Nodes are made from the last to the first, so that each finds its children made."""
    count = len(flat)
    nodes: list[Node] = []
    offspring: list[list[Node]] = [[] for _ in flat]
    for position in range(count - 1, -1, -1):
        record, parent, depth, at = flat[position]
        children = tuple(reversed(offspring[position]))
        end = children[-1].end if children else position + 1
        index = at if record.index is None else record.index
        node = Node(position, end, parent, depth, index, record.bounds, children, *record.values)
        nodes.append(node)
        if parent != ROOT:
            offspring[parent].append(node)
    nodes.reverse()
    return nodes
