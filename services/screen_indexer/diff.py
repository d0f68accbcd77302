"""What changed on a screen between two versions of an app, and which locators do not survive it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.values import ScreenElement, Strategy
from services.hierarchy.geometry import Rect
from services.hierarchy.labels import own_label
from services.hierarchy.locators import evaluate
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface
from services.hierarchy.volatile import steady
from services.screen_indexer.elements import chosen_nodes, to_element
from services.screen_indexer.matching import match, profiles
from services.screen_indexer.model import (
    ElementChange,
    FieldChange,
    Indexed,
    LocatorFate,
    Risk,
    ScreenDiff,
    resurvey,
)

_MOVED: Final = 0.02
_STATIC_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Side:
    surface: Surface
    nodes: list[Node]
    elements: list[ScreenElement]


def diff(base: Indexed, target: Indexed) -> ScreenDiff:
    """Compares two captures of one screen. Locators are those of `base.elements`, tried on the target's hierarchy.

    Rows of lists whose content differs are no change of the app: they are counted as `list_items` only.
    """
    ours, theirs = _side(base), _side(target)
    volatile = _content_rows(ours.surface, theirs.surface) | _content_rows(theirs.surface, ours.surface)
    ours_in = frozenset(p for p, row in ours.surface.rows.items() if _list_of(ours.surface, row) in volatile)
    theirs_in = frozenset(p for p, row in theirs.surface.rows.items() if _list_of(theirs.surface, row) in volatile)
    screen = ours.surface.screen
    found = match(
        profiles(ours.surface.tree, screen, ours.nodes, ours_in),
        profiles(theirs.surface.tree, theirs.surface.screen, theirs.nodes, theirs_in),
    )
    partner = dict(found.pairs)
    back = {two: one for one, two in found.pairs}
    fixed = [at for at, node in enumerate(ours.nodes) if node.position not in ours_in]
    ambiguous = set(found.ambiguous)
    changes = tuple(_changes(ours, theirs, partner, fixed))
    removed = tuple(ours.elements[at] for at in fixed if at not in partner and at not in ambiguous)
    added = tuple(
        theirs.elements[at] for at, node in enumerate(theirs.nodes) if at not in back and node.position not in theirs_in
    )
    return ScreenDiff(
        added=added,
        removed=removed,
        changed=changes,
        ambiguous=tuple(ours.elements[at] for at in sorted(ambiguous & set(fixed))),
        unchanged=sum(1 for at in fixed if at in partner) - len(changes),
        list_items=len(ours.nodes) - len(fixed),
        fates=tuple(_fates(base, ours, theirs, partner, ambiguous, fixed)),
    )


def _side(indexed: Indexed) -> _Side:
    surface = resurvey(indexed)
    nodes = chosen_nodes(surface)
    return _Side(surface, nodes, [to_element(surface, node, ()) for node in nodes])


def _list_of(surface: Surface, row: int) -> str:
    holder = surface.tree.nodes[surface.lists[row]]
    return holder.id_name or holder.short_class


def _content_rows(one: Surface, other: Surface) -> frozenset[str]:
    """Lists of `one` whose rows are content: less than half of their labels are on the other screen too."""
    there = {steady(own_label(node)) for node in other.nodes}
    labels: dict[str, list[bool]] = {}
    for position, row in one.rows.items():
        label = steady(own_label(one.tree.nodes[position]))
        if label:
            labels.setdefault(_list_of(one, row), []).append(label in there)
    return frozenset(name for name, kept in labels.items() if sum(kept) < _STATIC_SHARE * len(kept))


def _changes(ours: _Side, theirs: _Side, partner: dict[int, int], fixed: list[int]) -> Iterator[ElementChange]:
    for at in fixed:
        if at not in partner:
            continue
        before, after = ours.elements[at], theirs.elements[partner[at]]
        fields = tuple(_fields(before, after, ours.surface.screen, theirs.surface.screen))
        if fields:
            yield ElementChange(before.element_hash, after.element_hash, before.accessibility_label or "", fields)


def _fields(before: ScreenElement, after: ScreenElement, screen: Rect, new_screen: Rect) -> Iterator[FieldChange]:
    if steady(before.text_value or "") != steady(after.text_value or ""):
        yield FieldChange("text", before.text_value, after.text_value)
    if before.resource_id != after.resource_id:
        yield FieldChange("resource_id", before.resource_id, after.resource_id)
    if steady(before.content_desc or "") != steady(after.content_desc or ""):
        yield FieldChange("content_desc", before.content_desc, after.content_desc)
    if before.element_type != after.element_type:
        yield FieldChange("type", before.element_type, after.element_type)
    if before.interactable != after.interactable:
        yield FieldChange("interactable", str(before.interactable).lower(), str(after.interactable).lower())
    if before.visibility != after.visibility:
        yield FieldChange("visibility", before.visibility, after.visibility)
    if _has_moved(before, after, screen, new_screen):
        yield FieldChange("bounds", _box(before), _box(after))


def _has_moved(before: ScreenElement, after: ScreenElement, screen: Rect, new_screen: Rect) -> bool:
    one, two = before.bounds, after.bounds
    across = [
        (one.x / screen.width, two.x / new_screen.width),
        (one.width / screen.width, two.width / new_screen.width),
        (one.y / screen.height, two.y / new_screen.height),
        (one.height / screen.height, two.height / new_screen.height),
    ]
    return any(abs(a - b) > _MOVED for a, b in across)


def _box(element: ScreenElement) -> str:
    box = element.bounds
    return f"{box.x},{box.y} {box.width}x{box.height}"


def _fates(
    base: Indexed, ours: _Side, theirs: _Side, partner: dict[int, int], ambiguous: set[int], fixed: list[int]
) -> Iterator[LocatorFate]:
    """Locators of the base that are broken or at risk on the target. Pictures are not tried here."""
    known = {element.element_hash: element for element in base.elements}
    for at in fixed:
        element = known.get(ours.elements[at].element_hash)
        if element is None:
            continue
        expected = theirs.nodes[partner[at]] if at in partner else None
        for locator in element.locators:
            if locator.strategy is Strategy.IMAGE_TEMPLATE:
                continue
            found = evaluate(theirs.surface.tree, locator.strategy, locator.locator_value)
            fate = _fate(found, expected, is_open=at in ambiguous)
            if fate is not None:
                risk, why = fate
                yield LocatorFate(
                    element.element_hash, locator.strategy, locator.locator_value, locator.is_primary, risk, why
                )


def _fate(found: Sequence[Node], expected: Node | None, *, is_open: bool) -> tuple[Risk, str] | None:
    if not found:
        return Risk.BROKEN, "it addresses nothing any more"
    if expected is None:
        why = "it could be one of several elements" if is_open else "the element is gone, yet something is addressed"
        return Risk.AT_RISK, why
    if expected not in found:
        return Risk.BROKEN, "it addresses another element"
    return None if len(found) == 1 else (Risk.AT_RISK, f"it addresses {len(found)} elements")
