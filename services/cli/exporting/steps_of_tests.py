from __future__ import annotations

import os
import re
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest

REACH = 0.3
POLL_S = 0.2


class Steps(ABC):
    """What the steps do. An element is a list of selectors, of which the first that means one element is taken."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters

    @abstractmethod
    def in_front(self) -> tuple[str, str]:
        """Package and activity."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height of the screen in pixels."""

    @abstractmethod
    def source(self) -> str:
        """The hierarchy of the screen."""

    @abstractmethod
    def touch(self, x: int, y: int, press: str) -> None:
        """Taps (TAP), presses long (LONG) or taps twice (DOUBLE)."""

    @abstractmethod
    def stroke(self, x: int, y: int, to_x: int, to_y: int, duration_ms: int) -> None:
        """One drag of the finger."""

    @abstractmethod
    def matches(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """What a selector means on the screen now: class, text, description, and `box` from left to bottom."""

    def front(self, package: str, activity: str | None, wait_s: float) -> None:
        """The screen that is expected is in front, or comes in time."""

        def is_front() -> bool:
            seen, name = self.in_front()
            return seen == package and activity in {None, package + name if name.startswith(".") else name}

        assert self._until(is_front, wait_s), f"{package} {activity or ''} is not in front: {self.in_front()}"

    def tap(self, selectors: list[dict[str, Any]], wait_s: float, same: dict[str, str] | None = None,
            press: str = "TAP") -> None:  # fmt: skip
        self.touch(*self._centre(self._box(selectors, wait_s, same)), press)

    def swipe(self, start: tuple[float, float], end: tuple[float, float], of_screen: bool, duration_ms: int) -> None:
        """From a place to another, in pixels or in parts of the screen."""
        width, height = self.size() if of_screen else (1, 1)
        (x, y), (to_x, to_y) = ((int(at[0] * width), int(at[1] * height)) for at in (start, end))
        self.stroke(x, y, to_x, to_y, duration_ms)

    def drag(self, direction: str, within: list[dict[str, Any]], wait_s: float, duration_ms: int = 300) -> None:
        """Across the screen, or an element of it; `direction` is where the finger goes."""
        box = self._box(within, wait_s, None) if within else (0, 0, *self.size())
        (x, y), reach_x, reach_y = self._centre(box), int((box[2] - box[0]) * REACH), int((box[3] - box[1]) * REACH)
        ways = {"UP": (0, -reach_y), "DOWN": (0, reach_y), "LEFT": (-reach_x, 0), "RIGHT": (reach_x, 0)}
        dx, dy = ways[direction]
        self.stroke(x - dx, y - dy, x + dx, y + dy, duration_ms)

    def scroll(self, direction: str, within: list[dict[str, Any]], until: list[dict[str, Any]], max_swipes: int,
               wait_s: float) -> None:  # fmt: skip
        """Shows what lies in a direction; with `until`, until that is seen."""
        finger = {"UP": "DOWN", "DOWN": "UP", "LEFT": "RIGHT", "RIGHT": "LEFT"}[direction]
        for _ in range(max_swipes if until else 1):
            if until and self.sees(until, 0):
                return
            self.drag(finger, within, wait_s)
        assert not until or self.sees(until, 1), f"not seen after {max_swipes} swipes: {until}"

    def sees(self, selectors: list[dict[str, Any]], wait_s: float) -> bool:
        return self._until(lambda: any(self._matches(each) for each in selectors), wait_s)

    def wait(self, wait_s: float, visible: list[dict[str, Any]] | None = None, gone: list[dict[str, Any]] | None = None,
             package: str | None = None, *, stable: bool = False) -> None:  # fmt: skip
        """All of it holds, or comes to hold in time."""

        def holds() -> bool:
            if visible is not None and not self.sees(visible, 0):
                return False
            if gone is not None and self.sees(gone, 0):
                return False
            if package is not None and self.in_front()[0] != package:
                return False
            return not stable or self._rests()

        assert self._until(holds, wait_s), f"not within {wait_s:g} s: {visible=} {gone=} {package=} {stable=}"

    def filled(self, text: str) -> str:
        """With its parameters put in."""
        return re.sub(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}", self._value, text)

    def _value(self, name: re.Match[str]) -> str:
        return self.parameters.get(name[1], name[0])

    def _until(self, holds: Any, wait_s: float) -> bool:
        deadline_s = time.monotonic() + wait_s
        while not holds():
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(POLL_S)
        return True

    def _rests(self) -> bool:
        before = self.source()
        time.sleep(2 * POLL_S)
        return before == self.source()

    def _box(self, selectors: list[dict[str, Any]], wait_s: float, same: dict[str, str] | None) -> tuple[int, ...]:
        """Left, top, right and bottom of the element: the only one that a selector means, and the same as expected."""
        found: list[tuple[int, ...]] = []
        reasons: dict[str, None] = {}

        def look() -> bool:
            for each in selectors:
                if "point" in each:
                    width, height = self.size() if each["of_screen"] else (1, 1)
                    x, y = int(each["point"][0] * width), int(each["point"][1] * height)
                    found.append((x, y, x, y))
                    return True
                infos = self._matches(each)
                differs = same is not None and len(infos) == 1 and self._differs(infos[0], same)
                if len(infos) == 1 and not differs:
                    found.append(infos[0]["box"])
                    return True
                reasons[f"{each}: {f'another element: {infos[0]}' if differs else f'{len(infos)} elements'}"] = None
            return False

        assert self._until(look, wait_s), "not found: " + "; ".join(list(reasons)[-2 * len(selectors) :])
        return found[0]

    def _matches(self, selector: dict[str, Any]) -> list[dict[str, Any]]:
        return self.matches(
            {n: self.filled(value) if isinstance(value, str) else value for n, value in selector.items()}
        )

    def _differs(self, info: dict[str, Any], same: dict[str, str]) -> bool:
        return any((info.get(name) or "") != self.filled(value) for name, value in same.items())

    @staticmethod
    def _centre(box: tuple[int, ...]) -> tuple[int, int]:
        return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def secret(reference: str) -> str:
    """What lies at `env:NAME` or `file:/path`."""
    kind, _, where = reference.partition(":")
    return os.environ[where] if kind == "env" else Path(where).read_text(encoding="utf-8").rstrip("\n")


@pytest.fixture
def parameters() -> dict[str, str]:
    """Values of the parameters: of `PARAM_<name>` in the environment, else the script's own."""
    given = {name: os.environ.get("PARAM_" + name.replace(".", "_"), own) for name, own in PARAMETERS.items()}
    missing = ["PARAM_" + name.replace(".", "_") for name, value in given.items() if value is None]
    assert not missing, f"give {', '.join(missing)} in the environment"
    return {name: secret(value) if name in SECRETS else value for name, value in given.items() if value is not None}


def main() -> int:
    """`python FILE [--serial SERIAL] ..`: what follows goes to pytest."""
    given = sys.argv[1:]
    if "--serial" in given:
        at = given.index("--serial")
        os.environ["ANDROID_SERIAL"] = given[at + 1]
        del given[at : at + 2]
    return int(pytest.main([__file__, *given]))


PARAMETERS: dict[str, str | None] = {}
SECRETS: set[str] = set()
