"""A drawing surface with smooth corners, icons and text, bound to a clip."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw

from deploy.simulator.apps.icons import icon_mask
from deploy.simulator.apps.palette import COLORS, font, painted
from deploy.simulator.apps.view import Box, contains, intersect, is_empty

_SCALE = 4


class Canvas:
    """What painters draw on. Nothing is drawn outside `clip`."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), COLORS["page"])
        self._draw = ImageDraw.Draw(self.image)
        self.clip: Box = (0, 0, width, height)

    def dim(self) -> None:
        """Darkens everything so far, as Android does behind a dialog."""
        self.image.paste(self.image.point(lambda value: value * 45 // 100))

    def rounded(self, box: Box, radius: int, color: str) -> None:
        """A filled box with round corners."""
        visible = intersect(box, self.clip)
        if is_empty(visible):
            return
        if not radius:
            self._draw.rectangle((visible[0], visible[1], visible[2] - 1, visible[3] - 1), fill=COLORS[color])
            return
        self._paste(_rounded_mask(box[2] - box[0], box[3] - box[1], radius, 0), box, COLORS[color])

    def outline(self, box: Box, radius: int, color: str, width: int) -> None:
        """The border of a box with round corners, inside its bounds."""
        self._paste(_rounded_mask(box[2] - box[0], box[3] - box[1], radius, width), box, COLORS[color])

    def icon(self, name: str, at: tuple[int, int], size: int, color: str, stroke: float = 1.9) -> None:
        """A named icon with its top left corner at `at`."""
        if name:
            self._paste(icon_mask(name, size, stroke), (at[0], at[1], at[0] + size, at[1] + size), COLORS[color])

    def text(self, x: int, y: int, text: str, *, size: int, weight: int, color: str) -> None:
        """One line of text; `y` is the top of its line."""
        if not text:
            return
        text = painted(text)
        left, top, right, bottom = font(size, weight).getbbox(text)
        box = (x + round(left), y + round(top), x + round(right), y + round(bottom))
        baseline = y - round(size * 0.05)
        if contains(self.clip, box[0], box[1]) and contains(self.clip, box[2] - 1, box[3] - 1):
            self._draw.text((x, baseline), text, fill=COLORS[color], font=font(size, weight))
            return
        visible = intersect((box[0] - 4, y - 8, box[2] + 4, y + size * 2), self.clip)
        if not is_empty(visible):
            piece = self.image.crop(visible)
            ImageDraw.Draw(piece).text((x - visible[0], baseline - visible[1]), text, COLORS[color], font(size, weight))
            self.image.paste(piece, (visible[0], visible[1]))

    def spinner(self, center: tuple[int, int], radius: int, angle: int) -> None:
        """A turning arc."""
        x, y = center
        self._paste(_arc_mask(radius, angle % 360), (x - radius, y - radius, x + radius, y + radius), COLORS["primary"])

    def _paste(self, mask: Image.Image, box: Box, color: str) -> None:
        visible = intersect(box, self.clip)
        if is_empty(visible):
            return
        if visible != box:
            mask = mask.crop((visible[0] - box[0], visible[1] - box[1], visible[2] - box[0], visible[3] - box[1]))
        self.image.paste(ImageColor.getrgb(color), visible, mask)


@lru_cache(maxsize=512)
def _corner(radius: int, width: int) -> Image.Image:
    """A disc or ring of four times the size, smoothed: the four corners of a rounded box."""
    big = radius * 2 * _SCALE
    mask = Image.new("L", (big, big))
    draw = ImageDraw.Draw(mask)
    if width:
        draw.ellipse((0, 0, big - 1, big - 1), outline=255, width=width * _SCALE)
    else:
        draw.ellipse((0, 0, big - 1, big - 1), fill=255)
    return mask.resize((radius * 2, radius * 2), Image.Resampling.LANCZOS)


@lru_cache(maxsize=64)
def _rounded_mask(width: int, height: int, radius: int, border: int) -> Image.Image:
    """A mask of a rounded box: filled, or with `border` only its edge of so many pixels."""
    radius = min(radius, width // 2, height // 2)
    mask = Image.new("L", (width, height), 0 if border else 255)
    draw = ImageDraw.Draw(mask)
    if border:
        draw.rectangle((0, 0, width - 1, height - 1), outline=255, width=border)
    if radius:
        corner = _corner(radius, border)
        right, bottom = width - radius, height - radius
        for x, cx in ((0, 0), (right, radius)):
            for y, cy in ((0, 0), (bottom, radius)):
                mask.paste(corner.crop((cx, cy, cx + radius, cy + radius)), (x, y))
    return mask


@lru_cache(maxsize=16)
def _arc_mask(radius: int, angle: int) -> Image.Image:
    big = radius * 2 * _SCALE
    mask = Image.new("L", (big, big))
    ImageDraw.Draw(mask).arc((0, 0, big - 1, big - 1), angle, angle + 270, fill=255, width=8 * _SCALE)
    return mask.resize((radius * 2, radius * 2), Image.Resampling.LANCZOS)
