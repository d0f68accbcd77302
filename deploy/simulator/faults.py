"""Faults that a test arms: each spoils the next commands that match it, until used up or cleared."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong. A fault of a kind is looked for only where that kind can happen."""

    DROP_BEFORE = "drop_before"
    """The transport breaks when the command arrives: nothing of it happens."""
    DROP_DURING = "drop_during"
    """It breaks in the middle: before the program that matches `at`, or else with half of the output delivered."""
    DROP_AFTER = "drop_after"
    """It breaks when the command has done everything, before output and exit status leave the phone."""
    FREEZE = "freeze"
    """The command is never answered; the phone stays connected."""
    SLOW = "slow"
    """The command starts `seconds` late."""
    NO_EXIT = "no_exit"
    """The stream closes without the packet that carries the exit status."""
    TRUNCATED_PNG = "truncated_png"
    BLACK_PNG = "black_png"
    EMPTY_HIERARCHY = "empty_hierarchy"
    HALF_HIERARCHY = "half_hierarchy"
    NULL_FOCUS = "null_focus"
    """`dumpsys window` tells `mCurrentFocus=null` only."""
    NOT_IDLE = "not_idle"
    """`uiautomator dump` answers `could not get idle state` and exits 0."""
    NULL_ROOT = "null_root"
    KILLED = "killed"
    """`uiautomator dump` is killed by the system."""
    SERVER_NO_START = "server_no_start"
    """`app_process` ends with an error before the uiautomator2 server listens."""
    SERVER_DIES = "server_dies"
    """The uiautomator2 server is killed by the call that matches, and does not answer it."""
    SERVER_OUTLIVES = "server_outlives"
    """The uiautomator2 server goes on when its shell stream is closed, until it is killed."""
    INJECT_DENIED = "inject_denied"
    """`input` ends in the SecurityException that vendors raise without their extra debugging switch."""
    SETTINGS_DENIED = "settings_denied"
    """`settings put` and `delete` end in the SecurityException that vendors raise without their extra switch."""
    STORAGE_FULL = "storage_full"
    """Writing a file fails; matched against its path."""


@dataclass(slots=True)
class Fault:
    id: int
    kind: FaultKind
    pattern: re.Pattern[str]
    remaining: int | None
    """How many more commands it spoils; None: until cleared."""
    seconds: float
    at: re.Pattern[str] | None
    skip: int = 0
    """How many that match it lets through before."""


class Faults:
    """What is armed on one phone."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._ids = itertools.count(1)

    def arm(
        self,
        kind: str,
        pattern: str = "",
        times: int | None = 1,
        seconds: float = 0.0,
        at: str | None = None,
        skip: int = 0,
    ) -> int:
        """Arms a fault and returns its id.

        `pattern` and `at` are regular expressions that are searched for; an empty pattern matches everything. The
        first `skip` that match are let through.
        `times` None means until cleared. ValueError where the kind does not exist or an expression is wrong.
        """
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1 or null, not {times}")
        try:
            fault = Fault(
                next(self._ids),
                FaultKind(kind),
                re.compile(pattern),
                times,
                seconds,
                re.compile(at) if at else None,
                skip,
            )
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        self._armed.append(fault)
        return fault.id

    def clear(self, fault_id: int | None = None) -> int:
        """Disarms one fault, or all of them; returns how many."""
        before = len(self._armed)
        self._armed = [] if fault_id is None else [fault for fault in self._armed if fault.id != fault_id]
        return before - len(self._armed)

    def take(self, kind: FaultKind, text: str, program: str | None = None) -> Fault | None:
        """The first armed fault of `kind` that matches, used up by one; None where none does.

        `program` given: only faults with an `at` that matches it; not given: only faults without `at`.
        """
        if not self._armed:
            return None
        for fault in self._armed:
            if fault.kind is not kind or (fault.at is None) != (program is None):
                continue
            if fault.at is not None and not fault.at.search(program or ""):
                continue
            if fault.pattern.search(text):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.remaining is not None:
                    fault.remaining -= 1
                    if fault.remaining == 0:
                        self._armed.remove(fault)
                return fault
        return None
