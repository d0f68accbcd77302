"""`printf` and the escapes that `echo -e` shares with it."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'])|x([0-9A-Fa-f]{1,2})|0?([0-7]{1,3}))")
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DIRECTIVE = re.compile(r"%(?:(%)|([-+ #0]*\d*(?:\.\d+)?)([sdiuxXocb]))")


def unescaped(text: str) -> str:
    """The text with backslash escapes replaced."""

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return _SIMPLE.get(match[1], match[1])
        return chr(int(match[2], 16)) if match[2] else chr(int(match[3], 8))

    return _ESCAPE.sub(one, text)


def _number(text: str) -> int:
    try:
        return int(text, 0) if not re.fullmatch(r"0\d+", text) else int(text, 8)
    except ValueError:
        return 0


def printf(template: str, arguments: tuple[str, ...]) -> str:
    """What printf prints: the template is used again while arguments are left."""
    pieces, rest = [], list(arguments)
    used = False

    def one(match: re.Match[str]) -> str:
        nonlocal used
        if match[1]:
            return "%"
        used = True
        argument = rest.pop(0) if rest else ""
        if match[3] == "s":
            return f"%{match[2]}s" % argument
        if match[3] == "b":
            return f"%{match[2]}s" % unescaped(argument)
        if match[3] == "c":
            return argument[:1]
        return f"%{match[2]}{match[3].replace('u', 'd')}" % _number(argument)

    while True:
        pieces.append(_DIRECTIVE.sub(one, unescaped(template)))
        if not rest or not used:
            return "".join(pieces)
