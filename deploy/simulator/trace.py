"""What happened on a simulated phone, in order: the referee of the tests."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import TypeAlias

import orjson

Scalar: TypeAlias = str | int | float | bool | None


class Kind(StrEnum):
    """What an entry tells of."""

    TRANSPORT = "transport"
    """An adb server came, was refused or was cut off."""
    SERVICE = "service"
    """A stream was opened: `shell,v2,raw:id`, `sync:`, ..; `rc` once a shell has ended."""
    PROGRAM = "program"
    """A shell ran a program of the phone; `rc` 127 where the phone has none of that name."""
    SYNC = "sync"
    """A request inside a sync stream."""
    RPC = "rpc"
    """A call of the resident uiautomator2 server."""
    TOUCH = "touch"
    """Something reached what the phone plays: a tap, swipe, text, key or launch."""
    DELIVERY = "delivery"
    """A picture or hierarchy was handed out."""
    FAULT = "fault"
    """A fault that a test had armed took effect."""
    ERROR = "error"
    """A defect of the simulator itself: a test that sees one has failed."""


@dataclass(slots=True)
class Entry:
    """One line of the trace. `cause` is the `seq` of the service that led to it; times are epoch seconds."""

    seq: int
    at_s: float
    phone: str
    kind: Kind
    detail: str
    cause: int | None = None
    rc: int | None = None
    ended_s: float | None = None
    data: dict[str, Scalar] = field(default_factory=dict)


@lru_cache(maxsize=64)
def sha256(content: bytes) -> str:
    """Hex digest, remembered: the same cached picture is delivered many times."""
    return hashlib.sha256(content).hexdigest()


class Trace:
    """The entries of one phone: the last `limit` in memory, all of them in a JSON-lines file where one is given.

    In the file a later line with the same `seq` replaces the earlier one (a command that has ended since).
    """

    def __init__(
        self, phone: str, counter: Iterator[int] | None = None, path: Path | None = None, limit: int = 100_000
    ) -> None:
        self.phone = phone
        self.forgotten = 0
        """How many entries memory no longer holds because of `limit`."""
        self._counter = counter if counter is not None else itertools.count(1)
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._file: FileIO | None = FileIO(path, "a") if path is not None else None

    def add(self, kind: Kind, detail: str, cause: int | None = None, **data: Scalar) -> Entry:
        """Records that something begins or happened, now."""
        entry = Entry(next(self._counter), time.time(), self.phone, kind, detail, cause, data=data)
        if len(self._entries) == self._entries.maxlen:
            self.forgotten += 1
        self._entries.append(entry)
        self._append(entry)
        return entry

    def end(self, entry: Entry, rc: int | None) -> None:
        """Records that what `entry` began is over; `rc` None where there was no exit status (cut off)."""
        entry.rc = rc
        entry.ended_s = time.time()
        self._append(entry)

    def deliver(self, what: str, content: bytes, cause: int | None, **data: Scalar) -> None:
        """Records a picture or hierarchy that leaves the phone, byte for byte as it is handed out."""
        self.add(Kind.DELIVERY, what, cause, sha256=sha256(content), size_bytes=len(content), **data)

    def since(self, seq: int = 0, kinds: Iterable[str] | None = None, limit: int = 100_000) -> list[Entry]:
        """Entries after `seq`, oldest first, of `kinds` only where given; at most `limit`."""
        wanted = None if kinds is None else {Kind(kind) for kind in kinds}
        hits = (entry for entry in self._entries if entry.seq > seq and (wanted is None or entry.kind in wanted))
        return list(itertools.islice(hits, limit))

    def clear(self) -> None:
        """Forgets what memory holds; the file keeps it."""
        self._entries.clear()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, entry: Entry) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(entry) + b"\n")
