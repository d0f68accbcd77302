"""The pictures of one capture: taking them, and telling by them whether the screen rests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from contracts.values import Bounds
from services.device_agent import picture, reading
from services.device_agent.adb.client import ShellResult
from services.device_agent.reading import Shot
from services.device_agent.stability import Limits, Rest

SCREENCAP_TIMEOUT_S = 10.0
BAD_PICTURES = 3
"""Answers in a row that are no picture before the capture goes on without one."""


class Camera(Protocol):
    """What takes pictures: a phone."""

    async def shell(self, cmd: str, timeout_s: float, name: str) -> ShellResult: ...


class Pictures:
    """What was taken so far, and what it tells."""

    def __init__(self, camera: Camera, limits: Limits, clock: Callable[[], float]) -> None:
        self._camera, self._limits, self._clock = camera, limits, clock
        self._rest = Rest()
        self._before: Shot | None = None
        self._left: Shot | None = None
        """A picture that a closing one differed from."""
        self._waited_s = 0.0
        self._bad = 0
        self.taken = 0

    @property
    def settled(self) -> bool:
        """Whether pictures have shown the screen at rest."""
        return self._rest.settled

    @property
    def volatile(self) -> Bounds | None:
        """The small place that kept changing."""
        return self._rest.volatile

    @property
    def patience_ended(self) -> bool:
        return self._waited_s >= self._limits.wait_s

    async def first(self) -> Shot:
        """A picture to begin with, or why there is none after some tries."""
        while True:
            shot = await self._take()
            if shot.png is not None or self._bad >= BAD_PICTURES:
                return shot

    async def settle(self, after: Shot | None = None) -> Shot:
        """Takes pictures until the screen rests or the limits are reached: the last one, or why there is none.

        `after` is a picture that was taken already, with which the comparison begins.
        """
        self._rest, self._before = (Rest() if after is None else Rest(pictures=1)), after
        begun_s = self._clock()
        try:
            while True:
                shot = await self._take()
                pause_s = self._rest.pause_s(self._limits, self._waited_s + self._clock() - begun_s)
                if self.settled or self._bad >= BAD_PICTURES or pause_s is None:
                    return shot
                await asyncio.sleep(pause_s)
        finally:
            self._waited_s += self._clock() - begun_s

    async def agree(self, shot: Shot, closing: Shot | None) -> bool:
        """Whether the closing picture still shows the screen of `shot`.

        Equal pictures before and after a reading prove rest as two in a row do. Small changes are no matter where the
        screen was seen to rest before the reading; else they may be the answer to a touch (a box that gets its tick).
        """
        if closing is None:
            return shot.png is None
        self.taken += 1
        if closing.png is None or shot.png is None or closing.size is None:
            return closing.png is None and shot.png is None
        if shot is self._left:
            return False  # A picture that comes back after others (a video that runs round) proves nothing.
        if closing.png == shot.png:
            self._rest = self._rest if self.settled else self._rest.equal()
            return True
        if self.settled:
            found = await asyncio.to_thread(_change, shot, closing, closing.size)
            rest = replace(self._rest, small_changes=0).changed(found, closing.size.width * closing.size.height)
            if rest.small_changes:
                self._rest = replace(self._rest, volatile=rest.volatile)
                return True
        self._left = shot
        return False

    async def light(self, shot: Shot, until_s: float) -> Shot:
        """Waits for a picture that is not all black; the last one."""
        pause_s = self._limits.first_pause_s
        while shot.black.whole and self._clock() < until_s:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, self._limits.longest_pause_s)
            shot = await self.settle()
        return shot

    async def _take(self) -> Shot:
        result = await self._camera.shell(reading.SCREENCAP, SCREENCAP_TIMEOUT_S, "screencap")
        self.taken += 1
        shot = reading.shot(result.stdout, self._before)
        self._bad = 0 if shot.png else self._bad + 1
        await self._judge(shot)
        return shot

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


def _change(before: Shot, after: Shot, size: picture.Size) -> picture.Change | None:
    return picture.change(before.thumbnail, after.thumbnail, size)
