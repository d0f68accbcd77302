"""What is in front, by `dumpsys window` and `dumpsys activity`. A hint that races with the picture."""

from __future__ import annotations

import re

from contracts.values import Foreground

NOWHERE = Foreground(package=None, activity=None)

FOCUS_LINES = "Display: mDisplayId=|mCurrentFocus|mFocusedApp|mAwake=|mSleeping="
"""For `grep -E`: the lines of `dumpsys window windows` (Android 9 and older) or `displays` that `foreground` reads."""
RESUMED_LINES = "Display #|Resumed|mFocusedActivity"
"""The same for `dumpsys activity activities`."""

_USER_AND_DISPLAY = r"(?:[ud]\d+ )*"
"""Which user's it is, `u10` for a work profile; Samsung adds the display, `d0`."""
_COMPONENT = _USER_AND_DISPLAY + r"(?P<package>[A-Za-z][\w.]*)/(?P<activity>[\w.$]+)"
_RECORD = r"ActivityRecord\{\S+ " + _COMPONENT
_FOCUS = re.compile(r"mCurrentFocus=Window\{\S+ " + _COMPONENT)
_FOCUS_WITHOUT_ACTIVITY = re.compile(
    rf"mCurrentFocus=Window\{{\S+ {_USER_AND_DISPLAY}(?P<title>[^}}/\n]+?)(?: paused=\w+| EXITING)?\}}"
)
_APP = re.compile(r"mFocusedApp=(?:AppWindowToken\{.*?|Token\{.*?)?" + _RECORD)
_RESUMED = (
    re.compile(r"topResumedActivity=" + _RECORD),
    re.compile(r"\b(?:m?ResumedActivity|Resumed)[:=] ?" + _RECORD),
    re.compile(r"mFocusedActivity: " + _RECORD),
)
_DISPLAY = re.compile(r"^ *Display(?:: mDisplayId=| #)(?P<display>\d+)\b.*$", re.MULTILINE)
_OF_ALL_DISPLAYS = re.compile(r"^ {0,2}(?=\S)(?=m?ResumedActivity|mFocusedActivity).*$", re.MULTILINE)
_ASLEEP = re.compile(r"\bmAwake=false|\bmSleeping=true")
_WRAPPED = re.compile(r"(?<=^[^\n\r]{80})\r?\n(?=\S)(?!Display #|[A-Z]+ MANAGER )", re.MULTILINE)
_SECURE = re.compile(r"\bSECURE\b")
_FLAGS_IN_HEX = re.compile(r"\bfl=#([0-9a-fA-F]+)")
_FLAG_SECURE = 0x2000


def foreground(output: str) -> Foreground:
    """The app and activity (full class name) in front, by any mix of `dumpsys window` and `dumpsys activity`.

    The window that has the focus counts; without one, the app that has it, then the activity that is resumed. Lines of
    `null` (a transition) are passed over, and lines that a terminal wrapped are joined. A focused window that belongs
    to no activity (the shade, a system dialog) gives its package, or nothing.

    Of several displays the default one (0) is meant, in whatever order they are printed: pictures, hierarchies and
    fingers are its. Only while it sleeps (a phone that is folded), the one that is awake. Where the output does not
    tell displays apart, the last one that shows something.
    """
    text = unwrapped(output)
    displays, of_all = _by_display(text)
    if 0 not in displays:
        return _front(text)
    if len(displays) > 1 and _ASLEEP.search(displays[0]):
        awake = [part for number, part in displays.items() if number != 0 and not _ASLEEP.search(part)]
        found = [front for front in map(_front, awake) if front.package is not None]
        if found:
            return found[-1]
    front = _front(displays[0])
    # What is resumed in all is also told once, at the end: of one display, if there is one.
    return _front(of_all) if front.package is None and len(displays) == 1 else front


def _by_display(text: str) -> tuple[dict[int, str], str]:
    """What each display prints, in their order; and what is told of all of them together."""
    heads = list(_DISPLAY.finditer(text))
    of_all = "\n".join(match[0] for match in _OF_ALL_DISPLAYS.finditer(text))
    displays: dict[int, str] = {}
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        part, number = text[head.end() : end], int(head["display"])
        displays[number] = displays.get(number, "") + _OF_ALL_DISPLAYS.sub("", part)
    return displays, of_all


def _front(text: str) -> Foreground:
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
    """The last match: where displays are not told apart, foldables and second screens print theirs first."""
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
    """Whether the lock screen is up, by `dumpsys window policy`; None where the phone does not say.

    A keyguard that is up and restricts no input (`mIsShowing=true`, `mInputRestricted=false`) is one that goes away or
    lies behind an app: it is in nobody's way.
    """
    signs = "mShowingLockscreen|mDreamingLockscreen|isStatusBarKeyguard|isKeyguardShowing|mKeyguardShowing"
    told = dict(re.findall(rf"\b({signs})=(true|false)", output))
    monitor = dict(re.findall(r"\b(mIsShowing|mInputRestricted)=(true|false)", output))
    if not told and not monitor:
        found = re.search(r"\bshowing=(true|false)", output)
        return None if found is None else found[1] == "true"
    restricted = monitor.get("mIsShowing") == "true" and monitor.get("mInputRestricted", "true") == "true"
    return restricted or "true" in told.values()


def lock_is_secure(output: str) -> bool | None:
    """Whether the lock screen wants a secret, by `dumpsys window policy`; None where the phone does not say."""
    found = re.search(r"(?<!\w)secure=(true|false)", output)
    return None if found is None else found[1] == "true"


def is_awake(output: str) -> bool | None:
    """Whether the screen is on, by `dumpsys power` or `dumpsys window policy`; None where the phone does not say.

    Dozing and dreaming count as off: nothing of an app can be seen then.
    """
    found = re.search(r"\bmWakefulness=(\w+)", output)
    if found is not None:
        return found[1] == "Awake"
    state = re.search(r"\b(?:interactiveState=INTERACTIVE_STATE_(?P<on>AWAKE)?|mAwake=(?P<awake>true)?)", output)
    return None if state is None else bool(state["on"] or state["awake"])
