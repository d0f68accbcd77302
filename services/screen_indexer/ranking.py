"""Ranked ways to address an element, each tried on the tree: only those that find exactly this element are offered.

Scores are how likely the locator still finds the same element in another capture or version. From recordings: of locators
made on one capture and tried on another of the same screen, resource ids held 102 of 102, descriptions 84 of 88, texts 84
of 98 on calm screens, and 28 of 82 descriptions in a feed; hence the order, and the penalties below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.values import LocatorCandidate, ObjectRef, Strategy
from services.hierarchy.locators import evaluate, xpath_literal
from services.hierarchy.node import Node, tag_of
from services.hierarchy.uiselector import quoted
from services.screen_indexer.elements import element_hash
from services.screen_indexer.labels import is_editable, is_generated, is_obfuscated, label_node
from services.screen_indexer.model import TemplateRequest
from services.screen_indexer.surface import Surface
from services.screen_indexer.volatile import is_volatile

MAX_CANDIDATES: Final = 8
_MAX_VALUE: Final = 120
_ENOUGH: Final = 3
_MIN_TEMPLATE_PX: Final = 16
_MAX_TEMPLATE_SHARE: Final = 0.25
_MAX_TEMPLATES: Final = 40

# Penalties are factors on the score of a locator that uses the attribute or the place.
_OBFUSCATED, _GENERATED, _FRAMEWORK = 0.45, 0.5, 0.85
_VOLATILE, _LONG, _TYPED, _IN_ROW, _BY_PLACE = 0.35, 0.7, 0.3, 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A locator before it is tried: its worth from 0 to 1 and why it may not last."""

    strategy: Strategy
    value: str
    worth: float
    flags: frozenset[str] = frozenset()


def ranked(surface: Surface, node: Node) -> tuple[LocatorCandidate, ...]:
    """At most MAX_CANDIDATES locators that address exactly this node, best first; the first is primary.

    Flags: `volatile_text`, `typed_text`, `obfuscated_id`, `generated_id`, `list_item`, `position_based`.
    """
    kept: dict[tuple[Strategy, str], Proposal] = {}
    for proposal in _proposals(surface, node):
        if (proposal.strategy, proposal.value) in kept or not _is_exact(surface, node, proposal):
            continue
        kept[proposal.strategy, proposal.value] = proposal
    if len(kept) < _ENOUGH:
        for proposal in _by_place(surface, node):
            if _is_exact(surface, node, proposal):
                kept[proposal.strategy, proposal.value] = proposal
    best = sorted(kept.values(), key=lambda one: (-one.worth, len(one.value), one.strategy))[:MAX_CANDIDATES]
    return tuple(_candidate(one, at == 0) for at, one in enumerate(best))


def _is_exact(surface: Surface, node: Node, proposal: Proposal) -> bool:
    found = evaluate(surface.tree, proposal.strategy, proposal.value)
    return len(found) == 1 and found[0] is node


def _candidate(proposal: Proposal, is_primary: bool) -> LocatorCandidate:
    return LocatorCandidate(
        strategy=proposal.strategy,
        locator_value=proposal.value,
        score=f"{proposal.worth:.3f}",
        is_primary=is_primary,
        dynamic_flags=dict.fromkeys(sorted(proposal.flags), True),
    )


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
        factor *= _IN_ROW
        flags.add("list_item")
    if len(text) > 40:
        factor *= _LONG
    return Trust(factor, frozenset(flags))


