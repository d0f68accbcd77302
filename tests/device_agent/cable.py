"""What lies between an adb server and a simulated phone, and can be pulled: the phone itself stays as it is."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Cable:
    """`async with Cable(phone_port) as cable`: adb connects to `cable.address`."""

    def __init__(self, phone_port: int) -> None:
        self._phone_port, self.port = phone_port, 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        """Nobody is connected, and nobody can connect."""
        if self._server is not None:
            self._server.close()
        self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pull()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_phone, to_phone = await asyncio.open_connection("127.0.0.1", self._phone_port)
        except OSError:
            writer.transport.abort()
            return
        ends = [(reader, to_phone), (from_phone, writer)]
        for source, target in ends:
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(64 * 1024):
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.transport.abort()
