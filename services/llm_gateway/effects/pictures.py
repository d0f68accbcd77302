"""Pictures of screens as a model gets them: no larger than it wants, in a data URL. CPU work: call it in a thread.

PNG, because what matters on a screen is text, and JPEG frays its edges; a picture that is full of photographs, and so
would be large, is sent as JPEG with whole colours.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image

_PNG_LIMIT_BYTES: Final = 1024 * 1024
_PNG_LEVEL: Final = 1
_JPEG_QUALITY: Final = 90
_ADVICE_SIDE_PX: Final = 1024
_ADVICE_QUALITY: Final = 80


@dataclass(frozen=True)
class Picture:
    """A picture as it is sent; `size` is its width and height in pixels."""

    url: str
    size: tuple[int, int]


def picture_of(content: bytes, longest_side_px: int) -> Picture:
    """The picture in `content`, made smaller where it is larger. Raises `OSError` where it is none."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            is_png = opened.format == "PNG"
            if is_png and max(opened.size) <= longest_side_px and len(content) <= _PNG_LIMIT_BYTES:
                opened.load()
                return Picture(_url("png", content), opened.size)
            picture = opened.convert("RGB")
    except (ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise OSError(f"the picture cannot be read: {error}") from error
    scale = longest_side_px / max(picture.size)
    if scale < 1:
        width, height = (max(round(side * scale), 1) for side in picture.size)
        # Whole pixels are put together first: half the time, and the filter does the rest.
        picture = picture.resize((width, height), Image.Resampling.HAMMING, reducing_gap=1.0)
    return Picture(_encoded(picture), picture.size)


def _encoded(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=_PNG_LEVEL)
    if buffer.tell() <= _PNG_LIMIT_BYTES:
        return _url("png", buffer.getvalue())
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return _url("jpeg", buffer.getvalue())


def advice_picture_url(content: bytes) -> str:
    """The picture beside a question about a screen: what matters there is the list. Raises `OSError`."""
    with Image.open(io.BytesIO(content)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_ADVICE_SIDE_PX, _ADVICE_SIDE_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_ADVICE_QUALITY)
    return _url("jpeg", buffer.getvalue())


def _url(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()
