"""What `uiautomator dump` and the file it wrote say: a hierarchy, or why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Absence(StrEnum):
    """Why a hierarchy is missing."""

    NOT_IDLE = "NOT_IDLE"
    """The screen never rests (video, animation): uiautomator gave up."""
    NULL_ROOT = "NULL_ROOT"
    """No window had the focus at that moment."""
    KILLED = "KILLED"
    """The system ended uiautomator: short of memory, or another tool holds its service and `ps` does not show it."""
    EMPTY = "EMPTY"
    """A hierarchy without a node."""
    TRUNCATED = "TRUNCATED"
    """The file ends before the hierarchy does."""
    UNREADABLE_TEXT = "UNREADABLE_TEXT"
    """An old uiautomator stopped at a character outside the basic plane (an emoji)."""
    FAILED = "FAILED"
    """Something else; the words of the phone are kept beside it."""
    TIMEOUT = "TIMEOUT"
    """It did not end in time."""
    UIAUTOMATION_HELD = "UIAUTOMATION_HELD"
    """Another tool has UiAutomation, which Android gives to one at a time; the words name it and its process."""

    @property
    def passing(self) -> bool:
        """Whether the next attempt may well succeed."""
        return self in {Absence.NULL_ROOT, Absence.KILLED, Absence.EMPTY, Absence.TRUNCATED, Absence.NOT_IDLE}


@dataclass(frozen=True)
class Dump:
    """The hierarchy's XML byte for byte as the phone delivered it, or why there is none and what the phone said."""

    xml: bytes | None
    absence: Absence | None = None
    said: str = ""


_SIGNS = (
    (Absence.NOT_IDLE, re.compile(r"could not get idle state", re.IGNORECASE)),
    (Absence.NULL_ROOT, re.compile(r"null root node", re.IGNORECASE)),
    (Absence.UNREADABLE_TEXT, re.compile(r"Illegal character|reportInvalidCharacter|surrogate", re.IGNORECASE)),
    (Absence.KILLED, re.compile(r"^\s*Killed\b|already registered", re.MULTILINE)),
)
_BEGIN = re.compile(rb"<\?xml\b|<hierarchy\b")
_END = re.compile(rb"</hierarchy\s*>|<hierarchy\b[^>]*/>")
_ROTATION = re.compile(rb"<hierarchy\b[^>]*\brotation=\"([0-3])\"")


def read(said: str, content: bytes) -> Dump:
    """The hierarchy in `content` (the file that was written), judged with what the tool `said` (exit codes lie: 0).

    Junk before and after the XML (a prompt, `UI hierchary dumped to:`) is cut off; a clean file stays as it is.
    """
    begin = _BEGIN.search(content)
    ends = [match.end() for match in _END.finditer(content)]
    if begin is not None and ends and ends[-1] > begin.start():
        xml = content[begin.start() : ends[-1]]
        if b"<node" not in xml:
            return Dump(None, Absence.EMPTY, said.strip()[:500])
        return Dump(content if content.strip() == xml else xml)
    words = (said.strip() or content[:500].decode(errors="replace").strip())[:500]
    for absence, sign in _SIGNS:
        if sign.search(said):
            return Dump(None, absence, words)
    if begin is not None:
        return Dump(None, Absence.TRUNCATED, f"the hierarchy ends after {len(content)} bytes. {words}".strip())
    return Dump(None, Absence.FAILED, words or "uiautomator wrote nothing")


_FIRST_BOUNDS = re.compile(rb'<node\b[^>]*\bbounds="\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]"')


def first_bounds(xml: bytes) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the first window in pixels of the screen as turned; None where none has bounds."""
    found = _FIRST_BOUNDS.search(xml)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]), int(found[4]))


def rotation(xml: bytes) -> int | None:
    """Quarter turns of the screen, 0..3, as the hierarchy's head tells; None where it does not (some recordings)."""
    found = _ROTATION.search(xml)
    return int(found[1]) if found else None
