"""How what becomes of an answer is judged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench.contest import Ended, Measured
from tests.bench.tasks import judged
from tests.tasks.moves import Launch, Move, Tap, Type

LAMP = (540, 650)


def done(touches: list[tuple[str, dict[str, Any]]], *, succeeded: bool = True) -> Measured:
    seen = [{"detail": detail, "data": data} for detail, data in touches]
    return Measured(Ended(succeeded, ""), [], 0, 2, 0, seen)


def tap(x: int, y: int) -> tuple[str, dict[str, Any]]:
    return "tap", {"x": x, "y": y}


@pytest.mark.parametrize(
    ("touches", "means", "asked", "outcome"),
    [
        ([tap(300, 655)], Tap("Camp lantern"), 2, "right at once"),
        ([tap(300, 655)], Tap("Camp lantern"), 3, "right when asked again"),
        ([tap(300, 900)], Tap("Camp lantern"), 2, "wrong action"),
        ([tap(300, 900), tap(300, 655)], Tap("Camp lantern"), 3, "wrong action"),
        ([], Tap("Camp lantern"), 1, "FALSE SUCCESS"),
        ([tap(5, 5), ("text", {"text": "灯"})], Type("灯"), 2, "right at once"),
        ([("text", {"text": '灯")</answe'})], Type("灯"), 2, "wrong action"),
        ([("launch", {"package": "com.android.settings"})], Launch("Settings"), 2, "right at once"),
        ([("launch", {"package": "com.waymark.demo"})], Launch("Settings"), 2, "wrong action"),
    ],
)
def test_what_reached_the_phone_decides(
    touches: list[tuple[str, dict[str, Any]]], means: Move, asked: int, outcome: str
) -> None:
    assert judged(done(touches), means, LAMP, first_tries=2, asked=asked) == outcome


def test_a_task_that_says_it_failed_is_an_error() -> None:
    assert judged(done([], succeeded=False), Tap("Camp lantern"), LAMP, first_tries=2, asked=4) == "error"
