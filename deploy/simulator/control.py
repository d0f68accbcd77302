"""The client of a farm's control channel, for tests and the demo."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import orjson

_TIMEOUT_S = 30.0
_MAX_ANSWER_BYTES = 256 * 1024 * 1024


class ControlError(Exception):
    """The farm refused a request; the text says why."""


class Control:
    """One connection to the control channel; use it as an async context manager. Phones go by their number."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(_TIMEOUT_S):
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_MAX_ANSWER_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()

    async def do(self, operation: str, phone: int = 0, **arguments: Any) -> Any:
        """Asks for any operation of `farm.OPERATIONS`; ControlError where it is refused."""
        if self._reader is None or self._writer is None:
            raise ControlError("not connected: use `async with Control(port)`")
        async with self._lock, asyncio.timeout(_TIMEOUT_S):
            self._writer.write(orjson.dumps({"do": operation, "phone": phone} | arguments) + b"\n")
            await self._writer.drain()
            line = await self._reader.readline()
        if not line:
            raise ControlError("the simulator has gone")
        answer = orjson.loads(line)
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer["result"]

    async def arm(
        self,
        kind: str,
        pattern: str = "",
        *,
        phone: int = 0,
        times: int | None = 1,
        seconds: float = 0.0,
        at: str | None = None,
        skip: int = 0,
    ) -> int:
        """Arms a fault (`faults.FaultKind`) for the next `times` matching commands; its id."""
        options = {"kind": kind, "pattern": pattern, "times": times, "seconds": seconds, "at": at, "skip": skip}
        return int(await self.do("arm", phone, **options))

    async def clear(self, fault: int | None = None, *, phone: int = 0) -> int:
        """Disarms one fault or all; how many there were."""
        return int(await self.do("clear", phone, fault=fault))

    async def trace(
        self, *, phone: int = 0, since: int = 0, kinds: list[str] | None = None, limit: int = 100_000
    ) -> list[dict[str, Any]]:
        """Entries (`trace.Entry` as dictionaries) after `since`, oldest first."""
        found: list[dict[str, Any]] = await self.do("trace", phone, since=since, kinds=kinds, limit=limit)
        return found

    async def touches(self, *, phone: int = 0, since: int = 0) -> list[dict[str, Any]]:
        """What reached the app: taps, swipes, texts, keys, launches."""
        return await self.trace(phone=phone, since=since, kinds=["touch"])

    async def drop(self, *, phone: int = 0) -> int:
        """Cuts the phone's transports; adb servers reconnect."""
        return int(await self.do("drop", phone))

    async def stop(self, *, phone: int = 0) -> None:
        """Takes the phone off the network until `start`."""
        await self.do("stop", phone)

    async def start(self, *, phone: int = 0) -> int:
        """Brings it back on the same port; the port."""
        return int(await self.do("start", phone))

    async def surface(self, *, phone: int = 0) -> dict[str, Any]:
        """What the phone plays now (`world.Surface` as a dictionary)."""
        found: dict[str, Any] = await self.do("surface", phone)
        return found
