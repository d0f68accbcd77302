"""What goes wrong for a person at the command line, in words, with the exit code that scripts can tell it by."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `waymark`."""

    OK = 0
    FAILED = 1
    """What was asked for did not succeed: the run failed, the request was refused, the verification found something."""
    USAGE = 2
    UNREACHABLE = 3
    """A server cannot be reached, or is not prepared."""
    NOT_FOUND = 4


class CliError(Exception):
    """Ends the command with `code`. The message says what is wrong and what to do."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
