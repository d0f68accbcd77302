"""Pictures of laid-out screens: PNG of 1080x1920 in 256 colours. Pure and cached: equal scenes give equal bytes."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import cast

from PIL import Image

from deploy.simulator.apps.canvas import Canvas
from deploy.simulator.apps.palette import line_height, text_width, wrap
from deploy.simulator.apps.view import HEIGHT, NAVIGATION_BAR, STATUS_BAR, WIDTH, Scene, View, intersect, is_empty

_CACHED_PICTURES = 1024
"""About 40 MB, shared by all phones: what twenty of them show while they explore the demo app."""


@lru_cache(maxsize=_CACHED_PICTURES)
def png(scene: Scene) -> bytes:
    """The picture of a scene."""
    canvas = Canvas(WIDTH, HEIGHT)
    for depth, window in enumerate(scene.windows):
        if depth:
            canvas.dim()
        _paint(canvas, window, scene.phase)
    _bars(canvas, scene.windows[0])
    if scene.toast:
        _toast(canvas, scene.toast)
    buffer = io.BytesIO()
    _indexed(canvas.image).save(buffer, "PNG", compress_level=5)
    return buffer.getvalue()


def _indexed(image: Image.Image) -> Image.Image:
    """The image in the 256 colours that it uses most, no two of them closer than 5 steps.

    Pillow looks up the nearest colour in cells of 4 steps: with colours this far apart it finds flat areas exactly, and
    takes half the time of its octree, which mixes them.
    """
    counted = cast("list[tuple[int, tuple[int, int, int]]]", image.getcolors(WIDTH * HEIGHT) or [])
    chosen: list[tuple[int, int, int]] = []
    taken: set[tuple[int, int, int]] = set()
    for _, color in sorted(counted, reverse=True):
        red, green, blue = color
        cell = (red >> 2, green >> 2, blue >> 2)
        if cell in taken:
            continue
        chosen.append(color)
        taken.update((cell[0] + r, cell[1] + g, cell[2] + b) for r in _NEAR for g in _NEAR for b in _NEAR)
        if len(chosen) == 256:
            break
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for color in chosen for channel in color])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


_NEAR = (-1, 0, 1)


def _paint(canvas: Canvas, view: View, phase: int) -> None:
    if is_empty(view.seen):
        return
    canvas.clip = view.seen
    _ground(canvas, view)
    painter = _PAINTERS.get(view.kind)
    if painter is not None:
        painter(canvas, view, phase)
    for child in view.children:
        _paint(canvas, child, phase)


def _ground(canvas: Canvas, view: View) -> None:
    """Fill and border of a view."""
    look = view.look
    if view.kind in ("image", "switch", "check"):
        return
    if view.kind == "button" and not view.enabled and look.fill:
        canvas.rounded(view.box, look.radius, "disabled_fill")
        return
    if look.fill:
        canvas.rounded(view.box, look.radius, "primary" if view.kind == "button" and view.selected else look.fill)
    if look.border == "bottom":
        left, _, right, bottom = view.box
        canvas.rounded((left, bottom - 2, right, bottom), 0, "line")
    elif look.border:
        focused = view.focused
        canvas.outline(view.box, look.radius, "primary" if focused else look.border, 5 if focused else 3)


def _label(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    look = view.look
    pad = view.node.pad if view.node else (0, 0, 0, 0)
    left, top, right, bottom = (view.box[0] + pad[0], view.box[1] + pad[1], view.box[2] - pad[2], view.box[3] - pad[3])
    lines = wrap(view.text, look.size, look.weight, max(1, right - left), look.lines)
    y = top + (bottom - top - len(lines) * line_height(look.size)) // 2
    color = "primary" if view.selected else look.color
    for line in lines:
        width = text_width(line, look.size, look.weight)
        x = {"left": left, "center": (left + right - width) / 2, "right": right - width}[look.align]
        canvas.text(round(x), y, line, size=look.size, weight=look.weight, color=color)
        y += line_height(look.size)


def _button(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    look = view.look
    left, top, right, bottom = view.box
    color = ("on_primary" if view.selected else look.color) if view.enabled else "disabled"
    width = text_width(view.text, look.size, look.weight) + (66 if look.icon else 0)
    x = left + 24 if look.align == "left" else round((left + right - width) / 2)
    if look.icon:
        canvas.icon(look.icon, (x, (top + bottom) // 2 - 24), 48, color)
        x += 66
    canvas.text(
        x, (top + bottom - line_height(look.size)) // 2, view.text, size=look.size, weight=look.weight, color=color
    )


def _field(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    look = view.look
    left, top, right, bottom = view.box
    canvas.clip = intersect(view.seen, (left + 30, top, right - 30, bottom))
    y = (top + bottom - line_height(look.size)) // 2
    color = "faint" if view.hinting else look.color
    canvas.text(left + 36, y, view.text, size=look.size, weight=look.weight, color=color)
    if view.focused:
        x = left + 38 + (0 if view.hinting else round(text_width(view.text, look.size, look.weight)))
        canvas.rounded((x, y + 4, x + 4, y + line_height(look.size) - 4), 0, "primary")


def _switch(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    left, top, right, bottom = view.box
    middle = (top + bottom) // 2
    canvas.rounded((left, middle - 36, right, middle + 36), 36, "primary" if view.checked else "disabled")
    x = right - 66 if view.checked else left + 6
    canvas.rounded((x, middle - 30, x + 60, middle + 30), 30, "card")


def _check(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    left, top, right, bottom = view.box
    x, y = (left + right) // 2 - 30, (top + bottom) // 2 - 30
    if view.checked:
        canvas.rounded((x, y, x + 60, y + 60), 14, "primary")
        canvas.icon("check", (x + 8, y + 8), 44, "on_primary", 3.0)
    else:
        canvas.rounded((x, y, x + 60, y + 60), 14, "card")
        canvas.outline((x, y, x + 60, y + 60), 14, "faint", 5)


def _icon(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    left, top, right, bottom = view.box
    size = min(right - left, bottom - top, 66)
    color = "primary" if view.selected else view.look.color
    canvas.icon(view.look.icon, ((left + right - size) // 2, (top + bottom - size) // 2), size, color)


def _image(canvas: Canvas, view: View, phase: int) -> None:  # noqa: ARG001 (a painter)
    left, top, right, bottom = view.box
    canvas.rounded(view.box, view.look.radius, view.look.fill)
    size = round(min(right - left, bottom - top) * 0.58)
    canvas.icon(view.look.icon, ((left + right - size) // 2, (top + bottom - size) // 2), size, "on_primary", 1.5)


def _progress(canvas: Canvas, view: View, phase: int) -> None:
    left, top, right, bottom = view.box
    canvas.spinner(((left + right) // 2, (top + bottom) // 2), 48, phase * 30)


_PAINTERS = {
    "label": _label,
    "button": _button,
    "field": _field,
    "switch": _switch,
    "check": _check,
    "icon": _icon,
    "image": _image,
    "progress": _progress,
}


def _bars(canvas: Canvas, window: View) -> None:
    """Status bar (its clock stands still, as in Android's demo mode) and navigation bar."""
    canvas.clip = (0, 0, WIDTH, HEIGHT)
    dark = window.package.endswith("launcher")
    top = "night" if dark else "primary_dark"
    canvas.rounded((0, 0, WIDTH, STATUS_BAR), 0, top)
    canvas.text(36, 10, "10:00", size=32, weight=500, color="on_primary")
    canvas.rounded((WIDTH - 84, 18, WIDTH - 36, 46), 6, "on_primary")
    canvas.rounded((WIDTH - 36, 26, WIDTH - 31, 38), 0, "on_primary")
    for bar in range(4):
        left = WIDTH - 156 + bar * 13
        canvas.rounded((left, 39 - bar * 7, left + 9, 46), 0, "on_primary")
    bottom = HEIGHT - NAVIGATION_BAR
    canvas.rounded((0, bottom, WIDTH, HEIGHT), 0, "dark")
    canvas.icon("back", (180 - 28, bottom + 35), 56, "on_primary")
    canvas.outline((540 - 26, bottom + 37, 540 + 26, bottom + 89), 26, "on_primary", 5)
    canvas.outline((900 - 24, bottom + 39, 900 + 24, bottom + 87), 8, "on_primary", 5)


def _toast(canvas: Canvas, text: str) -> None:
    canvas.clip = (0, 0, WIDTH, HEIGHT)
    width = round(text_width(text, 38, 400)) + 96
    left = (WIDTH - width) // 2
    canvas.rounded((left, 1560, left + width, 1668), 54, "dark")
    canvas.text(left + 48, 1587, text, size=38, weight=400, color="on_primary")
