"""The uiautomator2 server on a phone: brought there, started, watched, asked, ended.

It is the `u2.jar` of the uiautomator2 package, run by `app_process` for as long as a shell stream of this agent is
open. Its process id is kept in a file on the phone, so that an agent that finds a server left by one that died knows it
for its own. A server of somebody else that answers is used (uiautomator2 itself does so), and never ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import deque
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import orjson

from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError, CommandFailed, DeviceGone, DeviceTimeout
from services.device_agent.hierarchy_sources.http import HttpError, exchange
from services.device_agent.hierarchy_sources.source import Device, SourceFailedError
from services.device_agent.parsers import processes
from services.device_agent.parsers.processes import SERVER_CLASS, Holder

PORT = 9008
JAR = "/data/local/tmp/u2.jar"
"""Where uiautomator2 puts it: who uses that as well finds the jar there already."""
PID_FILE = "/data/local/tmp/waymark.u2"
START_TIMEOUT_S = 20.0
PREPARE_TIMEOUT_S, PUSH_TIMEOUT_S, STOP_TIMEOUT_S, PING_TIMEOUT_S = 10.0, 60.0, 5.0, 3.0
FIRST_POLL_S, LONGEST_POLL_S = 0.02, 0.5
_KEPT_LINES = 30

_IS_OURS = f'p=$(cat {PID_FILE} 2>/dev/null) && [ -n "$p" ] && grep -q {SERVER_CLASS} /proc/$p/cmdline 2>/dev/null'
END_OURS = f"if {_IS_OURS}; then kill -9 $p; r=0; else r=1; fi; rm -f {PID_FILE}; [ $r -eq 0 ]"
"""Ends a server that a Waymark agent started and that still runs, and nothing else: exit code 1 where there is none."""
_START = f"echo $$ > {PID_FILE}; export CLASSPATH={JAR}; exec app_process / {SERVER_CLASS} -p {PORT} 2>&1"


class RpcError(Exception):
    """The server answered that the call failed on the phone."""


class ResidentServer:
    """The server of one phone. Calls may come at once from several tasks."""

    def __init__(self, client: AdbClient, device: Device) -> None:
        self._client, self._device = client, device
        self._starting = asyncio.Lock()
        self._process: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._ready = False
        self._ours = False
        self.asked_s = time.monotonic()
        """When it was asked last, monotonic."""

    @property
    def is_ready(self) -> bool:
        """Whether it was started, or found, and has not ended as far as is known."""
        return self._ready and (self._process is None or not self._process.done())

    async def ensure(self) -> None:
        """Starts it unless it runs. Raises `SourceFailedError` where it does not start, and what a phone raises."""
        async with self._starting:
            if self.is_ready:
                return
            await self._forget()
            if await self._answers():
                # Left by an agent that died, or of somebody who works on this phone with uiautomator2.
                self._ours = (await self._shell(_IS_OURS)).rc == 0
            else:
                await self._start()
            self._ready = True

    async def call(self, method: str, parameters: list[Any], timeout_s: float, name: str) -> Any:
        """The result of a method. Raises `RpcError`, and `SourceFailedError` where the server has gone or hangs."""
        self.asked_s = time.monotonic()
        try:
            return await ask(self._client, self._device.serial, method, parameters, timeout_s, name)
        except (DeviceGone, DeviceTimeout, HttpError) as error:
            # The phone, or only its server? A phone that has gone or is frozen raises here.
            await self._device.heartbeat()
            raise SourceFailedError(f"the uiautomator2 server did not answer: {error}") from error

    async def stop(self, *, reachable: bool = True) -> None:
        """Ends it, where it is this agent's or was left by one. Others' servers, and phones that are gone, stay: what
        is left there is found by whoever reads next."""
        if not self.is_ready and self._process is None:
            return
        ours = self._ours
        await self._forget()
        if ours and reachable:
            with contextlib.suppress(AdbError):
                await self._client.shell(self._device.serial, END_OURS, STOP_TIMEOUT_S, "server")

    async def _forget(self) -> None:
        self._ready = self._ours = False
        if self._process is not None:
            self._process.cancel()
            await asyncio.gather(self._process, return_exceptions=True)
            self._process = None

    async def _answers(self) -> bool:
        async def ping() -> bytes:
            return await self._client.converse(
                self._device.serial, f"tcp:{PORT}", PING_TIMEOUT_S, "server", lambda w: exchange(w, "GET", "/ping")
            )

        try:
            return await ping() == b"pong"
        except (DeviceGone, DeviceTimeout, HttpError):
            await self._device.heartbeat()
            return False

    async def _start(self) -> None:
        asked = f"{{ {END_OURS}; }}; toybox md5sum {JAR} 2>/dev/null || md5 {JAR} 2>/dev/null"
        found = await self._shell(asked)
        digest, content = _jar()
        if digest not in found.text:
            try:
                await self._client.push(self._device.serial, content, JAR, PUSH_TIMEOUT_S)
            except CommandFailed as error:
                raise SourceFailedError(f"the uiautomator2 server cannot be brought there: {error}") from error
        self._said.clear()
        self._process = asyncio.create_task(self._follow(), name=f"uiautomator2 server {self._device.serial}")
        self._ours = True
        until_s, poll_s = time.monotonic() + START_TIMEOUT_S, FIRST_POLL_S
        while not self._process.done() and time.monotonic() < until_s:
            if await self._answers():
                return
            await asyncio.wait({self._process}, timeout=poll_s)
            poll_s = min(poll_s * 2, LONGEST_POLL_S)
        await self._not_started()

    async def _follow(self) -> None:
        """Keeps the stream open in which the server runs, and what it said last. Ends with it."""
        async with contextlib.aclosing(self._client.stream(self._device.serial, _START)) as lines:
            with contextlib.suppress(AdbError):
                async for line in lines:
                    self._said.append(line[:500])

    async def _not_started(self) -> None:
        said = "\n".join(self._said)
        ended = self._process is not None and self._process.done()
        await self.stop()
        await self._device.heartbeat()
        if "already registered" in said:
            raise SourceFailedError(held_words(await holders(self._device)), held=True)
        why = f"it ended: {said[-500:] or 'without a word'}" if ended else f"no answer within {START_TIMEOUT_S:g} s"
        raise SourceFailedError(f"the uiautomator2 server does not start: {why}")

    async def _shell(self, cmd: str) -> Any:
        return await self._device.shell(cmd, PREPARE_TIMEOUT_S, "server")


async def ask(client: AdbClient, serial: str, method: str, parameters: list[Any], timeout_s: float, name: str) -> Any:
    """The result of a method of the server that runs on a phone, whoever started it.

    Raises `RpcError` where the call fails there, `SourceFailedError` where the server is of no use, `HttpError` where
    it does not answer properly, `DeviceGone` where none listens.
    """
    asked = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
    answer = await client.converse(
        serial, f"tcp:{PORT}", timeout_s, name, lambda wire: exchange(wire, "POST", "/jsonrpc/0", asked)
    )
    return _result(answer)


async def holders(device: Device) -> tuple[Holder, ...]:
    """The processes of the phone that can hold UiAutomation."""
    return processes.holders((await device.shell(processes.LIST, PREPARE_TIMEOUT_S, "holders")).text)


def held_words(found: tuple[Holder, ...]) -> str:
    """That another tool has UiAutomation, which, and what to do."""
    who = " or ".join(map(str, found)) or "another tool that `ps` does not show"
    return f"UiAutomation is held by {who}: end it, or wait until it is done; until then no hierarchy can be read"


def _result(answer: bytes) -> Any:
    try:
        document = orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise SourceFailedError(f"the uiautomator2 server answered no JSON: {answer[:200]!r}") from error
    if not isinstance(document, dict) or not ("result" in document or "error" in document):
        raise SourceFailedError(f"the uiautomator2 server answered {answer[:200]!r}")
    if (failure := document.get("error")) is not None:
        said = str(failure.get("message", failure) if isinstance(failure, dict) else failure)[:500]
        if "UiAutomation not connected" in said or "DeadObjectException" in said or "DeadSystem" in said:
            raise SourceFailedError(f"the uiautomator2 server has lost UiAutomation: {said}")
        raise RpcError(said)
    return document["result"]


@cache
def _jar() -> tuple[str, bytes]:
    """MD5, which is what every phone can compute, and bytes of the jar that this installation ships."""
    path = Path(str(distribution("uiautomator2").locate_file("uiautomator2/assets/u2.jar")))
    content = path.read_bytes()
    return hashlib.md5(content, usedforsecurity=False).hexdigest(), content
