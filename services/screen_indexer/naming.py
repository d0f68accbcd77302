"""Names of screens that a person recognises. Unique within an app version they become with the caller's suffix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from services.hierarchy.headings import MAX_TITLE, chosen_tab, title
from services.hierarchy.labels import is_editable, own_label
from services.hierarchy.surface import Surface
from services.hierarchy.volatile import steady

MAX_NAME: Final = 60
_MAX_PRIMARY_TEXTS: Final = 3
_WAY_OUT: Final = re.compile(
    r"^(?:navigate up|back|close|cancel|collapse|skip|more options|clear(?: text| query)?"
    r"|open navigation drawer|返回|关闭|取消|跳过)$",
    re.IGNORECASE,
)
_MARK: Final = re.compile(r"[(\[]?(?:<\w+>|#%?)[)\]]?")
_WORD_EDGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\s]+")


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
        if node.text.strip() and not node.clickable and len(label) <= MAX_TITLE:
            return label
        labels.append(label[:MAX_TITLE])
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
