"""What a script is once parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


class ShellSyntaxError(Exception):
    """The script is not one; the text is what the shell prints."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$NAME`, `${NAME}`, `${NAME:-word}`, `${#NAME}` (operator `length`)."""

    name: str
    operator: str
    word: Word | None
    quoted: bool


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(script)`; the source was checked and is parsed again (from the cache) where it runs."""

    source: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    source: str
    quoted: bool


Part: TypeAlias = Literal | Parameter | Substitution | Arithmetic


@dataclass(frozen=True, slots=True)
class Word:
    """Parts that make one word. `plain` is its value where nothing is to be expanded, else None."""

    parts: tuple[Part, ...]
    plain: str | None = None
    quoted: bool = False
    """Some part of it is quoted: it is no reserved word, and stays a field even when empty."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` is `<`, `>`, `>>`, `<&` or `>&`; `both` is `&>`: standard output and error."""

    descriptor: int
    operator: str
    target: Word
    both: bool = False


@dataclass(frozen=True, slots=True)
class Simple:
    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`{ ..; }`, or `( .. )` which keeps its variables to itself."""

    body: Script
    redirects: tuple[Redirect, ...]
    subshell: bool


@dataclass(frozen=True, slots=True)
class If:
    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`while`, or `until` where `until` is True."""

    condition: Script
    body: Script
    until: bool
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True, slots=True)
class For:
    name: str
    words: tuple[Word, ...]
    body: Script
    redirects: tuple[Redirect, ...]


Command: TypeAlias = Simple | Group | If | Loop | For


@dataclass(frozen=True, slots=True)
class Pipeline:
    commands: tuple[Command, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AndOr:
    """`first`, then each (`&&` or `||`, pipeline) in turn, left to right with equal rank."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...] = ()
    background: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    items: tuple[AndOr, ...] = field(default=())
