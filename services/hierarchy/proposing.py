"""Ways to address an element, each with its worth, tried on the tree: only those that find exactly it are offered.

Worth is how likely a locator still finds the same element in another capture or version. From recordings: of locators
made on one capture and tried on another of the same screen, resource ids held 102 of 102, descriptions 84 of 88, texts
84 of 98 on calm screens, and 28 of 82 descriptions in a feed; hence the order, and the penalties below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.values import Strategy
from services.hierarchy.errors import LocatorError
from services.hierarchy.labels import is_editable, is_generated, is_obfuscated, label_node
from services.hierarchy.locators import evaluate, xpath_literal
from services.hierarchy.node import Node
from services.hierarchy.surface import Surface
from services.hierarchy.uiselector import quoted
from services.hierarchy.volatile import is_volatile

MAX_CANDIDATES: Final = 8
_MAX_VALUE: Final = 120
_PLENTY: Final = 4
_WEAK: Final = 0.3
_ENOUGH: Final = 3

# Penalties are factors on the worth of a locator that uses the attribute or the place.
_OBFUSCATED, _GENERATED, _FRAMEWORK = 0.45, 0.5, 0.85
IN_ROW: Final = 0.6
_VOLATILE, _LONG, _TYPED, _BY_PLACE = 0.35, 0.7, 0.15, 0.4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A locator before it is tried: its worth from 0 to 1 and why it may not last."""

    strategy: Strategy
    value: str
    worth: float
    flags: frozenset[str] = frozenset()


def proposals(surface: Surface, node: Node, *, of_every_kind: bool = False) -> list[Proposal]:
    """Locators that address exactly this node, best first; with `of_every_kind` also where there are enough of another
    kind already, so that one is left when the others break.

    Flags: `volatile_text`, `typed_text`, `obfuscated_id`, `generated_id`, `list_item`, `position_based`.
    """
    kept: dict[tuple[Strategy, str], Proposal] = {}
    for propose, enough in _STAGES:
        if not of_every_kind and len(kept) >= enough and any(one.worth > _WEAK for one in kept.values()):
            continue
        for proposal in propose(surface, node):
            key = (proposal.strategy, proposal.value)
            if key not in kept and _is_exact(surface, node, proposal):
                kept[key] = proposal
    return sorted(kept.values(), key=lambda one: (-one.worth, len(one.value), one.strategy))


def _is_exact(surface: Surface, node: Node, proposal: Proposal) -> bool:
    """A locator that is too long or too costly to be looked for is none: pages call their elements what they like."""
    try:
        found = evaluate(surface.tree, proposal.strategy, proposal.value)
    except LocatorError:
        return False
    return len(found) == 1 and found[0] is node


@dataclass(frozen=True, slots=True)
class Trust:
    """How far an attribute's value can be trusted, and the reasons against it."""

    factor: float
    flags: frozenset[str]


def _trust_id(resource_id: str) -> Trust:
    if is_obfuscated(resource_id):
        return Trust(_OBFUSCATED, frozenset({"obfuscated_id"}))
    if is_generated(resource_id) or ":id/" not in resource_id:
        return Trust(_GENERATED if is_generated(resource_id) else _FRAMEWORK, frozenset({"generated_id"}))
    return Trust(_FRAMEWORK if resource_id.startswith("android:") else 1.0, frozenset())


def _trust_text(surface: Surface, node: Node, text: str, *, is_typed: bool = False) -> Trust:
    factor, flags = 1.0, set[str]()
    if is_volatile(text):
        factor *= _VOLATILE
        flags.add("volatile_text")
    if is_typed:
        factor *= _TYPED
        flags.add("typed_text")
    if node.position in surface.rows:
        factor *= IN_ROW
        flags.add("list_item")
    if len(text) > 40:
        factor *= _LONG
    return Trust(factor, frozenset(flags))


def _by_id(surface: Surface, node: Node) -> Iterator[Proposal]:
    ident = node.resource_id
    if not ident or len(surface.tree.with_attribute("resource-id", ident)) > 1:
        return
    trust = _trust_id(ident)
    yield Proposal(Strategy.ID, ident, 0.95 * trust.factor, trust.flags)
    value = f"new UiSelector().resourceId({quoted(ident)})"
    yield Proposal(Strategy.CUSTOM, value, 0.9 * trust.factor, trust.flags)
    value = f"//{surface.tree.tags[node.position]}[@resource-id={xpath_literal(ident)}]"
    yield Proposal(Strategy.XPATH, value, 0.88 * trust.factor, trust.flags)


def _own_texts(surface: Surface, node: Node) -> Iterator[tuple[str, str, Proposal]]:
    """Attribute, UiSelector method and the plain proposal of the description and of the text."""
    for name, method, strategy, worth in (
        ("content-desc", "description", Strategy.ACCESSIBILITY_ID, 0.9),
        ("text", "text", Strategy.TEXT, 0.82),
    ):
        text = node.content_desc if name == "content-desc" else node.text
        if not text.strip() or len(text) > _MAX_VALUE or node.password:
            continue
        trust = _trust_text(surface, node, text, is_typed=name == "text" and is_editable(node) and text != node.hint)
        yield name, method, Proposal(strategy, text, worth * trust.factor, trust.flags)


def _by_text(surface: Surface, node: Node) -> Iterator[Proposal]:
    for name, _, proposal in _own_texts(surface, node):
        if len(surface.tree.with_attribute(name, proposal.value)) == 1:
            yield proposal


