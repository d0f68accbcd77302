"""The normal form of a native crash, from the block that `crash_dump` writes to the log and into a tombstone. Pure.

Addresses, offsets, build ids and install folders differ between two phones, and so do the frames of the runtime that
lie between. What stays: the signal, the app's own libraries with their symbols, the app's Java methods below them. A
library of the app without symbols has only the place within the file (`pc`) to tell its crashes apart, and that is the
same wherever this build of it runs; in libraries of the system it is not, and is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.device_agent import stacks

_SIGNAL = re.compile(r"signal \d+ \((?P<signal>SIG\w+)\)")
_ABORT = re.compile(r"Abort message: '?(?P<text>.*?)'?$")
_FRAME = re.compile(
    r"^\s*(?:native: )?#\d+\s+pc\s+(?P<pc>[0-9a-fA-F]+)\s+(?P<file>\[[^\]]*\]|<[^>]*>|\S+)"
    r"(?:\s+\(offset 0x[0-9a-fA-F]+\))?(?:\s+\((?!BuildId)(?P<symbol>.*))?"
)
_AFTER_SYMBOL = re.compile(r"(?:\+\d+)?\)?(?:\s+\(BuildId:.*)?$")
_JAVA = re.compile(r"^[a-z][\w]*(?:\.[\w$<>-]+)+$")
_ABORT_CHARS = 120


@dataclass(frozen=True)
class _Frame:
    file: str
    pc: str
    symbol: str

    @property
    def is_java(self) -> bool:
        return _JAVA.match(self.symbol) is not None

    @property
    def is_own(self) -> bool:
        if self.is_java:
            return not stacks.is_framework(self.symbol)
        return self.file.startswith(("/data/app/", "/data/data/", "/data/user/", "/mnt/"))

    @property
    def name(self) -> str:
        if self.is_java:
            return self.symbol
        library = self.file.rpartition("/")[2].rpartition("!")[2]
        if self.symbol:
            return f"{library} {self.symbol}"
        return f"{library}+{self.pc.lstrip('0') or '0'}" if self.is_own else library


def normalise(lines: Sequence[str]) -> str:
    """The normal form: signal, then frames; with the abort message, masked, where no frame is the app's."""
    signal = next((found["signal"] for line in lines if (found := _SIGNAL.search(line))), "native crash")
    frames = _backtrace(lines)
    first = next((at for at, frame in enumerate(frames) if frame.is_own), None)
    if first is None:
        abort = next((found["text"] for line in lines if (found := _ABORT.search(line))), "")
        told = [stacks.masked(abort)[:_ABORT_CHARS]] if abort else []
        names = [*told, *(f"at {frame.name}" for frame in frames)]
    else:
        called = [] if first == 0 else [frames[first - 1]]
        names = [f"at {frame.name}" for frame in [*called, *(frame for frame in frames[first:] if frame.is_own)]]
    return "\n".join([signal, *list(dict.fromkeys(names))[: stacks.FRAMES_KEPT]])


def _backtrace(lines: Sequence[str]) -> list[_Frame]:
    """The frames of the thread that crashed: those of the others come after it, and begin again at #00."""
    frames: list[_Frame] = []
    for line in lines:
        found = _FRAME.match(line)
        if found is None:
            continue
        if frames and line.lstrip().removeprefix("native: ").startswith("#00 "):
            break
        symbol = _AFTER_SYMBOL.sub("", found["symbol"] or "")
        frames.append(_Frame(found["file"], found["pc"], stacks.stable(_without_arguments(symbol))))
    return frames


def _without_arguments(symbol: str) -> str:
    """`draw(int, char*)` as `draw`: demanglers differ in how they write types."""
    return symbol if symbol.startswith("operator") else symbol.partition("(")[0].strip()
