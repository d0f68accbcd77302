"""One round trip that reads the hierarchy, what is in front, and a closing picture. Pure: the script and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from PIL import Image

from contracts.values import Foreground, WindowSeen
from services.device_agent import picture
from services.device_agent.parsers import hierarchy_dump, window, windows
from services.device_agent.picture import NOT_BLACK, Blackness, Size

SCREENCAP = "screencap -p"
FOCUS_FROM_ACTIVITIES = f"dumpsys activity activities | grep -E '{window.RESUMED_LINES}'"

_MARK = "waymark-part"
"""The line between two answers of a script. No text on a screen can imitate it: XML writes breaks as references."""


class Source(StrEnum):
    """What reads hierarchies on a phone."""

    SERVER = "UIAUTOMATOR_SERVER"
    """The resident uiautomator2 server."""
    DUMP = "UIAUTOMATOR_DUMP"
    """`uiautomator dump`, a program that is started for each hierarchy."""


@dataclass(frozen=True)
class Shot:
    """A picture, or why there is none. `png` is as the phone delivered it."""

    png: bytes | None
    size: Size | None = None
    absence: picture.Absence | None = None
    black: Blackness = NOT_BLACK

    _thumbnail: list[Image.Image] = field(default_factory=list, repr=False, compare=False)

    @property
    def thumbnail(self) -> Image.Image:
        """What pictures are compared by, decoded once: on a restless screen each is compared with two others.

        Not a `cached_property`: until Python 3.12 that has one lock for all pictures of all phones.
        """
        assert self.png is not None
        if not self._thumbnail:
            self._thumbnail.append(picture.thumbnail(self.png))
        return self._thumbnail[0]


def shot(png: bytes, before: Shot | None = None) -> Shot:
    """Judges what `screencap` gave. What equals the picture `before` is not judged again."""
    if before is not None and before.png == png:
        return before
    found = picture.examine(png)
    if isinstance(found, picture.Absence):
        return Shot(None, absence=found)
    return Shot(png, found, black=picture.blackness(png, found))


@dataclass(frozen=True)
class Reading:
    """`windows` from the front to the back; `secure`: the app in front forbids pictures; `closing` was taken last."""

    dump: hierarchy_dump.Dump
    source: Source
    front: Foreground = window.NOWHERE
    windows: tuple[WindowSeen, ...] = ()
    secure: bool = False
    closing: Shot | None = None


def script(*answers: str) -> str:
    """One shell call that gives the answers of several commands, to be taken apart by `parts`."""
    return f"; echo; echo {_MARK}; ".join(answers)


def parts(stdout: bytes, count: int) -> list[bytes] | None:
    """The answers of a `script` of `count` commands. The last is whatever is left; None where one is missing."""
    found = stdout.split(f"\n{_MARK}\n".encode(), count - 1)
    return found if len(found) == count else None


def surroundings(api: int, closing: bool) -> tuple[str, str, str]:
    """The commands that tell of windows and of the focus, and that take the closing picture where one is wanted."""
    # From Android 10 on the focus is told by display, and no longer with the windows.
    focus = "dumpsys window displays" if api >= 29 else "dumpsys window windows"
    return (
        f"dumpsys window windows | grep -E '{windows.LINES}'",
        f"{focus} | grep -E '{window.FOCUS_LINES}'",
        SCREENCAP if closing else "true",
    )


def with_surroundings(dump: hierarchy_dump.Dump, source: Source, answers: list[bytes], before: Shot | None) -> Reading:
    """A reading from the answers of `surroundings`; `before` is the picture that was taken before it."""
    listed, focus, last = answers[0].decode(errors="replace"), answers[1].decode(errors="replace"), answers[2]
    front = window.foreground(focus)
    return Reading(
        dump=dump,
        source=source,
        front=front,
        windows=windows.windows(f"{listed}\n{focus}"),
        secure=window.is_secure(listed, front),
        closing=shot(last, before) if last else None,
    )
