"""What a phone shows: a screenshot, the hierarchy that belongs to it, and what is in front.

In the steady case three round trips: two screenshots that are equal, then one call that dumps the hierarchy, reads the
focus and takes a closing screenshot. The closing one proves that the hierarchy belongs to the picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from contracts.values import Bounds, Foreground
from services.device_agent import picture, reading
from services.device_agent.adb.client import ShellResult
from services.device_agent.adb.errors import DeviceTimeout
from services.device_agent.parsers import hierarchy_dump, window
from services.device_agent.reading import Reading, Shot
from services.device_agent.stability import Limits, Rest

SCREENCAP_TIMEOUT_S = 10.0
DUMP_TIMEOUT_S = 25.0
"""uiautomator itself gives up on a restless screen after 10 s."""
FOCUS_TIMEOUT_S = 5.0
BAD_PICTURES = 3
"""Answers in a row that are no picture before the capture goes on without one."""
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

OnPicture = Callable[[bytes], Awaitable[None]]
"""Called with the picture while the hierarchy is still being read; once more where the screen moved meanwhile."""


class Screen(Protocol):
    """What a capture needs of a phone."""

    @property
    def api(self) -> int: ...

    @property
    def resolution(self) -> tuple[int, int] | None:
        """Width and height in pixels, unturned."""
        ...

    async def shell(self, cmd: str, timeout_s: float, name: str) -> ShellResult: ...

    def shown(self, hierarchy_xml: bytes | None, *, split_screen: bool = False) -> None:
        """Told what the phone shows now; None: not known."""
        ...

    async def heartbeat(self) -> float:
        """Raises where the phone does not answer."""
        ...


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one capture: until the screen rested, until hierarchy and focus were read, and in all."""

    settle_ms: float
    reading_ms: float
    total_ms: float


