"""What is seen and what is reached."""

from __future__ import annotations

from services.hierarchy.geometry import Rect
from services.hierarchy.parse import parse
from services.hierarchy.visibility import look

SCREEN = Rect(0, 0, 100, 200)


def node(text: str, bounds: str, inner: str = "", **flags: bool) -> str:
    written = " ".join(f'{name.replace("_", "-")}="{str(value).lower()}"' for name, value in flags.items())
    return f'<node class="a.B" text="{text}" bounds="{bounds}" {written}>{inner}</node>'


def names(document: str) -> tuple[str, str]:
    tree = parse(f"<hierarchy>{document}</hierarchy>")
    sight = look(tree, SCREEN)
    return tuple("".join(n.text for n in tree if n.position in found) for found in (sight.seen, sight.reached))


def test_what_has_an_area_on_the_screen_is_seen() -> None:
    assert names(node("a", "[0,0][10,10]") + node("b", "[99,199][300,300]")) == ("ab", "ab")


def test_what_is_off_empty_inverted_or_marked_invisible_is_not() -> None:
    document = (
        node("a", "[100,0][200,10]")
        + node("b", "[5,5][5,9]")
        + node("c", "[9,9][5,5]")
        + node("d", "[0,0][0,0]")
        + node("e", "[0,0][10,10]", node("f", "[0,0][5,5]"), displayed=False)
        + node("g", "nonsense")
    )
    assert names(document) == ("", "")


def test_children_outside_their_parent_are_seen_unless_it_scrolls() -> None:
    child = node("b", "[0,50][10,60]")
    assert names(node("a", "[0,0][10,10]", child))[0] == "ab"
    assert names(node("a", "[0,0][10,10]", child, scrollable=True))[0] == "a"


def test_a_panel_drawn_later_hides_what_it_covers_whole() -> None:
    panel = node("p", "[0,100][100,200]", node("q", "[10,110][50,120]"), clickable=True)
    below = node("a", "[0,150][50,160]") + node("b", "[0,90][50,160]")
    assert names(node("r", "[0,0][100,200]", below + panel)) == ("rbpq", "rbpq")


def test_a_scrim_lets_see_but_not_touch() -> None:
    below = node("a", "[0,150][50,160]", clickable=True)
    assert names(node("r", "[0,0][100,200]", below + node("s", "[0,0][100,200]", clickable=True))) == ("ras", "rs")


def test_what_is_above_in_another_window_hides_nothing_here() -> None:
    assert names(node("a", "[0,0][50,50]") + node("b", "[0,0][100,200]", node("c", "[0,0][9,9]"), clickable=True)) == (
        "abc",
        "abc",
    )
