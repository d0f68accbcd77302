"""An asyncio client of the adb server: one connection a call, a time-out over the whole call, errors that tell apart.

Why not adbutils for this: it is synchronous, a command costs 22 ms against 1 ms, a frozen phone blocks it past its
time-out, and a phone that leaves in the middle of a command looks like success (measured with adbutils 2.12).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from services.device_agent.adb.bootstrap import ServerAddress
from services.device_agent.adb.errors import (
    AdbError,
    AdbRefused,
    AdbServerGone,
    CommandFailed,
    DeviceGone,
    DeviceTimeout,
)
from services.device_agent.adb.wire import EXIT, STDERR, STDOUT, Wire, connected

T = TypeVar("T")

OnCall = Callable[[str, str, float, float, bool], None]
"""`on_call(serial, name, started_s, ended_s, ok)`, times by the client's clock (monotonic seconds)."""

HOST_TIMEOUT_S = 5.0
SYNC_CHUNK_BYTES = 64 * 1024
LARGEST_OUTPUT_BYTES = 64 * 1024 * 1024
LONGEST_LINE_BYTES = 64 * 1024
LONGEST_V1_BYTES = 4_080
"""Daemons of Android 6 and older take 4 KB in one request."""


@dataclass(frozen=True, slots=True)
class ShellResult:
    """How a command on the phone ended. `stderr` is apart from `stdout` on every Android version."""

    rc: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Both streams as text, for parsers and messages."""
        return (self.stdout + self.stderr).decode(errors="replace")


class AdbClient:
    """Talks to the adb server at `host`:`port`, or `at` any address. It starts none and stops none."""

    def __init__(
        self, host: str, port: int, on_call: OnCall | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._server = ServerAddress(host, port)
        self._on_call, self._clock = on_call, clock
        self._features: dict[str, frozenset[str]] = {}

    @classmethod
    def at(cls, server: ServerAddress, on_call: OnCall | None = None) -> AdbClient:
        client = cls(server.host, server.port, on_call)
        client._server = server
        return client

    @property
    def server(self) -> ServerAddress:
        """Where the adb server listens."""
        return self._server

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the adb server; meaningless where it listens on a socket of this machine."""
        return self._server.host, self._server.port

    async def version(self) -> int:
        """The server's protocol version (41 with adb 29 to 36). The cheapest way to see whether it is there."""
        return int(await self._host_request("host:version"), 16)

    async def devices(self) -> dict[str, str]:
        """Serial to state: `device`, `offline`, `unauthorized`, `recovery`, .."""
        return _states(await self._host_request("host:devices"))

    async def track_devices(self) -> AsyncGenerator[dict[str, str], None]:
        """All phones and their states, at once and again after every change. Ends with `AdbServerGone`."""
        async with contextlib.AsyncExitStack() as stack:
            wire = await self._opened(stack, "host:track-devices")
            while True:
                states = _states((await wire.block()).decode(errors="replace"))
                self._features = {serial: known for serial, known in self._features.items() if serial in states}
                yield states

    async def connect(self, address: str, timeout_s: float = 15.0) -> None:
        """Connects a network phone, `host:port`. Raises `AdbRefused` where it does not answer."""
        said = await self._host_request(f"host:connect:{address}", timeout_s)
        if not said.startswith(("connected to", "already connected to")):
            raise AdbRefused(f"{said.strip()}: check that the phone is on, in this network, and listens", address)

    async def disconnect(self, address: str) -> None:
        """Forgets a network phone; harmless where the server does not know it."""
        self._features.pop(address, None)
        try:
            await self._host_request(f"host:disconnect:{address}")
        except AdbRefused as error:
            if "no such device" not in str(error):
                raise

    async def features(self, serial: str) -> frozenset[str]:
        """What the phone's adb daemon can do. Asked once for as long as the phone stays connected."""
        known = self._features.get(serial)
        if known is not None:
            return known
        return await self._measured(serial, "features", HOST_TIMEOUT_S, lambda: self._known_features(serial))

    async def _known_features(self, serial: str) -> frozenset[str]:
        if serial not in self._features:
            async with connected(self._server, serial, transport=False) as wire:
                await wire.request(f"host-serial:{serial}:features")
                said = (await wire.block()).decode(errors="replace")
            self._features[serial] = frozenset(said.strip().split(",")) - {""}
        return self._features[serial]

    async def shell(self, serial: str, cmd: str, timeout_s: float, name: str = "shell") -> ShellResult:
        """Runs `cmd` in the phone's shell and waits for its end. `name` is what errors and measurements call it.

        A result means that the command ended and its exit code arrived. Raises `DeviceGone` where the phone left before
        that, `DeviceTimeout` after `timeout_s` over the whole call.
        """

        async def call() -> ShellResult:
            if "shell_v2" in await self._known_features(serial):
                return await self._shell_v2(serial, cmd)
            return await self._shell_v1(serial, cmd)

        return await self._measured(serial, name, timeout_s, call)

    async def _shell_v2(self, serial: str, cmd: str) -> ShellResult:
        streams = {STDOUT: bytearray(), STDERR: bytearray()}
        async with connected(self._server, serial) as wire:
            await wire.request(f"shell,v2,raw:{cmd}")
            while True:
                kind, payload = await wire.packet()
                if kind == EXIT:
                    return ShellResult(payload[0], bytes(streams[STDOUT]), bytes(streams[STDERR]))
                if kind in streams:
                    streams[kind] += payload
                    if len(streams[kind]) > LARGEST_OUTPUT_BYTES:
                        raise CommandFailed(serial, cmd[:80], None, f"it printed over {LARGEST_OUTPUT_BYTES} bytes")

    async def _shell_v1(self, serial: str, cmd: str) -> ShellResult:
        """Android 6 and older: one stream and no exit code, so a script prints both behind a mark of its own.

        `exec:` and not `shell:`, which runs in a terminal there and turns LF into CRLF.
        """
        script, mark = sentinel(cmd, secrets.token_hex(8))
        if len(script.encode()) > LONGEST_V1_BYTES:
            raise CommandFailed(serial, cmd[:80], None, f"it is over {LONGEST_V1_BYTES} bytes, too long for this phone")
        async with connected(self._server, serial) as wire:
            await wire.request(f"exec:{script}")
            output = await wire.rest(LARGEST_OUTPUT_BYTES)
        if len(output) > LARGEST_OUTPUT_BYTES:
            raise CommandFailed(serial, cmd[:80], None, f"it printed over {LARGEST_OUTPUT_BYTES} bytes")
        found = ended(output, mark)
        if found is None:
            raise DeviceGone(serial, f"its answer ended after {len(output)} bytes, before the exit code")
        return found

    async def stream(self, serial: str, cmd: str) -> AsyncGenerator[str, None]:
        """Lines that `cmd` prints, for as long as it runs. Ends when the command ends.

        Raises `DeviceGone` where the phone left. Closing the iterator ends the command on the phone.
        """
        pending = bytearray()
        v2 = "shell_v2" in await self.features(serial)
        async with contextlib.AsyncExitStack() as stack:
            wire = await self._opened(stack, f"shell,v2,raw:{cmd}" if v2 else f"exec:{cmd}", serial)
            while True:
                kind, payload = await wire.packet() if v2 else (STDOUT, await wire.some())
                ended = kind == EXIT or (not v2 and not payload)
                if kind in (STDOUT, STDERR):
                    pending += payload
                *lines, rest = bytes(pending).split(b"\n")
                pending = bytearray(rest[-LONGEST_LINE_BYTES:])
                for line in lines:
                    yield line.decode(errors="replace").rstrip("\r")
                if ended:
                    if pending:
                        yield pending.decode(errors="replace")
                    return

    async def feed(self, serial: str, cmd: str, chunks: AsyncIterable[bytes], timeout_s: float, name: str) -> str:
        """Runs `cmd` with `chunks` as its input, and returns what it printed, which alone tells how it went: there is
        no exit code. One that ends before it has read everything is no error here; one that does not say a whole line
        is taken for a phone that left (`DeviceGone`)."""

        async def call() -> str:
            async with connected(self._server, serial) as wire:
                await wire.request(f"exec:{cmd}")
                # Where it refuses in the middle, why is in its answer.
                with contextlib.suppress(DeviceGone):
                    async for chunk in chunks:
                        await wire.send(chunk)
                said = await wire.rest(LARGEST_OUTPUT_BYTES)
            if not said.endswith(b"\n"):
                raise DeviceGone(serial, f"its answer was {said[-200:]!r}")
            return said.decode(errors="replace").strip()

        return await self._measured(serial, name, timeout_s, call)

    async def push(self, serial: str, data: bytes, path: str, timeout_s: float = 60.0, mode: int = 0o100644) -> None:
        """Writes a file on the phone. Raises `CommandFailed` where the phone refuses."""

        async def pieces() -> AsyncGenerator[bytes, None]:
            yield data

        await self.push_chunks(serial, pieces(), path, timeout_s, mode)

    async def push_chunks(
        self, serial: str, chunks: AsyncIterable[bytes], path: str, timeout_s: float, mode: int = 0o100644
    ) -> None:
        """Writes a file of any size on the phone, piece by piece. Raises `CommandFailed` where the phone refuses."""

        async def call() -> None:
            async with connected(self._server, serial) as wire:
                await wire.request("sync:")
                target = f"{path},{mode}".encode()
                await wire.send(b"SEND" + struct.pack("<I", len(target)) + target)
                async for data in chunks:
                    for start in range(0, len(data), SYNC_CHUNK_BYTES):
                        chunk = data[start : start + SYNC_CHUNK_BYTES]
                        await wire.send(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
                await wire.send(b"DONE" + struct.pack("<I", 0))
                kind, size = await wire.sync_head()
                if kind != b"OKAY":
                    raise await _sync_failure(wire, serial, f"push {PurePosixPath(path).name}", kind, size)

        await self._measured(serial, "push", timeout_s, call)

    async def pull(self, serial: str, path: str, timeout_s: float = 60.0) -> bytes:
        """A file of the phone. Raises `CommandFailed` where it is missing or unreadable."""

        async def call() -> bytes:
            content = bytearray()
            async with connected(self._server, serial) as wire:
                await wire.request("sync:")
                source = path.encode()
                await wire.send(b"RECV" + struct.pack("<I", len(source)) + source)
                while True:
                    kind, size = await wire.sync_head()
                    if kind == b"DONE":
                        return bytes(content)
                    if kind != b"DATA" or size > LARGEST_OUTPUT_BYTES:
                        raise await _sync_failure(wire, serial, f"pull {path}", kind, size)
                    content += await wire.exactly(size)

        return await self._measured(serial, "pull", timeout_s, call)

    async def converse(
        self, serial: str, service: str, timeout_s: float, name: str, talk: Callable[[Wire], Awaitable[T]]
    ) -> T:
        """Opens a service of the phone, such as `tcp:9008`, and lets `talk` speak on it; what `talk` gives.

        Nothing is forwarded: no port of this machine is taken. Raises `DeviceGone` where nobody listens there.
        """

        async def call() -> T:
            async with connected(self._server, serial) as wire:
                await wire.request(service)
                return await talk(wire)

        return await self._measured(serial, name, timeout_s, call)

    async def _opened(self, stack: contextlib.AsyncExitStack, service: str, serial: str | None = None) -> Wire:
        """A connection on which a long-running service has begun. Only the beginning has a time-out."""
        try:
            async with asyncio.timeout(HOST_TIMEOUT_S):
                wire = await stack.enter_async_context(connected(self._server, serial))
                await wire.request(service)
        except TimeoutError as error:
            if serial is not None:
                raise DeviceTimeout(serial, service[:80], HOST_TIMEOUT_S) from error
            raise AdbServerGone(self._server, f"no answer within {HOST_TIMEOUT_S:g} s") from error
        return wire

    async def _host_request(self, service: str, timeout_s: float = HOST_TIMEOUT_S) -> str:
        try:
            async with asyncio.timeout(timeout_s), connected(self._server) as wire:
                await wire.request(service)
                return (await wire.block()).decode(errors="replace")
        except TimeoutError as error:
            raise AdbServerGone(self._server, f"no answer within {timeout_s:g} s") from error

    async def _measured(self, serial: str, name: str, timeout_s: float, call: Callable[[], Awaitable[T]]) -> T:
        started_s, ok = self._clock(), False
        try:
            async with asyncio.timeout(timeout_s):
                result = await call()
            ok = True
        except TimeoutError as error:
            raise DeviceTimeout(serial, name, timeout_s) from error
        except DeviceGone:
            self._features.pop(serial, None)
            raise
        finally:
            if self._on_call is not None:
                self._on_call(serial, name, started_s, self._clock(), ok)
        return result


def sentinel(cmd: str, nonce: str) -> tuple[str, str]:
    """A script that runs `cmd` and tells afterwards what it wrote to stderr and its exit code, and the mark it uses.

    What is written to stderr waits in a file; where none can be made, it is lost and the command runs all the same.
    """
    errors, mark = f"/data/local/tmp/waymark.err.{nonce}", f"waymark-end-{nonce}:"
    # `true` and not `:`, with which a redirection that fails ends the whole shell.
    script = (
        f"we={errors}; {{ true >$we; }} 2>/dev/null || we=/dev/null; ( {cmd}\n) 2>$we; wr=$?; "
        f"echo {mark}; cat $we; rm -f {errors}; echo {mark}$wr"
    )
    return script, mark


def ended(output: bytes, mark: str) -> ShellResult | None:
    """The result in the output of a script of `sentinel`; None where the output was cut off."""
    stdout, first, tail = output.partition(f"{mark}\n".encode())
    stderr, last, code = tail.rpartition(mark.encode())
    if not first or not last or not re.fullmatch(rb"[0-9]{1,3}\n", code):
        return None
    return ShellResult(int(code), stdout, stderr)


def _states(listing: str) -> dict[str, str]:
    pairs = (line.split("\t", 1) for line in listing.splitlines() if "\t" in line)
    return {serial: state.split("\t")[0].strip() for serial, state in pairs}


async def _sync_failure(wire: Wire, serial: str, name: str, kind: bytes, size: int) -> AdbError:
    if kind == b"FAIL":
        return CommandFailed(serial, name, None, (await wire.exactly(min(size, 4096))).decode(errors="replace"))
    return DeviceGone(serial, f"its file service answered {kind!r}")
