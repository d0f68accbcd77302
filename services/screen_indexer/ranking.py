"""Ranked ways to address an element: the best that `hierarchy.proposing` offers, and pictures where those are poor."""

from __future__ import annotations

from typing import Final

from contracts.values import LocatorCandidate, LocatorSource, ObjectRef, ScreenElement, Strategy
from services.hierarchy.node import Node
from services.hierarchy.proposing import IN_ROW, MAX_CANDIDATES, Proposal, proposals
from services.hierarchy.surface import Surface
from services.screen_indexer.model import TemplateRequest

_MAX_FROM_TREE: Final = MAX_CANDIDATES - 1
_MIN_TEMPLATE_PX: Final = 16
_MAX_TEMPLATE_SHARE: Final = 0.25
MAX_TEMPLATES: Final = 16
_POORLY_LOCATED: Final = 0.5


def ranked(surface: Surface, node: Node) -> tuple[LocatorCandidate, ...]:
    """Locators that address exactly this node, best first, the first primary; one fewer than MAX_CANDIDATES, because
    a picture may join them. Flags are those of `hierarchy.proposing`."""
    return tuple(_candidate(one, at == 0) for at, one in enumerate(proposals(surface, node)[:_MAX_FROM_TREE]))


def _candidate(proposal: Proposal, is_primary: bool) -> LocatorCandidate:
    return LocatorCandidate(
        strategy=proposal.strategy,
        locator_value=proposal.value,
        score=f"{proposal.worth:.3f}",
        is_primary=is_primary,
        dynamic_flags=dict.fromkeys(sorted(proposal.flags), True),
    )


def template_requests(
    surface: Surface, nodes: list[Node], elements: tuple[ScreenElement, ...]
) -> tuple[TemplateRequest, ...]:
    """Elements that deserve a picture locator: in reach, of a size that can be matched, and an icon without a text or
    poorly located otherwise. At most MAX_TEMPLATES, the poorly located first. `elements` are those of `nodes`."""
    wanted: list[tuple[bool, int, TemplateRequest]] = []
    limit = _MAX_TEMPLATE_SHARE * surface.screen.area
    for node, element in zip(nodes, elements, strict=True):
        box = node.bounds.clipped(surface.screen)
        fits = min(box.width, box.height) >= _MIN_TEMPLATE_PX and box.area <= limit and not node.scrollable
        is_poor = not element.locators or float(element.locators[0].score) < _POORLY_LOCATED
        is_icon = not element.text_value and not node.children
        if node.position in surface.sight.reached and node.clickable and fits and (is_poor or is_icon):
            score = 0.4 * (IN_ROW if node.position in surface.rows else 1.0)
            request = TemplateRequest(element.element_hash, box.to_bounds(), f"{score:.3f}")
            wanted.append((not is_poor, node.position, request))
    wanted.sort(key=lambda one: one[:2])
    return tuple(request for _, _, request in wanted[:MAX_TEMPLATES])


def template_candidate(request: TemplateRequest, template: ObjectRef) -> LocatorCandidate:
    """The picture locator of a request, once its crop is stored. The value is the key of the stored crop."""
    return LocatorCandidate(
        strategy=Strategy.IMAGE_TEMPLATE, locator_value=template.key,
        source=LocatorSource.VISION, score=request.score, template=template,
    )  # fmt: skip
