"""From one capture to everything the indexer knows about it. Pure: the same capture yields the same answer."""

from __future__ import annotations

from dataclasses import replace

from contracts.values import Orientation
from services.hierarchy.errors import Defect, HierarchyError
from services.hierarchy.node import Tree
from services.hierarchy.parse import parse
from services.hierarchy.surface import survey
from services.screen_indexer.elements import chosen_nodes, to_element
from services.screen_indexer.gestures import gestures_of
from services.screen_indexer.model import CaptureInput, Indexed, resurvey
from services.screen_indexer.naming import primary_text, screen_name
from services.screen_indexer.ranking import ranked, template_requests
from services.screen_indexer.signature import dom_hash, screen_signature, state_signature


def index(capture: CaptureInput) -> Indexed:
    """Indexes a capture, whole. Raises HierarchyError when its hierarchy cannot be read or holds no node at all."""
    return describe(recognise(capture))


def recognise(capture: CaptureInput) -> Indexed:
    """Everything but elements and templates, which are empty: a third of the work, enough for a screen that is known.

    Raises HierarchyError as `index` does.
    """
    return recognise_tree(parse(capture.hierarchy), capture)


def recognise_tree(tree: Tree, capture: CaptureInput) -> Indexed:
    """The same for a tree that is parsed already; `capture.hierarchy` is not read."""
    if not len(tree):
        raise HierarchyError(Defect.EMPTY, "the hierarchy holds no node: the screen was not ready, dump it again")
    surface = survey(tree, capture.width, capture.height, capture.foreground)
    screen = screen_signature(surface)
    hint = capture.foreground
    activity = hint.activity if hint is not None and hint.package == surface.package else None
    return Indexed(
        screen_signature=screen,
        state_signature=state_signature(surface, screen),
        dom_hash=dom_hash(tree),
        name=screen_name(surface, activity),
        primary_text=primary_text(surface),
        package=surface.package,
        owner=surface.owner,
        activity=activity,
        orientation=Orientation.LANDSCAPE if surface.screen.width > surface.screen.height else Orientation.PORTRAIT,
        width=surface.screen.width,
        height=surface.screen.height,
        elements=(),
        gestures=gestures_of(surface, chosen_nodes(surface)),
        templates=(),
        tree=tree,
    )


def describe(recognised: Indexed) -> Indexed:
    """With its elements, their ranked locators, and the pictures to be cropped."""
    surface = resurvey(recognised)
    nodes = chosen_nodes(surface)
    elements = tuple(to_element(surface, node, ranked(surface, node)) for node in nodes)
    return replace(recognised, elements=elements, templates=template_requests(surface, nodes, elements))
