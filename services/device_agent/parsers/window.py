"""What is in front, by `dumpsys window` and `dumpsys activity`. A hint that races with the picture."""

from __future__ import annotations

import re

from contracts.values import Foreground

NOWHERE = Foreground(package=None, activity=None)

_COMPONENT = r"(?P<package>[A-Za-z][\w.]*)/(?P<activity>[\w.$]+)"
_FOCUS = re.compile(r"mCurrentFocus=Window\{\S+ (?:u\d+ )?" + _COMPONENT)
_FOCUS_WITHOUT_ACTIVITY = re.compile(r"mCurrentFocus=Window\{\S+ (?:u\d+ )?(?P<title>[^}/]+?)(?: paused=\w+)?\}")
_APP = re.compile(r"mFocusedApp=(?:AppWindowToken\{.*?)?ActivityRecord\{\S+ (?:u\d+ )?" + _COMPONENT)
_RESUMED = (
    re.compile(r"topResumedActivity=ActivityRecord\{\S+ (?:u\d+ )?" + _COMPONENT),
    re.compile(r"\bm?ResumedActivity[:=] ?ActivityRecord\{\S+ (?:u\d+ )?" + _COMPONENT),
    re.compile(r"mFocusedActivity: ActivityRecord\{\S+ (?:u\d+ )?" + _COMPONENT),
)
_WRAPPED = re.compile(r"(?<=[^\n\r]{80})\r?\n(?=\S)")
_SECURE = re.compile(r"\bSECURE\b")
_FLAGS_IN_HEX = re.compile(r"\bfl=#([0-9a-fA-F]+)")
_FLAG_SECURE = 0x2000


def foreground(output: str) -> Foreground:
    """The app and activity (full class name) in front, by any mix of `dumpsys window` and `dumpsys activity`.

    The window that has the focus counts; without one, the app that has it, then the activity that is resumed.
    Lines of `null` (other displays, a transition) are passed over, and lines that a terminal wrapped are joined.
    A focused window that belongs to no activity (the shade, a system dialog) gives its package, or nothing.
    """
    text = unwrapped(output)
    focus = _last(_FOCUS, text)
    if focus is not None:
        return _component(focus)
    title = _last(_FOCUS_WITHOUT_ACTIVITY, text)
    for pattern in (_APP, *_RESUMED):
        found = _last(pattern, text)
        if found is not None:
            return _component(found)
    if title is not None and re.fullmatch(r"[a-z]\w*(\.\w+)+", title["title"]):
        return Foreground(package=title["title"], activity=None)
    return NOWHERE


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last match: foldables and second screens print theirs first, the display in use comes last."""
    found = None
    for match in pattern.finditer(text):
        found = match
    return found


def _component(match: re.Match[str]) -> Foreground:
    return Foreground(package=match["package"], activity=full_class_name(match["package"], match["activity"]))


def full_class_name(package: str, activity: str) -> str:
    """`.MainActivity` of `com.example` is `com.example.MainActivity`; full names stay."""
    return package + activity if activity.startswith(".") else activity


def unwrapped(output: str) -> str:
    """Joins lines that a terminal cut at exactly 80 columns; real lines begin with a space there or are shorter."""
    return _WRAPPED.sub("", output)


def is_secure(windows: str, front: Foreground) -> bool:
    """Whether a window of the app in front forbids pictures (FLAG_SECURE), by `dumpsys window windows`."""
    if front.package is None:
        return False
    for block in re.split(r"(?m)^\s*Window #\d+ ", windows):
        title = block.split("\n", 1)[0]
        if f" {front.package}/" not in title and f" {front.package}}}" not in title:
            continue
        attributes = re.search(
            r"mAttrs=\{?(.*?)(?:\n\s*(?:Requested|mHasSurface|mOwner|mBaseLayer)|\Z)", block, re.DOTALL
        )
        if attributes is None:
            continue
        in_hex = _FLAGS_IN_HEX.search(attributes[1])
        if (in_hex and int(in_hex[1], 16) & _FLAG_SECURE) or _SECURE.search(attributes[1]):
            return True
    return False


_MOST_OF_A_SPLIT, _LEAST_OF_A_SPLIT = 0.8, 0.2


def may_be_split(bounds: tuple[int, int, int, int], width: int, height: int) -> bool:
    """Whether a window has a place that a split screen leaves to an app: one side of the screen, from edge to edge.

    `bounds` are left, top, right and bottom. A sheet at the bottom has such a place too: it is a reason to ask.
    """
    left, top, right, bottom = bounds
    if left <= 0 and right >= width:
        return _LEAST_OF_A_SPLIT < (bottom - top) / height < _MOST_OF_A_SPLIT and (top <= 0 or bottom >= height)
    if top <= 0 and bottom >= height:
        return _LEAST_OF_A_SPLIT < (right - left) / width < _MOST_OF_A_SPLIT and (left <= 0 or right >= width)
    return False


def is_split(windows: str) -> bool:
    """Whether the divider of a split screen is in sight, by `dumpsys window windows`.

    It is called DockedStackDivider until Android 11, StageCoordinatorSplitDivider later; the older one is a window all
    the time and only becomes visible.
    """
    for block in re.split(r"(?m)^\s*Window #\d+ ", windows):
        if re.search(r"\w*Divider\}", block.split("\n", 1)[0]):
            visible = re.search(r"\bisVisible=(true|false)", block)
            if visible[1] == "true" if visible else "mViewVisibility=0x0" in block:
                return True
    return False


def keyguard_showing(output: str) -> bool | None:
    """Whether the lock screen is up, by `dumpsys window policy`; None where the phone does not say."""
    found = re.search(r"\b(?:mIsShowing|mShowingLockscreen|isStatusBarKeyguard|showing)=(true|false)", output)
    return None if found is None else found[1] == "true"


def is_awake(output: str) -> bool | None:
    """Whether the screen is on, by `dumpsys power`; None where the phone does not say."""
    found = re.search(r"mWakefulness=(\w+)", output)
    return None if found is None else found[1] == "Awake"
