"""One stream of an ADB transport, as the service that it was opened for sees it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

OPEN, OKAY, CLSE, WRTE = (int.from_bytes(name, "little") for name in (b"OPEN", b"OKAY", b"CLSE", b"WRTE"))


class StreamClosedError(Exception):
    """The other side closed the stream, or the transport broke."""


class Link(Protocol):
    """What a stream needs of its transport."""

    max_payload_bytes: int

    def send(self, command: int, first: int, second: int, payload: bytes = b"") -> None: ...

    def forget(self, stream: Stream) -> None: ...


class Stream:
    """One stream of a connection. Not thread-safe; one reader and one writer at a time."""

    __slots__ = ("_ack", "_credit", "_ended", "_inbox", "_link", "_pending", "_wake", "closed", "local", "remote")

    def __init__(self, link: Link, local: int, remote: int) -> None:
        self.local = local
        self.remote = remote
        self.closed = False
        self._link = link
        self._inbox: deque[bytes] = deque()
        self._pending = b""
        self._ended = False
        self._wake: asyncio.Future[None] | None = None
        self._credit = False
        self._ack: asyncio.Future[None] | None = None

    def accept(self) -> None:
        """Tells the other side that the service is there."""
        self._credit = True
        self._link.send(OKAY, self.local, self.remote)

    async def write(self, data: bytes) -> None:
        """Sends bytes, waiting until what was sent before is acknowledged."""
        for start in range(0, len(data), self._link.max_payload_bytes):
            await self.drained()
            self._credit = False
            self._link.send(WRTE, self.local, self.remote, data[start : start + self._link.max_payload_bytes])

    async def drained(self) -> None:
        """Returns when everything sent is acknowledged; StreamClosedError when it never will be."""
        while not self._credit:
            if self.closed:
                raise StreamClosedError
            self._ack = asyncio.get_running_loop().create_future()
            await self._ack
        if self.closed:
            raise StreamClosedError

    async def read(self) -> bytes:
        """Some bytes as they came, b"" at the end. Acknowledges what it takes: that is the back-pressure."""
        if self._pending:
            data, self._pending = self._pending, b""
            return data
        while not self._inbox:
            if self._ended:
                return b""
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        data = self._inbox.popleft()
        if not self.closed:
            self._link.send(OKAY, self.local, self.remote)
        return data

    async def read_exactly(self, count: int) -> bytes:
        """Exactly `count` bytes; StreamClosedError where the stream ends before."""
        chunks, have = [], 0
        while have < count:
            data = await self.read()
            if not data:
                raise StreamClosedError
            chunks.append(data)
            have += len(data)
        whole = b"".join(chunks) if len(chunks) != 1 else chunks[0]
        self._pending = whole[count:]
        return whole[:count]

    async def finish(self) -> None:
        """Closes in order: after everything sent has been acknowledged."""
        if not self.closed:
            await self.drained()
        self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._link.forget(self)
            self._link.send(CLSE, self.local, self.remote)

    def received(self, data: bytes) -> None:
        self._inbox.append(data)
        self._notify()

    def acknowledged(self) -> None:
        self._credit = True
        if self._ack is not None and not self._ack.done():
            self._ack.set_result(None)

    def ended(self) -> None:
        """The other side is gone: readers get the end, writers an error."""
        self.closed = True
        self._ended = True
        self._notify()
        if self._ack is not None and not self._ack.done():
            self._ack.set_result(None)

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
