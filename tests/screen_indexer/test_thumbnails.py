"""Screenshots that are whole and show something are used; others are refused with the reason."""

from __future__ import annotations

import struct
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from contracts.values import Bounds, Orientation
from services.screen_indexer.thumbnails import (
    PictureDefect,
    PictureError,
    check,
    crop,
    crops,
    is_black,
    measure,
    thumbnail,
)


def png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def picture(width: int = 360, height: int = 640) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).rectangle((30, 40, 120, 90), fill="red")
    return image


WHOLE = png(picture())


def test_size_and_orientation_come_from_the_header() -> None:
    assert (measure(WHOLE).width, measure(WHOLE).height, measure(WHOLE).orientation) == (360, 640, Orientation.PORTRAIT)
    assert measure(png(picture(640, 360))).orientation is Orientation.LANDSCAPE


def test_every_truncation_is_noticed() -> None:
    for length in range(1, len(WHOLE)):
        with pytest.raises(PictureError) as refused:
            measure(WHOLE[:length])
        assert refused.value.defect in (PictureDefect.TRUNCATED, PictureDefect.DAMAGED)


@pytest.mark.parametrize(
    ("data", "defect"),
    [
        (b"", PictureDefect.EMPTY),
        (b"error: device offline", PictureDefect.NOT_PNG),
        (b"\xff\xd8\xff\xe0jpeg", PictureDefect.NOT_PNG),
        (b"\x89PNG", PictureDefect.TRUNCATED),
        (WHOLE.replace(b"\r\n", b"\r\r\n"), PictureDefect.NOT_PNG),
        (WHOLE[:16] + struct.pack(">II", 60_000, 60_000) + WHOLE[24:], PictureDefect.TOO_LARGE),
        (WHOLE[:16] + struct.pack(">II", 0, 10) + WHOLE[24:], PictureDefect.TOO_LARGE),
    ],
)
def test_what_is_no_screenshot_is_refused_with_its_defect(data: bytes, defect: PictureDefect) -> None:
    with pytest.raises(PictureError) as refused:
        measure(data)
    assert refused.value.defect is defect


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_survived_or_refused(at: int, value: int) -> None:
    damaged = WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :]
    with suppress(PictureError):
        thumbnail(damaged)
        is_black(damaged)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_black_picture_is_never_taken_for_a_screen(mode: str) -> None:
    black = png(Image.new(mode, (1080, 2400), 0))
    assert is_black(black)
    with pytest.raises(PictureError, match="black") as refused:
        check(black)
    assert refused.value.defect is PictureDefect.BLACK


def test_dark_and_plain_screens_are_not_black() -> None:
    dark = Image.new("RGB", (1080, 2400), "black")
    ImageDraw.Draw(dark).text((40, 40), "Dark mode", fill="gray")
    for image in (dark, Image.new("RGB", (1080, 2400), "white"), picture()):
        assert not is_black(png(image))
        assert check(png(image)).width == image.width


def test_thumbnails_are_small_and_keep_their_shape() -> None:
    large = picture(1080, 2400)
    small = thumbnail(png(large))
    with Image.open(BytesIO(small)) as image:
        assert (image.format, image.size) == ("WEBP", (240, 533))
    assert len(small) < 20_000
    with Image.open(BytesIO(thumbnail(png(picture(100, 50))))) as image:
        assert image.size == (100, 50)


def test_crops_are_exact_and_clipped_and_none_off_the_picture() -> None:
    inside, over_the_edge, outside = crops(
        WHOLE,
        [
            Bounds(x=30, y=40, width=91, height=51),
            Bounds(x=300, y=600, width=200, height=200),
            Bounds(x=900, y=0, width=10, height=10),
        ],
    )
    assert inside is not None
    with Image.open(BytesIO(inside)) as image:
        assert (image.size, image.getextrema()) == ((91, 51), ((255, 255), (0, 0), (0, 0)))
    assert over_the_edge is not None
    assert (measure(over_the_edge).width, measure(over_the_edge).height) == (60, 40)
    assert outside is None
    with pytest.raises(PictureError, match="outside"):
        crop(WHOLE, Bounds(x=900, y=0, width=10, height=10))
    assert crop(WHOLE, Bounds(x=30, y=40, width=91, height=51)) == inside
