"""What a phone shows: a screenshot, the hierarchy that belongs to it, and what is in front.

In the steady case two screenshots, with one reading of the hierarchy between them: where both are equal, the screen
rested and the hierarchy belongs to the picture. Only where they differ are there more, until the screen rests, and then
another reading with its closing screenshot.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contracts.values import Bounds, Foreground, WindowSeen
from services.device_agent import picture, reading
from services.device_agent.adb.client import ShellResult
from services.device_agent.meanwhile import Keep, meanwhile
from services.device_agent.parsers import hierarchy_dump, window
from services.device_agent.pictures import Pictures
from services.device_agent.reading import Reading, Shot, Source
from services.device_agent.stability import Limits

FOCUS_TIMEOUT_S = 5.0
READINGS = 3
"""Hierarchies that one capture asks for at most: because the phone could not, or because the screen moved meanwhile."""
RESTLESS_READINGS = 2
"""The same where uiautomator found the screen restless: each of those takes 10 s."""
RESTLESS_PATIENCE_S = 3.0
"""Where uiautomator gives up at once, it is asked again for so long: splash screens are restless and short."""
RETRY_PAUSE_S, LONGEST_RETRY_PAUSE_S = 0.1, 0.5
LOOK_AGAIN_S = 0.2
"""Pause between captures of a screen that is waited for to change."""
BLACK_PATIENCE_S = 1.5
"""How long a black picture may stay before it is believed, where no window forbids pictures: apps start with one."""

_SAID = re.compile(rb' (?:text|content-desc)="[^"]*"')


class Hierarchy(Protocol):
    """What reads hierarchies; see `hierarchy_sources`."""

    async def read(self, before: Shot, on_hierarchy: Keep | None = None) -> Reading: ...


class Screen(Protocol):
    """What a capture needs of a phone."""

    @property
    def hierarchy(self) -> Hierarchy: ...

    @property
    def resolution(self) -> tuple[int, int] | None:
        """Width and height in pixels, unturned."""
        ...

    async def shell(self, cmd: str, timeout_s: float, name: str) -> ShellResult: ...

    def shown(self, hierarchy_xml: bytes | None, *, split_screen: bool = False) -> None:
        """Told what the phone shows now; None: not known."""
        ...


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one capture: until the first picture, until hierarchy and focus were read, and in all."""

    picture_ms: float
    reading_ms: float
    total_ms: float


@dataclass(frozen=True)
class Capture:
    """What was seen. `png` and `hierarchy_xml` are the bytes that the phone delivered, unchanged.

    `stable` is False where the screen did not rest within the limits, or moved under the reading. `volatile` is the
    small region that kept changing on a screen that counts as resting. Width and height are those of the screen as
    turned, `rotation` is in quarter turns.
    """

    png: bytes | None
    picture_absent_reason: picture.Absence | None
    hierarchy_xml: bytes | None
    hierarchy_absent_reason: hierarchy_dump.Absence | None
    hierarchy_said: str
    """What the phone said about a missing hierarchy."""
    source: Source
    windows: tuple[WindowSeen, ...]
    """All in sight, from the front to the back: the keyboard and what of the system lies over the app too."""
    foreground: Foreground
    width: int | None
    height: int | None
    rotation: int | None
    stable: bool
    volatile: Bounds | None
    screenshots_taken: int
    latency: Latency
    split_screen: bool = False
    """The app shares the screen with another one."""

    @property
    def hierarchy(self) -> str | None:
        """The hierarchy as text; bytes that are not UTF-8 become replacement characters."""
        return None if self.hierarchy_xml is None else self.hierarchy_xml.decode(errors="replace")


async def capture(
    phone: Screen,
    on_picture: Keep | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    on_hierarchy: Keep | None = None,
) -> Capture:
    """Waits for the screen to rest, then reads it. What a screen hides is a reason in the result, not an error.

    `on_picture` is called with the picture while the hierarchy is still being read, `on_hierarchy` with that while the
    closing picture is taken, where it comes before (see `HierarchySource`); once more where the screen moved meanwhile.
    Raises `DeviceGone`, `DeviceTimeout` (frozen), `AdbServerGone`, .. where the phone is not there to be captured, and
    what the two raise.
    """
    return await _Session(phone, on_picture, on_hierarchy, limits or Limits(), clock).run()


