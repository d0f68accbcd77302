"""`dumpsys window`: windows, focus and keyguard, in the form of each Android generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.simulator.components import component, token, uid
from deploy.simulator.faults import FaultKind
from deploy.simulator.keyguard import SYSTEM_UI
from deploy.simulator.profiles import ApiProfile
from deploy.simulator.screen import Box
from deploy.simulator.shell.call import Call
from deploy.simulator.split import SINCE_API as SPLIT_SINCE_API
from deploy.simulator.world import Surface

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

_KEYBOARD = "com.android.inputmethod.latin"


def activity_record(profile: ApiProfile, package: str, activity: str, task: int = 7) -> str:
    name = f"ActivityRecord{{{token('record', package, activity)} u0 {component(package, activity)}"
    return f"{name}}} t{task}}}" if profile.brace_before_task else f"{name} t{task}}}"


def window(surface: Surface) -> str:
    """`Window{token u0 title}`: the title is the full component, or the name of a system window."""
    component_name = surface.activity if surface.package == SYSTEM_UI else f"{surface.package}/{surface.activity}"
    title = surface.title or component_name
    return f"Window{{{token('window', title)} u0 {title}}}"


def dump_window(call: Call) -> str:
    """What `dumpsys window [windows|displays|policy|..]` prints."""
    phone, profile = call.phone, call.phone.profile
    surface = phone.screen.surface()
    section = next((word for word in call.arguments[1:] if not word.startswith("-")), "")
    fault = phone.faults.take(FaultKind.NULL_FOCUS, call.text)
    if fault is not None:
        phone.note_fault(fault, call.service)
    focus = _focus(profile, surface, null=fault is not None)
    parts = {
        "policy": _policy(call),
        "displays": _displays(call, surface, focus),
        "windows": _windows(phone, surface) + (focus if profile.focus_in_windows else ""),
    }
    if section in ("w", "visible", "visible-apps"):
        section = "windows"
    return parts[section] if section in parts else "".join(parts.values())


def _focus(profile: ApiProfile, surface: Surface, null: bool) -> str:
    current = "null" if null else window(surface)
    app = focused_app(profile, *_front(surface))
    return f"  mCurrentFocus={current}\n  mFocusedApp={app}\n"


def focused_app(profile: ApiProfile, package: str, activity: str) -> str:
    record = activity_record(profile, package, activity)
    if not profile.app_window_tokens:
        return record
    return f"AppWindowToken{{{token('app', record)} token=Token{{{token('token', record)} {record}}}}}"


def _front(surface: Surface) -> tuple[str, str]:
    """The activity that has the focus: behind a system window, the one below it."""
    if (surface.package == SYSTEM_UI or surface.title) and surface.task:
        return surface.task[-1]
    return surface.package, surface.activity


def _divider(phone: Phone) -> list[str]:
    """The divider of a split screen: until Android 11 a window that is always there, and in sight only then."""
    name, always = ("DockedStackDivider", True) if phone.profile.api < 31 else ("StageCoordinatorSplitDivider", False)
    split = phone.screen.split is not None
    if phone.profile.api < SPLIT_SINCE_API or not (split or always):
        return []
    return [
        f"  Window #3 Window{{{token('window', name)} u0 {name}}}:",
        "    mOwnerUid=10101 package=com.android.systemui appop=NONE",
        f"    mViewVisibility={'0x0' if split else '0x4'} mHaveFrame=true mObscured=false",
        f"    isOnScreen={str(split).lower()}",
        f"    isVisible={str(split).lower()}",
    ]


def _windows(phone: Phone, surface: Surface) -> str:
    profile, screen = phone.profile, phone.screen
    lines = ["WINDOW MANAGER WINDOWS (dumpsys window windows)"]
    width, height = screen.size
    whole, status, navigation = (0, 0, width, height), *screen.bars
    keyboard = screen.keyboard_box
    # Its window is as large as the screen whether it is up or not; what of it is air, it says by insets.
    air = height if keyboard is None else keyboard[1]
    systems = (
        ("StatusBar", SYSTEM_UI, "STATUS_BAR", status, 0, True),
        ("NavigationBar0", SYSTEM_UI, "NAVIGATION_BAR", navigation, 0, True),
        ("InputMethod", _KEYBOARD, "INPUT_METHOD", (0, 0, width, navigation[1]), air, keyboard is not None),
    )
    for number, (name, package, kind, box, inset, visible) in enumerate(systems):
        lines += [f"  Window #{number} Window{{{token('window', name)} u0 {name}}}:"]
        lines += [f"    mDisplayId=0 mSession=Session{{{token('session', name)} 1812:u0a10101}}"]
        lines += [f"    mOwnerUid=10101 showForAllUsers=true package={package} appop=NONE"]
        lines += [
            f"    mAttrs={{(0,0)(fillxfill) gr=BOTTOM CENTER_VERTICAL sim={{adjust=pan}} ty={kind} fmt=TRANSLUCENT"
        ]
        lines += ["      fl=NOT_FOCUSABLE LAYOUT_IN_SCREEN SPLIT_TOUCH HARDWARE_ACCELERATED}"]
        lines += [f"    mViewVisibility={'0x0' if visible else '0x8'} mHaveFrame=true mObscured=false"]
        lines += [f"    mGivenContentInsets=[0,{inset}][0,0] mGivenVisibleInsets=[0,{inset}][0,0]"]
        lines += [*_frame(profile, box), *_visibility(visible)]
    lines += _divider(phone)
    lines += [
        f"  Window #{len(systems) + 1} {window(surface)}:",
        "    mDisplayId=0 rootTaskId=7" if profile.api >= 29 else "    mDisplayId=0 stackId=1",
        f"    mOwnerUid={uid(surface.package)} showForAllUsers=false package={surface.package} appop=NONE",
        "    mAttrs={(0,0)(fillxfill) sim={adjust=resize} ty=BASE_APPLICATION",
        "      fl=LAYOUT_IN_SCREEN HARDWARE_ACCELERATED" + (" SECURE" if surface.secure else "") + "}",
        f"    mToken={activity_record(profile, surface.package, surface.activity)}",
        "    mViewVisibility=0x0 mHaveFrame=true mObscured=false",
        "    mGivenContentInsets=[0,0][0,0] mGivenVisibleInsets=[0,0][0,0]",
        *_frame(profile, whole),
        *_visibility(True),
    ]
    return "\n".join(lines) + "\n"


def _frame(profile: ApiProfile, box: Box) -> list[str]:
    """From Android 12 on the frame is one of many on a line."""
    frame = "[{},{}][{},{}]".format(*box)
    if profile.api >= 31:
        return [f"    Frames: parent={frame} display={frame} frame={frame} last={frame} insetsChanged=false"]
    return [f"    mFrame={frame} last={frame}"]


def _visibility(visible: bool) -> list[str]:
    told = str(visible).lower()
    return [f"    mHasSurface={told} isReadyForDisplay()={told}", f"    isOnScreen={told}", f"    isVisible={told}"]


def _displays(call: Call, surface: Surface, focus: str) -> str:
    """The phone's own display comes last, as the one that was made first. Focus is told here from Android 10 on."""
    profile, others = call.phone.profile, sorted(call.phone.displays, key=lambda display: -display.number)
    width, height = call.phone.screen.size
    parts = ["WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)\n"]
    for display in others:
        app = "null"
        if display.package is not None and display.activity is not None:
            app = focused_app(profile, display.package, display.activity)
        title = f"{display.package}/{display.activity}"
        current = f"Window{{{token('window', title)} u0 {title}}}" if display.focused else "null"
        shown = f"  mCurrentFocus={current}\n  mFocusedApp={app}\n"
        parts.append(_display(profile, display.number, (500, 500), shown, display.awake))
    if any(display.focused for display in others):
        focus = focus.replace(f"mCurrentFocus={window(surface)}", "mCurrentFocus=null")
    own = _display(profile, 0, (width, height), focus, call.phone.screen.awake)
    rotation = call.phone.screen.rotation
    own += f"  mCurrentRotation=ROTATION_{rotation * 90}\n" if profile.api >= 29 else f"  mRotation={rotation}\n"
    own += f"  taskId=7 mBounds=[0,0][{width},{height}] {component(surface.package, surface.activity)}\n"
    return "".join([*parts, own])


