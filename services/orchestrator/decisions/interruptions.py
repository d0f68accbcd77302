"""What comes over an app without belonging to it: dialogs of the system and calls. Pure: what answers them.

Recognised by package, activity class and resource ids, which are the same in every language.
"""

from __future__ import annotations

import re
from typing import Literal

from contracts.values import Gesture
from services.orchestrator.decisions.graph import END_CALL, UiState

PERMISSION_PACKAGES = frozenset(
    {
        "com.android.permissioncontroller",
        "com.google.android.permissioncontroller",
        "com.android.packageinstaller",
        "com.google.android.packageinstaller",
        "com.lbe.security.miui",
    }
)
TRANSIENT_PACKAGES = frozenset({"android"}) | PERMISSION_PACKAGES
"""Dialogs of the system above an app: they are answered like the app's own, and count for no coverage."""

SYSTEM_UI = "com.android.systemui"
_ALLOW = (
    "permission_allow_foreground_only_button",
    "permission_allow_button",
    "permission_allow_all_button",
    "permission_allow_one_time_button",
    "permission_allow_always_button",
)
"""Resource entries of the buttons that grant a permission, from Android 6 on; the first that is there is taken."""
_CLOSE = ("android:id/aerr_close", "android:id/aerr_restart")
"""Buttons that end an app which does not answer, or close one that crashed, from Android 7 on."""
_IN_CALL = re.compile(r"\.InCall\w*Activity$")
"""The class is the same in the dialers of AOSP, Google, Samsung, Xiaomi and Huawei; the packages are not."""
_TRIES = 3
"""Tries of an answer that did not lead away, before it is left to the exploration as any other gesture."""


def intrudes(state: UiState) -> bool:
    """Whether a state came by itself, and not because of what was done: a call, the lock screen."""
    if state.inside:
        return False
    return state.package == SYSTEM_UI or in_call(state)


def in_call(state: UiState) -> bool:
    return state.activity is not None and _IN_CALL.search(state.activity) is not None


def answer_to(here: UiState) -> Gesture | Literal["end_call"] | None:
    """What gets rid of what is over the app; None where nothing is, or where the answer is known not to help."""
    if here.inside:
        return None
    if in_call(here):
        return END_CALL if _may_help(here, END_CALL) else None
    if here.package in PERMISSION_PACKAGES:
        return _first(here, [f"{here.package}:id/{entry}" for entry in _ALLOW])
    if here.package == "android":
        return _first(here, list(_CLOSE))
    return None


def _may_help(here: UiState, gesture_id: str) -> bool:
    """An answer that led away the last time is good for ever: dialogs and calls come again and look the same."""
    led_away = here.targets.get(gesture_id, here.state_id) != here.state_id
    return led_away or here.tried.get(gesture_id, 0) < _TRIES


def _first(here: UiState, ids: list[str]) -> Gesture | None:
    """The gesture on the element whose resource id comes first in `ids`."""
    found = [g for g in here.gestures if g.resource_id in ids and _may_help(here, g.gesture_id)]
    return min(found, key=lambda g: ids.index(g.resource_id or ""), default=None)
