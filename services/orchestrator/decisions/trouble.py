"""What was wrong with a step: why the phone did not do what was asked, or why nothing was seen."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.device_agent import ActionFinished
from contracts.orchestrator import StepFinished
from contracts.screen_indexer import CaptureIndexed
from contracts.values import ActionType

INPUT_DENIED, KEYBOARD_MISSING = "INPUT_DENIED", "KEYBOARD_MISSING"
SPLIT_SCREEN = "SPLIT_SCREEN"
_OF_ITSELF = frozenset({KEYBOARD_MISSING, "NOT_SHOWN", "NOT_FOUND", "GUARD"})
"""The text could not be typed, the field made something else of it, or what it was meant for is not there, or is
something else: that says nothing of other actions."""
_TOUCHING = frozenset({ActionType.CLICK, ActionType.INPUT, ActionType.SCROLL})
_HIDDEN = {
    "NOT_IDLE": "its screen never comes to rest (a video or an animation), so that uiautomator gives up",
    "NULL_ROOT": "no window has the focus",
    "KILLED": "uiautomator is ended by the phone: it is short of memory, or another tool holds UiAutomation",
    "TIMEOUT": "uiautomator does not end",
    SPLIT_SCREEN: "the app shares the screen with another one: end the split screen",
}
"""Reasons for which nothing was seen, in words."""


@dataclass(frozen=True)
class Trouble:
    """The code of the action or of its capture, and words where there are any."""

    code: str
    words: str = ""

    def __str__(self) -> str:
        return self.words or self.code


def of_action(told: CaptureIndexed | ActionFinished) -> Trouble | None:
    """Why the action was not done, or may not have been; None where it was."""
    return None if told.error_code is None else Trouble(told.error_code, told.error_message or "")


def of_capture(seen: CaptureIndexed) -> Trouble | None:
    """Why nothing was seen: the action's own trouble explains it better than the empty screen."""
    if (trouble := of_action(seen)) is not None or seen.reason is None:
        return trouble
    code, _, said = seen.reason.partition(": ")
    return Trouble(code, _HIDDEN.get(code, said)) if code.isupper() else Trouble(seen.reason)


def of_step(step: StepFinished) -> Trouble | None:
    return None if step.error_code is None else Trouble(step.error_code, step.error_message or "")


def refused(before: int, step: StepFinished, *, is_key: bool) -> int:
    """Actions in a row that the phone did not do, after this step. `is_key`: it was a key of the phone.

    Only a touch or a key that is done ends the row: a phone that refuses all input still starts apps and is looked at.
    """
    if step.error_code in _OF_ITSELF:
        return before
    if step.outcome == "FAILED":
        return before + 1
    return 0 if step.succeeded and (is_key or step.action_type in _TOUCHING) else before