@dataclass(frozen=True)
class Capture:
    """What was seen. `png` and `hierarchy_xml` are the bytes that the phone delivered, unchanged.

    `stable` is False where the screen did not rest within the limits, or moved under the dump. `volatile` is the small
    region that kept changing on a screen that counts as resting. Width and height are those of the screen as turned,
    `rotation` is in quarter turns.
    """

    png: bytes | None
    picture_absent_reason: picture.Absence | None
    hierarchy_xml: bytes | None
    hierarchy_absent_reason: hierarchy_dump.Absence | None
    hierarchy_said: str
    """What the phone said about a missing hierarchy."""
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
    on_picture: OnPicture | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Capture:
    """Waits for the screen to rest, then reads it. What a screen hides is a reason in the result, not an error.

    Raises `DeviceGone`, `DeviceTimeout` (frozen), `AdbServerGone`, .. where the phone is not there to be captured, and
    what `on_picture` raises.
    """
    return await _Session(phone, on_picture, limits or Limits(), clock).run()


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

    def __init__(self, phone: Screen, on_picture: OnPicture | None, limits: Limits, clock: Callable[[], float]) -> None:
        self._phone, self._on_picture, self._limits, self._clock = phone, on_picture, limits, clock
        self._rest = Rest()
        self._before: Shot | None = None
        self._waited_s = 0.0
        self._taken = 0

    async def run(self) -> Capture:
        begun_s = self._clock()
        shot = await self._settle()
        settled_s = self._clock()
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
            foreground=front,
            width=width,
            height=height,
            rotation=rotation,
            stable=self._rest.settled and together,
            volatile=self._rest.volatile,
            screenshots_taken=self._taken,
            split_screen=split,
            latency=Latency((settled_s - begun_s) * 1e3, (ended_s - settled_s) * 1e3, (ended_s - begun_s) * 1e3),
        )

    async def _settle(self) -> Shot:
        """Takes pictures until the screen rests or the limits are reached: the last one, or why there is none."""
        begun_s, bad = self._clock(), 0
        try:
            while True:
                result = await self._phone.shell(reading.SCREENCAP, SCREENCAP_TIMEOUT_S, "screencap")
                self._taken += 1
                shot = reading.shot(result.stdout, self._before)
                bad = 0 if shot.png else bad + 1
                await self._judge(shot)
                pause_s = self._rest.pause_s(self._limits, self._waited_s + self._clock() - begun_s)
                if self._rest.settled or bad >= BAD_PICTURES or pause_s is None:
                    return shot
                await asyncio.sleep(pause_s)
        finally:
            self._waited_s += self._clock() - begun_s

    async def _judge(self, shot: Shot) -> None:
        """Compares a picture with the one before. What is no picture proves nothing and starts the comparison anew."""
        before, self._before = self._before, shot
        if before is None or before.png is None or shot.png is None or shot.size is None:
            self._rest = self._rest.first()
        elif before is shot or before.png == shot.png:
            self._rest = self._rest.equal()
        else:
            found = await asyncio.to_thread(_change, before, shot, shot.size)
            self._rest = self._rest.changed(found, shot.size.width * shot.size.height)

    async def _read_with(self, shot: Shot) -> tuple[Shot, Reading, bool]:
        """The hierarchy that belongs to a resting picture, the picture, and whether the closing picture agreed."""
        black_until_s = self._clock() + BLACK_PATIENCE_S
        restless_until_s = self._clock() + RESTLESS_PATIENCE_S
        readings = 0
        while True:
            read = await self._read(shot)
            readings += 1
            together = await self._agrees(shot, read.closing)
            restless = read.dump.absence is hierarchy_dump.Absence.NOT_IDLE
            tries = RESTLESS_READINGS if restless else READINGS
            if restless and self._clock() < restless_until_s:
                tries = readings + 1
            if self._moved(together) and read.closing is not None and readings < tries:
                self._rest, self._before = Rest(pictures=1), read.closing
                shot = await self._settle()
            elif shot.black.whole and not read.secure and self._clock() < black_until_s:
                shot = await self._wait_for_light(shot, black_until_s)
                readings = 0
            elif read.dump.absence is not None and read.dump.absence.passing and readings < tries:
                await asyncio.sleep(min(RETRY_PAUSE_S * readings, LONGEST_RETRY_PAUSE_S))
            else:
                if shot.black.inside and self._on_picture and _why_hidden(shot, read.secure) is None and shot.png:
                    await self._on_picture(shot.png)
                return shot, read, together

    async def _agrees(self, shot: Shot, closing: Shot | None) -> bool:
        """Whether the closing picture still shows the screen of `shot`, small changes aside."""
        if closing is None:
            return shot.png is None
        self._taken += 1
        if closing.png is None or shot.png is None or closing.size is None:
            return closing.png is None and shot.png is None
        if closing.png == shot.png:
            return True
        found = await asyncio.to_thread(_change, shot, closing, closing.size)
        rest = replace(self._rest, small_changes=0).changed(found, closing.size.width * closing.size.height)
        if rest.small_changes:
            self._rest = replace(self._rest, volatile=rest.volatile)
            return True
        return False

    def _moved(self, together: bool) -> bool:
        """Whether a screen that rested has moved since, and there is time to wait for it again."""
        return self._rest.settled and not together and self._waited_s < self._limits.wait_s

    async def _wait_for_light(self, shot: Shot, until_s: float) -> Shot:
        pause_s = self._limits.first_pause_s
        while shot.black.whole and self._clock() < until_s:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, self._limits.longest_pause_s)
            self._rest, self._before = Rest(), None
            shot = await self._settle()
        return shot

    async def _read(self, shot: Shot) -> Reading:
        script = reading.script(self._phone.api, closing=shot.png is not None, windows=shot.black.inside)
        async with _meanwhile(self._on_picture, None if shot.black.inside else shot.png):
            try:
                result = await self._phone.shell(script, DUMP_TIMEOUT_S, "hierarchy")
            except DeviceTimeout as error:
                # Frozen, or only uiautomator hangs? A frozen phone raises here.
                await self._phone.heartbeat()
                return Reading(hierarchy_dump.Dump(None, hierarchy_dump.Absence.TIMEOUT, str(error)))
        return reading.parse(result.stdout, shot)

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


def _change(before: Shot, after: Shot, size: picture.Size) -> picture.Change | None:
    return picture.change(before.thumbnail, after.thumbnail, size)


@contextlib.asynccontextmanager
async def _meanwhile(on_picture: OnPicture | None, png: bytes | None) -> AsyncIterator[None]:
    """Runs `on_picture` beside the body and waits for it; neither outlives the other."""
    if on_picture is None or png is None:
        yield
        return
    storing = asyncio.ensure_future(on_picture(png))
    try:
        yield
    except BaseException:
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)
        raise
    await storing
