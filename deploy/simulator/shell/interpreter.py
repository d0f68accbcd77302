"""Runs parsed scripts against a phone, one shell process per service."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from deploy.simulator.faults import FaultKind
from deploy.simulator.filesystem import FileError
from deploy.simulator.stream import StreamClosedError
from deploy.simulator.trace import Entry, Kind

from .call import Call
from .expander import Expander, ExpansionError, environment
from .parser import parse
from .streams import Bytes, Capture, FileSink, Null, Pipe, ReaderGoneError, Sink, Source
from .tree import (
    AndOr,
    Command,
    For,
    Group,
    If,
    Loop,
    Pipeline,
    Redirect,
    Script,
    ShellSyntaxError,
    Simple,
    Substitution,
)

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

NOT_FOUND, CANNOT_RUN, BROKEN_PIPE = 127, 126, 141


class ExitShell(Exception):  # noqa: N818  not an error: `exit`
    def __init__(self, rc: int) -> None:
        super().__init__(rc)
        self.rc = rc


@dataclass(slots=True)
class Streams:
    """Standard input, output and error."""

    stdin: Source
    stdout: Sink
    stderr: Sink


class Shell(Expander):
    """One shell process: its variables and what it is connected to."""

    def __init__(self, phone: Phone, service: Entry, stderr: Sink, variables: dict[str, str] | None = None) -> None:
        super().__init__(environment() if variables is None else variables, pid=10_000 + service.seq % 20_000)
        self.phone = phone
        self.service = service
        self.stderr = stderr
        self.exported = set(self.variables)
        self.cwd = "/"

    async def run(self, source: str, streams: Streams) -> int:
        """Runs a script and is its exit status, as `sh -c` would."""
        try:
            return await self.script(parse(source), streams)
        except ShellSyntaxError as error:
            streams.stderr.write(f"/system/bin/sh: {error}\n".encode())
            return 1
        except ExpansionError as error:
            streams.stderr.write(f"/system/bin/sh: {error}\n".encode())
            return 1
        except ExitShell as end:
            return end.rc
        except ReaderGoneError:
            return BROKEN_PIPE

    async def script(self, script: Script, streams: Streams) -> int:
        for item in script.items:
            if item.background:
                self.phone.background(self._subshell().run_item(item, replace(streams, stdin=Bytes())))
                self.status = 0
            else:
                await self.run_item(item, streams)
        return self.status

    async def run_item(self, item: AndOr, streams: Streams) -> int:
        self.status = await self._pipeline(item.first, streams)
        for joint, pipeline in item.rest:
            if (self.status == 0) == (joint == "&&"):
                self.status = await self._pipeline(pipeline, streams)
        return self.status

    def _subshell(self) -> Shell:
        shell = Shell(self.phone, self.service, self.stderr, dict(self.variables))
        shell.exported, shell.arguments, shell.cwd, shell.status = (
            set(self.exported),
            self.arguments,
            self.cwd,
            self.status,
        )
        return shell

    async def _pipeline(self, pipeline: Pipeline, streams: Streams) -> int:
        if len(pipeline.commands) == 1:
            rc = await self.command(pipeline.commands[0], streams)
        else:
            rc = await self._piped(pipeline.commands, streams)
        return int(rc == 0) if pipeline.negated else rc

    async def _piped(self, commands: Sequence[Command], streams: Streams) -> int:
        pipes = [Pipe() for _ in commands[1:]]
        sources, sinks = [streams.stdin, *pipes], [*pipes, streams.stdout]

        async def stage(number: int, command: Command) -> int:
            try:
                shell = self._subshell()
                return await shell.command(command, Streams(sources[number], sinks[number], streams.stderr))
            except ExitShell as end:
                return end.rc
            except (ShellSyntaxError, ExpansionError) as error:
                streams.stderr.write(f"/system/bin/sh: {error}\n".encode())
                return 1
            except ReaderGoneError:
                return BROKEN_PIPE
            finally:
                if number:
                    pipes[number - 1].close_reader()
                if number < len(pipes):
                    pipes[number].close_writer()

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(stage(number, command)) for number, command in enumerate(commands)]
        except ExceptionGroup as failures:
            if failures.split(StreamClosedError)[1] is None:
                raise StreamClosedError from None  # The client has gone, as every stage that printed noticed.
            raise
        return tasks[-1].result()

    async def command(self, command: Command, streams: Streams) -> int:
        if isinstance(command, Simple):
            return await self._simple(command, streams)
        try:
            streams = await self._redirected(command.redirects, streams)
        except FileError as error:
            streams.stderr.write(f"/system/bin/sh: {error}\n".encode())
            return 1
        match command:
            case Group():
                return await self._group(command, streams)
            case If():
                for condition, body in command.branches:
                    if await self.script(condition, streams) == 0:
                        return await self.script(body, streams)
                return 0 if command.otherwise is None else await self.script(command.otherwise, streams)
            case Loop():
                rc = 0
                while (await self.script(command.condition, streams) == 0) != command.until:
                    rc = await self.script(command.body, streams)
                    await streams.stdout.flush()
                return rc
            case For():
                rc = 0
                for value in await self.fields(command.words):
                    self.variables[command.name] = value
                    rc = await self.script(command.body, streams)
                    await streams.stdout.flush()
                return rc
            case _:
                assert_never(command)

    async def _group(self, group: Group, streams: Streams) -> int:
        if not group.subshell:
            return await self.script(group.body, streams)
        try:
            return await self._subshell().script(group.body, streams)
        except ExitShell as end:
            return end.rc

    async def _simple(self, command: Simple, streams: Streams) -> int:
        # Two shells of a phone run at the same time: between two commands the other one gets its turn.
        await asyncio.sleep(0)
        argv = await self.fields(command.words)
        try:
            streams = await self._redirected(command.redirects, streams)
        except FileError as error:
            streams.stderr.write(f"/system/bin/sh: {error}\n".encode())
            return 1
        values = {}
        for name, word in command.assignments:
            values[name] = await self.value(word)
        if not argv:
            self.variables.update(values)
            return self.status if command.assignments and _substitutes(command) else 0
        return await self.execute(tuple(argv), streams, values)

    async def execute(self, argv: tuple[str, ...], streams: Streams, values: dict[str, str]) -> int:
        """Runs a builtin or a program of the phone."""
        from .builtins import BUILTINS

        if (builtin := BUILTINS.get(argv[0])) is not None:
            self.variables.update(values)
            try:
                return await builtin(self, argv, streams)
            except FileError as error:
                streams.stderr.write(f"/system/bin/sh: {argv[0]}: {error}\n".encode())
                return 1
        if (fault := self.phone.faults.take(FaultKind.DROP_DURING, self.service.detail, program=argv[0])) is not None:
            await self.phone.break_transport(fault, self.service)
        return await self._program(argv, streams, values)

    async def _program(self, argv: tuple[str, ...], streams: Streams, values: dict[str, str]) -> int:
        program = self.phone.program(argv[0])
        entry = self.phone.trace.add(Kind.PROGRAM, " ".join(argv), self.service.seq)
        if program is None:
            streams.stderr.write(f"/system/bin/sh: {argv[0]}: inaccessible or not found\n".encode())
            self.phone.trace.end(entry, NOT_FOUND)
            return NOT_FOUND
        environment = {name: self.variables[name] for name in self.exported if name in self.variables} | values
        call = Call(
            self.phone,
            argv,
            streams.stdin,
            streams.stdout,
            streams.stderr,
            environment,
            self.service,
            self.cwd,
            self.pid,
        )
        rc: int | None = None
        try:
            result = program(call)
            rc = await result if inspect.isawaitable(result) else result
        except FileError as error:
            rc = call.fail(str(error))
        finally:
            self.phone.trace.end(entry, rc)
        return rc

    async def _redirected(self, redirects: tuple[Redirect, ...], streams: Streams) -> Streams:
        if not redirects:
            return streams
        streams = replace(streams)
        for redirect in redirects:
            target = await self.value(redirect.target)
            if redirect.operator == "<":
                streams.stdin = Bytes() if target == "/dev/null" else Bytes(self._read(target))
                continue
            if redirect.operator == "<&":
                continue
            if redirect.operator == ">&":
                sink: Sink = {"1": streams.stdout, "2": streams.stderr}.get(target, Null())
            else:
                sink = self._open(target, append=redirect.operator == ">>", streams=streams)
            if redirect.descriptor == 2 or redirect.both:
                streams.stderr = sink
            if redirect.descriptor == 1:
                streams.stdout = sink
        return streams

    def _read(self, target: str) -> bytes:
        try:
            return self.phone.files.read(self.phone.files.path(target, self.cwd))
        except FileError as error:
            raise FileError(f"can't open {target}: {error}") from error

    def _open(self, target: str, append: bool, streams: Streams) -> Sink:
        if target == "/dev/null":
            return Null()
        if target in ("/dev/tty", "/dev/stdout", "/proc/self/fd/1"):
            return streams.stdout
        if target == "/dev/stderr":
            return streams.stderr
        path = self.phone.files.path(target, self.cwd)
        try:
            if append:
                self.phone.files.append(path, b"")
            else:
                self.phone.files.write(path, b"")
        except FileError as error:
            raise FileError(f"can't create {target}: {error}") from error
        return FileSink(self.phone.files, path)

    async def substitute(self, source: str) -> str:
        captured = Capture()
        self.status = await self._subshell().run(source, Streams(Bytes(), captured, self.stderr))
        return bytes(captured.content).replace(b"\0", b"").decode("utf-8", "surrogateescape").rstrip("\n")

    def glob(self, pattern: str) -> list[str]:
        return self.phone.files.glob(pattern, self.cwd)


def _substitutes(command: Simple) -> bool:
    return any(isinstance(part, Substitution) for _, word in command.assignments for part in word.parts)
