"""Screenshots: is it a whole picture, how large, is it black; thumbnails and crops.

A black picture is what a secure window or a dead capture yields; taken for a screen, it has led models to believe that
they saw a payment page. A truncated one comes from a lost connection.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Final

from PIL import Image

from contracts.values import Bounds, Orientation
from services.hierarchy.geometry import Rect, from_bounds

THUMBNAIL_WIDTH_PX: Final = 240
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MAX_SIDE_PX: Final = 10_000
_MAX_PX: Final = 40_000_000
_MAX_BYTES: Final = 64 * 1024 * 1024
_BLACK: Final = 8
# A black PNG takes about a thousandth of its pixels' bytes. One that takes more than this share cannot be black.
_BLACK_BYTES_PER_PX: Final = 0.05
_CROP_COMPRESSION: Final = 2
"""A third of the time of level 6 and a sixth more bytes, measured on crops of the demo app's screens."""


class PictureDefect(StrEnum):
    EMPTY = "EMPTY"
    NOT_PNG = "NOT_PNG"
    TRUNCATED = "TRUNCATED"
    TOO_LARGE = "TOO_LARGE"
    DAMAGED = "DAMAGED"
    BLACK = "BLACK"


class PictureError(ValueError):
    """The bytes are no usable screenshot; `defect` says which way."""

    def __init__(self, defect: PictureDefect, message: str) -> None:
        super().__init__(message)
        self.defect = defect


@dataclass(frozen=True, slots=True)
class Picture:
    """Size of a PNG in pixels."""

    width: int
    height: int

    @property
    def orientation(self) -> Orientation:
        return Orientation.LANDSCAPE if self.width > self.height else Orientation.PORTRAIT


def measure(png: bytes) -> Picture:
    """Size of a whole PNG, walked chunk by chunk up to IEND without decoding. Raises PictureError."""
    if not png:
        raise PictureError(PictureDefect.EMPTY, "the screenshot is empty: the phone sent nothing, take it again")
    if len(png) > _MAX_BYTES:
        raise PictureError(PictureDefect.TOO_LARGE, f"the screenshot has {len(png)} bytes, more than {_MAX_BYTES}")
    if not png.startswith(_SIGNATURE):
        kind = "cut off" if _SIGNATURE.startswith(png) else f"not a PNG: it begins with {png[:16]!r}"
        defect = PictureDefect.TRUNCATED if _SIGNATURE.startswith(png) else PictureDefect.NOT_PNG
        raise PictureError(defect, f"the screenshot is {kind}")
    picture: Picture | None = None
    at = len(_SIGNATURE)
    while at + 12 <= len(png):
        length, kind_of_chunk = struct.unpack_from(">I4s", png, at)
        if picture is None:
            picture = _header(png, at, length, kind_of_chunk)
        at += 12 + length
        if kind_of_chunk == b"IEND" and at <= len(png):
            return picture
    raise PictureError(PictureDefect.TRUNCATED, f"the screenshot breaks off after {len(png)} bytes: take it again")


def _header(png: bytes, at: int, length: int, kind: bytes) -> Picture:
    if kind != b"IHDR" or length != 13 or at + 25 > len(png):
        raise PictureError(PictureDefect.DAMAGED, "the screenshot does not begin with an IHDR chunk")
    width, height = struct.unpack_from(">II", png, at + 8)
    if not 0 < width <= _MAX_SIDE_PX or not 0 < height <= _MAX_SIDE_PX or width * height > _MAX_PX:
        raise PictureError(PictureDefect.TOO_LARGE, f"a screenshot of {width}x{height} pixels is no phone's")
    return Picture(width, height)


def is_black(png: bytes) -> bool:
    """Whether every pixel is black or nearly so. Cheap for others: their size says no. Raises PictureError."""
    picture = measure(png)
    if len(png) > 4096 + _BLACK_BYTES_PER_PX * picture.width * picture.height:
        return False
    with _decoded(png) as image:
        low_high = image.convert("RGB").getextrema()
    return all(isinstance(band, tuple) and band[1] <= _BLACK for band in low_high)


def check(png: bytes) -> Picture:
    """Size of a screenshot that shows something. Raises PictureError, BLACK for one that does not."""
    picture = measure(png)
    if is_black(png):
        said = "the screenshot is black (a secure window, or the display is off): use the hierarchy alone"
        raise PictureError(PictureDefect.BLACK, said)
    return picture


def _decoded(png: bytes) -> Image.Image:
    try:
        image = Image.open(BytesIO(png), formats=("PNG",))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(PictureDefect.DAMAGED, f"the screenshot cannot be decoded: {error}") from error
    return image


def thumbnail(png: bytes, width: int = THUMBNAIL_WIDTH_PX) -> bytes:
    """A WebP of at most `width` pixels across. Raises PictureError."""
    return excerpts(png, [], width)[0]


def crops(png: bytes, wanted: list[Bounds]) -> list[bytes | None]:
    """PNGs of parts of a screenshot; None for a part that is off the picture. Raises PictureError."""
    picture = measure(png)
    with _decoded(png) as image:
        return _parts(image, picture, wanted)


def excerpts(png: bytes, wanted: list[Bounds], width: int = THUMBNAIL_WIDTH_PX) -> tuple[bytes, list[bytes | None]]:
    """`thumbnail` and `crops` of a screenshot that is decoded once. Raises PictureError."""
    picture = measure(png)
    with _decoded(png) as image:
        return _thumbnail(image, width), _parts(image, picture, wanted)


def _thumbnail(image: Image.Image, width: int) -> bytes:
    small = image.convert("RGB")
    if small.width > width:
        height = max(1, round(small.height * width / small.width))
        small = small.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = BytesIO()
    small.save(out, "WEBP", quality=70, method=2)
    return out.getvalue()


def _parts(image: Image.Image, picture: Picture, wanted: list[Bounds]) -> list[bytes | None]:
    screen = Rect(0, 0, picture.width, picture.height)
    found: list[bytes | None] = []
    for bounds in wanted:
        box = from_bounds(bounds).clipped(screen)
        if not box.area:
            found.append(None)
            continue
        out = BytesIO()
        image.crop(box).convert("RGB").save(out, "PNG", compress_level=_CROP_COMPRESSION)
        found.append(out.getvalue())
    return found


def crop(png: bytes, bounds: Bounds) -> bytes:
    """PNG of one part of a screenshot; for several, `crops` decodes once. Raises PictureError, also where it is off."""
    part = crops(png, [bounds])[0]
    if part is None:
        raise PictureError(PictureDefect.EMPTY, f"the part {bounds} lies outside the screenshot")
    return part
