"""What words become before a command runs: parameters, field splitting, patterns, quote removal.

Spec: POSIX.1-2017, Shell Command Language, 2.6 Word Expansions (without tilde expansion).
"""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Callable

_BLANKS = " \t\n"
_PATTERN = re.compile(r"[*?\[]")


class Fields:
    """Collects the fields that one word expands to."""

    def __init__(self) -> None:
        self._done: list[tuple[str, str]] = []
        self._text = ""
        self._pattern = ""
        self._open = False

    def add(self, text: str, quoted: bool) -> None:
        """Text that is not split."""
        self._text += text
        self._pattern += _escaped(text) if quoted else text
        self._open = self._open or quoted or bool(text)

    def split(self, text: str) -> None:
        """Text that an unquoted expansion gave: blanks end fields."""
        if not text:
            return
        pieces = text.strip(_BLANKS).split()
        if text[0] in _BLANKS or not pieces:
            self.end()
        for number, piece in enumerate(pieces):
            if number:
                self.end()
            self.add(piece, quoted=False)
        if pieces and text[-1] in _BLANKS:
            self.end()

    def results(self, glob: Callable[[str], list[str]]) -> list[str]:
        self.end()
        found: list[str] = []
        for text, pattern in self._done:
            matches = glob(pattern) if _PATTERN.search(pattern.replace("[[]", "").replace("[*]", "")) else []
            found.extend(matches or [text])
        return found

    def end(self) -> None:
        """Ends the field that is being collected."""
        if self._open:
            self._done.append((self._text, self._pattern))
        self._text, self._pattern, self._open = "", "", False


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text) if _PATTERN.search(text) else text


def trimmed(value: str, operator: str, pattern: str) -> str:
    """`${NAME#pattern}` and its relations: the value without the matching prefix or suffix."""
    lengths = range(len(value) + 1)
    longest = len(operator) == 2
    if operator[0] == "#":
        for length in reversed(lengths) if longest else lengths:
            if fnmatch.fnmatchcase(value[:length], pattern):
                return value[length:]
    else:
        for length in lengths if longest else reversed(lengths):
            if fnmatch.fnmatchcase(value[length:], pattern):
                return value[:length]
    return value


_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: int(a / b),
    ast.Mod: lambda a, b: a - b * int(a / b),
}
_COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}


def arithmetic(source: str, variable: Callable[[str], str]) -> int:
    """The value of `$((source))`: + - * / % and comparisons. ValueError for anything else."""
    text = source.replace("$", "").strip()
    if not re.fullmatch(r"[\w\s+*/%()<>=!-]*", text, re.ASCII):
        raise ValueError(f"{source}: bad arithmetic")
    try:
        return _evaluate(ast.parse(text.replace("/", "//") or "0", mode="eval").body, variable)
    except (SyntaxError, ZeroDivisionError, KeyError, RecursionError) as error:
        raise ValueError(f"{source}: bad arithmetic") from error


def _evaluate(node: ast.expr, variable: Callable[[str], str]) -> int:
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.Name(id=name):
            text = variable(name).strip()
            return int(text) if re.fullmatch(r"-?\d+", text) else 0
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, variable)
        case ast.BinOp(left=left, op=operator, right=right):
            return _BINARY[type(operator)](_evaluate(left, variable), _evaluate(right, variable))
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return int(_COMPARE[type(operator)](_evaluate(left, variable), _evaluate(right, variable)))
        case _:
            raise ValueError("bad arithmetic")
