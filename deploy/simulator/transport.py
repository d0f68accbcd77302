"""The device end of the ADB transport over TCP: packets, authorisation and multiplexed streams.

Spec: "ADB protocol" of the Android platform (system/adb/protocol.txt); version 0x01000001, without delayed acks:
one un-acknowledged WRTE per stream and direction.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Coroutine
from enum import StrEnum
from typing import Protocol, cast

from .stream import CLSE, OKAY, OPEN, WRTE, Stream

CNXN, AUTH = (int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH"))
VERSION = 0x01000001
MAX_PAYLOAD_BYTES = 1024 * 1024
_HEADER = struct.Struct("<6I")
_AUTH_TOKEN, _AUTH_SIGNATURE, _AUTH_PUBLIC_KEY = 1, 2, 3


class Authorization(StrEnum):
    """How the phone answers a computer that it does not know."""

    OPEN = "open"
    """No question asked."""
    ACCEPT = "accept"
    """The key is asked for and accepted (signatures are not verified)."""
    DENY = "deny"
    """The dialog on the phone is never answered: `unauthorized`."""


class Daemon(Protocol):
    """What a connection needs of the phone behind it."""

    authorization: Authorization
    frozen: bool

    def banner(self) -> bytes: ...

    def open(self, stream: Stream, service: str) -> Coroutine[None, None, None] | None:
        """What serves the stream, or None to refuse the service. It must close the stream at its end."""
        ...

    def connected(self, connection: Connection) -> None: ...

    def disconnected(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One adb server's transport to the phone."""

    def __init__(self, daemon: Daemon) -> None:
        self.max_payload_bytes = 4096
        self._daemon = daemon
        self._buffer = bytearray()
        self._streams: dict[int, Stream] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ids = itertools.count(1)
        self._checksum = False
        self._online = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # a stream server makes no other kind
        self._daemon.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the signature is asyncio's
        self._transport = None
        for stream in self._streams.values():
            stream.ended()
        self._streams.clear()
        for task in self._tasks.values():
            task.cancel()
        self._daemon.disconnected(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self.resume()

    def resume(self) -> None:
        """Handles what has arrived; a frozen phone leaves it lying and is resumed when it thaws."""
        while len(self._buffer) >= _HEADER.size and not self._daemon.frozen and self._transport is not None:
            command, first, second, length, _, magic = _HEADER.unpack_from(self._buffer)
            if magic != command ^ 0xFFFFFFFF or length > MAX_PAYLOAD_BYTES:
                self.abort()
                return
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            self._handle(command, first, second, payload)

    def send(self, command: int, first: int, second: int, payload: bytes = b"") -> None:
        if self._transport is None:
            return
        checksum = sum(payload) & 0xFFFFFFFF if self._checksum else 0
        header = _HEADER.pack(command, first, second, len(payload), checksum, command ^ 0xFFFFFFFF)
        self._transport.write(header + payload)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def forget(self, stream: Stream) -> None:
        self._streams.pop(stream.local, None)

    async def ended(self) -> None:
        """Waits until everything that the connection had started is over."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _handle(self, command: int, first: int, second: int, payload: bytes) -> None:
        if command == WRTE:
            if (stream := self._streams.get(second)) is not None:
                stream.received(payload)
            else:
                self.send(CLSE, 0, first)
        elif command == OKAY:
            if (stream := self._streams.get(second)) is not None:
                stream.remote = first
                stream.acknowledged()
        elif command == OPEN:
            self._open(first, payload)
        elif command == CLSE:
            self._closed(first, second)
        elif command == CNXN:
            self._checksum = first < VERSION
            self.max_payload_bytes = min(second, MAX_PAYLOAD_BYTES)
            self._greet(known=False)
        elif command == AUTH:
            if first == _AUTH_PUBLIC_KEY and self._daemon.authorization is Authorization.ACCEPT:
                self._greet(known=True)
            elif first == _AUTH_SIGNATURE:
                self.send(AUTH, _AUTH_TOKEN, 0, b"\x5a" * 20)

    def _greet(self, known: bool) -> None:
        if known or self._daemon.authorization is Authorization.OPEN:
            self._online = True
            self.send(CNXN, VERSION, MAX_PAYLOAD_BYTES, self._daemon.banner())
        else:
            self.send(AUTH, _AUTH_TOKEN, 0, b"\xa5" * 20)

    def _open(self, remote: int, payload: bytes) -> None:
        if not self._online:
            self.send(CLSE, 0, remote)
            return
        stream = Stream(self, next(self._ids), remote)
        serving = self._daemon.open(stream, payload.rstrip(b"\0").decode("utf-8", "surrogateescape"))
        if serving is None:
            self.send(CLSE, 0, remote)
            return
        self._streams[stream.local] = stream
        stream.accept()
        task = asyncio.get_running_loop().create_task(serving)
        self._tasks[stream.local] = task
        task.add_done_callback(lambda _: self._tasks.pop(stream.local, None))

    def open_to_host(self, service: str) -> Stream:
        """Opens a stream towards the adb server (`reverse`); it is usable once the server has acknowledged it."""
        stream = Stream(self, next(self._ids), 0)
        self._streams[stream.local] = stream
        self.send(OPEN, stream.local, 0, service.encode() + b"\0")
        return stream

    def _closed(self, remote: int, local: int) -> None:
        stream = self._streams.pop(local, None)
        if stream is None:
            return
        if not stream.closed:
            self.send(CLSE, stream.local, remote or stream.remote)
        stream.ended()
        if (task := self._tasks.get(local)) is not None:
            task.cancel()
