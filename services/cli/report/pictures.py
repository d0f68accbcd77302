"""Screenshots made small enough for a file that is mailed: WebP in a data URI."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

_QUALITY = 62
_EFFORT = 3
_MAX_PX = 40_000_000
_REASONS = {
    "secure": "the app forbids pictures of this screen (FLAG_SECURE)",
    "black": "the phone gave a black picture",
    "truncated": "the picture did not arrive whole",
    "unavailable": "the phone gave no picture",
}


def width_for(screens: int) -> int:
    """Pixels across, so that the file stays small however many screens there are."""
    if screens <= 60:
        return 420
    return 360 if screens <= 120 else 240


def shrink(png: bytes, width_px: int) -> str | None:
    """A data URI with the picture at most `width_px` wide; None for bytes that are no picture."""
    try:
        with Image.open(BytesIO(png)) as image:
            if image.width * image.height > _MAX_PX:
                return None
            factor = max(image.width // (width_px * 2), 1)
            small = image.convert("RGB").reduce(factor)
            size = (min(width_px, small.width), max(round(small.height * min(width_px / small.width, 1)), 1))
            out = BytesIO()
            small.resize(size, Image.Resampling.BICUBIC).save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def size_of(png: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None for bytes that are no picture."""
    try:
        with Image.open(BytesIO(png)) as image:
            return image.width, image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def reason(path: str) -> str:
    """Why there is no picture, from a path `absent:<reason>`."""
    return _REASONS.get(path.removeprefix("absent:"), "there is no picture")
