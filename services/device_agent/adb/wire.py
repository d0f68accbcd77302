"""One connection to an adb server: framing of the host protocol, and of what runs on top of it.

Source: the protocol as adb servers 29 and 36 speak it: four hexadecimal digits of length before each request,
`OKAY` or `FAIL` plus a text as answer; `shell,v2` packets are one byte of kind and four of length.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

from services.device_agent.adb.bootstrap import ServerAddress
from services.device_agent.adb.errors import AdbError, AdbServerGone, DeviceGone, refusal

READ_BUFFER_BYTES = 4 * 1024 * 1024
LONGEST_REQUEST_BYTES = 65_535
LARGEST_PACKET_BYTES = 64 * 1024 * 1024

STDOUT, STDERR, EXIT = 1, 2, 3


class Wire:
    """Requests and answers on one connection. Cut short it is `DeviceGone`, or `AdbServerGone` without serial."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: ServerAddress, serial: str | None
    ) -> None:
        self._reader, self._writer = reader, writer
        self._server, self._serial = server, serial

    async def request(self, service: str) -> None:
        """Asks for a service and waits for `OKAY`; raises what a `FAIL` means."""
        body = service.encode()
        if len(body) > LONGEST_REQUEST_BYTES:
            raise ValueError(f"an adb request holds {LONGEST_REQUEST_BYTES} bytes at most, this one has {len(body)}")
        self._writer.write(b"%04x" % len(body) + body)
        status = await self.exactly(4)
        if status == b"FAIL":
            raise refusal((await self.block()).decode(errors="replace"), self._serial)
        if status != b"OKAY":
            raise AdbError(f"{self._server} does not speak the adb protocol: it answered {status!r}")

    async def transport(self, serial: str) -> None:
        """Turns this connection into one to the phone."""
        await self.request(f"host:tport:serial:{serial}")
        await self.exactly(8)

    async def block(self) -> bytes:
        """A block with four hexadecimal digits of length."""
        digits = await self.exactly(4)
        try:
            size = int(digits, 16)
        except ValueError as error:
            raise AdbError(f"{self._server} does not speak the adb protocol: length {digits!r}") from error
        return await self.exactly(size)

    async def packet(self) -> tuple[int, bytes]:
        """A packet of `shell,v2`: its kind and its payload."""
        kind, size = struct.unpack("<BI", await self.exactly(5))
        self._bounded(size)
        return kind, await self.exactly(size)

    async def sync_head(self) -> tuple[bytes, int]:
        """The eight bytes before a payload of the sync service: an identifier and a size or time."""
        kind, size = struct.unpack("<4sI", await self.exactly(8))
        return kind, size

    def _bounded(self, size: int) -> None:
        if size > LARGEST_PACKET_BYTES:
            raise self._gone(f"it announced a packet of {size} bytes")

    async def exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise self._gone("the connection ended in the middle of an answer") from error

    async def rest(self, largest_bytes: int) -> bytes:
        """Everything until the other side closes; what goes beyond `largest_bytes` is not read."""
        found = bytearray()
        while len(found) <= largest_bytes and (some := await self.some()):
            found += some
        return bytes(found)

    async def some(self) -> bytes:
        """What is there, at least one byte; empty at the end."""
        try:
            return await self._reader.read(65_536)
        except ConnectionError as error:
            raise self._gone("the connection broke") from error

    async def send(self, payload: bytes) -> None:
        try:
            self._writer.write(payload)
            await self._writer.drain()
        except ConnectionError as error:
            raise self._gone("the connection broke while sending") from error

    def _gone(self, cause: str) -> AdbError:
        return DeviceGone(self._serial, cause) if self._serial else AdbServerGone(self._server, cause)


@contextlib.asynccontextmanager
async def connected(server: ServerAddress, serial: str | None = None, transport: bool = True) -> AsyncIterator[Wire]:
    """A connection to the adb server, or to the phone behind it when a serial is given. Closed on the way out.

    Without `transport` the serial only names the phone in errors.
    """
    try:
        if server.path is None:
            reader, writer = await asyncio.open_connection(server.host, server.port, limit=READ_BUFFER_BYTES)
        else:
            reader, writer = await asyncio.open_unix_connection(server.path, limit=READ_BUFFER_BYTES)
    except OSError as error:
        raise AdbServerGone(server, error.strerror or str(error)) from error
    try:
        wire = Wire(reader, writer, server, serial)
        if serial is not None and transport:
            await wire.transport(serial)
        yield wire
    finally:
        # What was sent and mattered has been answered. A close that flushes would hang on a frozen phone.
        writer.transport.abort()
