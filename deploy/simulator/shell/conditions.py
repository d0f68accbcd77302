"""`test` and `[`."""

from __future__ import annotations

from collections.abc import Callable

from deploy.simulator.filesystem import FileSystem, Stat


class ConditionError(Exception):
    """An expression that `test` does not understand: exit status 2."""


_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}
_FILES: dict[str, Callable[[Stat], bool]] = {
    "-e": lambda _: True,
    "-f": lambda found: not found.is_directory,
    "-d": lambda found: found.is_directory,
    "-s": lambda found: found.size_bytes > 0,
    "-r": lambda _: True,
    "-w": lambda _: True,
    "-x": lambda found: found.is_directory,
    "-L": lambda _: False,
}


def evaluate(operands: list[str], files: FileSystem, cwd: str) -> bool:
    """The truth of an expression; `-a` binds closer than `-o`."""
    if len(operands) > 3:
        for joint, join in (("-o", any), ("-a", all)):
            if joint in operands[1:-1]:
                at = operands.index(joint, 1)
                return join((evaluate(operands[:at], files, cwd), evaluate(operands[at + 1 :], files, cwd)))
    match operands:
        case []:
            return False
        case [word]:
            return word != ""
        case [left, operator, right] if operator in _NUMBERS:
            return _NUMBERS[operator](_integer(left), _integer(right))
        case [left, operator, right] if operator in _STRINGS:
            return _STRINGS[operator](left, right)
        case ["!", *rest]:
            return not evaluate(rest, files, cwd)
        case ["-n", word]:
            return word != ""
        case ["-z", word]:
            return word == ""
        case [operator, path] if operator in _FILES:
            found = files.stat(files.path(path, cwd)) if path else None
            return found is not None and _FILES[operator](found)
        case _:
            raise ConditionError(f"{operands[1] if len(operands) > 1 else operands[0]}: unexpected operator/operand")


def _integer(text: str) -> int:
    try:
        return int(text.strip() or "0")
    except ValueError:
        raise ConditionError(f"{text}: unexpected '{text[:1]}'") from None
