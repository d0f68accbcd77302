"""Names of screens that a person recognises. Unique within an app version they become with the caller's suffix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.hierarchy.node import Node
from services.screen_indexer.labels import is_editable, own_label
from services.screen_indexer.surface import Surface
from services.screen_indexer.volatile import is_volatile, steady

MAX_NAME: Final = 60
_MAX_TITLE: Final = 40
_MAX_PRIMARY_TEXTS: Final = 3
_TITLE_ID: Final = re.compile(
    r"(?:^|_)(?:alert_?)?(?:tool_?bar_?)?title(?:_?(?:text|view|tv))?$|alertTitle|action_bar_title", re.IGNORECASE
)
_BAR: Final = re.compile(r"tool_?bar|action_?bar|app_?bar|title_?bar|top_?bar|nav_?bar|header", re.IGNORECASE)
_TAB: Final = re.compile(r"tab|bottom_?nav|navigation_?bar|nav_?view", re.IGNORECASE)
_TOP_SHARE: Final = 0.25
_WAY_OUT: Final = re.compile(
    r"^(?:navigate up|back|close|cancel|collapse|skip|more options|clear(?: text| query)?"
    r"|open navigation drawer|返回|关闭|取消|跳过)$",
    re.IGNORECASE,
)
_MARK: Final = re.compile(r"[(\[]?(?:<\w+>|#%?)[)\]]?")
_WORD_EDGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\s]+")


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
        and 0 < len(own_label(node)) <= _MAX_TITLE
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


def screen_name(surface: Surface, activity: str | None) -> str:
    """A readable name: heading and chosen tab; else the activity's words; else the tab, a text, or the package."""
    tab = _worded(chosen_tab(surface) or "")
    heading = _worded(title(surface) or "") or _activity_words(activity)
    if heading:
        name = f"{heading} · {tab}" if tab and tab.casefold() != heading.casefold() else heading
    else:
        name = tab or _first_text(surface) or _package_word(surface.package)
    return name[:MAX_NAME].strip()


def _worded(text: str) -> str:
    """The words of a text without marks of what changes; "" where no letter is left."""
    words = " ".join(_MARK.sub(" ", steady(text)).split()).strip(" :,.-·|/")
    return words if any(char.isalpha() for char in words) else ""


def _activity_words(activity: str | None) -> str:
    """`.ui.SearchBusinessesByListActivity` -> `Search Businesses By List`."""
    if not activity:
        return ""
    simple = activity.rpartition("/")[2].rpartition(".")[2].rpartition("$")[2]
    words = [word for word in _WORD_EDGE.split(simple) if word and word not in ("Activity", "Fragment")]
    return " ".join(words)


def _first_text(surface: Surface) -> str:
    """The first text that only informs, else the first label of a control; fields and ways out do not name a screen."""
    labels: list[str] = []
    for node in surface.seen():
        label = _worded(own_label(node))
        if len(label) < 2 or is_editable(node) or _WAY_OUT.search(label):
            continue
        if node.text.strip() and not node.clickable and len(label) <= _MAX_TITLE:
            return label
        labels.append(label[:_MAX_TITLE])
    return labels[0] if labels else ""


def _package_word(package: str) -> str:
    return package.rpartition(".")[2] or "screen"


def primary_text(surface: Surface) -> str | None:
    """The heading and the first texts of the screen, for lists and reports; None where nothing is written."""
    heading = title(surface)
    texts = [heading] if heading else []
    for node in surface.seen():
        label = own_label(node)
        if label and not is_editable(node) and label not in texts and not _WAY_OUT.search(label):
            texts.append(label)
            if len(texts) == _MAX_PRIMARY_TEXTS:
                break
    return " · ".join(texts) or None


def unique_name(name: str, taken: Sequence[str]) -> str:
    """`name`, or `name (2)`, `name (3)`.. when it is taken."""
    used = set(taken)
    return next(one for one in (name, *(f"{name} ({n})" for n in range(2, len(used) + 3))) if one not in used)
