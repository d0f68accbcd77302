"""A picture locator finds its element where it went, and nothing else."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from services.hierarchy.errors import LocatorError
from services.hierarchy.geometry import Rect
from services.hierarchy.template import Match, find


def icon(seed: int, side: int = 72) -> Image.Image:
    random_ = random.Random(seed)
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = random_.randrange(side), random_.randrange(side)
        draw.ellipse((x - 14, y - 14, x + 14, y + 14), fill=random_.choice(["black", "navy", "teal", "gray"]))
        draw.line((x, y, random_.randrange(side), random_.randrange(side)), fill="black", width=5)
    return image


def screen(places: dict[tuple[int, int], Image.Image]) -> Image.Image:
    image = Image.new("RGB", (1080, 2340), (245, 245, 245))
    draw = ImageDraw.Draw(image)
    for y in range(100, 2300, 130):
        draw.text((200, y), f"Some words in line {y} of the page", fill="black")
        draw.line((0, y + 60, 1080, y + 60), fill="silver")
    for place, one in places.items():
        image.paste(one, place)
    return image


def at(found: Match | None) -> tuple[int, int] | None:
    return None if found is None else (found.bounds.left, found.bounds.top)


def test_it_is_found_where_it_was() -> None:
    found = find(screen({(900, 300): icon(1)}), icon(1), Rect(900, 300, 972, 372))
    assert found is not None
    assert (found.bounds, found.is_ambiguous) == (Rect(900, 300, 972, 372), False)
    assert found.score > 0.99


@pytest.mark.parametrize("place", [(0, 0), (513, 1717), (1008, 2268), (37, 991)])
def test_it_is_found_wherever_it_went_among_other_icons(place: tuple[int, int]) -> None:
    others = {(60 + 120 * i, 640): icon(10 + i) for i in range(7)}
    assert at(find(screen({**others, place: icon(1)}), icon(1), Rect(900, 300, 972, 372))) == place


def test_brighter_or_dimmer_it_is_still_found() -> None:
    dimmed = ImageEnhance.Brightness(screen({(900, 300): icon(1)})).enhance(0.7)
    assert at(find(dimmed, icon(1))) == (900, 300)


@pytest.mark.parametrize("seed", range(2, 12))
def test_another_icon_is_not_taken_for_it(seed: int) -> None:
    assert find(screen({(900, 300): icon(seed)}), icon(1), Rect(900, 300, 972, 372)) is None


def test_two_of_them_are_ambiguous_unless_one_is_where_it_was() -> None:
    two = screen({(900, 300): icon(1), (100, 1900): icon(1)})
    found = find(two, icon(1))
    assert found is not None
    assert found.is_ambiguous
    assert at(find(two, icon(1), Rect(100, 1900, 172, 1972))) == (100, 1900)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (Image.new("RGB", (50, 50), "red"), "one colour"),
        (icon(1, 4), "cannot be looked for"),
        (Image.new("RGB", (3000, 50)), "cannot be looked for"),
    ],
)
def test_a_template_that_tells_nothing_is_refused(template: Image.Image, said: str) -> None:
    with pytest.raises(LocatorError, match=said):
        find(screen({}), template)


def test_a_screen_of_absurd_size_is_refused() -> None:
    with pytest.raises(LocatorError, match="more than can be searched"):
        find(Image.new("L", (6000, 6000)), icon(1))


def test_pixel_by_pixel_where_it_was_it_needs_no_search() -> None:
    assert find(screen({(900, 300): icon(1)}), icon(1), Rect(900, 300, 972, 372)) == Match(
        Rect(900, 300, 972, 372), 1.0
    )


def test_where_it_was_may_lie_partly_off_the_screen() -> None:
    turned = screen({(40, 700): icon(1)})
    assert at(find(turned, icon(1), Rect(1050, 2300, 1122, 2372))) == (40, 700)


@pytest.mark.parametrize("place", [(0, 0), (6, 6), (1002, 2262), (1008, 2268)])
def test_near_an_edge_what_wraps_around_is_not_taken_for_it(place: tuple[int, int]) -> None:
    left, top = min(place[0] + 3, 1008), max(place[1] - 3, 0)
    assert at(find(screen({place: icon(1)}), icon(1), Rect(left, top, left + 72, top + 72))) == place
