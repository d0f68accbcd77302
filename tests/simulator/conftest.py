"""Phones, their control channel and a private adb server."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from deploy.embedded.adb import AdbServer
from deploy.simulator.control import Control
from deploy.simulator.phone import Phone
from deploy.simulator.profiles import api_profile, latency_profile
from deploy.simulator.shell.interpreter import Shell, Streams
from deploy.simulator.shell.streams import Bytes, Capture
from deploy.simulator.trace import Kind

from .worlds import CounterWorld

_TIMEOUT_S = 30.0


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 20.0) -> None:
    """Returns once the condition holds; TimeoutError where it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.02)


@dataclass
class Ran:
    """How a command ended."""

    rc: int
    out: str
    err: str


@dataclass
class Bench:
    """A farm in a process of its own, with every phone connected to a private adb server."""

    server: AdbServer
    control: Control
    serials: list[str]

    async def adb(self, *arguments: str, phone: int = 0, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
        """The unmodified adb program, on one phone."""
        process = await asyncio.create_subprocess_exec(
            str(self.server.binary),
            "-s",
            self.serials[phone],
            *arguments,
            env=os.environ | self.server.environment,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                out, err = await process.communicate(stdin)
        except BaseException:
            process.kill()
            await process.communicate()
            raise
        assert process.returncode is not None
        return process.returncode, out, err

    async def shell(self, command: str, phone: int = 0) -> Ran:
        rc, out, err = await self.adb("shell", command, phone=phone)
        return Ran(rc, out.decode(), err.decode())


Boot = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def boot(tmp_path: Path) -> AsyncIterator[Boot]:
    """Boots a farm: `await boot("--phones", "2", app=..)`."""
    async with AsyncExitStack() as stack:

        async def start(*arguments: str, app: str = "factory:tests.simulator.worlds:counter") -> Bench:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "deploy.simulator", "--app", app, *arguments, stdout=asyncio.subprocess.PIPE
            )

            async def end() -> None:
                process.terminate()
                async with asyncio.timeout(_TIMEOUT_S):
                    await process.communicate()
                assert process.returncode == 0

            stack.push_async_callback(end)
            assert process.stdout is not None
            async with asyncio.timeout(_TIMEOUT_S):
                ready = orjson.loads(await process.stdout.readline())
            server = await stack.enter_async_context(AdbServer())
            control = await stack.enter_async_context(Control(ready["control_port"]))
            serials = [await server.connect(phone["address"]) for phone in ready["phones"]]
            return Bench(server, control, serials)

        yield start


@pytest.fixture
async def bench(boot: Boot) -> Bench:
    """One phone of Android 13 with the counter app in front."""
    return await boot()


Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
def phone() -> Phone:
    """A phone that nobody is connected to."""
    return Phone("SIM", CounterWorld(), api_profile(33), latency_profile("zero"))


@pytest.fixture
def run(phone: Phone) -> Run:
    """Runs a script on that phone, without any adb in between."""

    async def one(script: str, stdin: bytes = b"") -> Ran:
        out, err = Capture(), Capture()
        shell = Shell(phone, phone.trace.add(Kind.SERVICE, script), err)
        rc = await shell.run(script, Streams(Bytes(stdin), out, err))
        return Ran(rc, out.content.decode(), err.content.decode())

    return one