def _proposals(surface: Surface, node: Node) -> Iterator[Proposal]:
    tag, ident = tag_of(node), node.resource_id
    by_id = _trust_id(ident)
    if ident:
        yield Proposal(Strategy.ID, ident, 0.95 * by_id.factor, by_id.flags)
        yield Proposal(
            Strategy.XPATH, f"//{tag}[@resource-id={xpath_literal(ident)}]", 0.88 * by_id.factor, by_id.flags
        )
        value = f"new UiSelector().resourceId({quoted(ident)})"
        yield Proposal(Strategy.CUSTOM, value, 0.9 * by_id.factor, by_id.flags)
    for name, method, strategy, base in (
        ("content-desc", "description", Strategy.ACCESSIBILITY_ID, 0.9),
        ("text", "text", Strategy.TEXT, 0.82),
    ):
        text = node.content_desc if name == "content-desc" else node.text
        if not text.strip() or len(text) > _MAX_VALUE or node.password:
            continue
        trust = _trust_text(surface, node, text, is_typed=name == "text" and is_editable(node))
        yield Proposal(strategy, text, base * trust.factor, trust.flags)
        yield from _with_text(node, name, method, text, base * trust.factor, trust.flags, by_id)
    yield from _through_label(surface, node, by_id)
    yield from _through_anchor(surface, node)


def _with_text(
    node: Node, name: str, method: str, text: str, worth: float, flags: frozenset[str], by_id: Trust
) -> Iterator[Proposal]:
    """The text together with the id, or with the class."""
    tag, literal = tag_of(node), xpath_literal(text)
    if node.resource_id:
        both = flags | by_id.flags
        ident = xpath_literal(node.resource_id)
        yield Proposal(Strategy.XPATH, f"//{tag}[@resource-id={ident} and @{name}={literal}]", worth * 0.93, both)
        value = f"new UiSelector().resourceId({quoted(node.resource_id)}).{method}({quoted(text)})"
        yield Proposal(Strategy.CUSTOM, value, worth * 0.95, both)
        return
    yield Proposal(Strategy.XPATH, f"//{tag}[@{name}={literal}]", worth * 0.95, flags)
    value = f"new UiSelector().className({quoted(node.class_name)}).{method}({quoted(text)})"
    yield Proposal(Strategy.CUSTOM, value, worth * 0.96, flags)


def _through_label(surface: Surface, node: Node, by_id: Trust) -> Iterator[Proposal]:
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
        value = f"//{tag_of(node)}[@resource-id={xpath_literal(node.resource_id)}]{below}"
        yield Proposal(Strategy.XPATH, value, 0.8 * trust.factor, trust.flags | by_id.flags)
    if node.clickable:
        value = f"//{tag_of(node)}[@clickable='true']{below}"
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
        factor = _IN_ROW if in_row else 1.0
        yield Proposal(Strategy.XPATH, f"{anchor}//{tag_of(node)}", worth * factor, frozenset(flags | in_row))
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


def template_requests(surface: Surface, nodes: list[Node]) -> tuple[TemplateRequest, ...]:
    """Elements in sight that deserve a picture locator: of a size that can be matched, icons before texts, bounded."""
    wanted: list[tuple[int, Node]] = []
    limit = _MAX_TEMPLATE_SHARE * surface.screen.area
    for node in nodes:
        box = node.bounds.clipped(surface.screen)
        big_enough = min(box.width, box.height) >= _MIN_TEMPLATE_PX and box.area <= limit
        if node.position in surface.sight.reached and node.clickable and big_enough and not node.scrollable:
            wanted.append((bool(node.text), node))
    wanted.sort(key=lambda one: (one[0], one[1].position))
    return tuple(
        TemplateRequest(
            element_hash(surface, node),
            node.bounds.clipped(surface.screen).to_bounds(),
            f"{0.4 * (_IN_ROW if node.position in surface.rows else 1.0):.3f}",
        )
        for _, node in wanted[:_MAX_TEMPLATES]
    )


def template_candidate(request: TemplateRequest, template: ObjectRef) -> LocatorCandidate:
    """The picture locator of a request, once its crop is stored. The value is the content hash of the crop."""
    return LocatorCandidate(
        strategy=Strategy.IMAGE_TEMPLATE, locator_value=template.sha256, score=request.score, template=template,
    )  # fmt: skip
