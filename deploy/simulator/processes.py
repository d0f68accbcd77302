"""Processes of a phone that are more than an app: what tools start, and what holds UiAutomation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from .filesystem import FileSystem

FIRST_TOOL_PID = 3_100


@dataclass
class Process:
    """`name` is what `ps` calls it, `command` its arguments; `killed` is set by a signal."""

    pid: int
    user: str
    name: str
    command: str
    killed: asyncio.Event = field(default_factory=asyncio.Event)


class Processes:
    """What runs, with `/proc/PID/cmdline` of each."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files
        self._running: dict[int, Process] = {}
        self.automation: Process | None = None
        """The one that holds UiAutomation: nobody else gets it meanwhile."""

    def all(self) -> list[Process]:
        return list(self._running.values())

    def start(self, pid: int, user: str, name: str, command: str) -> Process:
        process = Process(pid, user, name, command)
        self._running[pid] = process
        self._files.mount(f"/proc/{pid}/cmdline", command.replace(" ", "\0").encode() + b"\0")
        return process

    def end(self, process: Process) -> None:
        """It is gone, by itself or by a signal."""
        if self._running.pop(process.pid, None) is None:
            return
        self._files.unmount(f"/proc/{process.pid}/cmdline")
        if self.automation is process:
            self.automation = None

    def kill(self, pid: int) -> bool:
        """A signal that ends it; False where there is none."""
        process = self._running.get(pid)
        if process is None:
            return False
        process.killed.set()
        self.end(process)
        return True

    def hold(self, name: str) -> int:
        """Another tool gets UiAutomation, whoever had it: its process id."""
        if self.automation is not None:
            self.kill(self.automation.pid)
        pid = max([FIRST_TOOL_PID, *self._running]) + 1
        self.automation = self.start(pid, "u0_a217", name, name)
        return pid

    def clear(self) -> None:
        """The phone starts anew."""
        for process in self.all():
            self.kill(process.pid)
