"""Time, ids and randomness: passed in, so that tests and rebuilds decide what they are."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, with its zone (UTC)."""
        ...

    def new_id(self) -> UUID:
        """A new id that sorts by time (UUID version 7)."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def new_id(self) -> UUID:
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def uuid7(unix_ms: int, entropy: bytes) -> UUID:
    """UUID version 7 (RFC 9562) of a time in milliseconds and ten random bytes."""
    value = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(entropy[:10], "big")
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 2 << 62)
