"""The whole of Waymark on one machine: servers, adb, simulated phones, the seven services, each a real process.

What the demo, `make up` and the system tests boot. Every process is ended by its id, also when this one is killed.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nats
from nats.aio.client import Client

from deploy.embedded.adb import AdbServer
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.process import Command, GuardedProcess
from deploy.embedded.stack import Stack
from deploy.simulator.control import Control
from services.runtime.projection import Projection
from services.runtime.provision import provision

SERVICES = (
    "orchestrator",
    "device_agent",
    "llm_gateway",
    "screen_indexer",
    "locator_validator",
    "alerter",
    "notifier",
)
_SERVICES_FOLDER = Path(__file__).parents[2] / "services"
_START_LIMIT_S = 30.0
_POLL_S = 0.02


@dataclass
class Platform:
    """`async with Platform(folder) as platform`. Without `phones` it attaches to the adb server that is running.

    `phones` says what each simulated phone plays (`demo@1`, `recording:DIR`); `services` which services are started
    with it; `environ` is added to what every service is told.
    """

    folder: Path
    phones: Sequence[str] = ()
    latency: str = "zero"
    apis: Sequence[int] = (33,)
    seed: int = 0
    services: Sequence[str] = SERVICES
    environ: Mapping[str, str] = field(default_factory=dict)
    stack: Stack | None = None
    nats: Client = field(init=False)
    control: Control = field(init=False)
    adb: AdbServer = field(init=False)
    """The simulated phones' own server; none where the platform attaches to one that is running."""
    serials: list[str] = field(default_factory=list)
    _exit: AsyncExitStack = field(default_factory=AsyncExitStack)
    _running: dict[str, GuardedProcess] = field(default_factory=dict)
    _environ: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def _start(self) -> None:
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        booting = [self._boot_stack(), self._boot_phones()] if self.phones else [self._boot_stack()]
        await asyncio.gather(*booting)
        assert self.stack is not None
        self._environ = {**self.stack.environ(), **self._environ, **self.environ}
        self.nats = await nats.connect(self.stack.nats_url)
        self._exit.push_async_callback(self.nats.close)
        await provision(self.nats.jetstream(timeout=10))
        self._exit.push_async_callback(self.stop_services)
        for name in self.services:
            self.start_service(name)

    async def _boot_stack(self) -> None:
        if self.stack is None:
            self.stack = await self._exit.enter_async_context(Stack(self.folder / "stack"))

    async def _boot_phones(self) -> None:
        """The simulator and an adb server of its own, with every phone connected to it."""
        arguments = ["--phones", str(len(self.phones)), "--latency", self.latency, "--seed", str(self.seed)]
        arguments += ["--api", *map(str, self.apis), "--app", self.phones[0]]
        log = self.folder / "logs" / "simulator.log"
        log.unlink(missing_ok=True)
        simulator = self._process("simulator", [sys.executable, "-m", "deploy.simulator", *arguments], {})
        self._exit.callback(simulator.stop)
        ready = await self._first_line(simulator, log)
        self.control = await self._exit.enter_async_context(Control(ready["control_port"]))
        for number, app in enumerate(self.phones):
            if app != self.phones[0]:
                await self.control.do("play", number, app=app, seed=self.seed)
        self.adb = await self._exit.enter_async_context(AdbServer())
        self._environ.update(self.adb.environment)
        self.serials = [await self.adb.connect(f"127.0.0.1:{phone['port']}") for phone in ready["phones"]]

    async def _first_line(self, process: GuardedProcess, log: Path) -> dict[str, Any]:
        deadline_s = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < deadline_s:
            text = log.read_text() if log.exists() else ""
            line = next((line for line in text.splitlines() if line.startswith("{") and line.endswith("}")), None)
            if line is not None:
                ready: dict[str, Any] = json.loads(line)
                return ready
            if process.exit_code is not None:
                raise EmbeddedError(f"the simulator ended at once: {text[-2000:]}")
            await asyncio.sleep(_POLL_S)
        raise EmbeddedError(f"the simulator was not ready within {_START_LIMIT_S:.0f} s; its log is {log}")

    @property
    def client_environ(self) -> dict[str, str]:
        """Variables with which the `waymark` command, or any service, reaches this platform."""
        return dict(self._environ)

    def start_service(self, name: str, replica: int = 0, environ: Mapping[str, str] | None = None) -> GuardedProcess:
        """Starts one replica of a service; it keeps its name over restarts, as a pod of a stateful set does."""
        label = f"{name}-{replica}"
        told = {**self._environ, "WAYMARK_INSTANCE": label, "PYTHONUNBUFFERED": "1", **(environ or {})}
        process = self._process(label, [sys.executable, "-m", f"services.{name}"], told)
        self._running[label] = process
        return process

    def service(self, name: str, replica: int = 0) -> GuardedProcess:
        return self._running[f"{name}-{replica}"]

    def kill_service(self, name: str, replica: int = 0) -> None:
        """kill -9."""
        self._running.pop(f"{name}-{replica}").kill()

    async def stop_services(self, names: Iterable[str] | None = None) -> None:
        """Ends services in good order, all at once."""
        labels = [label for label in self._running if names is None or label.rpartition("-")[0] in names]
        await asyncio.gather(*(asyncio.to_thread(self._running.pop(label).stop) for label in labels))

    def dead(self) -> list[str]:
        """Services that have ended though nobody asked them to."""
        return [label for label, process in self._running.items() if process.exit_code is not None]

    def log_of(self, label: str) -> Path:
        return self.folder / "logs" / f"{label}.log"

    async def request(self, subject: str, body: Mapping[str, Any] | bytes) -> int:
        """Publishes a request as any NATS client would; its sequence in the stream of requests."""
        payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        ack = await self.nats.jetstream(timeout=10).publish(subject, payload)
        return ack.seq

    def _process(self, label: str, argv: Sequence[str], environ: Mapping[str, str]) -> GuardedProcess:
        return GuardedProcess(Command(argv, {"PYTHONPATH": str(Path.cwd()), **environ}), self.log_of(label))


def projections(services: Sequence[str] = SERVICES) -> list[Projection]:
    """All projections of these services, in their order: a service keeps one schema or several."""
    modules = [
        importlib.import_module(f"services.{name}.{path.stem}")
        for name in services
        for path in sorted((_SERVICES_FOLDER / name).glob("projections*.py"))
    ]
    return [module.PROJECTION for module in modules]
