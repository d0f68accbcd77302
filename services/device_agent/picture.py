"""Screenshots: whether a PNG is whole, whether it is black, and whether two of them show the same screen. Pure."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image, ImageChops

from contracts.values import Bounds

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
LARGEST_PIXELS = 64_000_000

_BLACK_BYTES_PER_PIXEL = 0.02
"""A black picture compresses to a thousandth of its pixels; above this nothing needs to be decoded to rule it out."""
_DARKEST = 8
"""Brightness of 255 up to which a pixel counts as black: encoders and night filters leave a trace."""
_BARS = 0.12
"""Part of the height at the top and at the bottom where system bars may be drawn over a protected window."""

_GRID = 64
"""Two pictures are compared on a grid of so many cells in the longer direction."""
_CELL_CHANGED = 12
SMALL_CHANGE = 0.02
"""Part of the screen that a clock, a caret or a progress ring changes at most."""


class Absence(StrEnum):
    """Why a picture is missing."""

    SECURE = "SECURE"
    """The app forbids pictures of this window (FLAG_SECURE)."""
    BLACK = "BLACK"
    """All black, and no window says that it forbids pictures: the screen is off, or a protected video plays."""
    TRUNCATED = "TRUNCATED"
    """The bytes end before the picture does."""
    FAILED = "FAILED"
    """`screencap` gave something else than a PNG."""
    TIMEOUT = "TIMEOUT"


@dataclass(frozen=True)
class Size:
    """Width and height in pixels of the screen as it is turned."""

    width: int
    height: int


def examine(png: bytes) -> Size | Absence:
    """The size of a whole PNG, or what is wrong with it. Checks every chunk to IEND, decodes nothing."""
    if not png.startswith(_SIGNATURE):
        return Absence.TRUNCATED if _SIGNATURE.startswith(png) and png else Absence.FAILED
    at, size, data_seen = len(_SIGNATURE), None, False
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        end = at + 12 + length
        if end > len(png):
            return Absence.TRUNCATED
        if kind == b"IEND":
            return size if size is not None and data_seen and png[at:end] == _END else Absence.FAILED
        (checksum,) = struct.unpack_from(">I", png, end - 4)
        if zlib.crc32(memoryview(png)[at + 4 : end - 4]) != checksum:
            return Absence.FAILED
        if kind == b"IHDR":
            size = Size(*struct.unpack_from(">II", png, at + 8))
            if not 0 < size.width * size.height <= LARGEST_PIXELS:
                return Absence.FAILED
        data_seen = data_seen or kind == b"IDAT"
        at = end
    return Absence.TRUNCATED


@dataclass(frozen=True)
class Blackness:
    """`whole`: not one pixel is lit. `inside`: nothing is lit between the system bars."""

    whole: bool
    inside: bool


NOT_BLACK = Blackness(whole=False, inside=False)


def blackness(png: bytes, size: Size) -> Blackness:
    """How black a whole PNG is. Cheap: only pictures that compressed as black ones do are decoded at all."""
    if len(png) > max(4096, size.width * size.height * _BLACK_BYTES_PER_PIXEL):
        return NOT_BLACK
    with Image.open(io.BytesIO(png)) as picture:
        grey = picture.convert("L")
    _, brightest = grey.getextrema()
    if _level(brightest) <= _DARKEST:
        return Blackness(whole=True, inside=True)
    bar = int(size.height * _BARS)
    _, brightest = grey.crop((0, bar, size.width, size.height - bar)).getextrema()
    return Blackness(whole=False, inside=_level(brightest) <= _DARKEST)


def _level(extremum: float | tuple[int, int]) -> float:
    return extremum if not isinstance(extremum, tuple) else max(extremum)


def thumbnail(png: bytes) -> Image.Image:
    """A grey grid of the picture, the longer side `_GRID` cells: enough to see where two pictures differ."""
    with Image.open(io.BytesIO(png)) as picture:
        scale = _GRID / max(picture.size)
        cells = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        return picture.convert("L").resize(cells, Image.Resampling.BOX)


@dataclass(frozen=True)
class Change:
    """Where two pictures differ: the region in pixels, and which part of the screen it is (0..1)."""

    region: Bounds
    part: float

    @property
    def is_small(self) -> bool:
        return self.part <= SMALL_CHANGE


def change(before: Image.Image, after: Image.Image, size: Size) -> Change | None:
    """Where the second picture differs from the first (thumbnails of both), None where the grid shows nothing.

    Pictures of different shapes differ everywhere: the screen was turned.
    """
    if before.size != after.size:
        return Change(Bounds(x=0, y=0, width=size.width, height=size.height), 1.0)
    difference = ImageChops.difference(before, after).point(
        [0 if level < _CELL_CHANGED else 255 for level in range(256)]
    )
    box = difference.getbbox()
    if box is None:
        return None
    columns, rows = before.size
    left, top = box[0] * size.width // columns, box[1] * size.height // rows
    right, bottom = -(-box[2] * size.width // columns), -(-box[3] * size.height // rows)
    region = Bounds(x=left, y=top, width=right - left, height=bottom - top)
    return Change(region, (box[2] - box[0]) * (box[3] - box[1]) / (columns * rows))


def united(first: Bounds, second: Bounds) -> Bounds:
    """The smallest rectangle around both."""
    left, top = min(first.x, second.x), min(first.y, second.y)
    right = max(first.x + first.width, second.x + second.width)
    bottom = max(first.y + first.height, second.y + second.height)
    return Bounds(x=left, y=top, width=right - left, height=bottom - top)
