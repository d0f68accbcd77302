"""One server process on loopback: started under a guard, awaited, stopped by its process id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil

from deploy.embedded import guard
from deploy.embedded.errors import EmbeddedError, PortTakenError, explain

START_LIMIT_S = 30.0
STOP_GRACE_S = 10.0
POLL_S = 0.005
PORT_ATTEMPTS = 5
LOG_LIMIT_BYTES = 1_000_000
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port on loopback that nobody listens on now. Another process may take it first: callers try again."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    """Does something accept connections on this loopback port?"""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def listens(pid: int | None, port: int) -> bool:
    """Is it this process that listens on the port, and not a stranger who was faster?"""
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(found.status == psutil.CONN_LISTEN and found.laddr[1] == port for found in sockets)


@dataclass(frozen=True)
class Command:
    """How to start a server. `uid`: run it as this user (only when started by root)."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    uid: int | None = None


class GuardedProcess:
    """A running server with its guard. The guard ends it when this process is gone, whatever the reason."""

    def __init__(self, command: Command, log: Path, keep_fds: Sequence[int] = ()) -> None:
        user = [] if command.uid is None else ["--uid", str(command.uid)]
        argv = [sys.executable, "-I", "-S", guard.__file__, "--stop-signal", command.stop_signal.name,
                "--grace-s", str(STOP_GRACE_S), *user, "--", *command.argv]  # fmt: skip
        self._lifeline: int | None
        lifeline, self._lifeline = os.pipe()
        answer, answering = os.pipe()
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                argv,
                stdin=lifeline,
                stdout=answering,
                stderr=output,
                env={**os.environ, **command.env},
                start_new_session=True,
                pass_fds=tuple(keep_fds),
            )
        os.close(lifeline)
        os.close(answering)
        with os.fdopen(answer, "rb") as said:
            first = said.readline()
        # Empty when the binary could not even be started; its log says why and `exit_code` is set.
        self.pid: int | None = int(first) if first.strip() else None

    @property
    def exit_code(self) -> int | None:
        """None while the server runs."""
        return self._guard.poll()

    def stop(self) -> None:
        """End the server in good order, by force after the grace time; returns when it is gone."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        try:
            self._guard.wait(STOP_GRACE_S + 5)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait(5)

    def kill(self) -> None:
        """kill -9 on the server: what a crash test does to it."""
        if self.pid is not None and self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.stop()


class Server(ABC):
    """A server with a folder of its own. After the first start it keeps its port, so that its address stays true."""

    name: ClassVar[str]

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.log = folder / f"{self.name}.log"
        self._fixed_port = port
        self._process: GuardedProcess | None = None

    @property
    def port(self) -> int:
        if self._fixed_port is None:
            raise EmbeddedError(f"{self.name} was not started yet: it has no port")
        return self._fixed_port

    @property
    def pid(self) -> int | None:
        """Process id of the running server itself (not of its guard)."""
        return self._process.pid if self._process else None

    @abstractmethod
    def prepare(self) -> None:
        """Make what must exist before the first start. Called before every start."""

    @abstractmethod
    def command(self, port: int) -> Command:
        """How to start the server on this port."""

    @abstractmethod
    def is_ready(self, port: int) -> bool:
        """Does it serve by now?"""

    def start(self, keep_fds: Sequence[int] = ()) -> None:
        """Start and wait until it serves. Raises EmbeddedError, which says what to do."""
        if self._process is not None:
            raise EmbeddedError(f"{self.name} already runs (process {self.pid})")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._turn_log()
        self.prepare()
        if self._fixed_port is not None:
            self._launch(self._fixed_port, keep_fds)
            return
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = free_port()
            try:
                self._launch(port, keep_fds)
            except PortTakenError:
                if attempt == PORT_ATTEMPTS:
                    raise
            else:
                self._fixed_port = port
                return

    def stop(self) -> None:
        """Stop it; nothing happens when it does not run."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """kill -9; `start` brings it back on the same port with the same data."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _launch(self, port: int, keep_fds: Sequence[int]) -> None:
        if is_open(port):
            raise PortTakenError(
                f"{self.name} did not start: port {port} is taken. Stop what listens there, or let a port be chosen."
            )
        offset = self.log.stat().st_size if self.log.exists() else 0
        process = GuardedProcess(self.command(port), self.log, keep_fds)
        try:
            self._await_ready(process, port, offset)
        except BaseException:
            process.stop()
            raise
        self._process = process

    def _await_ready(self, process: GuardedProcess, port: int, offset: int) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while not self.is_ready(port):
            if process.exit_code is not None:
                raise explain(self.name, self._said(offset), self.log)
            if time.monotonic() > deadline:
                raise explain(self.name, f"(not ready after {START_LIMIT_S:.0f} s)\n{self._said(offset)}", self.log)
            time.sleep(POLL_S)
        if not listens(process.pid, port):
            raise PortTakenError(f"{self.name} did not start: another process took port {port} first")

    def _said(self, offset: int) -> str:
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read(LOG_LIMIT_BYTES).decode(errors="replace")

    def _turn_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
