"""The live view of a run in a terminal: facts, the latest events, and above them the phone's picture if it can."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from services.cli.live.spotlight import Spotlight, drawn
from services.cli.live.terminal import CLEAR, ENTER, LEAVE, Graphics, picture
from services.runtime.objects import MissingObjectError, Objects, StoreAwayError

_WIDTH_PX = 480
_PANEL_ROWS = 20
_LEAST_ROWS, _MOST_ROWS = 8, 30


class LiveView:
    """Entered for as long as a run is watched. Without graphics it leaves the terminal's lines as they are."""

    def __init__(self, console: Console, graphics: Graphics, objects: Objects | None) -> None:
        self._console, self._graphics, self._objects = console, graphics, objects
        self._live = Live(console=console, refresh_per_second=8, transient=True) if objects is None else None
        self._drawn: tuple[str, object] = ("", None)
        self._picture = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        else:
            self._write(ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        else:
            self._write(LEAVE)

    async def show(self, panel: RenderableType, shown: Spotlight) -> None:
        """The run as it is now. A picture that is not there is left out: the run goes on without it."""
        if self._live is not None:
            self._live.update(panel)
            return
        picture_now = await self._current(shown)
        with self._console.capture() as capture:
            self._console.print(panel)
        self._write(CLEAR + picture_now + capture.get())

    async def _current(self, shown: Spotlight) -> str:
        if shown.picture is None or self._objects is None:
            return ""
        now = (shown.picture.key, shown.point)
        if now != self._drawn:
            try:
                png = await self._objects.get(shown.picture.key)
            except (MissingObjectError, StoreAwayError):
                return self._picture
            small = drawn(png, shown, _WIDTH_PX)
            rows = min(max(self._console.height - _PANEL_ROWS, _LEAST_ROWS), _MOST_ROWS)
            self._picture = "" if small is None else picture(small, self._graphics, rows)
            self._drawn = now
        return self._picture

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()
