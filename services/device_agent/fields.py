"""Text fields on a captured screen: how much they hold, and whether what was typed is in them. Pure."""

from __future__ import annotations

from contracts.values import Point
from services.hierarchy.errors import HierarchyError
from services.hierarchy.node import Node
from services.hierarchy.parse import parse

_MASKS = frozenset("•*●∙·")


def _field(hierarchy_xml: bytes | None, point: Point) -> Node | None:
    """The smallest element at the point that takes text; None where there is none, or no hierarchy."""
    if hierarchy_xml is None:
        return None
    try:
        tree = parse(hierarchy_xml)
    except HierarchyError:
        # What cannot be read tells nothing of its fields; that it cannot be read is the capture's to tell.
        return None
    fields = [
        node
        for node in tree
        if node.bounds.holds_point(point.x, point.y)
        and (node.short_class.endswith(("EditText", "AutoCompleteTextView", "TextField")) or node.password)
    ]
    return min(fields, key=lambda node: node.bounds.area, default=None)


def length(hierarchy_xml: bytes | None, point: Point) -> int | None:
    """Characters that the field at the point shows (a hint counts: nothing tells it from text); None: not known."""
    field = _field(hierarchy_xml, point)
    return None if field is None else len(field.text)


def holds(hierarchy_xml: bytes | None, point: Point, text: str) -> bool | None:
    """Whether the field at the point shows `text` now, after it was typed there.

    None where that cannot be told: no such field any more (a dialog closed, the screen changed), or a password, of
    which only the length shows. Fields that format what is typed (card and phone numbers) are compared without
    spaces and punctuation.
    """
    field = _field(hierarchy_xml, point)
    if field is None:
        return None
    if field.password or (field.text and set(field.text) <= _MASKS):
        return None
    return field.text == text or _letters(field.text) == _letters(text) != ""


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())
