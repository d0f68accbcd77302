"""Pictures as a model gets them: no larger than it wants, with text that stays sharp; and what they are taken to
cost."""

from __future__ import annotations

import base64
import io
import random
from math import ceil

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from services.llm_gateway.decisions.tokens import tokens_sent
from services.llm_gateway.effects.pictures import picture_of


def drawn(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for y in range(0, height, 40):
        draw.text((20, y), f"Row {y} of a long list", fill="black")
    return picture


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(7).randbytes(width * height * 3))


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(";base64,")[2])))


def test_a_picture_that_is_small_enough_is_sent_as_it_is() -> None:
    content = png(drawn(300, 600))
    picture = picture_of(content, 1024)
    assert picture.size == (300, 600)
    assert base64.b64decode(picture.url.partition(";base64,")[2]) == content


@pytest.mark.parametrize(
    ("size", "side", "sent"),
    [
        ((1080, 2400), 1024, (461, 1024)),
        ((2400, 1080), 1024, (1024, 461)),
        ((1080, 2400), 2400, (1080, 2400)),
        ((1, 3000), 256, (1, 256)),
    ],
)
def test_a_larger_one_is_made_smaller_and_its_size_is_told(
    size: tuple[int, int], side: int, sent: tuple[int, int]
) -> None:
    picture = picture_of(png(drawn(*size)), side)
    assert picture.size == opened(picture.url).size == sent


def test_text_loses_nothing_but_what_scaling_takes() -> None:
    picture = picture_of(png(drawn(1080, 2400)), 1024)
    assert picture.url.startswith("data:image/png")
    scaled = drawn(1080, 2400).resize(picture.size, Image.Resampling.HAMMING, reducing_gap=1.0)
    assert ImageChops.difference(opened(picture.url).convert("RGB"), scaled).getbbox() is None


def test_scaling_in_two_parts_changes_text_by_no_more_than_a_shade() -> None:
    whole = drawn(1080, 2400).resize((461, 1024), Image.Resampling.HAMMING)
    sent = opened(picture_of(png(drawn(1080, 2400)), 1024).url).convert("RGB")
    assert ImageStat.Stat(ImageChops.difference(sent, whole)).mean < [1.0] * 3
    dark = [sum(picture.convert("L").histogram()[:128]) for picture in (sent, whole)]
    assert dark[0] > 0.8 * dark[1]


def test_a_picture_full_of_photographs_is_sent_in_bounds() -> None:
    """Noise is the worst that there is."""
    picture = picture_of(png(noise(1200, 1200)), 1024)
    assert picture.url.startswith("data:image/jpeg")
    assert len(picture.url) < 3 * 1024 * 1024


@pytest.mark.parametrize("content", [b"", b"no picture", png(drawn(300, 300))[:200], b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_picture_is_an_error_and_never_a_black_one(content: bytes) -> None:
    with pytest.raises(OSError, match=r"."):
        picture_of(content, 1024)


@pytest.mark.parametrize("size", [(461, 1024), (1024, 461), (1024, 1024), (1080, 2400), (1843, 4096), (256, 256)])
def test_a_picture_is_taken_for_at_least_as_many_tokens_as_models_count(size: tuple[int, int]) -> None:
    width, height = size
    patches = ceil(width / 28) * ceil(height / 28) + 2
    by_area = ceil(width * height / 750)
    shrink = min(1, 2048 / max(size), 768 / min(size) if min(size) > 768 else 1)
    tiles = 85 + 170 * ceil(width * shrink / 512) * ceil(height * shrink / 512)
    assert tokens_sent([], None, size) >= max(patches, by_area, tiles)


def test_a_request_without_a_picture_costs_its_text_and_its_functions() -> None:
    said = [{"role": "user", "content": "12345678 登录 (ok)"}]
    alone = tokens_sent(said, None, None)
    assert alone >= 8 + 2 + 2
    assert tokens_sent(said, [{"type": "function", "function": {"name": "tap"}}], None) > alone
    assert (
        tokens_sent([{"role": "user", "content": [{"type": "text", "text": "12345678 登录 (ok)"}]}], None, None)
        == alone
    )