def _display(profile: ApiProfile, number: int, size: tuple[int, int], focus: str, awake: bool) -> str:
    width, height = size
    organized = " (organized)" if profile.api >= 31 and number == 0 else ""
    base = f" base={width}x{height} 420dpi" if profile.api >= 34 else ""
    sleeping = f"  mSleeping={str(not awake).lower()} mAllSleepTokens=[]\n" if profile.api >= 34 else ""
    policy = ""
    if profile.api >= 29:
        word = str(awake).lower()
        policy = f"  DisplayPolicy\n    mAwake={word} mScreenOnEarly={word} mScreenOnFully={word}\n"
    return (
        f"  Display: mDisplayId={number}{organized}\n"
        f"    init={width}x{height} 420dpi{base} cur={width}x{height} app={width}x{max(height - 126, 1)}"
        " rng=1080x1017-1920x1857\n"
        f"    deferred=false mLayoutNeeded=false mTouchExcludeRegion=SkRegion((0,0,{width},{height}))\n"
        + sleeping
        + ("" if profile.focus_in_windows else focus)
        + policy
    )


def _policy(call: Call) -> str:
    screen, old = call.phone.screen, call.phone.profile.api < 29
    locked, awake = str(screen.locked).lower(), "ON" if screen.awake else "OFF"
    lockscreen = f"    mShowingLockscreen={locked} mShowingDream=false mDreamingLockscreen={locked}\n" if old else ""
    return (
        "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n"
        f"    screenState=SCREEN_STATE_{awake}\n{lockscreen}"
        "    KeyguardServiceDelegate\n"
        f"      showing={locked}\n"
        f"      showingAndNotOccluded={locked}\n"
        f"      inputRestricted={locked}\n"
        "      occluded=false\n"
        f"      secure={str(bool(screen.keyguard.pin)).lower()}\n"
        "      dreaming=false\n"
        "      systemIsReady=true\n"
        "      deviceHasKeyguard=true\n"
        f"      enabled={str(screen.locks_itself or screen.locked).lower()}\n"
        "      currentUser=0\n"
        "      bootCompleted=true\n"
        f"      screenState=SCREEN_STATE_{awake}\n"
        f"      interactiveState=INTERACTIVE_STATE_{'AWAKE' if screen.awake else 'SLEEP'}\n"
        "      KeyguardStateMonitor\n"
        f"        mIsShowing={locked}\n"
        "        mSimSecure=false\n"
        f"        mInputRestricted={locked}\n"
        "        mTrusted=false\n"
        "        mCurrentUserId=0\n"
    )
