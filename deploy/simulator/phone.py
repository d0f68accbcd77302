"""One simulated phone: what it is, what is on it, and who is connected."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from .commands import PROGRAMS
from .displays import Display
from .faults import Fault, FaultKind, Faults
from .filesystem import FileSystem
from .interruptions import Interruptions
from .package_manager import PackageManager
from .processes import Processes
from .profiles import ApiProfile, LatencyProfile, banner, properties
from .screen import Screen
from .services import open_service
from .settings import Settings
from .stream import Stream
from .trace import Entry, Kind, Trace
from .transport import Authorization, Connection
from .triggers import Triggers
from .world import LogLine, World

if TYPE_CHECKING:
    from .shell.call import Program

Listener: TypeAlias = "Callable[[Phone, Stream, Entry], Coroutine[None, None, None]]"

DENSITY_DPI = 420
_SINCE_API = {"cmd": 24, "sha256sum": 26}
"""Programs that older phones lack."""
_MAX_BACKGROUND = 64
_REBOOT_S = 0.3
_log = logging.getLogger(__name__)


class Phone:
    """A phone on its own TCP port of loopback. `start` before use, `close` after."""

    def __init__(
        self, serial: str, world: World, profile: ApiProfile, latency: LatencyProfile, trace: Trace | None = None
    ) -> None:
        self.serial = serial
        self.world = world
        self.profile = profile
        self.latency = latency
        self.trace = trace if trace is not None else Trace(serial)
        self.faults = Faults()
        self.packages = PackageManager(self)
        self.files = FileSystem(full=self._storage_full, made=self.packages.read)
        self.settings = Settings()
        self.properties = properties(profile, serial, DENSITY_DPI)
        self.screen = Screen(self)
        self.interruptions = Interruptions(self)
        self.triggers = Triggers()
        self.listeners: dict[str, Listener] = {}
        """What listens on the phone, by service name, e.g. `tcp:9008`."""
        self.reverses: dict[str, str] = {}
        self.battery: dict[str, int] = {"level": 87, "status": 2, "temperature": 250}
        """Percent; `BatteryManager.BATTERY_STATUS_*`; tenths of a degree Celsius."""
        self.display_override: dict[str, str] = {}
        self.displays: list[Display] = [Display(2)] if profile.api >= 33 else []
        """Beside the phone's own. Newer phones get an empty virtual one, as a mirroring tool makes it."""
        self.granted: set[tuple[str, str]] = set()
        """(package, permission) that `pm grant` gave."""
        self.shells: set[int] = set()
        """Process ids of the shells that run now."""
        self.processes = Processes(self.files)
        self.log_cleared_s = 0.0
        self.authorization = Authorization.OPEN
        self.frozen = False
        self.booted_s = time.time()
        self.port = 0
        self.skew_s = 0.0
        """How far its clock is ahead of the real one."""
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._background: set[asyncio.Task[Any]] = set()

    def now_s(self) -> float:
        """The phone's wall clock, epoch seconds: what the World is told."""
        return time.time() + self.skew_s

    @property
    def uptime_s(self) -> float:
        return time.time() - self.booted_s

    async def start(self, port: int = 0) -> int:
        """Listens on loopback, on the port it had before or on a free one; returns it."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port or self.port)
            self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Goes off the network: nobody is connected and nobody can connect."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.drop()

    async def drop(self) -> int:
        """Cuts every transport, as a cable that is pulled; returns how many."""
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.ended()
        return len(connections)

    async def close(self) -> None:
        await self.stop()
        tasks = list(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.trace.close()

    def freeze(self, on: bool) -> None:
        """Answers nothing while frozen; what came meanwhile is handled on thawing."""
        self.frozen = on
        if not on:
            for connection in list(self._connections):
                connection.resume()

    def reboot(self) -> None:
        """Goes away and comes back after a moment, with its files and settings, everything else stopped."""

        async def cycle() -> None:
            for task in self._background - {asyncio.current_task()}:
                task.cancel()
            front = self.world.surface(self.now_s()).package
            self.world.force_stop(front, self.now_s())
            self.processes.clear()
            self.listeners.clear()
            self.reverses.clear()
            self.screen.boot()
            self.interruptions.clear()
            await self.stop()
            await asyncio.sleep(_REBOOT_S)
            self.booted_s = time.time()
            await self.start()

        self.background(cycle())

    def log(self, since_s: float) -> tuple[LogLine, ...]:
        """Lines of logcat after `since_s`, oldest first: of what is played, and of the system about it."""
        own = tuple(line for line in self.interruptions.log if line.at_s > since_s)
        played = self.world.log(since_s)
        return tuple(sorted((*played, *own), key=lambda line: line.at_s)) if own else played

    def program(self, name: str) -> Program | None:
        """The program that a shell finds under this name, with or without its folder."""
        for folder in ("/system/bin/", "/system/xbin/"):
            name = name.removeprefix(folder)
        return None if self.profile.api < _SINCE_API.get(name, 0) else PROGRAMS.get(name)

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Runs work that outlives the command which started it; RuntimeError when there is too much of it."""
        if len(self._background) >= _MAX_BACKGROUND:
            work.close()
            raise RuntimeError(f"{self.serial}: more than {_MAX_BACKGROUND} background commands")
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def dial(self, address: str) -> Stream | None:
        """A stream to what listens on the phone at `tcp:PORT` for a `reverse` forward; None where nothing does."""
        local = self.reverses.get(address)
        connection = next(iter(self._connections), None)
        return None if local is None or connection is None else connection.open_to_host(local)

    async def break_transport(self, fault: Fault, service: Entry) -> None:
        """Lets a drop fault happen: every transport breaks, and the caller never goes on."""
        self.note_fault(fault, service)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.Event().wait()

    def note_fault(self, fault: Fault, cause: Entry | None) -> None:
        self.trace.add(Kind.FAULT, fault.kind, None if cause is None else cause.seq, fault=fault.id)

    def report(self, error: Exception, cause: Entry) -> None:
        """Makes a defect of the simulator visible to the test that ran into it."""
        self.trace.add(Kind.ERROR, f"{type(error).__name__}: {error}", cause.seq, service=cause.detail)
        _log.error("%s: %s failed", self.serial, cause.detail, exc_info=error)

    def _storage_full(self, path: str) -> bool:
        fault = self.faults.take(FaultKind.STORAGE_FULL, path)
        if fault is not None:
            self.note_fault(fault, None)
        return fault is not None

    # What the transport asks of its daemon.

    def banner(self) -> bytes:
        return banner(self.profile, self.properties)

    def open(self, stream: Stream, service: str) -> Coroutine[None, None, None] | None:
        return open_service(self, stream, service)

    def connected(self, connection: Connection) -> None:
        self._connections.add(connection)
        self.trace.add(Kind.TRANSPORT, "connected")

    def disconnected(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.trace.add(Kind.TRANSPORT, "disconnected")
