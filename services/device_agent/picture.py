"""Screenshots: whether a PNG is whole, whether it is black, and whether two of them show the same screen. Pure."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
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
_PALETTE = 3
_CHANNELS = {2: 3, _PALETTE: 1, 6: 4}
"""Bytes of a pixel by the colour type of the PNG: RGB, palette, RGBA."""
_DARK_BYTES = bytes([*range(_DARKEST + 1), 127, 128, *range(256 - _DARKEST, 256)])
_PIECE_BYTES = 128 * 1024
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
    """How black a whole PNG is. Cheap: only pictures that compressed as black ones do are looked into at all."""
    if len(png) > max(4096, size.width * size.height * _BLACK_BYTES_PER_PIXEL) or _surely_lit(png, size):
        return NOT_BLACK
    with Image.open(io.BytesIO(png)) as picture:
        grey = picture.convert("L")
    _, brightest = grey.getextrema()
    if _level(brightest) <= _DARKEST:
        return Blackness(whole=True, inside=True)
    bar = int(size.height * _BARS)
    _, brightest = grey.crop((0, bar, size.width, size.height - bar)).getextrema()
    return Blackness(whole=False, inside=_level(brightest) <= _DARKEST)


def _surely_lit(png: bytes, size: Size) -> bool:
    """Whether something between the system bars is lit, found without decoding pixels; False: not known.

    Each filter of PNG predicts a byte from its neighbours. Where all are dark (0.._DARKEST), what is left of the
    prediction is within _DARKEST of 0; an alpha of 255 leaves 0, 255, or at an edge 127 or 128. Any other byte proves
    light. It mostly comes within the first rows, in a tenth of the time that decoding takes.
    """
    depth, colour, interlaced = png[24], png[25], png[28]
    if depth != 8 or colour not in _CHANNELS or interlaced:
        return False
    dark = _DARK_BYTES if colour != _PALETTE else _dark_entries(b"".join(_chunks(png, b"PLTE")))
    row_bytes = 1 + size.width * _CHANNELS[colour]
    bar = int(size.height * _BARS)
    # The row after the bar is predicted from the bar's last: it is left out.
    for rows in _inflated(png, row_bytes, bar + 1, size.height - bar):
        if colour == _PALETTE and rows[::row_bytes].strip(b"\0"):
            return False  # Differences of palette numbers prove nothing.
        if rows.translate(None, dark):
            return True
    return False


def _dark_entries(palette: bytes) -> bytes:
    """Numbers of the palette's dark colours."""
    colours = (palette[at : at + 3] for at in range(0, len(palette), 3))
    return bytes({0, *(number for number, colour in enumerate(colours) if max(colour) <= _DARKEST)})


def _inflated(png: bytes, row_bytes: int, begin: int, end: int) -> Iterator[bytes]:
    """Whole rows from `begin` to `end` as they are stored, filter byte first, some at a time."""
    inflate, pending = zlib.decompressobj(), b"".join(_chunks(png, b"IDAT"))
    row, rest, at_once = 0, b"", max(_PIECE_BYTES // row_bytes, 1) * row_bytes
    while row < end and (pending or inflate.unconsumed_tail):
        try:
            rest += inflate.decompress(pending, at_once)
        except zlib.error:
            return
        pending = inflate.unconsumed_tail
        count = len(rest) // row_bytes
        yield rest[max(begin - row, 0) * row_bytes : min(end - row, count) * row_bytes]
        rest, row = rest[count * row_bytes :], row + count


def _chunks(png: bytes, wanted: bytes) -> Iterator[memoryview]:
    view, at = memoryview(png), len(_SIGNATURE)
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == wanted:
            yield view[at + 8 : at + 8 + length]
        at += 12 + length


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
