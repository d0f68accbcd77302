"""One round trip that reads the hierarchy, what is in front, and a closing picture. Pure: the script and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image

from contracts.values import Foreground
from services.device_agent import picture
from services.device_agent.parsers import hierarchy_dump, window
from services.device_agent.picture import NOT_BLACK, Blackness, Size

DUMP_FILE = "/data/local/tmp/waymark.xml"
SCREENCAP = "screencap -p"
FOCUS_FROM_ACTIVITIES = f"dumpsys activity activities | grep -E '{window.RESUMED_LINES}'"

_MARKS = tuple(f"waymark-part-{number}" for number in range(1, 5))
"""Lines between the answers. No text on a screen can imitate one: XML writes line breaks as references."""


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
    """`secure` is whether the app in front forbids pictures; `closing` the picture that was taken last."""

    dump: hierarchy_dump.Dump
    front: Foreground = window.NOWHERE
    secure: bool = False
    closing: Shot | None = None


def script(api: int, closing: bool, windows: bool) -> str:
    """The shell call. Asks for the list of windows only where a black picture needs an explanation."""
    focus = "dumpsys window displays" if api >= 29 else "dumpsys window windows"
    first, second, third, fourth = _MARKS
    # The file of an earlier dump would be taken for this one's: it is removed first.
    return "; ".join(
        (
            f"rm -f {DUMP_FILE}",
            f"uiautomator dump {DUMP_FILE} 2>&1",
            f"echo; echo {first}",
            f"cat {DUMP_FILE} 2>/dev/null",
            f"echo; echo {second}",
            f"{focus} | grep -E '{window.FOCUS_LINES}'",
            f"echo; echo {third}",
            "dumpsys window windows" if windows else "true",
            f"echo; echo {fourth}",
            SCREENCAP if closing else "true",
        )
    )


def parse(stdout: bytes, before: Shot | None = None) -> Reading:
    """The answers of `script`; `before` is the picture that was taken last."""
    parts: list[bytes] = []
    rest = stdout
    for mark in _MARKS:
        part, found, rest = rest.partition(f"\n{mark}\n".encode())
        if not found:
            words = f"the phone's shell said: {stdout[:500].decode(errors='replace')}"
            return Reading(hierarchy_dump.Dump(None, hierarchy_dump.Absence.FAILED, words))
        parts.append(part)
    said, content, focus, windows = parts
    front = window.foreground(focus.decode(errors="replace"))
    return Reading(
        dump=hierarchy_dump.read(said.decode(errors="replace"), content),
        front=front,
        secure=window.is_secure(windows.decode(errors="replace"), front),
        closing=shot(rest, before) if rest else None,
    )
