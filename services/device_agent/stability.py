"""When a screen has come to rest, judged by its pictures. Pure: fed with how each picture differs from the one before.

Two equal pictures in a row settle it. A screen that only changes in one small place (a clock, a caret, a progress ring)
settles after a few such pictures; the place is remembered as volatile. Anything else goes on until the limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from contracts.values import Bounds
from services.device_agent.picture import SMALL_CHANGE, Change, united

SMALL_CHANGES_IN_A_ROW = 3


@dataclass(frozen=True)
class Limits:
    """How long to wait for a screen to rest. Pauses grow from the first to the longest; the phone's own time counts."""

    wait_s: float = 5.0
    pictures: int = 14
    first_pause_s: float = 0.02
    longest_pause_s: float = 0.4


@dataclass(frozen=True)
class Rest:
    """What the pictures so far tell."""

    pictures: int = 0
    settled: bool = False
    small_changes: int = 0
    volatile: Bounds | None = None

    def first(self) -> Rest:
        """A picture with nothing to compare to."""
        return Rest(pictures=self.pictures + 1)

    def equal(self) -> Rest:
        """The newest picture equals the one before, byte for byte."""
        return replace(self, pictures=self.pictures + 1, settled=True)

    def changed(self, change: Change | None, screen_area: int) -> Rest:
        """The newest picture has other bytes; `change` is None where the difference is too faint to locate."""
        if change is not None and not change.is_small:
            return Rest(pictures=self.pictures + 1)
        volatile = self.volatile
        if change is not None:
            volatile = change.region if volatile is None else united(volatile, change.region)
        if volatile is not None and volatile.area > SMALL_CHANGE * screen_area:
            return Rest(pictures=self.pictures + 1)
        calm = self.small_changes + 1
        return Rest(self.pictures + 1, calm >= SMALL_CHANGES_IN_A_ROW, calm, volatile)

    def pause_s(self, limits: Limits, waited_s: float) -> float | None:
        """Seconds until the next picture; None where the limits are reached. The second picture comes at once."""
        if self.pictures >= limits.pictures or waited_s >= limits.wait_s:
            return None
        if self.pictures < 2:
            return 0.0
        return min(limits.first_pause_s * 2.0 ** (self.pictures - 2), limits.longest_pause_s)
