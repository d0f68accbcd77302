"""Words for a POSIX shell that mksh, toybox and dash read alike."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def quote(text: str) -> str:
    """One shell word that holds exactly `text`, whatever it is made of.

    Raises `ValueError` for NUL, which no argument of a process can hold.
    """
    if "\0" in text:
        raise ValueError("the text holds a NUL character, which no shell argument can hold: remove it")
    if _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def command(*words: str) -> str:
    """A simple command made of exactly these words, e.g. `command("input", "text", "it's")`."""
    return " ".join(quote(word) for word in words)