async def capture_next(
    phone: Screen,
    before: bytes | None,
    patience_s: float,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Capture:
    """Captures until the screen is another one than `before`, a hierarchy, or patience is over: what was seen last.

    Texts do not count: a screen that counts its progress is still the same. Raises what `capture` does.
    """
    until_s = clock() + patience_s
    shape = None if before is None else _shape(before)
    while True:
        seen = await capture(phone, limits=limits, clock=clock)
        now = None if seen.hierarchy_xml is None else _shape(seen.hierarchy_xml)
        shape = now if shape is None else shape
        if now != shape or clock() >= until_s:
            return seen
        await asyncio.sleep(LOOK_AGAIN_S)


class _Session:
    """One capture under way."""

    def __init__(
        self,
        phone: Screen,
        on_picture: Keep | None,
        on_hierarchy: Keep | None,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._phone, self._clock = phone, clock
        self._on_picture, self._on_hierarchy = on_picture, on_hierarchy
        self._pictures = Pictures(phone, limits, clock)

    async def run(self) -> Capture:
        begun_s = self._clock()
        shot = await self._pictures.first()
        seen_s = self._clock()
        shot, read, together = await self._read_with(shot)
        front = read.front if read.front.package else await self._front_by_activities()
        width, height, rotation = self._geometry(shot, read.dump.xml)
        split = await self._is_split(read.dump.xml, width, height)
        ended_s = self._clock()
        self._phone.shown(read.dump.xml, split_screen=split)
        absence = _why_hidden(shot, read.secure)
        return Capture(
            png=shot.png if absence is None else None,
            picture_absent_reason=absence,
            hierarchy_xml=read.dump.xml,
            hierarchy_absent_reason=read.dump.absence,
            hierarchy_said=read.dump.said,
            source=read.source,
            windows=read.windows,
            foreground=front,
            width=width,
            height=height,
            rotation=rotation,
            stable=self._pictures.settled and together,
            volatile=self._pictures.volatile,
            screenshots_taken=self._pictures.taken,
            split_screen=split,
            latency=Latency((seen_s - begun_s) * 1e3, (ended_s - seen_s) * 1e3, (ended_s - begun_s) * 1e3),
        )

    async def _read_with(self, shot: Shot) -> tuple[Shot, Reading, bool]:
        """The hierarchy that belongs to a picture, the picture, and whether the closing picture agreed."""
        black_until_s = self._clock() + BLACK_PATIENCE_S
        restless_until_s = self._clock() + RESTLESS_PATIENCE_S
        readings, waited = 0, False
        while True:
            read = await self._read(shot)
            readings += 1
            together = await self._pictures.agree(shot, read.closing)
            tries = self._tries(read, readings, restless_until_s)
            # A screen that was seen to rest, or was not waited for yet, is worth waiting for.
            moved = not together and (self._pictures.settled or not waited) and not self._pictures.patience_ended
            if moved and read.closing is not None and readings < tries:
                shot, waited = await self._pictures.settle(after=read.closing), True
            elif shot.black.whole and not read.secure and self._clock() < black_until_s:
                shot, waited = await self._pictures.light(shot, black_until_s), True
                readings = 0
            elif read.dump.absence is not None and read.dump.absence.passing and readings < tries:
                await asyncio.sleep(min(RETRY_PAUSE_S * readings, LONGEST_RETRY_PAUSE_S))
            else:
                if shot.black.inside and self._on_picture and _why_hidden(shot, read.secure) is None and shot.png:
                    await self._on_picture(shot.png)
                return shot, read, together

    def _tries(self, read: Reading, readings: int, restless_until_s: float) -> int:
        """How many readings there may be at most."""
        if read.dump.absence is not hierarchy_dump.Absence.NOT_IDLE:
            return READINGS
        return readings + 1 if self._clock() < restless_until_s else RESTLESS_READINGS

    async def _read(self, shot: Shot) -> Reading:
        async with meanwhile(self._on_picture, None if shot.black.inside else shot.png):
            return await self._phone.hierarchy.read(shot, self._on_hierarchy)

    async def _front_by_activities(self) -> Foreground:
        result = await self._phone.shell(reading.FOCUS_FROM_ACTIVITIES, FOCUS_TIMEOUT_S, "focus")
        return window.foreground(result.text)

    async def _is_split(self, xml: bytes | None, width: int | None, height: int | None) -> bool:
        """Asks the phone only where the window in front has a part of the screen that a split leaves to an app."""
        window_in_front = None if xml is None else hierarchy_dump.first_bounds(xml)
        if window_in_front is None or width is None or height is None:
            return False
        if not window.may_be_split(window_in_front, width, height):
            return False
        result = await self._phone.shell("dumpsys window windows", FOCUS_TIMEOUT_S, "windows")
        return window.is_split(result.text)

    def _geometry(self, shot: Shot, xml: bytes | None) -> tuple[int | None, int | None, int | None]:
        rotation = None if xml is None else hierarchy_dump.rotation(xml)
        if shot.size is not None:
            return shot.size.width, shot.size.height, rotation
        if self._phone.resolution is None:
            return None, None, rotation
        width, height = self._phone.resolution
        return (height, width, rotation) if rotation in {1, 3} else (width, height, rotation)


def _shape(hierarchy_xml: bytes) -> bytes:
    """A hierarchy without what its nodes say."""
    return _SAID.sub(b"", hierarchy_xml)


def _why_hidden(shot: Shot, secure: bool) -> picture.Absence | None:
    if shot.absence is not None:
        return shot.absence
    if shot.black.inside and secure:
        return picture.Absence.SECURE
    return picture.Absence.BLACK if shot.black.whole else None
