"""A relay in front of a server: what it passes on can be looked at, and the end of a connection can be held back."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


@dataclass
class Relay:
    """`async with Relay(url) as relay`; clients use `relay.url`. While `ends` is not set, a connection that the server
    has ended stays open towards the client; `ended` says that there is such a one, all its last words passed on."""

    server_url: str
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        assert self._server is not None
        parts = urlsplit(self.server_url)
        login = parts.netloc.rpartition("@")[0]
        port = self._server.sockets[0].getsockname()[1]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(self.server_url)
        from_server, to_server = await asyncio.open_connection(parts.hostname, parts.port)
        self._pass_on(from_server, writer, held=True)
        self._pass_on(reader, to_server, held=False)

    def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        task = asyncio.create_task(self._pass(reader, writer, held=held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(64 * 1024):
                    writer.write(data)
                    await writer.drain()
            if held:
                self.ended.set()
                await self.ends.wait()
        finally:
            writer.close()
