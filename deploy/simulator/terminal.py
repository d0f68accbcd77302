"""`shell:`, `shell,v2:` and `exec:`: how a shell's streams travel over an adb stream.

Spec: packet kinds of the shell protocol (system/adb/shell_protocol.h).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .faults import FaultKind
from .shell.interpreter import Shell, Streams
from .shell.streams import Sink, Source
from .stream import Stream, StreamClosedError
from .trace import Entry

if TYPE_CHECKING:
    from .phone import Phone

_STDIN, _STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = 0, 1, 2, 3, 4
_HEADER = struct.Struct("<BI")
_FLUSH_BYTES = 256 * 1024
_MAX_LINE_BYTES = 1024 * 1024


class Terminal:
    """Output of one shell: buffered, framed where the protocol is v2, sent when a command waits or ends."""

    def __init__(self, stream: Stream, v2: bool, crlf: bool) -> None:
        self._stream = stream
        self._v2 = v2
        self._crlf = crlf
        self._pending = bytearray()

    def write(self, descriptor: int, data: bytes) -> None:
        if not data:
            return
        if self._crlf:
            data = data.replace(b"\n", b"\r\n")
        if not self._v2:
            self._pending += data
            return
        for start in range(0, len(data), _FLUSH_BYTES):
            chunk = data[start : start + _FLUSH_BYTES]
            self._pending += _HEADER.pack(descriptor, len(chunk))
            self._pending += chunk

    async def flush(self) -> None:
        if self._pending:
            data = bytes(self._pending)
            self._pending.clear()
            await self._stream.write(data)

    def discard(self, keep_half: bool) -> None:
        """Forgets what is not sent yet: all of it, or its second half."""
        del self._pending[len(self._pending) // 2 if keep_half else 0 :]

    async def exit(self, rc: int) -> None:
        if self._v2:
            self._pending += _HEADER.pack(_EXIT, 1) + bytes((rc & 255,))
        await self.flush()


class _Descriptor:
    """Standard output or error of a terminal."""

    def __init__(self, terminal: Terminal, number: int) -> None:
        self._terminal = terminal
        self._number = number

    def write(self, data: bytes) -> None:
        self._terminal.write(self._number, data)

    async def flush(self) -> None:
        await self._terminal.flush()


class _RawInput(Source):
    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    async def _more(self) -> bytes:
        return await self._stream.read()


class _FramedInput(Source):
    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._closed = False

    async def _more(self) -> bytes:
        while not self._closed:
            try:
                kind, length = _HEADER.unpack(await self._stream.read_exactly(_HEADER.size))
                data = await self._stream.read_exactly(length) if length else b""
            except StreamClosedError:
                break
            if kind == _STDIN and data:
                return data
            self._closed = kind == _CLOSE_STDIN
        self._closed = True
        return b""


async def serve(phone: Phone, stream: Stream, service: Entry, options: tuple[str, ...], command: str) -> None:
    """Runs `command`, or the lines of the input where it is empty, and ends the stream with its exit status."""
    v2 = "v2" in options
    crlf = "pty" in options or (options[0] == "shell" and not v2 and phone.profile.crlf)
    terminal = Terminal(stream, v2, crlf)
    stdout = _Descriptor(terminal, _STDOUT)
    stderr = _Descriptor(terminal, _STDERR) if v2 and "pty" not in options else stdout
    streams = Streams(_FramedInput(stream) if v2 else _RawInput(stream), stdout, stderr)
    shell = Shell(phone, service, stderr)
    phone.shells.add(shell.pid)
    try:
        rc = await shell.run(command, streams) if command else await _interactive(shell, streams, "pty" in options)
    finally:
        phone.shells.discard(shell.pid)
    if (fault := phone.faults.take(FaultKind.DROP_AFTER, service.detail)) is not None:
        await phone.break_transport(fault, service)
    if (fault := phone.faults.take(FaultKind.DROP_DURING, service.detail)) is not None:
        terminal.discard(keep_half=True)
        await terminal.flush()
        await phone.break_transport(fault, service)
    if (fault := phone.faults.take(FaultKind.NO_EXIT, service.detail)) is not None:
        phone.note_fault(fault, service)
        await terminal.flush()
    else:
        await terminal.exit(rc)
    phone.trace.end(service, rc)
    await stream.finish()


async def _interactive(shell: Shell, streams: Streams, prompt: bool) -> int:
    """A shell that reads its commands from the input, line by line."""
    rc = 0
    while True:
        if prompt:
            _prompt(streams.stdout)
        await streams.stdout.flush()
        line = await streams.stdin.read_line()
        if not line or len(line) > _MAX_LINE_BYTES:
            return rc
        command = line.replace(b"\r", b"\n").decode("utf-8", "surrogateescape").strip()
        if command.split(maxsplit=1)[:1] == ["exit"]:
            return await shell.run(command, streams)
        rc = await shell.run(command, streams)


def _prompt(stdout: Sink) -> None:
    stdout.write(b"sim:/ $ ")
