"""Layout of the UI transition graph: columns by how many gestures a screen is away, few crossings, always the same."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from services.cli.report.model import Edge, ScreenView

THUMB_WIDTH = 108
CAPTION_HEIGHT = 34
_COLUMN_GAP = 124
_ROW_GAP = 30
_MARGIN = 28
_MAX_THUMB_HEIGHT = 216
_ROWS = 5
_SWEEPS = 4
_LABEL_CHARS = 22


@dataclass(frozen=True, slots=True)
class Node:
    screen: ScreenView
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """An edge as a path, with a short label and where it goes."""

    edge: Edge
    path: str
    label: str
    label_x: float
    label_y: float
    backward: bool


@dataclass(frozen=True, slots=True)
class Graph:
    width: float
    height: float
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


def lay_out(screens: Sequence[ScreenView], edges: Sequence[Edge]) -> Graph:
    """Screens as nodes, edges as curves. Equal input gives equal output, to the digit."""
    columns = _columns(screens, edges)
    nodes = _place(columns, {screen.number: screen for screen in screens})
    places = {node.screen.number: node for node in nodes}
    links = tuple(_links([edge for edge in edges if edge.source in places and edge.target in places], places))
    width = max((node.x + THUMB_WIDTH for node in nodes), default=0) + _MARGIN
    height = max((node.y + node.height for node in nodes), default=0) + _MARGIN
    return Graph(width, height, nodes, links)


def _columns(screens: Sequence[ScreenView], edges: Sequence[Edge]) -> list[list[int]]:
    """Numbers of screens by their distance from the first, a long column cut into several."""
    out: dict[int, list[int]] = defaultdict(list)
    for edge in sorted(edges, key=lambda one: one.first_step):
        out[edge.source].append(edge.target)
    depth: dict[int, int] = {}
    for root in (screen.number for screen in screens):  # Each that nothing led to (a restart, a dialog) is a root too.
        if root in depth:
            continue
        depth[root] = 0
        queue = deque([root])
        while queue:
            at = queue.popleft()
            for target in out[at]:
                if target not in depth:
                    depth[target] = depth[at] + 1
                    queue.append(target)
    layers: dict[int, list[int]] = defaultdict(list)
    for screen in screens:
        layers[depth[screen.number]].append(screen.number)
    ordered = _untangle([layers[level] for level in sorted(layers)], edges)
    return [part for layer in ordered for part in _cut(layer)]


def _untangle(layers: list[list[int]], edges: Sequence[Edge]) -> list[list[int]]:
    """Orders each layer by the mean place of its neighbours, a few sweeps to and fro."""
    near: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    for sweep in range(_SWEEPS):
        order = range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1)
        for level in order:
            beside = level - 1 if sweep % 2 == 0 else level + 1
            if not 0 <= beside < len(layers):
                continue
            place = {number: at / max(len(layers[beside]), 1) for at, number in enumerate(layers[beside])}
            means = {}
            for at, number in enumerate(layers[level]):
                known = [place[other] for other in near[number] if other in place]
                means[number] = sum(known) / len(known) if known else at / len(layers[level])
            layers[level].sort(key=lambda number: (means[number], number))
    return layers


def _cut(layer: list[int]) -> list[list[int]]:
    parts = -(-len(layer) // _ROWS)
    size = -(-len(layer) // parts)
    return [layer[at : at + size] for at in range(0, len(layer), size)]


def _place(columns: list[list[int]], screens: dict[int, ScreenView]) -> tuple[Node, ...]:
    heights = {number: _thumb_height(screen) + CAPTION_HEIGHT for number, screen in screens.items()}
    totals = [sum(heights[n] for n in column) + _ROW_GAP * (len(column) - 1) for column in columns]
    tallest = max(totals, default=0)
    nodes = []
    for at, column in enumerate(columns):
        y = _MARGIN + (tallest - totals[at]) / 2
        for number in column:
            x = _MARGIN + at * (THUMB_WIDTH + _COLUMN_GAP)
            nodes.append(Node(screens[number], x, round(y, 1), heights[number]))
            y += heights[number] + _ROW_GAP
    return tuple(nodes)


def _thumb_height(screen: ScreenView) -> float:
    picture = screen.picture
    return round(min(THUMB_WIDTH * picture.height / max(picture.width, 1), _MAX_THUMB_HEIGHT), 1)


def _links(edges: list[Edge], places: dict[int, Node]) -> list[Link]:
    """Curves that leave a node at its right side and arrive at the left of the next one, spread along the sides."""
    leaving: dict[int, list[Edge]] = defaultdict(list)
    arriving: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.source].append(edge)
        arriving[edge.target].append(edge)
    for number, some in leaving.items():
        some.sort(key=lambda one: (places[one.target].y, one.target, number))
    for number, some in arriving.items():
        some.sort(key=lambda one: (places[one.source].y, one.source, number))
    return [_link(edge, places, leaving[edge.source], arriving[edge.target]) for edge in edges]


def _link(edge: Edge, places: dict[int, Node], leaving: list[Edge], arriving: list[Edge]) -> Link:
    source, target = places[edge.source], places[edge.target]
    y1, y2 = _spot(source, leaving.index(edge), len(leaving)), _spot(target, arriving.index(edge), len(arriving))
    backward = target.x <= source.x
    x1 = source.x + (0 if target.x < source.x else THUMB_WIDTH)
    x2 = target.x + (THUMB_WIDTH if backward else 0)
    bend = max(abs(x2 - x1) * 0.45, 46.0)
    c1 = x1 - bend if target.x < source.x else x1 + bend
    c2 = x2 + bend if backward else x2 - bend
    path = f"M{x1:.1f} {y1:.1f}C{c1:.1f} {y1:.1f} {c2:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    middle_x, middle_y = (x1 + 3 * c1 + 3 * c2 + x2) / 8, (y1 + y2) / 2
    label = edge.labels[0]
    short = label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1] + "…"
    return Link(edge, path, short, round(middle_x, 1), round(middle_y, 1), backward)


def _spot(node: Node, at: int, of: int) -> float:
    return node.y + node.height * (at + 1) / (of + 1)
