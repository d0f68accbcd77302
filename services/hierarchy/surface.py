"""A tree seen as a screen: whose it is, which windows count, what is seen, which nodes are rows of a list.

Made once per capture; every other room reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from contracts.values import Foreground
from services.hierarchy.geometry import Rect
from services.hierarchy.node import Node, Tree
from services.hierarchy.owners import Owner, kind_of, package_of
from services.hierarchy.visibility import Sight, look

_LIST_CLASSES: Final = ("RecyclerView", "ListView", "GridView", "AbsListView", "Gallery", "StackView")
_DECORATION: Final = frozenset({"statusBarBackground", "navigationBarBackground"})
_DIALOG_SHARE: Final = 0.9
_MIN_ROWS: Final = 3
_PAGE_SHARE: Final = 0.95
_SCROLLING: Final = (*_LIST_CLASSES, "WebView")


@dataclass(frozen=True, slots=True)
class Surface:
    """
    nodes        of the windows that count, in document order, without decoration
    is_dialog    the window in front leaves a part of the screen free: others of the package wait behind it
    rows         position of a node -> position of the row of a list that holds it (a row holds itself)
    lists        position of a row -> position of its list
    scrolled     positions of nodes below a scrollable or a web page (rows too)
    """

    tree: Tree
    screen: Rect
    package: str
    owner: Owner
    nodes: tuple[Node, ...]
    window: Rect
    is_dialog: bool
    sight: Sight
    rows: dict[int, int]
    lists: dict[int, int]
    scrolled: frozenset[int]
    group_texts: dict[int, tuple[tuple[Node, str], ...]] = field(default_factory=dict, repr=False, compare=False)
    """What was read of groups of nodes, by the position of the group (`traits.py`)."""

    def seen(self) -> Iterator[Node]:
        return (node for node in self.nodes if node.position in self.sight.seen)


def survey(
    tree: Tree, width: int, height: int, foreground: Foreground | None = None, sight: Sight | None = None
) -> Surface:
    """The surface of a tree on a picture of the given size; sizes of 0 are taken from the windows.

    `sight`, where it is known already, spares a look.
    """
    extent = tree.extent
    screen = Rect(0, 0, width or max(extent.right, 1), height or max(extent.bottom, 1))
    package, windows = _front(tree, foreground)
    nodes = tuple(
        node
        for window in windows
        for node in tree.nodes[window.position : window.end]
        if node.id_name not in _DECORATION
    )
    rows, lists = _rows(nodes)
    front = windows[0].bounds.clipped(screen) if windows else screen
    return Surface(
        tree=tree,
        screen=screen,
        package=package,
        owner=kind_of(package),
        nodes=nodes,
        window=front if front.area else screen,
        is_dialog=0 < front.area < _DIALOG_SHARE * screen.area,
        sight=look(tree, screen) if sight is None else sight,
        rows=rows,
        lists=lists,
        scrolled=_scrolled(nodes),
    )


def _front(tree: Tree, foreground: Foreground | None) -> tuple[str, list[Node]]:
    """Package in front and its windows, the foremost first.

    Keyboard and system bars count only when nothing else is there. A permission dialog is before the app below it; a
    smaller window of the app (a dialog, a menu) is before its larger ones, which wait and do not count.
    """
    hint = foreground.package if foreground else None
    owned = [(package_of(tree, root) or (hint or ""), root) for root in tree.roots]
    if not owned:
        return hint or "", []
    by_kind = {kind: [one for one in owned if kind_of(one[0]) is kind] for kind in Owner}
    systemic = [one for one in by_kind[Owner.SYSTEM] if _has_content(tree, one[1]) and one[0] != "com.android.systemui"]
    apps = by_kind[Owner.APP] + by_kind[Owner.LAUNCHER] + by_kind[Owner.SETTINGS]
    choice = by_kind[Owner.PERMISSION] or systemic or _hinted(apps, hint) or apps or owned
    package = choice[0][0]
    windows = [root for owner, root in choice if owner == package]
    largest = max(windows, key=lambda root: root.bounds.area)
    dialogs = [
        root for root in windows
        if 0 < root.bounds.area < _DIALOG_SHARE * largest.bounds.area and _takes_taps(tree, root)
    ]  # fmt: skip
    return package, dialogs[:1] or windows


def _hinted(apps: list[tuple[str, Node]], hint: str | None) -> list[tuple[str, Node]]:
    return [one for one in apps if one[0] == hint]


def _has_content(tree: Tree, window: Node) -> bool:
    return any(node.text or node.content_desc for node in tree.nodes[window.position : window.end])


def _takes_taps(tree: Tree, window: Node) -> bool:
    return any(node.clickable for node in tree.nodes[window.position : window.end])


def _rows(nodes: tuple[Node, ...]) -> tuple[dict[int, int], dict[int, int]]:
    rows: dict[int, int] = {}
    lists: dict[int, int] = {}
    for node in nodes:
        if node.position in rows or not node.children:
            continue
        children = _row_nodes(node)
        for row in children:
            lists[row.position] = node.position
            for position in range(row.position, row.end):
                rows[position] = row.position
    return rows, lists


def is_list(node: Node) -> bool:
    """Of a class that shows a collection, and not one page of it at a time."""
    return node.class_name.endswith(_LIST_CLASSES) and not is_pager(node)


def is_pager(node: Node) -> bool:
    """A scrollable that shows one page at a time: its content is the screen's, not a list's."""
    if "ViewPager" in node.class_name:
        return True
    if not node.class_name.endswith("RecyclerView") or not node.children:
        return False
    wide, high = node.bounds.width * _PAGE_SHARE, node.bounds.height * _PAGE_SHARE
    return all(child.bounds.width >= wide and child.bounds.height >= high for child in node.children)


def _row_nodes(node: Node) -> tuple[Node, ...]:
    """The rows of a list: the children of a list class, or of a scrollable whose children are mostly alike."""
    if is_pager(node):
        return ()
    if node.short_class.endswith(_LIST_CLASSES):
        return node.children
    if not node.scrollable:
        return ()
    holder = node
    while len(holder.children) == 1 and not holder.children[0].scrollable:
        holder = holder.children[0]
    alike = Counter((child.class_name, child.resource_id, child.clickable) for child in holder.children)
    most = max(alike.values(), default=0)
    return holder.children if most >= _MIN_ROWS and most * 2 >= len(holder.children) else ()


def _scrolled(nodes: tuple[Node, ...]) -> frozenset[int]:
    inside: set[int] = set()
    for node in nodes:
        if node.position in inside or not node.children:
            continue
        # A ScrollView whose content fits does not say that it scrolls: then all of it is always there.
        scrolls = node.scrollable or node.class_name.endswith(_SCROLLING)
        if scrolls and not is_pager(node):
            inside.update(range(node.position + 1, node.end))
    return frozenset(inside)
