"""The commands that live in the shell itself, because they change or read its state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from .conditions import ConditionError, evaluate
from .interpreter import NOT_FOUND, ExitShell, Shell, Streams
from .parser import parse
from .printf import printf, unescaped

Builtin: TypeAlias = Callable[[Shell, tuple[str, ...], Streams], Awaitable[int]]


def _print(streams: Streams, text: str) -> None:
    streams.stdout.write(text.encode("utf-8", "surrogateescape"))


def _complain(streams: Streams, name: str, message: str, rc: int) -> int:
    streams.stderr.write(f"/system/bin/sh: {name}: {message}\n".encode())
    return rc


async def _true(_shell: Shell, _argv: tuple[str, ...], _streams: Streams) -> int:
    return 0


async def _false(_shell: Shell, _argv: tuple[str, ...], _streams: Streams) -> int:
    return 1


async def _echo(_shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    words, newline, escapes = list(argv[1:]), True, False
    while words and words[0].startswith("-") and len(words[0]) > 1 and set(words[0][1:]) <= set("neE"):
        option = words.pop(0)
        newline = newline and "n" not in option
        escapes = (escapes or "e" in option) and "E" not in option
    text = " ".join(words)
    _print(streams, (unescaped(text) if escapes else text) + ("\n" if newline else ""))
    return 0


async def _printf(_shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    if len(argv) < 2:
        return _complain(streams, "printf", "missing format", 1)
    _print(streams, printf(argv[1], argv[2:]))
    return 0


async def _exit(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    if len(argv) > 1 and not argv[1].isdigit():
        raise ExitShell(_complain(streams, "exit", f"{argv[1]}: bad number", 2))
    raise ExitShell(int(argv[1]) & 255 if len(argv) > 1 else shell.status)


async def _export(shell: Shell, argv: tuple[str, ...], _streams: Streams) -> int:
    for word in argv[1:]:
        name, equals, value = word.partition("=")
        if equals:
            shell.variables[name] = value
        shell.exported.add(name)
    return 0


async def _unset(shell: Shell, argv: tuple[str, ...], _streams: Streams) -> int:
    for name in argv[1:]:
        shell.variables.pop(name, None)
        shell.exported.discard(name)
    return 0


async def _cd(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    target = argv[1] if len(argv) > 1 else "/"
    path = shell.phone.files.path(target, shell.cwd)
    found = shell.phone.files.stat(path)
    if found is None or not found.is_directory:
        return _complain(streams, "cd", f"{target}: No such file or directory", 2)
    shell.cwd = path
    return 0


async def _pwd(shell: Shell, _argv: tuple[str, ...], streams: Streams) -> int:
    _print(streams, shell.cwd + "\n")
    return 0


async def _read(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """Reads one line into variables: the last one takes the rest. Exit status 1 at the end of the input."""
    names = [word for word in argv[1:] if not word.startswith("-")] or ["REPLY"]
    raw = any("r" in word for word in argv[1:] if word.startswith("-"))
    line = (await streams.stdin.read_line()).decode("utf-8", "surrogateescape")
    text = line.removesuffix("\n")
    if not raw:
        text = text.replace("\\", "")
    words = text.strip(" \t").split(None, len(names) - 1) if len(names) > 1 else [text.strip(" \t")]
    for number, name in enumerate(names):
        shell.variables[name] = words[number].rstrip(" \t") if number < len(words) else ""
    return 0 if line.endswith("\n") else 1


async def _test(_shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    operands = list(argv[1:])
    if argv[0] == "[" and (not operands or operands.pop() != "]"):
        return _complain(streams, "[", "missing ]", 2)
    try:
        return 0 if evaluate(operands, _shell.phone.files, _shell.cwd) else 1
    except ConditionError as error:
        return _complain(streams, argv[0], str(error), 2)


async def _command(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """`command -v NAME` tells where a command is; `command NAME ..` runs it."""
    if len(argv) > 2 and argv[1] in ("-v", "-V"):
        return await _locate(shell, argv[2:], streams)
    return await shell.execute(argv[1:], streams, {}) if len(argv) > 1 else 0


async def _locate(shell: Shell, names: tuple[str, ...], streams: Streams) -> int:
    rc = 0
    for name in names:
        if name in BUILTINS and name not in _PROGRAMS:
            _print(streams, name + "\n")
        elif name in _PROGRAMS or shell.phone.program(name) is not None:
            _print(streams, name + "\n" if "/" in name else f"/system/bin/{name}\n")
        else:
            rc = 1
    return rc


async def _type(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    rc = 0
    for name in argv[1:]:
        if name in BUILTINS:
            _print(streams, f"{name} is a shell builtin\n")
        elif shell.phone.program(name) is not None:
            _print(streams, f"{name} is /system/bin/{name}\n")
        else:
            rc = _complain(streams, "type", f"{name}: not found", 1)
    return rc


async def _exec(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """Replaces the shell: what follows it is never run."""
    if len(argv) == 1:
        return 0
    raise ExitShell(await shell.execute(argv[1:], streams, {}))


async def _eval(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    return await shell.script(parse(" ".join(argv[1:])), streams)


async def _sh(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """A shell of its own: `sh -c SCRIPT [NAME ARG..]`, `sh FILE [ARG..]`, or the script on its input."""
    exported = {name: value for name, value in shell.variables.items() if name in shell.exported}
    child = Shell(shell.phone, shell.service, streams.stderr, exported)
    child.cwd = shell.cwd
    if len(argv) > 2 and argv[1] == "-c":
        child.arguments = argv[4:]
        return await child.run(argv[2], streams)
    if len(argv) > 1:
        path = shell.phone.files.path(argv[1], shell.cwd)
        if shell.phone.files.stat(path) is None:
            return _complain(streams, argv[1], "No such file or directory", NOT_FOUND)
        child.arguments = argv[2:]
        return await child.run(shell.phone.files.read(path).decode("utf-8", "surrogateescape"), streams)
    return await child.run((await streams.stdin.read_all()).decode("utf-8", "surrogateescape"), streams)


async def _prefix(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """`nohup`, `setsid`, `time`: run what follows them."""
    return await shell.execute(argv[1:], streams, {}) if len(argv) > 1 else 0


async def _timeout(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    words = [word for word in argv[1:] if not word.startswith("-")]
    if len(words) < 2:
        return _complain(streams, "timeout", "Need 2 arguments", 125)
    try:
        async with asyncio.timeout(float(words[0].rstrip("s"))):
            return await shell.execute(tuple(words[1:]), streams, {})
    except TimeoutError:
        return 124


async def _shift(shell: Shell, argv: tuple[str, ...], _streams: Streams) -> int:
    shell.arguments = shell.arguments[int(argv[1]) if len(argv) > 1 else 1 :]
    return 0


async def _set(shell: Shell, argv: tuple[str, ...], _streams: Streams) -> int:
    if "--" in argv:
        shell.arguments = argv[argv.index("--") + 1 :]
    return 0


async def _kill(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """`kill -0 PID` tells whether a shell runs, or what a tool started; any other signal ends the latter. Nothing else
    of the phone belongs to its user."""
    *signals, pid = argv[1:] or ("",)
    if len(signals) > 1 or not pid.isdigit():
        return _complain(streams, "kill", "`kill [-SIGNAL] PID` is known here", 2)
    tools = shell.phone.processes
    if signals == ["-0"]:
        there = int(pid) in shell.phone.shells or any(tool.pid == int(pid) for tool in tools.all())
    else:
        there = tools.kill(int(pid))
    return 0 if there else _complain(streams, "kill", f"{pid}: No such process", 1)


async def _toybox(shell: Shell, argv: tuple[str, ...], streams: Streams) -> int:
    """`toybox NAME ..` runs its applet; Android 5 and older have no toybox, all profiles here do."""
    if len(argv) == 1:
        _print(streams, "cat cp date df echo grep head id ls md5sum mkdir mv ps rm sync tail true wc\n")
        return 0
    return await shell.execute(argv[1:], replace(streams), {})


BUILTINS: dict[str, Builtin] = {
    ":": _true,
    "[": _test,
    "cd": _cd,
    "command": _command,
    "echo": _echo,
    "eval": _eval,
    "exec": _exec,
    "exit": _exit,
    "export": _export,
    "false": _false,
    "kill": _kill,
    "nohup": _prefix,
    "printf": _printf,
    "pwd": _pwd,
    "read": _read,
    "set": _set,
    "setsid": _prefix,
    "sh": _sh,
    "shift": _shift,
    "test": _test,
    "time": _prefix,
    "timeout": _timeout,
    "toybox": _toybox,
    "true": _true,
    "type": _type,
    "umask": _true,
    "unset": _unset,
    "wait": _true,
}
BUILTINS["/system/bin/sh"] = _sh
_PROGRAMS = frozenset({"nohup", "setsid", "sh", "timeout", "toybox"})
"""Run by the shell here, but programs in a folder on a phone."""
