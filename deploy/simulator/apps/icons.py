"""Icons as strokes on a grid of 24, painted smooth as masks. Drawn for Waymark."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

from PIL import Image, ImageDraw

Stroke: TypeAlias = tuple[str, tuple[float, ...]]
"""A primitive and its numbers: `line` x y x y .., `ring`/`disc` x y r, `box` l t r b radius, `arc` x y r a b."""

ICONS: dict[str, tuple[Stroke, ...]] = {
    "back": (("line", (20, 12, 4, 12)), ("line", (11, 5, 4, 12, 11, 19))),
    "next": (("line", (8, 4, 16, 12, 8, 20)),),
    "close": (("line", (6, 6, 18, 18)), ("line", (18, 6, 6, 18))),
    "check": (("line", (4, 12.5, 10, 18, 20, 6)),),
    "search": (("ring", (10.5, 10.5, 6.5)), ("line", (15.5, 15.5, 21, 21))),
    "gear": (
        ("ring", (12, 12, 6)),
        ("disc", (12, 12, 2)),
        ("line", (12, 2.5, 12, 5)),
        ("line", (12, 19, 12, 21.5)),
        ("line", (2.5, 12, 5, 12)),
        ("line", (19, 12, 21.5, 12)),
        ("line", (5.3, 5.3, 7.2, 7.2)),
        ("line", (16.8, 16.8, 18.7, 18.7)),
        ("line", (5.3, 18.7, 7.2, 16.8)),
        ("line", (16.8, 7.2, 18.7, 5.3)),
    ),
    "globe": (
        ("ring", (12, 12, 9)),
        ("line", (3, 12, 21, 12)),
        ("line", (12, 3, 8, 8, 8, 16, 12, 21)),
        ("line", (12, 3, 16, 8, 16, 16, 12, 21)),
    ),
    "compass": (("ring", (12, 12, 9)), ("poly", (16, 8, 13.2, 13.2, 8, 16, 10.8, 10.8))),
    "clock": (("ring", (12, 12, 9)), ("line", (12, 6.5, 12, 12, 16, 14.5))),
    "home": (("line", (3.5, 11.5, 12, 4, 20.5, 11.5)), ("line", (6, 10, 6, 20, 18, 20, 18, 10))),
    "grid": (
        ("box", (4, 4, 10.5, 10.5, 1)),
        ("box", (13.5, 4, 20, 10.5, 1)),
        ("box", (4, 13.5, 10.5, 20, 1)),
        ("box", (13.5, 13.5, 20, 20, 1)),
    ),
    "list": (
        ("line", (8.5, 6, 20, 6)),
        ("line", (8.5, 12, 20, 12)),
        ("line", (8.5, 18, 20, 18)),
        ("disc", (4.5, 6, 1.2)),
        ("disc", (4.5, 12, 1.2)),
        ("disc", (4.5, 18, 1.2)),
    ),
    "person": (("ring", (12, 8, 4)), ("arc", (12, 21, 8, 180, 360))),
    "bell": (
        ("line", (5, 17, 19, 17, 17, 14, 17, 10)),
        ("line", (5, 17, 7, 14, 7, 10)),
        ("arc", (12, 10, 5, 180, 360)),
        ("disc", (12, 20, 1.5)),
    ),
    "camera": (("box", (3, 7, 21, 19.5, 2)), ("ring", (12, 13, 3.6)), ("line", (8, 7, 9.5, 4.5, 14.5, 4.5, 16, 7))),
    "help": (
        ("ring", (12, 12, 9)),
        ("arc", (12, 9.5, 2.8, 180, 400)),
        ("line", (12, 12.4, 12, 14)),
        ("disc", (12, 17, 1.1)),
    ),
    "picture": (
        ("box", (3, 5, 21, 19, 2)),
        ("disc", (8.5, 10, 1.6)),
        ("line", (4, 18, 10, 12.5, 13, 15, 17, 11, 20.5, 15)),
    ),
    "warning": (("line", (12, 4, 21.5, 20, 2.5, 20, 12, 4)), ("line", (12, 10, 12, 14.5)), ("disc", (12, 17.2, 1))),
    "sync": (
        ("arc", (12, 12, 8, 200, 340)),
        ("arc", (12, 12, 8, 20, 160)),
        ("line", (20.5, 4.5, 19.8, 9.2, 15.2, 8.6)),
        ("line", (3.5, 19.5, 4.2, 14.8, 8.8, 15.4)),
    ),
    "card": (("box", (2.5, 5.5, 21.5, 18.5, 2)), ("line", (2.5, 10, 21.5, 10)), ("line", (6, 15, 11, 15))),
    "mail": (("box", (3, 5.5, 21, 18.5, 2)), ("line", (4, 7, 12, 13, 20, 7))),
    "lock": (("box", (5, 10.5, 19, 20.5, 2)), ("arc", (12, 10.5, 4.5, 180, 360)), ("disc", (12, 15.5, 1.6))),
    "info": (("ring", (12, 12, 9)), ("line", (12, 11, 12, 17)), ("disc", (12, 7.4, 1.2))),
    "ticket": (
        ("box", (2.5, 6, 21.5, 18, 2)),
        ("line", (14.5, 6, 14.5, 8.5)),
        ("line", (14.5, 10.5, 14.5, 13.5)),
        ("line", (14.5, 15.5, 14.5, 18)),
    ),
    "box": (
        ("line", (12, 3, 20, 7, 20, 17, 12, 21, 4, 17, 4, 7, 12, 3)),
        ("line", (4, 7, 12, 11.5, 20, 7)),
        ("line", (12, 11.5, 12, 21)),
    ),
    "pack": (
        ("box", (5.5, 8, 18.5, 21, 3)),
        ("arc", (12, 8, 4, 180, 360)),
        ("box", (8.5, 13.5, 15.5, 18, 1)),
        ("line", (5.5, 11, 18.5, 11)),
    ),
    "tent": (("line", (3, 20, 12, 4.5, 21, 20, 3, 20)), ("line", (12, 4.5, 12, 11)), ("line", (9, 20, 12, 13, 15, 20))),
    "lamp": (
        ("line", (9, 3.5, 15, 3.5)),
        ("box", (8, 7, 16, 17, 2)),
        ("line", (6.5, 20.5, 17.5, 20.5)),
        ("line", (12, 10, 12, 14)),
        ("line", (10, 3.5, 8.5, 7)),
        ("line", (14, 3.5, 15.5, 7)),
    ),
    "boot": (
        ("line", (7, 4, 7, 16, 4.5, 19.5, 20, 19.5, 20, 16.5, 13, 13, 13, 4, 7, 4)),
        ("line", (10, 8, 13, 8)),
        ("line", (10, 11, 13, 11)),
    ),
    "cup": (
        ("line", (5, 7, 6.5, 20, 15.5, 20, 17, 7, 5, 7)),
        ("arc", (17, 12, 3.6, -90, 90)),
        ("line", (9, 2.5, 9, 4.5)),
        ("line", (13, 2.5, 13, 4.5)),
    ),
    "map": (
        ("line", (3, 6, 9, 4, 15, 6, 21, 4, 21, 18, 15, 20, 9, 18, 3, 20, 3, 6)),
        ("line", (9, 4, 9, 18)),
        ("line", (15, 6, 15, 20)),
    ),
    "bottle": (
        ("box", (8, 8, 16, 21.5, 2.5)),
        ("box", (10, 2.5, 14, 5.5, 1)),
        ("line", (8, 13, 16, 13)),
        ("line", (10, 5.5, 9.5, 8)),
        ("line", (14, 5.5, 14.5, 8)),
    ),
    "knife": (("line", (4, 20, 12, 12)), ("line", (12, 12, 20.5, 4, 20.5, 9.5, 15, 15, 12, 12))),
    "heart": (
        ("arc", (8, 9, 4.2, 140, 360)),
        ("arc", (16, 9, 4.2, 180, 400)),
        ("line", (4.7, 11.6, 12, 20, 19.3, 11.6)),
    ),
}

_SCALE = 4


@lru_cache(maxsize=512)
def icon_mask(name: str, size: int, stroke: float = 1.9) -> Image.Image:
    """The icon as a smooth mask of `size` pixels, strokes of `stroke` grid units."""
    big = size * _SCALE
    mask = Image.new("L", (big, big))
    draw = ImageDraw.Draw(mask)
    unit = big / 24
    for kind, numbers in ICONS[name]:
        _stroke(draw, kind, [number * unit if kind != "arc" else number for number in numbers], stroke * unit, unit)
    return mask.resize((size, size), Image.Resampling.LANCZOS)


def _stroke(draw: ImageDraw.ImageDraw, kind: str, at: list[float], width: float, unit: float) -> None:
    thick = max(1, round(width))
    match kind:
        case "line":
            draw.line(at, fill=255, width=thick, joint="curve")
            for x, y in zip(at[::2], at[1::2], strict=True):
                draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
        case "poly":
            draw.polygon(at, fill=255)
        case "ring":
            draw.ellipse((at[0] - at[2], at[1] - at[2], at[0] + at[2], at[1] + at[2]), outline=255, width=thick)
        case "disc":
            draw.ellipse((at[0] - at[2], at[1] - at[2], at[0] + at[2], at[1] + at[2]), fill=255)
        case "box":
            draw.rounded_rectangle(at[:4], at[4], outline=255, width=thick)
        case "arc":
            _arc(draw, [number * unit for number in at[:3]], at[3], at[4], width)


def _arc(draw: ImageDraw.ImageDraw, circle: list[float], start: float, end: float, width: float) -> None:
    x, y, radius = circle
    outer = radius + width / 2
    draw.arc((x - outer, y - outer, x + outer, y + outer), start, end, fill=255, width=max(1, round(width)))
    for angle in (start, end):
        cx, cy = x + radius * math.cos(math.radians(angle)), y + radius * math.sin(math.radians(angle))
        draw.ellipse((cx - width / 2, cy - width / 2, cx + width / 2, cy + width / 2), fill=255)
