"""Where a command's input comes from and where its output goes."""

from __future__ import annotations

import asyncio
from typing import Protocol

from deploy.simulator.filesystem import FileSystem

_PIPE_BYTES = 64 * 1024


class ReaderGoneError(Exception):
    """Nobody reads what is written: the writer ends, silently."""


class Sink(Protocol):
    """Takes output. `write` buffers; `flush` waits until the reader keeps up."""

    def write(self, data: bytes) -> None: ...

    async def flush(self) -> None: ...


class Null:
    def write(self, data: bytes) -> None:
        """Takes everything, keeps nothing."""

    async def flush(self) -> None:
        """Has nothing to wait for."""


class Capture:
    """Keeps what is written, for `$(..)`."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> None:
        self.content += data

    async def flush(self) -> None:
        """Has nothing to wait for."""


class FileSink:
    """Appends to a file of the phone. FileError where it cannot."""

    def __init__(self, files: FileSystem, path: str) -> None:
        self._files = files
        self._path = path

    def write(self, data: bytes) -> None:
        self._files.append(self._path, data)

    async def flush(self) -> None:
        """Has nothing to wait for."""


class Source:
    """Input, in pieces as they come or by line."""

    def __init__(self) -> None:
        self._rest = bytearray()

    async def _more(self) -> bytes:
        return b""

    async def read(self) -> bytes:
        """Some bytes; b"" at the end."""
        if self._rest:
            data = bytes(self._rest)
            self._rest.clear()
            return data
        return await self._more()

    async def read_all(self) -> bytes:
        chunks = bytearray()
        while data := await self.read():
            chunks += data
        return bytes(chunks)

    async def read_line(self) -> bytes:
        """Up to and with the next LF; without it at the end of input, b"" when nothing is left."""
        while (end := self._rest.find(b"\n")) < 0:
            data = await self._more()
            if not data:
                line = bytes(self._rest)
                self._rest.clear()
                return line
            self._rest += data
        line = bytes(self._rest[: end + 1])
        del self._rest[: end + 1]
        return line


class Bytes(Source):
    """Input that is known from the start: a file, or nothing."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        self._rest += content


class Pipe(Source):
    """Joins two commands of a pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._written = False
        self._abandoned = False

    def write(self, data: bytes) -> None:
        if self._abandoned:
            raise ReaderGoneError
        self._buffer += data
        self._changed.set()

    async def flush(self) -> None:
        while len(self._buffer) > _PIPE_BYTES and not self._abandoned:
            self._changed.clear()
            await self._changed.wait()
        if self._abandoned:
            raise ReaderGoneError

    def close_writer(self) -> None:
        self._written = True
        self._changed.set()

    def close_reader(self) -> None:
        self._abandoned = True
        self._changed.set()

    async def _more(self) -> bytes:
        while not self._buffer and not self._written:
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        self._changed.set()
        return data
