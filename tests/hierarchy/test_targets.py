"""What a step means on a screen: the one element, where a finger reaches it, or why there is not one."""

from __future__ import annotations

import pytest

from contracts.values import Place, Point, Target
from services.hierarchy.errors import LocatorError
from services.hierarchy.parse import parse
from services.hierarchy.targets import Match, Miss, Screen, find, focused_field, is_seen, labels

SCREEN = Screen.of(
    parse(
        """<hierarchy>
    <node class="a.Frame" package="a" bounds="[0,0][100,200]">
      <node class="a.Row" text="Wi-Fi" clickable="true" bounds="[0,0][100,50]">
        <node class="a.Text" text="Wi-Fi" resource-id="a:id/title" bounds="[0,0][50,50]"/>
      </node>
      <node class="a.Text" text="蓝牙" resource-id="a:id/title" bounds="[0,50][50,100]"/>
      <node class="a.Icon" content-desc="更多" resource-id="a:id/more" bounds="[50,50][100,100]"/>
      <node class="a.Text" text="Half" bounds="[0,180][100,240]"/>
      <node class="a.Text" text="Below" bounds="[0,300][100,340]"/>
      <node class="a.EditText" text="geheim" password="true" focused="true" bounds="[0,100][100,120]"/>
    </node></hierarchy>"""
    ),
    100,
    200,
)


@pytest.mark.parametrize(
    ("target", "point"),
    [
        (Target(text="蓝牙"), (25, 75)),
        (Target(text="更多"), (75, 75)),
        (Target(description="更多"), (75, 75)),
        (Target(text="Wi-Fi"), (25, 25)),
        (Target(text_contains="wi-f"), (25, 25)),
        (Target(id="more"), (75, 75)),
        (Target(id="a:id/more"), (75, 75)),
        (Target(id="title", index=1), (25, 75)),
        (Target(id="title", text="蓝牙"), (25, 75)),
        (Target(xpath="//a.Icon"), (75, 75)),
        (Target(uiselector='new UiSelector().text("蓝牙")'), (25, 75)),
        (Target(text="Half"), (50, 190)),
        (Target(point=Place(x=7, y=8)), (7, 8)),
        (Target(point=Place(x=100, y=50, unit="PERCENT")), (99, 100)),
    ],
)
def test_a_target_is_the_middle_of_what_can_be_seen_of_it(target: Target, point: tuple[int, int]) -> None:
    found = find(SCREEN, target)
    assert isinstance(found, Match), found
    assert found.point == Point(x=point[0], y=point[1])


@pytest.mark.parametrize(
    ("target", "reason", "matches"),
    [
        (Target(text="蓝"), "nothing matches text=蓝", 0),
        (Target(id="title"), "2 elements match id=title: narrow it, or choose with index", 2),
        (Target(id="title", index=2), "2 elements match, so that there is none with index 2", 2),
        (Target(text="Below"), "1 match text=Below, but cannot be seen: scroll to it", 1),
        (Target(xpath="//["), "//[", 0),
    ],
)
def test_what_is_not_one_element_is_told_in_words(target: Target, reason: str, matches: int) -> None:
    found = find(SCREEN, target)
    assert isinstance(found, Miss)
    assert reason in found.reason
    assert found.matches == matches


def test_several_that_match_are_seen_all_the_same() -> None:
    assert is_seen(SCREEN, Target(id="title"))
    assert not is_seen(SCREEN, Target(id="title", index=2))
    assert not is_seen(SCREEN, Target(text="Below"))
    with pytest.raises(LocatorError, match="a point is always there"):
        is_seen(SCREEN, Target(point=Place(x=1, y=1)))


def test_labels_tell_what_is_there_but_for_passwords() -> None:
    assert labels(SCREEN) == ["Wi-Fi", "蓝牙", "更多", "Half"]


def test_the_field_that_has_the_focus_is_found() -> None:
    field = focused_field(SCREEN)
    assert field is not None
    assert field.short_class == "EditText"
