"""What a test lets happen later: after so many touches, or when a command that matches arrives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST = 100


@dataclass(slots=True)
class _Trigger:
    touches: int | None
    """Touches that are still to come; None: it waits for a command."""
    pattern: re.Pattern[str] | None
    act: Callable[[], Any]


class Triggers:
    """What is to happen on one phone; each once."""

    def __init__(self) -> None:
        self._waiting: list[_Trigger] = []

    def add(self, act: Callable[[], Any], *, touches: int | None = None, matches: str | None = None) -> None:
        """Calls `act` right after the nth touch from now on, or when a service opens whose name the regular expression
        is found in. ValueError unless exactly one of the two is given."""
        if (touches is None) == (matches is None) or (touches is not None and touches < 1):
            raise ValueError("give either `touches` (1 or more) or `matches` (a regular expression)")
        if len(self._waiting) >= MOST:
            raise ValueError(f"more than {MOST} things wait to happen")
        try:
            pattern = None if matches is None else re.compile(matches)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        self._waiting.append(_Trigger(touches, pattern, act))

    def touched(self) -> None:
        for trigger in self._waiting:
            if trigger.touches is not None:
                trigger.touches -= 1
        self._fire([trigger for trigger in self._waiting if trigger.touches == 0])

    def opened(self, service: str) -> None:
        if self._waiting:
            self._fire([t for t in self._waiting if t.pattern is not None and t.pattern.search(service)])

    def _fire(self, due: list[_Trigger]) -> None:
        self._waiting = [trigger for trigger in self._waiting if trigger not in due]
        for trigger in due:
            trigger.act()
