"""The toybox programs that scripts on a phone use with files."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable

from deploy.simulator.filesystem import FileError
from deploy.simulator.shell.call import Call, Program

_MAX_SLEEP_S = 3600.0


def split_options(arguments: tuple[str, ...], with_value: str = "") -> tuple[dict[str, str], list[str]]:
    """Single-letter options (those of `with_value` take one) and what is left."""
    options: dict[str, str] = {}
    rest: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            return options, rest + words
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in with_value:
                options[letter] = letters or (words.pop(0) if words else "")
                break
            options[letter] = ""
    return options, rest


def _each(call: Call, names: list[str], act: Callable[[str], None]) -> int:
    """Does it for every name; one that fails is told and makes the exit status 1."""
    rc = 0
    for name in names:
        try:
            act(name)
        except FileError as error:
            rc = call.fail(f"{name}: {error}")
    return rc


async def _cat(call: Call) -> int:
    names = [word for word in call.arguments if not word.startswith("-") or word == "-"]
    if not names or names == ["-"]:
        while data := await call.stdin.read():
            call.stdout.write(data)
            await call.stdout.flush()
        return 0
    return _each(call, names, lambda name: call.stdout.write(read_content(call, name)))


def read_content(call: Call, name: str) -> bytes:
    """The bytes of a file, or of the few that the kernel makes up; FileError where there is none."""
    path = call.path(name)
    if path == "/proc/uptime":
        return f"{call.phone.uptime_s:.2f} {call.phone.uptime_s:.2f}\n".encode()
    if path == "/proc/meminfo":
        return b"MemTotal:        5825468 kB\nMemFree:          350132 kB\nMemAvailable:    2862464 kB\n"
    return call.phone.files.read(path)


def _rm(call: Call) -> int:
    options, names = split_options(call.arguments)
    recursive = "r" in options or "R" in options

    def one(name: str) -> None:
        if call.phone.files.stat(call.path(name)) is None and "f" in options:
            return
        call.phone.files.remove(call.path(name), recursive)

    return _each(call, names, one)


def _mv(call: Call) -> int:
    _, names = split_options(call.arguments)
    if len(names) < 2:
        return call.fail("Needs 2 arguments")
    return _each(call, names[:-1], lambda name: call.phone.files.move(call.path(name), call.path(names[-1])))


def _cp(call: Call) -> int:
    _, names = split_options(call.arguments)
    if len(names) < 2:
        return call.fail("Needs 2 arguments")
    target = call.path(names[-1])
    found = call.phone.files.stat(target)
    folder = found is not None and found.is_directory

    def one(name: str) -> None:
        path = posixpath.join(target, posixpath.basename(name)) if folder else target
        call.phone.files.write(path, call.phone.files.read(call.path(name)))

    return _each(call, names[:-1], one)


def _mkdir(call: Call) -> int:
    options, names = split_options(call.arguments, with_value="m")
    return _each(call, names, lambda name: call.phone.files.make_directory(call.path(name), "p" in options))


def _rmdir(call: Call) -> int:
    _, names = split_options(call.arguments)

    def one(name: str) -> None:
        path = call.path(name)
        found = call.phone.files.stat(path)
        if found is None:
            raise FileError("No such file or directory")
        if not found.is_directory:
            raise FileError("Not a directory")
        if call.phone.files.children(path):
            raise FileError("Directory not empty")
        call.phone.files.remove(path, recursive=True)

    return _each(call, names, one)


def _touch(call: Call) -> int:
    _, names = split_options(call.arguments)
    return _each(call, names, lambda name: call.phone.files.append(call.path(name), b""))


def _ls(call: Call) -> int:
    options, names = split_options(call.arguments)
    rc = 0
    for name in names or ["."]:
        path = call.path(name)
        found = call.phone.files.stat(path)
        if found is None:
            rc = call.fail(f"{name}: No such file or directory")
        elif found.is_directory and "d" not in options:
            for child in call.phone.files.children(path):
                call.out(_listed(call, posixpath.join(path, child), child, "l" in options))
        else:
            call.out(_listed(call, path, name, "l" in options))
    return rc


def _listed(call: Call, path: str, name: str, long: bool) -> str:
    found = call.phone.files.stat(path)
    if not long or found is None:
        return name + "\n"
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(found.modified_s))
    mode = "drwxrwx--x" if found.is_directory else "-rw-rw----"
    if call.phone.profile.toolbox:
        size = "" if found.is_directory else str(found.size_bytes)
        return f"{mode} shell    shell    {size:>12} {when} {name}\n"
    return f"{mode} 1 shell shell {found.size_bytes:>8} {when} {name}\n"


async def _sleep(call: Call) -> int:
    try:
        seconds = sum(float(word.rstrip("s")) for word in call.arguments)
    except ValueError:
        return call.fail(f"bad number '{call.arguments[0]}'")
    await call.wait(min(seconds, _MAX_SLEEP_S))
    return 0


def _nothing(_call: Call) -> int:
    return 0


def _basename(call: Call) -> int:
    if not call.arguments:
        return call.fail("Needs 1 argument")
    name = posixpath.basename if call.argv[0].endswith("basename") else posixpath.dirname
    call.out((name(call.arguments[0].rstrip("/")) or ".") + "\n")
    return 0


def _df(call: Call) -> int:
    files = call.phone.files
    if call.phone.profile.toolbox:
        return _df_of_toolbox(call)
    total, used = files.limit_bytes // 1024, files.used_bytes // 1024
    call.out("Filesystem     1K-blocks    Used Available Use% Mounted on\n")
    for device, mount in (("/dev/block/dm-5", "/data"), ("/dev/fuse", "/storage/emulated")):
        share = used * 100 // total if total else 100
        call.out(f"{device:<14} {total:>9} {used:>7} {total - used:>9} {share:>3}% {mount}\n")
    return 0


def _df_of_toolbox(call: Call) -> int:
    """Android 6 takes every word for a folder, and no options at all."""
    files, rc = call.phone.files, 0
    call.out("Filesystem               Size     Used     Free   Blksize\n")
    for folder in call.arguments or ("/data", "/storage/emulated"):
        if not folder.startswith("/"):
            call.err(f"{folder}: No such file or directory\n")
            rc = 1
            continue
        sizes = (files.limit_bytes, files.used_bytes, files.limit_bytes - files.used_bytes)
        call.out(f"{folder:<20}" + "".join(f"{_readable(size):>9}" for size in sizes) + "   4096\n")
    return rc


def _readable(size_bytes: int) -> str:
    size = size_bytes / 1024
    for unit in "KM":
        if size < 1024:
            return f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}G"


PROGRAMS: dict[str, Program] = {
    "basename": _basename,
    "cat": _cat,
    "chmod": _nothing,
    "cp": _cp,
    "df": _df,
    "dirname": _basename,
    "ls": _ls,
    "mkdir": _mkdir,
    "mv": _mv,
    "rm": _rm,
    "rmdir": _rmdir,
    "sleep": _sleep,
    "sync": _nothing,
    "touch": _touch,
}