def _by_text_and_kind(surface: Surface, node: Node) -> Iterator[Proposal]:
    """The text together with the id, or with the class."""
    tag, ident = surface.tree.tags[node.position], node.resource_id
    for name, method, plain in _own_texts(surface, node):
        alike = surface.tree.with_attribute(name, plain.value)
        if sum(one.resource_id == ident and one.class_name == node.class_name for one in alike) > 1:
            continue
        literal = xpath_literal(plain.value)
        if ident:
            both = plain.flags | _trust_id(ident).flags
            value = f"//{tag}[@resource-id={xpath_literal(ident)} and @{name}={literal}]"
            yield Proposal(Strategy.XPATH, value, plain.worth * 0.93, both)
            value = f"new UiSelector().resourceId({quoted(ident)}).{method}({quoted(plain.value)})"
            yield Proposal(Strategy.CUSTOM, value, plain.worth * 0.95, both)
        else:
            yield Proposal(Strategy.XPATH, f"//{tag}[@{name}={literal}]", plain.worth * 0.95, plain.flags)
            value = f"new UiSelector().className({quoted(node.class_name)}).{method}({quoted(plain.value)})"
            yield Proposal(Strategy.CUSTOM, value, plain.worth * 0.96, plain.flags)


def _through_label(surface: Surface, node: Node) -> Iterator[Proposal]:
    """An element without a name of its own, addressed by the label below it: half of those that nothing else names."""
    if node.text.strip() or node.content_desc.strip() or not node.children:
        return
    label = label_node(surface.tree, node)
    if label is None:
        return
    name, text = ("content-desc", label.content_desc) if label.content_desc.strip() else ("text", label.text)
    if len(text) > _MAX_VALUE:
        return
    trust = _trust_text(surface, label, text)
    below = f"[.//*[@{name}={xpath_literal(text)}]]"
    if node.resource_id:
        value = f"//{surface.tree.tags[node.position]}[@resource-id={xpath_literal(node.resource_id)}]{below}"
        yield Proposal(Strategy.XPATH, value, 0.8 * trust.factor, trust.flags | _trust_id(node.resource_id).flags)
    if node.clickable:
        value = f"//{surface.tree.tags[node.position]}[@clickable='true']{below}"
        yield Proposal(Strategy.XPATH, value, 0.76 * trust.factor, trust.flags)


def _through_anchor(surface: Surface, node: Node) -> Iterator[Proposal]:
    """Relative to the nearest ancestor with a unique id: by class alone where that is enough, else by steps."""
    tree = surface.tree
    for distance, above in enumerate(tree.ancestors(node), 1):
        ident = above.resource_id
        if not ident or len(tree.with_attribute("resource-id", ident)) != 1:
            continue
        trust = _trust_id(ident)
        flags = set(trust.flags)
        worth = 0.7 * trust.factor * max(0.5, 1 - 0.05 * distance)
        in_row = {"list_item"} if node.position in surface.rows and above.position not in surface.rows else set[str]()
        anchor = f"//*[@resource-id={xpath_literal(ident)}]"
        factor = IN_ROW if in_row else 1.0
        tags = tree.tags[above.position + 1 : above.end]
        if tags.count(tree.tags[node.position]) == 1:
            value = f"{anchor}//{tree.tags[node.position]}"
            yield Proposal(Strategy.XPATH, value, worth * factor, frozenset(flags | in_row))
        inner = f"new UiSelector().className({quoted(node.class_name)})"
        if node.resource_id:
            inner = f"new UiSelector().resourceId({quoted(node.resource_id)})"
        value = f"new UiSelector().resourceId({quoted(ident)}).childSelector({inner})"
        yield Proposal(Strategy.CUSTOM, value, worth * factor, frozenset(flags | in_row))
        steps = tree.path(node, below=above)
        if "[" in steps:
            flags.add("position_based")
            factor *= 0.6
        yield Proposal(Strategy.XPATH, anchor + steps, worth * 0.9 * factor, frozenset(flags | in_row))
        return


def _by_place(surface: Surface, node: Node) -> Iterator[Proposal]:
    """The last resort: the n-th of its kind, and the path from the top."""
    tree = surface.tree
    flags = {"position_based"} | ({"list_item"} if node.position in surface.rows else set())
    if node.resource_id:
        alike = tree.with_attribute("resource-id", node.resource_id)
        at = alike.index(node)
        value = f"new UiSelector().resourceId({quoted(node.resource_id)}).instance({at})"
        yield Proposal(Strategy.CUSTOM, value, 0.75 * _BY_PLACE * _trust_id(node.resource_id).factor, frozenset(flags))
        value = f"(//*[@resource-id={xpath_literal(node.resource_id)}])[{at + 1}]"
        yield Proposal(Strategy.XPATH, value, 0.7 * _BY_PLACE * _trust_id(node.resource_id).factor, frozenset(flags))
    else:
        alike = tree.with_attribute("class", node.class_name)
        if node.class_name:
            value = f"new UiSelector().className({quoted(node.class_name)}).instance({alike.index(node)})"
            yield Proposal(Strategy.CUSTOM, value, 0.45 * _BY_PLACE, frozenset(flags))
    yield Proposal(Strategy.XPATH, tree.path(node), 0.5 * _BY_PLACE, frozenset(flags))


_STAGES: Final = (
    (_by_id, MAX_CANDIDATES),
    (_by_text, MAX_CANDIDATES),
    (_by_text_and_kind, _PLENTY),
    (_through_label, _PLENTY),
    (_through_anchor, _PLENTY),
    (_by_place, _ENOUGH),
)
"""Sources of locators and how many found before make the next one needless: each costs a try on the tree."""
