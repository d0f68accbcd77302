"""Single entries of package files on a phone: of a ZIP of any size, only the parts that are needed are read."""

from __future__ import annotations

import asyncio
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

TAIL_BYTES = 65_557
"""Where a ZIP's end is looked for: its record with the longest comment."""
LARGEST_PART_BYTES = 32 * 1024 * 1024
_PADDING_BYTES = 4_096
"""Entries are aligned by filling their local headers."""
_ROUNDS = 8

ReadPart = Callable[[str, int, int], Awaitable[bytes]]
"""`read(path, start, length)`: a part of a file of the phone; raises `AdbError`."""


class UnreadableError(Exception):
    """What lies there is no ZIP, or holds more than is read."""


class _AbsentError(Exception):
    """A part that is needed is not here yet."""

    def __init__(self, start: int, length: int) -> None:
        super().__init__(start, length)
        self.start, self.length = start, length


@dataclass
class _Pieces:
    """A file for `zipfile` of which only pieces are here."""

    size: int
    at: int = 0
    pieces: list[tuple[int, bytes]] = field(default_factory=list)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = max(offset + (0, self.at, self.size)[whence], 0)
        return self.at

    def read(self, length: int = -1) -> bytes:
        end = self.size if length < 0 else min(self.at + length, self.size)
        found = self.part(self.at, max(end - self.at, 0))
        self.at += len(found)
        return found

    def part(self, start: int, length: int) -> bytes:
        """Raises `_AbsentError` where it is not here whole."""
        for begin, piece in self.pieces:
            if begin <= start and start + length <= begin + len(piece):
                return piece[start - begin : start - begin + length]
        raise _AbsentError(start, length)


class PackageFile:
    """An APK on a phone, `size` bytes long."""

    def __init__(self, path: str, size: int, read: ReadPart) -> None:
        self._path, self._read = path, read
        self._pieces = _Pieces(size)

    async def entry(self, name: str) -> bytes | None:
        """An entry, unpacked; None where there is none of this name. Raises `UnreadableError`, `AdbError`."""
        for _ in range(_ROUNDS):
            try:
                return await asyncio.to_thread(_entry, self._pieces, name)
            except _AbsentError as need:
                await self._fetch(need.start, need.length)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
                raise UnreadableError(f"{self._path}: {error}") from error
        raise UnreadableError(f"{self._path}: {name} lies in too many parts")

    async def _fetch(self, start: int, length: int) -> None:
        if length > LARGEST_PART_BYTES:
            raise UnreadableError(f"{self._path}: a part of {length} bytes, {LARGEST_PART_BYTES} is the most")
        size = self._pieces.size
        if start + length + TAIL_BYTES >= size:
            start, length = max(min(start, size - TAIL_BYTES), 0), size
        end = min(start + length, size)
        self._pieces.pieces.append((start, await self._read(self._path, start, end - start)))


def _entry(pieces: _Pieces, name: str) -> bytes | None:
    pieces.at = 0
    with zipfile.ZipFile(pieces) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            return None
        if info.file_size > LARGEST_PART_BYTES:
            raise UnreadableError(f"{name} is {info.file_size} bytes long, {LARGEST_PART_BYTES} is the most")
        begin = info.header_offset
        length = 30 + len(info.orig_filename.encode()) + _PADDING_BYTES + info.compress_size
        pieces.part(begin, max(min(length, pieces.size - begin), 0))
        return archive.read(info)
