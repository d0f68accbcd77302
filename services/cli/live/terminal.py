"""Pictures in a terminal: the graphics protocols of kitty and of iTerm2.

Which one a terminal knows is told by its environment. Asking the terminal itself would mean to read its answer from the
keyboard's stream, and a terminal that knows neither would show the question.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

_CHUNK = 4096
CLEAR = "\x1b[H\x1b[2J"
ENTER = "\x1b[?1049h\x1b[?25l"
"""Another screen, without a cursor, so that what was in the terminal is there again afterwards."""
LEAVE = "\x1b[?25h\x1b[?1049l"


class Graphics(StrEnum):
    AUTO = "auto"
    KITTY = "kitty"
    ITERM = "iterm"
    NONE = "none"


def detected(environ: Mapping[str, str]) -> Graphics:
    """What the terminal of this environment can show. Inside tmux and screen: nothing, they swallow pictures."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if term.startswith(("screen", "tmux")) or program == "tmux":
        return Graphics.NONE
    if "KITTY_WINDOW_ID" in environ or "kitty" in term or "ghostty" in term or program.lower() == "ghostty":
        return Graphics.KITTY
    if program in {"iTerm.app", "WezTerm", "mintty"} or environ.get("LC_TERMINAL") == "iTerm2":
        return Graphics.ITERM
    return Graphics.NONE


def picture(png: bytes, graphics: Graphics, rows: int) -> str:
    """What to write so that the picture appears where the cursor is, `rows` lines high."""
    data = base64.b64encode(png).decode()
    match graphics:
        case Graphics.KITTY:
            parts = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
            out = []
            for number, part in enumerate(parts):
                more = int(number < len(parts) - 1)
                head = f"a=T,f=100,r={rows},q=2,m={more}" if number == 0 else f"m={more}"
                out.append(f"\x1b_G{head};{part}\x1b\\")
            return "".join(out) + "\n"
        case Graphics.ITERM:
            size = f"size={len(png)};height={rows};preserveAspectRatio=1;inline=1"
            return f"\x1b]1337;File={size}:{data}\x07\n"
        case Graphics.NONE | Graphics.AUTO:
            return ""
        case _:
            assert_never(graphics)
