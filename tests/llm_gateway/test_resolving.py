"""What answers mean on a screen: which element, which field, what is scrolled; and where they mean nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import (
    AnyIntent,
    AskPerson,
    Finish,
    LaunchApp,
    Point,
    Press,
    SwipeTo,
    TakeOver,
    TapAt,
    TurnRead,
    TypeText,
    WaitFor,
)
from services.hierarchy.listing import list_screen
from services.hierarchy.snapping import REACH
from services.hierarchy.targets import Screen
from services.llm_gateway.decisions.observation import LISTED, Sight
from services.llm_gateway.decisions.resolving import resolve
from services.llm_gateway.grammars.shown import Misread, Spoken
from tests.hierarchy import corpus
from tests.llm_gateway.test_turns import turn_config
from tests.llm_gateway.world import PACKAGE, PAY, ROWS, SEARCH, SHOP, SIZE, Box, sight_of

SIGHT = sight_of(*SHOP, llm=turn_config())
BLIND = sight_of(llm=turn_config(vision=True), picture_absent="SECURE", hierarchy_absent="NOT_IDLE")
PICTURE_ONLY = sight_of(llm=turn_config(vision=True), hierarchy_absent="NOT_IDLE")


def meant(intent: AnyIntent, number: int | None = None, sight: Sight = SIGHT) -> TurnRead:
    return resolve(Spoken("so", intent, number), sight, PACKAGE, ".Main")


def number_of(label: str) -> int:
    assert SIGHT.listing is not None
    return next(n for n, line in enumerate(SIGHT.listing.lines, 1) if label in line)


def test_a_point_inside_an_element_means_it() -> None:
    turn = meant(TapAt(point=Point(x=300, y=2290)))
    assert turn.intent.element.resource_id == f"{PACKAGE}:id/{PAY.id}"
    assert turn.intent.element.targets
    assert (turn.intent.point, turn.thinking, turn.misread) == (Point(x=300, y=2290), "so", None)
    assert turn.screen.package == PACKAGE
    assert turn.screen.keys


def test_what_the_screen_says_goes_along_once_and_without_what_a_password_field_holds() -> None:
    secret = Box("EditText", "hunter2", (0, 900, 900, 990), flags="clickable password")
    turn = meant(WaitFor(), sight=sight_of(*SHOP, PAY, secret, llm=turn_config()))
    assert turn.texts.count(PAY.text) == 1
    assert "hunter2" not in turn.texts
    assert len(turn.texts) > 1


def test_a_point_beside_an_element_is_moved_into_it() -> None:
    turn = meant(TapAt(point=Point(x=300, y=2180), press="LONG", sensitive="pays"))
    assert turn.intent.element.text == PAY.text
    assert turn.intent.point.y > 2200
    assert (turn.intent.press, turn.intent.sensitive) == ("LONG", "pays")


@pytest.mark.parametrize("point", [Point(x=500, y=40), Point(x=-3, y=10), Point(x=1080, y=100), Point(x=5, y=9000)])
def test_a_point_that_means_nothing_is_off_target_and_says_so(point: Point) -> None:
    turn = meant(TapAt(point=point))
    assert (turn.intent, turn.off_target) == (None, True)
    assert str(point.x) in turn.misread


def test_a_number_means_the_element_that_was_listed_under_it() -> None:
    turn = meant(TapAt(point=Point(x=0, y=0)), number_of("支付"))
    assert (turn.intent.element.text, turn.intent.point) == (PAY.text, Point(x=270, y=2270))
    beyond = meant(TapAt(point=Point(x=0, y=0)), 999)
    assert (beyond.intent, "numbers go from 1 to" in beyond.misread) == (None, True)


def test_text_goes_into_the_element_that_is_named_else_into_the_field_with_the_focus() -> None:
    named = meant(TypeText(text="咖啡", point=Point(x=200, y=260)))
    focused = meant(TypeText(text="咖啡"))
    assert named.intent.element.editable
    assert focused.intent.element == named.intent.element
    assert focused.intent.point is None


def test_text_without_a_focused_field_names_no_element() -> None:
    plain = Box("EditText", "", SEARCH.at, "query", "clickable focusable")
    focused_list = Box("ListView", "", (0, 400, 1080, 900), "list", "focused scrollable")
    sight = sight_of(plain, focused_list, llm=turn_config())
    assert meant(TypeText(text="x"), sight=sight).intent.element is None


def test_a_swipe_names_what_it_scrolls_and_ends_on_the_screen() -> None:
    turn = meant(SwipeTo(start=Point(x=500, y=1500), end=Point(x=500, y=-200), direction="UP"))
    assert turn.intent.within.resource_id == f"{PACKAGE}:id/{ROWS.id}"
    assert turn.intent.end == Point(x=500, y=0)
    outside = meant(SwipeTo(start=Point(x=500, y=2250), end=Point(x=500, y=2000), direction="UP"))
    assert outside.intent.within is None
    nowhere = meant(SwipeTo(start=Point(x=500, y=5000), end=Point(x=500, y=100), direction="UP"))
    assert nowhere.off_target


@pytest.mark.parametrize(
    "intent",
    [
        TapAt(point=Point(x=1, y=1)),
        TypeText(text="x"),
        SwipeTo(start=Point(x=1, y=1), end=Point(x=1, y=9), direction="DOWN"),
    ],
)
def test_without_any_sight_a_place_means_nothing(intent: AnyIntent) -> None:
    turn = meant(intent, sight=BLIND)
    assert (turn.intent, turn.off_target, turn.screen) == (None, False, None)
    assert "Press a key, wait, start an app, or ask a person" in turn.misread


@pytest.mark.parametrize(
    "intent",
    [
        Press(key="BACK"),
        WaitFor(),
        LaunchApp(app="微信"),
        TakeOver(message="m"),
        AskPerson(question="q"),
        Finish(message="done", succeeded=False),
    ],
)
@pytest.mark.parametrize("sight", [SIGHT, BLIND, PICTURE_ONLY], ids=["seen", "blind", "picture"])
def test_what_needs_no_place_stays_as_it_was_said(intent: AnyIntent, sight: Sight) -> None:
    assert meant(intent, sight=sight).intent == intent


def test_where_only_a_picture_was_shown_a_point_stays_a_point() -> None:
    turn = meant(TapAt(point=Point(x=7, y=8)), sight=PICTURE_ONLY)
    assert (turn.intent, turn.screen) == (TapAt(point=Point(x=7, y=8)), None)


def test_a_surface_that_paints_itself_is_touched_at_the_point() -> None:
    """A game tells nothing of what can be tapped on it."""
    game = Box("android.opengl.GLSurfaceView", "", (0, 100, 1080, 2400), flags="")
    sight = sight_of(game, llm=turn_config())
    turn = meant(TapAt(point=Point(x=500, y=900)), sight=sight)
    assert turn.intent == TapAt(point=Point(x=500, y=900))
    assert meant(TapAt(point=Point(x=500, y=40)), sight=sight).off_target


def test_what_was_misread_keeps_its_reason_and_its_screen() -> None:
    turn = resolve(Misread("say it in JSON", "hm"), SIGHT, PACKAGE, None)
    assert (turn.misread, turn.thinking, turn.off_target, turn.intent) == ("say it in JSON", "hm", False, None)
    assert turn.screen is not None


@given(st.integers(-500, 3000), st.integers(-500, 3000))
def test_any_point_means_an_element_that_is_there_or_says_why_it_means_none(x: int, y: int) -> None:
    turn = meant(TapAt(point=Point(x=x, y=y)))
    if turn.misread is not None:
        assert turn.off_target
        assert len(turn.misread) < 600
        return
    bounds = turn.intent.element.bounds
    assert 0 <= turn.intent.point.x < SIZE[0]
    assert 0 <= turn.intent.point.y < SIZE[1]
    assert bounds.x <= turn.intent.point.x < bounds.x + bounds.width
    assert bounds.y <= turn.intent.point.y < bounds.y + bounds.height


@pytest.mark.thorough
def test_on_recorded_screens_each_number_means_its_element_and_each_point_one_in_reach_or_none() -> None:
    numbers = points = misses = 0
    for dump in corpus.dumps()[::4]:
        screen = Screen.of(dump.tree, dump.width, dump.height)
        sight = Sight(screen, list_screen(screen, limit=LISTED), None, shows_listing=True)
        for number in range(1, len(sight.listing.lines) + 1):
            turn = meant(TapAt(point=Point(x=0, y=0)), number, sight)
            node, place = sight.listing.node(number), turn.intent.point
            assert turn.intent.element.element_type == node.class_name
            assert node.bounds.holds_point(place.x, place.y)
            assert turn.intent.element.bounds == node.bounds.to_bounds()
            numbers += 1
        for across, along in itertools.product(range(1, 10, 2), repeat=2):
            point = Point(x=screen.size.width * across // 10, y=screen.size.height * along // 10)
            turn = meant(TapAt(point=point), sight=sight)
            points += 1
            if turn.misread is not None:
                assert turn.off_target
                misses += 1
                continue
            away = max(abs(turn.intent.point.x - point.x), abs(turn.intent.point.y - point.y))
            reach = REACH * max(screen.size.width, screen.size.height)
            assert away <= reach + max(screen.size.width, screen.size.height) / 4
    assert numbers > 400
    assert 0 < misses < points
