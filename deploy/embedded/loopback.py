"""HTTP servers on loopback inside the running event loop, and bounded records of what they received."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from aiohttp import web

from deploy.embedded.process import LOOPBACK

BODY_LIMIT_BYTES = 64 * 1024 * 1024
FILE_LIMIT_BYTES = 10_000_000
SHUTDOWN_LIMIT_S = 1.0
POLL_S = 0.005

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Records(Generic[T]):
    """The latest `limit` things received; each also as a line of `file`, which is turned over at 10 MB."""

    def __init__(self, as_json: Callable[[T], Mapping[str, Any]], limit: int = 1000, file: Path | None = None) -> None:
        self._kept: deque[T] = deque(maxlen=limit)
        self._as_json = as_json
        self._file = file
        self.total = 0

    def add(self, item: T) -> None:
        self._kept.append(item)
        self.total += 1
        if self._file is None:
            return
        if self._file.exists() and self._file.stat().st_size > FILE_LIMIT_BYTES:
            self._file.replace(self._file.with_name(self._file.name + ".1"))
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(self._as_json(item), ensure_ascii=False) + "\n")

    @property
    def all(self) -> list[T]:
        """What is kept, oldest first."""
        return list(self._kept)

    async def wait_for(self, count: int, limit_s: float = 10.0) -> list[T]:
        """What is kept once `count` things have arrived. Raises TimeoutError, which says how many did."""
        deadline = time.monotonic() + limit_s
        while self.total < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.total} of {count} arrived within {limit_s} s")
            await asyncio.sleep(POLL_S)
        return self.all


class LoopbackServer:
    """An HTTP server on a free loopback port, for the time of `async with`. `routes`: "METHOD /path" -> handler.

    One that was stopped refuses connections, and can be started again: on the same port.
    """

    def __init__(self, routes: Mapping[str, Handler]) -> None:
        self._routes = dict(routes)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Base address, without a slash at its end."""
        return f"http://{LOOPBACK}:{self._port}"

    async def start(self) -> None:
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        for route, handler in self._routes.items():
            method, path = route.split(" ")
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_LIMIT_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()
