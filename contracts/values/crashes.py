"""How a crash is led to, and what was seen before it."""

from __future__ import annotations

from contracts.values.actions import Action
from contracts.values.apps import ObjectRef, Point
from contracts.values.value import Value


class CrashStep(Value):
    """One action on the way to a crash. `words` says it to a person; typed text is in `action` alone, sealed.

    `gesture_id` finds the target again on a screen that differs a little; none for keys.
    """

    action: Action
    words: str
    screen_name: str = ""
    state_id: str | None = None
    gesture_id: str | None = None
    label: str = ""
    resource_id: str | None = None


class CrashPicture(Value):
    """What the phone showed before an action, and where that action touched it. `sequence` is the action's number."""

    sequence: int
    screenshot: ObjectRef | None = None
    screen_name: str = ""
    point: Point | None = None
    end: Point | None = None
