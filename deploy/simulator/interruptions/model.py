"""An interruption as data: one window of the system, what its buttons mean, and what keys do to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.simulator.apps.actions import Effect, Put
from deploy.simulator.apps.view import View

_ANSWER = "answer"


@dataclass(frozen=True)
class Interruption:
    """`window` is laid out on a screen of 1080x1920 pixels.

    `activity` is the full class name, empty for a window of the system without one, which then has a `title`. `about`
    is the app that it concerns: it ends with that app. `keys` says what becomes of a key: the outcome that it is, or
    `passes`; other keys are swallowed. Without `focus` uiautomator does not see it and keys pass (a heads-up).
    """

    name: str
    package: str
    window: View
    activity: str = ""
    title: str = ""
    about: str = ""
    permission: str = ""
    focus: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    lasts_s: float | None = None
    """It ends by itself after so long (a caller who gives up); None: it stays."""


PASSES = "passes"


def answers(outcome: str) -> tuple[Effect, ...]:
    """What a node does when it is touched: the interruption ends with this outcome."""
    return (Put(_ANSWER, outcome),)


def answer_of(view: View) -> str | None:
    """The outcome that a touch of this view is, if it is one."""
    effects = () if view.node is None else view.node.tap
    return next((effect.value for effect in effects if isinstance(effect, Put) and effect.name == _ANSWER), None)
