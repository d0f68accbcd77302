"""The interface of a source, and what a source needs of a phone."""

from __future__ import annotations

from typing import Protocol

from services.device_agent.adb.client import ShellResult
from services.device_agent.meanwhile import Keep
from services.device_agent.reading import Reading, Shot, Source

READING_TIMEOUT_S = 15.0
"""For windows and the closing picture, and for a hierarchy of the server, which waits for nothing."""


class Device(Protocol):
    """A phone, as a source sees it."""

    serial: str

    @property
    def api(self) -> int: ...

    async def shell(self, cmd: str, timeout_s: float, name: str) -> ShellResult: ...

    async def heartbeat(self) -> float:
        """Raises where the phone does not answer."""
        ...


class HierarchySource(Protocol):
    """Reads the hierarchy of the window in front together with what is around it."""

    @property
    def name(self) -> Source: ...

    async def read(self, before: Shot, on_hierarchy: Keep | None = None) -> Reading:
        """The reading that belongs to the picture `before`; it ends with a closing picture, where `before` is one.

        A source that has the hierarchy before the rest calls `on_hierarchy` with it, beside the rest.

        A hierarchy that the phone does not give is a reason in the reading. Raises `SourceFailedError` where the source
        itself does not work, and `AdbError` where the phone has gone or is frozen.
        """
        ...

    async def stop(self, *, reachable: bool = True) -> None:
        """Leaves nothing running on the phone; one that is known not to answer is not asked. That it has gone is no
        error."""
        ...


class SourceFailedError(Exception):
    """A source that cannot read now. `held`: because another tool has UiAutomation, which the message names."""

    def __init__(self, message: str, held: bool = False) -> None:
        super().__init__(message)
        self.held = held
