"""Expands words with the state of one shell process: its variables, arguments and last exit status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from .expansion import Fields, arithmetic, trimmed
from .tree import Arithmetic, Literal, Parameter, Substitution, Word


class ExpansionError(Exception):
    """A word that cannot be expanded ends the shell, with this message."""


class Expander:
    """The part of a shell that words are expanded with. `substitute` and `glob` are the shell's."""

    def __init__(self, variables: dict[str, str], pid: int) -> None:
        self.variables = variables
        self.arguments: tuple[str, ...] = ()
        self.status = 0
        self.pid = pid

    async def substitute(self, source: str) -> str:
        """What `$(source)` prints, without the newlines at its end."""
        raise NotImplementedError

    def glob(self, pattern: str) -> list[str]:
        """The paths that match a pattern."""
        raise NotImplementedError

    async def fields(self, words: Sequence[Word]) -> list[str]:
        """The fields that words expand to."""
        found: list[str] = []
        for word in words:
            if word.plain is not None:
                found.append(word.plain)
                continue
            collected = Fields()
            await self._expand(word, collected)
            found.extend(collected.results(self.glob))
        return found

    async def value(self, word: Word) -> str:
        """The one string that a word means where nothing is split: in assignments and redirections."""
        if word.plain is not None:
            return word.plain
        return "".join([part.text if isinstance(part, Literal) else await self._part(part) for part in word.parts])

    async def _expand(self, word: Word, collected: Fields) -> None:
        for part in word.parts:
            if isinstance(part, Literal):
                collected.add(part.text, part.quoted)
            elif isinstance(part, Parameter) and part.name == "@" and part.quoted:
                for number, argument in enumerate(self.arguments):
                    if number:
                        collected.end()
                    collected.add(argument, quoted=True)
            elif part.quoted:
                collected.add(await self._part(part), quoted=True)
            else:
                collected.split(await self._part(part))

    async def _part(self, part: Parameter | Substitution | Arithmetic) -> str:
        match part:
            case Substitution(source):
                return await self.substitute(source)
            case Arithmetic(source):
                try:
                    return str(arithmetic(source, lambda name: self.variables.get(name, "")))
                except ValueError as error:
                    raise ExpansionError(str(error)) from error
            case Parameter():
                return await self._parameter(part)
            case _:
                assert_never(part)

    def variable(self, name: str) -> str | None:
        """The value of a variable or special parameter, None where it is not set."""
        if name.isdigit() and name != "0":
            number = int(name)
            return self.arguments[number - 1] if number <= len(self.arguments) else None
        match name:
            case "?":
                return str(self.status)
            case "0":
                return "/system/bin/sh"
            case "$":
                return str(self.pid)
            case "#":
                return str(len(self.arguments))
            case "@" | "*":
                return " ".join(self.arguments)
            case _:
                return self.variables.get(name)

    async def _parameter(self, part: Parameter) -> str:
        value = self.variable(part.name)
        operator = part.operator
        if operator == "length":
            return str(len(value or ""))
        if not operator:
            return value or ""
        assert part.word is not None
        if operator[0] in "#%":
            return trimmed(value or "", operator, await self.value(part.word))
        missing = value is None or (operator[0] == ":" and value == "")
        match operator[-1]:
            case "+":
                return "" if missing else await self.value(part.word)
            case "=" if missing:
                self.variables[part.name] = await self.value(part.word)
                return self.variables[part.name]
            case "?" if missing:
                raise ExpansionError(f"{part.name}: {await self.value(part.word) or 'parameter null or not set'}")
            case "-" if missing:
                return await self.value(part.word)
            case _:
                return value or ""


def environment() -> dict[str, str]:
    """The variables that adbd starts a shell with."""
    return {
        "ANDROID_DATA": "/data",
        "ANDROID_ROOT": "/system",
        "EXTERNAL_STORAGE": "/sdcard",
        "HOME": "/",
        "PATH": "/product/bin:/system/bin:/system/xbin:/vendor/bin",
        "SHELL": "/bin/sh",
        "TMPDIR": "/data/local/tmp",
        "USER": "shell",
    }
