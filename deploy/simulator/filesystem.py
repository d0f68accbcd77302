"""The files of a simulated phone: in memory, with a limit, shared by shell and sync."""

from __future__ import annotations

import fnmatch
import posixpath
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_DIRECTORIES = (
    "/",
    "/cache",
    "/data",
    "/data/app",
    "/data/local",
    "/data/local/tmp",
    "/dev",
    "/proc",
    "/sdcard",
    "/sdcard/Android",
    "/sdcard/DCIM",
    "/sdcard/Download",
    "/sdcard/Pictures",
    "/storage",
    "/system",
    "/system/bin",
    "/vendor",
)
_ALIASES = ("/storage/emulated/0", "/storage/self/primary", "/mnt/sdcard")
_READ_ONLY = ("/system", "/vendor", "/proc")
DEFAULT_LIMIT_BYTES = 512 * 1024 * 1024
_BLOCK_BYTES = 4096


class FileError(Exception):
    """A file operation that failed; the text is what a phone prints after `path: `."""


@dataclass(slots=True)
class File:
    content: bytes | bytearray
    modified_s: int
    mode: int = 0o660


@dataclass(slots=True)
class Stat:
    mode: int
    size_bytes: int
    modified_s: int

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


@dataclass
class FileSystem:
    """`full` is asked with each path that is written: True makes the write fail (a fault hook). `made` gives the
    content of files that are kept elsewhere (package files of apps), None for any other path."""

    limit_bytes: int = DEFAULT_LIMIT_BYTES
    full: Callable[[str], bool] = lambda _path: False
    made: Callable[[str], bytes | None] = lambda _path: None
    _files: dict[str, File] = field(default_factory=dict)
    _directories: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_DIRECTORIES, int(time.time())))
    used_bytes: int = 0

    @staticmethod
    def path(path: str, cwd: str = "/") -> str:
        """Absolute and normal; the names that Android has for shared storage become `/sdcard`."""
        whole = posixpath.normpath(posixpath.join(cwd, path))
        if whole.startswith("//"):
            whole = whole[1:]
        for alias in _ALIASES:
            if whole == alias or whole.startswith(alias + "/"):
                return "/sdcard" + whole[len(alias) :]
        return whole

    def stat(self, path: str) -> Stat | None:
        path = self.path(path)
        if (file := self._files.get(path)) is not None:
            return Stat(stat.S_IFREG | file.mode, len(file.content), file.modified_s)
        if path in self._directories:
            return Stat(stat.S_IFDIR | 0o771, _BLOCK_BYTES, self._directories[path])
        if (content := self.made(path)) is not None:
            return Stat(stat.S_IFREG | 0o644, len(content), 0)
        return None

    def read(self, path: str) -> bytes:
        file = self._files.get(self.path(path))
        if file is None:
            if (content := self.made(self.path(path))) is not None:
                return content
            raise FileError("Is a directory" if self.path(path) in self._directories else "No such file or directory")
        if isinstance(file.content, bytearray):
            file.content = bytes(file.content)
        return file.content

    def write(self, path: str, content: bytes, modified_s: int | None = None, mode: int = 0o660) -> None:
        """Makes or replaces a file; its folder must exist."""
        path = self._writable(path)
        old = self._files.get(path)
        self._grow(path, len(content) - (len(old.content) if old is not None else 0))
        self._files[path] = File(content, int(time.time()) if modified_s is None else modified_s, mode)

    def mount(self, path: str, content: bytes) -> None:
        """A file of the kernel: takes no space and is not written."""
        self._files[path] = File(content, int(time.time()), 0o444)

    def unmount(self, path: str) -> None:
        self._files.pop(path, None)

    def append(self, path: str, content: bytes) -> None:
        path = self._writable(path)
        self._grow(path, len(content))
        file = self._files.setdefault(path, File(bytearray(), 0))
        if isinstance(file.content, bytes):
            file.content = bytearray(file.content)
        file.content += content
        file.modified_s = int(time.time())

    def make_directory(self, path: str, parents: bool = False) -> None:
        path = self.path(path)
        if self.stat(path) is not None:
            if parents and path in self._directories:
                return
            raise FileError("File exists")
        parent = posixpath.dirname(path)
        if parent not in self._directories:
            if not parents:
                raise FileError("No such file or directory")
            self.make_directory(parent, parents=True)
        self._writable(path)
        self._directories[path] = int(time.time())

    def move(self, source: str, target: str) -> None:
        """Atomically, as rename(2) is; into `target` where that is a folder."""
        source, target = self.path(source), self.path(target)
        if target in self._directories:
            target = posixpath.join(target, posixpath.basename(source))
        if source in self._directories:
            raise FileError("Operation not permitted")
        if source not in self._files:
            raise FileError("No such file or directory")
        target = self._writable(target)
        if (replaced := self._files.get(target)) is not None and target != source:
            self.used_bytes -= len(replaced.content)
        self._files[target] = self._files.pop(source)

    def remove(self, path: str, recursive: bool = False) -> None:
        path = self.path(path)
        if (file := self._files.get(path)) is not None:
            self._writable(path)
            del self._files[path]
            self.used_bytes -= len(file.content)
            return
        if path not in self._directories:
            raise FileError("No such file or directory")
        if not recursive:
            raise FileError("Is a directory")
        inside = path + "/"
        for name in [name for name in self._files if name.startswith(inside)]:
            self.used_bytes -= len(self._files.pop(name).content)
        for name in [name for name in self._directories if name == path or name.startswith(inside)]:
            del self._directories[name]

    def children(self, path: str) -> list[str]:
        """Names in a folder, sorted."""
        path = self.path(path)
        if path not in self._directories:
            raise FileError("Not a directory" if path in self._files else "No such file or directory")
        inside = path.rstrip("/") + "/"
        names = {name[len(inside) :].split("/")[0] for name in self._files if name.startswith(inside)}
        names |= {name[len(inside) :].split("/")[0] for name in self._directories if name.startswith(inside)}
        return sorted(names - {""})

    def glob(self, pattern: str, cwd: str = "/") -> list[str]:
        """Paths that match a shell pattern, in its own style (absolute or not), sorted."""
        absolute = self.path(posixpath.dirname(pattern) or ".", cwd)
        prefix = pattern[: len(pattern) - len(posixpath.basename(pattern))]
        if self.stat(absolute) is None or any(character in prefix for character in "*?["):
            return []
        tail = posixpath.basename(pattern)
        return [
            prefix + name
            for name in self.children(absolute)
            if fnmatch.fnmatchcase(name, tail) and (tail.startswith(".") or not name.startswith("."))
        ]

    def _writable(self, path: str) -> str:
        path = self.path(path)
        if path.startswith(_READ_ONLY):
            raise FileError("Read-only file system")
        if path in self._directories:
            raise FileError("Is a directory")
        if posixpath.dirname(path) not in self._directories:
            raise FileError("No such file or directory")
        return path

    def _grow(self, path: str, by_bytes: int) -> None:
        if self.full(path) or self.used_bytes + by_bytes > self.limit_bytes:
            raise FileError("No space left on device")
        self.used_bytes += by_bytes
