"""A split screen: what the phone plays in the upper part, another app in the lower one, a divider between them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from functools import lru_cache

from PIL import Image

from .hierarchy import FLAGS, XmlNode, hierarchy_xml
from .world import Surface

SINCE_API = 24
_DIVIDER_SHARE = 0.03
_BOUNDS = re.compile(r'bounds="\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]"')


class Split:
    """`package` and `activity` are the other app's. Sizes are pixels of the unturned screen."""

    def __init__(self, package: str, activity: str, width: int, height: int) -> None:
        self.package, self.activity = package, activity
        self._width, self._height = width, height
        self.divider = (int(height * (0.5 - _DIVIDER_SHARE / 2)), int(height * (0.5 + _DIVIDER_SHARE / 2)))
        """Its top and its bottom."""
        self.other_in_front = False
        """The other app has the focus: uiautomator reads its window."""

    def surface(self, upper: Surface) -> Surface:
        """The window that has the focus."""
        if not self.other_in_front:
            return replace(upper, hierarchy=_BOUNDS.sub(self._squeezed, upper.hierarchy))
        box = (0, self.divider[1], self._width, self._height)
        enabled = tuple(flag == "enabled" for flag in FLAGS)
        title = XmlNode(
            "Settings", "android:id/title", "android.widget.TextView", self.package, "", enabled,
            (0, box[1], self._width, box[1] + 150),
        )  # fmt: skip
        root = XmlNode("", "", "android.widget.FrameLayout", self.package, "", enabled, box, (title,))
        task = (*(upper.task or ((upper.package, upper.activity),)), (self.package, self.activity))
        return Surface(self.package, self.activity, hierarchy_xml([root]), task=task)

    def upper_point(self, x: int, y: int) -> tuple[int, int] | None:
        """The point of the app in the upper part under a point of the screen, which gets the focus; None: elsewhere."""
        if y < self.divider[0]:
            self.other_in_front = False
            return x, y * self._height // self.divider[0]
        self.other_in_front = self.other_in_front or y >= self.divider[1]
        return None

    def closes(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        """Whether a swipe drags the divider to an edge."""
        begins = self.divider[0] <= start[1] < self.divider[1]
        return begins and not self._height * 0.1 < end[1] < self._height * 0.9

    def picture(self, upper: bytes) -> bytes:
        return _squeezed_picture(upper, self.divider)

    def _squeezed(self, match: re.Match[str]) -> str:
        left, top, right, bottom = map(int, match.groups())
        high = self.divider[0]
        return f'bounds="[{left},{top * high // self._height}][{right},{bottom * high // self._height}]"'


@lru_cache(maxsize=32)
def _squeezed_picture(upper: bytes, divider: tuple[int, int]) -> bytes:
    image = Image.open(io.BytesIO(upper)).convert("RGB")
    whole = Image.new("RGB", image.size, (250, 250, 250))
    whole.paste(image.resize((image.width, divider[0])), (0, 0))
    whole.paste((0, 0, 0), (0, divider[0], image.width, divider[1]))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
