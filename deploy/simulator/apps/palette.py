"""Colours and fonts of the simulated screens. The font comes from a wheel, so that every machine paints the same."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import justmytype_intl_cjk
from PIL import ImageFont

COLORS = {
    "page": "#F3F6F5",
    "card": "#FFFFFF",
    "text": "#17211F",
    "muted": "#5D6B67",
    "faint": "#94A29D",
    "line": "#DCE4E1",
    "primary": "#0E6B5C",
    "primary_dark": "#0A5348",
    "primary_soft": "#DDF0EB",
    "on_primary": "#FFFFFF",
    "accent": "#E8833A",
    "accent_soft": "#FCEBDD",
    "danger": "#B93A32",
    "danger_soft": "#F9E3E1",
    "link": "#1A5FB4",
    "web": "#FFFFFF",
    "dark": "#111817",
    "night": "#1E2A3A",
    "blue": "#3C6EB4",
    "violet": "#7A5BB5",
    "sand": "#C9A15A",
    "rose": "#C4567A",
    "disabled": "#B9C4C0",
    "disabled_fill": "#E6ECEA",
}

_FONT = Path(justmytype_intl_cjk.__file__).parent / "fonts" / "ofl" / "notosanssc" / "NotoSansSC[wght].ttf"


@lru_cache(maxsize=64)
def font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    """Noto Sans SC (SIL OFL 1.1) in pixels and weight 100..900: Latin and Chinese alike."""
    face = ImageFont.truetype(str(_FONT), size, layout_engine=ImageFont.Layout.BASIC)
    face.set_variation_by_axes([weight])
    return face


@lru_cache(maxsize=16384)
def _advance(character: str, size: int, weight: int) -> float:
    return font(size, weight).getlength(painted(character))


def painted(text: str) -> str:
    """The text with the glyphs to paint: this font's curly quotes are as wide as Chinese characters."""
    return text.replace("’", "'").replace("‘", "'")


def text_width(text: str, size: int, weight: int) -> float:
    """Pixels that one line of text takes."""
    return sum(_advance(character, size, weight) for character in text)


def line_height(size: int) -> int:
    """Pixels from one baseline to the next."""
    return round(size * 1.36)


def _breakable(character: str) -> bool:
    return character == " " or ord(character) >= 0x2E80


@lru_cache(maxsize=4096)
def wrap(text: str, size: int, weight: int, width: int, most: int = 0) -> tuple[str, ...]:
    """Breaks text into lines of at most `width` pixels: after blanks, and between Chinese characters.

    More than `most` lines (0: no bound) end in an ellipsis.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_wrap_paragraph(paragraph, size, weight, width))
    if most and len(lines) > most:
        last = lines[most - 1]
        while last and text_width(last + "…", size, weight) > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last + "…"]
    return tuple(lines)


def _wrap_paragraph(paragraph: str, size: int, weight: int, width: int) -> list[str]:
    lines: list[str] = []
    line, used, break_at = "", 0.0, 0
    for character in paragraph:
        advance = _advance(character, size, weight)
        if used + advance > width and line and character != " ":
            cut = break_at or len(line)
            lines.append(line[:cut].rstrip())
            line = line[cut:]
            used, break_at = text_width(line, size, weight), 0
        if ord(character) >= 0x2E80 and line:
            break_at = len(line)
        line += character
        used += advance
        if _breakable(character):
            break_at = len(line)
    lines.append(line.rstrip())
    return lines
