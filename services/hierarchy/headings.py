"""What a screen says of itself: its heading, and the chosen one of its tabs."""

from __future__ import annotations

import re
from typing import Final

from services.hierarchy.labels import is_editable, own_label
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface
from services.hierarchy.volatile import is_volatile

MAX_TITLE: Final = 40
_TITLE_ID: Final = re.compile(
    r"(?:^|_)(?:alert_?)?(?:tool_?bar_?)?title(?:_?(?:text|view|tv))?$|alertTitle|action_bar_title", re.IGNORECASE
)
_BAR: Final = re.compile(r"tool_?bar|action_?bar|app_?bar|title_?bar|top_?bar|nav_?bar|header", re.IGNORECASE)
_TAB: Final = re.compile(r"tab|bottom_?nav|navigation_?bar|nav_?view", re.IGNORECASE)
_TOP_SHARE: Final = 0.25


def title(surface: Surface) -> str | None:
    """The heading of the screen in front: a title by its id, a text in a bar, the text at the top."""
    named = [node for node in surface.nodes if node.resource_id and _TITLE_ID.search(node.id_name)]
    low = surface.window.top + (0.5 if surface.is_dialog else _TOP_SHARE) * surface.window.height
    high_up = [
        node for node in surface.seen()
        if node.bounds.top <= low and node.position not in surface.rows and _is_heading(node)
    ]  # fmt: skip
    for node in named:
        if node in high_up:
            return own_label(node)
    for node in high_up:
        if any(_is_bar(above) for above in surface.tree.ancestors(node)) and not node.clickable:
            return own_label(node)
    fixed = [node for node in high_up if surface.is_dialog or node.position not in surface.scrolled]
    still = [node for node in fixed if not node.clickable and not is_volatile(node.text)]
    return own_label(still[0]) if still else None


def _is_heading(node: Node) -> bool:
    return (
        bool(node.text.strip())
        and not node.children
        and not is_editable(node)
        and 0 < len(own_label(node)) <= MAX_TITLE
    )


def _is_bar(node: Node) -> bool:
    return "Toolbar" in node.class_name or "ActionBar" in node.class_name or bool(_BAR.search(node.id_name))


def chosen_tab(surface: Surface) -> str | None:
    """The label (or id) of the selected one among at least two tabs side by side; None without tabs."""
    for node in surface.seen():
        if not node.selected or (node.position in surface.rows and not _in_tabs(surface, node)):
            continue
        if _in_tabs(surface, node):
            siblings = surface.tree.siblings(node)
            if len(siblings) > 1 and sum(sibling.selected for sibling in siblings) == 1:
                return _label_below(surface, node) or node.id_name or str(siblings.index(node))
    return None


def _in_tabs(surface: Surface, node: Node) -> bool:
    """Below something called a tab bar, or a control in a row at the very top or bottom of the screen."""
    for depth, above in enumerate(surface.tree.ancestors(node)):
        if depth == 4:
            break
        if "Tab" in above.class_name or "BottomNavigation" in above.class_name or _TAB.search(above.id_name):
            return True
    siblings = surface.tree.siblings(node)
    level = {sibling.bounds.top for sibling in siblings}
    at_bottom = node.bounds.top > surface.screen.height * 0.85
    return at_bottom and len(siblings) > 2 and len(level) == 1 and node.clickable


def _label_below(surface: Surface, node: Node) -> str:
    for one in surface.tree.nodes[node.position : node.end]:
        label = own_label(one)
        if label and not is_volatile(label):
            return label
    return ""
