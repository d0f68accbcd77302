"""What tells an element from its like: what knowing it writes down, and what a guard compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from contracts.values import ElementSeen
from services.hierarchy.kinds import family, is_toggle
from services.hierarchy.labels import (
    has_trusted_id,
    is_editable,
    is_fleeting,
    label_before,
    own_label,
    spoken_label,
)
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface
from services.hierarchy.volatile import squeezed, steady

MAX_BESIDE: Final = 6
MAX_PATH: Final = 8
MAX_TEXT: Final = 1_000
"""Characters of one text that are written down, and compared: a field may hold a book, and an event may not."""
_MAX_STEP: Final = 200
_MAX_CLIMB: Final = 4
_MAX_GROUP: Final = 200
_NOUGHT: Final = re.compile(r"(?<!\w)0(?!\w)")
_HOLDERS: Final = frozenset({"list", "scroll area", "web page"})
_STATE_WORDS: Final = frozenset(
    {"on", "off", "开", "关", "开启", "关闭", "已开启", "已关闭", "打开", "checked", "unchecked"}
)


def field_label(surface: Surface, node: Node) -> str:
    """What names a field, whatever is typed into it; "" where nothing does."""
    return squeezed(node.content_desc) or squeezed(node.hint) or label_before(surface.tree, node)


def label(surface: Surface, node: Node) -> str:
    """What a person would call it; of what scrolls only its own words, because its content is not its name."""
    if is_editable(node):
        return field_label(surface, node)[:MAX_TEXT]
    if node.scrollable or family(node.class_name) in _HOLDERS:
        return own_label(node)[:MAX_TEXT]
    return spoken_label(surface.tree, node)[:MAX_TEXT]


def known_by(text: str | None) -> str:
    """The part of a text that stays: numbers, times and dates are marks, whatever their value, nought too."""
    said = steady(text or "")
    for counted in ("<none>", "<some>", "<all>"):
        said = said.replace(counted, "<of>")
    return _NOUGHT.sub("#", said).casefold()


def identifies(text: str | None) -> bool:
    """Whether a text says what an element is: it has a letter (or a sign of Chinese) beside what changes."""
    said = known_by(text)
    for mark in ("<time>", "<date>", "<ago>", "<of>"):
        said = said.replace(mark, "")
    return any(char.isalpha() for char in said)


def own_words(node: Node) -> tuple[str, str]:
    """Text and description as they are compared: without what is typed, and without ON and OFF."""
    text = "" if is_editable(node) or node.password else known_by(node.text[:MAX_TEXT])
    if is_toggle(node.class_name) and text in _STATE_WORDS:
        text = ""
    return text, known_by(node.content_desc[:MAX_TEXT])


def seen_words(element: ElementSeen) -> tuple[str, str]:
    """The same of an element that was seen."""
    text = "" if element.editable or element.password else known_by(element.text)
    if is_toggle(element.element_type) and text in _STATE_WORDS:
        text = ""
    return text, known_by(element.content_desc)


def beside(surface: Surface, node: Node) -> tuple[str, ...]:
    """Texts of its row that are not its own: of the row of the list, else of the nearest group that says something."""
    row = surface.rows.get(node.position)
    for holder in _groups(surface, node):
        found: dict[str, None] = {}
        for near, said in _group_texts(surface, holder):
            if not node.position <= near.position < node.end and surface.rows.get(near.position) == row:
                found[said] = None
        if found:
            return tuple(found)
    return ()


def _group_texts(surface: Surface, holder: Node) -> tuple[tuple[Node, str], ...]:
    """What in a group says what something is, with who says it; read once a surface."""
    known = surface.group_texts.get(holder.position)
    if known is None:
        said = (
            (near, own_label(near)[:MAX_TEXT])
            for near in surface.tree.nodes[holder.position : holder.end]
            if not is_editable(near) and not is_fleeting(near)
        )
        known = tuple(islice((one for one in said if identifies(one[1])), _MAX_GROUP))
        surface.group_texts[holder.position] = known
    return known


def _groups(surface: Surface, node: Node) -> Iterator[Node]:
    row = surface.rows.get(node.position)
    if row is not None:
        if row != node.position:
            yield surface.tree.nodes[row]
        return
    for climbed, above in enumerate(surface.tree.ancestors(node)):
        if climbed == _MAX_CLIMB or above.scrollable:
            return
        yield above


def kin(surface: Surface, node: Node) -> tuple[object, ...]:
    """Equal for elements that nothing of their own tells apart."""
    name = node.resource_id if has_trusted_id(node) else ""
    said = "" if is_editable(node) else known_by(label(surface, node))
    return family(node.class_name), is_editable(node), node.clickable, name, own_words(node), said


def exact_words(surface: Surface, node: Node) -> tuple[str, str, str]:
    """Text, description and label with their numbers."""
    text = "" if is_editable(node) or node.password else node.text[:MAX_TEXT]
    return squeezed(text), squeezed(node.content_desc[:MAX_TEXT]), label(surface, node)


def path(surface: Surface, node: Node) -> tuple[str, ...]:
    """Class and id name of its ancestors, from the window down, the last MAX_PATH."""
    above = [(f"{one.short_class}#{one.id_name}" if one.resource_id else one.short_class)[:_MAX_STEP]
             for one in surface.tree.ancestors(node)][:MAX_PATH]  # fmt: skip
    return tuple(reversed(above))
