"""What a point of a model means."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.values import Point
from services.hierarchy.listing import list_screen
from services.hierarchy.parse import parse
from services.hierarchy.snapping import Snapped, over_the_app, snap, takes_part
from services.hierarchy.targets import Miss, Screen
from tests.hierarchy import corpus
from tests.hierarchy.trees import HEIGHT, WIDTH, screens
from tests.screen_indexer.screens import n, xml
from tests.screen_indexer.test_identity import KEYBOARD


def screen(*windows: str) -> Screen:
    return Screen.of(parse(xml(*windows)), 1080, 2000)


CARD = n(
    "row",
    n("text", text="Card", at=(0, 0, 600, 300)),
    n("button", text="Buy", at=(700, 100, 900, 200)),
    id="card", clickable=True, at=(0, 0, 1080, 300),
)  # fmt: skip
PAGE = screen(
    n(
        "frame",
        CARD,
        n("text", text="Only text", at=(0, 400, 1080, 500)),
        n("button", text="Far", at=(400, 1000, 600, 1100)),
    )
)


@pytest.mark.parametrize(
    ("x", "y", "what"),
    [
        (800, 150, "Buy"), (100, 100, "card"), (500, 450, "Only text"), (500, 1050, "Far"), (500, 970, "Far"),
        (380, 1120, "Far"),
    ],
)  # fmt: skip
def test_a_point_means_what_is_on_top_there_or_just_beside(x: int, y: int, what: str):
    found = snap(PAGE, Point(x=x, y=y))
    assert isinstance(found, Snapped)
    assert what in {found.node.text, found.node.id_name}
    assert found.node.bounds.holds_point(found.point.x, found.point.y)


def test_a_point_that_hits_is_kept_and_one_beside_is_drawn_inside():
    hit, beside = snap(PAGE, Point(x=410, y=1010)), snap(PAGE, Point(x=380, y=1120))
    assert isinstance(hit, Snapped)
    assert isinstance(beside, Snapped)
    assert (hit.point.x, hit.point.y) == (410, 1010)
    assert (beside.point.x, beside.point.y) == (450, 1074)


def test_a_miss_says_what_is_near():
    missed = snap(PAGE, Point(x=500, y=1500))
    assert isinstance(missed, Miss)
    assert missed.reason.startswith('there is nothing to act on at (500, 1500); near it: button "Far" at (500, 1050)')


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (1080, 5), (5, 2000)])
def test_a_point_off_the_screen_is_a_miss(x: int, y: int):
    missed = snap(PAGE, Point(x=x, y=y))
    assert isinstance(missed, Miss)
    assert "off the screen" in missed.reason


def test_a_point_on_the_keyboard_means_nothing_below_it():
    covered = screen(n("frame", n("button", text="Below", at=(0, 1500, 1080, 1600))), KEYBOARD)
    missed = snap(covered, Point(x=500, y=1550))
    assert isinstance(missed, Miss)
    assert "keyboard" in missed.reason


@pytest.mark.thorough
@given(screens(), st.integers(-5, WIDTH + 5), st.integers(-5, HEIGHT + 5))
@settings(max_examples=200, deadline=None)
def test_every_point_of_every_hierarchy_means_one_element_in_sight_or_is_a_miss(shown: Screen, x: int, y: int):
    found = snap(shown, Point(x=x, y=y))
    if isinstance(found, Snapped):
        assert found.node.position in shown.sight.reached
        assert found.node.bounds.clipped(shown.size).holds_point(found.point.x, found.point.y)
    else:
        assert found.reason


@pytest.mark.thorough
@given(screens())
@settings(max_examples=150, deadline=None)
def test_the_middle_of_what_is_listed_means_it_or_what_lies_on_it(shown: Screen):
    check_middles(shown)


@pytest.mark.thorough
def test_on_recorded_screens_the_middle_of_what_is_listed_means_it_or_what_lies_on_it():
    for dump in corpus.dumps():
        check_middles(Screen.of(dump.tree, dump.width, dump.height))


def check_middles(shown: Screen) -> None:
    for node in list_screen(shown).nodes:
        centre = node.bounds.clipped(shown.size).to_bounds().centre
        if any(window.bounds.holds_point(centre.x, centre.y) for window in over_the_app(shown)):
            continue
        found = snap(shown, centre)
        if takes_part(shown, node) and (node.clickable or not node.scrollable):
            assert isinstance(found, Snapped), (node, found)
            is_above = found.node.position >= node.position
            same_window = _window(shown, found.node) == _window(shown, node)
            assert is_above or not same_window, (node, found)


def _window(shown: Screen, node: object) -> int:
    return max((root.position for root in shown.tree.roots if root.position <= node.position), default=-1)
