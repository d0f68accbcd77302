"""One run of one program: what it is given and what it may touch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from deploy.simulator.trace import Entry

from .streams import Sink, Source

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone


@dataclass(slots=True)
class Call:
    """`argv[0]` is the name it was called by; `service` is the trace entry of the stream that it runs in."""

    phone: Phone
    argv: tuple[str, ...]
    stdin: Source
    stdout: Sink
    stderr: Sink
    environment: Mapping[str, str]
    service: Entry
    cwd: str = "/"
    pid: int = 0
    """Of the shell; a program that it was replaced by (`exec`) keeps it."""

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.argv[1:]

    @property
    def text(self) -> str:
        """The whole command that the client sent: faults are matched against it."""
        return self.service.detail

    def out(self, text: str) -> None:
        self.stdout.write(text.encode("utf-8", "surrogateescape"))

    def err(self, text: str) -> None:
        self.stderr.write(text.encode("utf-8", "surrogateescape"))

    def fail(self, message: str, rc: int = 1) -> int:
        """Prints `name: message` as toybox does, and is the exit status."""
        self.err(f"{self.argv[0]}: {message}\n")
        return rc

    def path(self, path: str) -> str:
        """The absolute path that an argument means."""
        return self.phone.files.path(path, self.cwd)

    async def wait(self, seconds: float) -> None:
        """Lets phone time pass; what was printed before goes out first."""
        await self.flush()
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def flush(self) -> None:
        await self.stdout.flush()
        await self.stderr.flush()


Program: TypeAlias = Callable[[Call], "int | Awaitable[int]"]
