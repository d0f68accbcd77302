from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from contracts.values import Bounds
from services.device_agent import picture
from services.device_agent.picture import Absence, Change, Size
from services.device_agent.stability import Limits, Rest

WIDTH, HEIGHT = 540, 960
SIZE = Size(WIDTH, HEIGHT)


def png(colour=(255, 255, 255), boxes=()) -> bytes:
    image = Image.new("RGB", (WIDTH, HEIGHT), colour)
    for box, fill in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=fill)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


WHOLE = png()


def test_whole_picture_has_its_size():
    assert picture.examine(WHOLE) == SIZE


@given(cut=st.integers(0, len(WHOLE) - 1))
def test_picture_cut_anywhere_is_never_taken_for_one(cut):
    assert isinstance(picture.examine(WHOLE[:cut]), Absence)


@given(at=st.integers(8, len(WHOLE) - 1), flip=st.integers(1, 255))
def test_damaged_picture_is_never_taken_for_one(at, flip):
    damaged = bytearray(WHOLE)
    damaged[at] ^= flip

    assert isinstance(picture.examine(bytes(damaged)), Absence)


def test_words_instead_of_a_picture_are_a_failure():
    assert picture.examine(b"Error: cannot open display") is Absence.FAILED
    assert picture.examine(b"") is Absence.FAILED


@pytest.mark.parametrize(("colour", "whole"), [((0, 0, 0), True), ((5, 5, 5), True), ((30, 30, 30), False)])
def test_black_is_told_from_dark(colour, whole):
    assert picture.blackness(png(colour), SIZE).whole is whole


def test_black_between_bright_system_bars_is_black_inside():
    found = picture.blackness(png((0, 0, 0), [((0, 0, WIDTH, 40), (255, 255, 255))]), SIZE)

    assert (found.whole, found.inside) == (False, True)


def test_dark_screen_with_one_small_text_is_not_black():
    found = picture.blackness(png((0, 0, 0), [((200, 400, 260, 420), (255, 255, 255))]), SIZE)

    assert (found.whole, found.inside) == (False, False)


@settings(max_examples=60, deadline=None)
@given(
    ground=st.integers(0, 60),
    light=st.integers(0, 255),
    x=st.integers(0, 59),
    y=st.integers(0, 99),
    mode=st.sampled_from(["RGB", "RGBA", "L", "palette"]),
    level=st.integers(1, 9),
)
def test_blackness_is_what_looking_at_each_pixel_says(ground, light, x, y, mode, level):
    image = Image.new("RGB", (60, 100), (ground,) * 3)
    image.putpixel((x, y), (light,) * 3)
    buffer = io.BytesIO()
    stored = image.quantize(4) if mode == "palette" else image.convert(mode)
    stored.save(buffer, "PNG", compress_level=level)
    found = picture.blackness(buffer.getvalue(), Size(60, 100))
    pixels = image.load()

    assert found.whole is all(pixels[column, row][0] <= 8 for column in range(60) for row in range(100))
    assert found.inside is all(pixels[column, row][0] <= 8 for column in range(60) for row in range(12, 88))


def changed(before: bytes, after: bytes) -> Change | None:
    return picture.change(picture.thumbnail(before), picture.thumbnail(after), SIZE)


def test_clock_is_a_small_change_with_its_place():
    found = changed(WHOLE, png(boxes=[((20, 10, 80, 30), (0, 0, 0))]))

    assert found.is_small
    assert found.region.x <= 20
    assert found.region.x + found.region.width >= 80
    assert found.region.area < WIDTH * HEIGHT * picture.SMALL_CHANGE


def test_new_screen_is_a_large_change_and_a_turned_one_too():
    assert not changed(WHOLE, png((0, 80, 160))).is_small
    turned = io.BytesIO()
    Image.new("RGB", (HEIGHT, WIDTH), (255, 255, 255)).save(turned, "PNG")
    assert not changed(WHOLE, turned.getvalue()).is_small


def test_two_equal_pictures_in_a_row_settle():
    rest = Rest().first()
    assert not rest.settled
    assert rest.equal().settled


def test_change_of_the_screen_starts_anew():
    rest = Rest().first().changed(Change(Bounds(x=0, y=0, width=540, height=900), 0.9), WIDTH * HEIGHT)

    assert not rest.settled
    assert rest.pictures == 2


def tick(x: int = 0) -> Change:
    return Change(Bounds(x=x, y=0, width=60, height=30), 0.004)


def test_ticking_clock_settles_and_its_place_is_remembered():
    rest = Rest().first()
    for _ in range(3):
        assert not rest.settled
        rest = rest.changed(tick(), WIDTH * HEIGHT)

    assert rest.settled
    assert rest.volatile == tick().region


def test_something_small_that_moves_across_the_screen_does_not_settle():
    rest = Rest().first()
    for x in range(0, 480, 60):
        rest = rest.changed(Change(Bounds(x=x, y=x, width=60, height=60), 0.007), WIDTH * HEIGHT)

    assert not rest.settled


def test_waiting_grows_and_ends():
    limits = Limits()
    rest, pauses = Rest(), []
    for _ in range(20):
        rest = rest.first()
        pause_s = rest.pause_s(limits, 0.0)
        if pause_s is None:
            break
        pauses.append(pause_s)

    assert pauses[0] == 0.0
    assert pauses == sorted(pauses)
    assert max(pauses) <= limits.longest_pause_s
    assert rest.pictures == limits.pictures
    assert Rest().first().pause_s(limits, limits.wait_s) is None
