"""What is in front: several displays, other users, windows without an activity, as phones print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import Foreground
from deploy.simulator.displays import Display
from deploy.simulator.phone import Phone
from deploy.simulator.profiles import PROFILES, api_profile, latency_profile
from deploy.simulator.shell.interpreter import Shell, Streams
from deploy.simulator.shell.streams import Bytes, Capture
from deploy.simulator.trace import Kind
from deploy.simulator.world import Surface
from services.device_agent.parsers import properties, window
from services.device_agent.parsers.packages import package
from services.device_agent.reading import FOCUS_FROM_ACTIVITIES
from tests.device_agent.test_parsers import CLASS, NAME
from tests.device_agent.worlds import TestWorld

NOTHING = window.NOWHERE


def front(package: str, activity: str) -> Foreground:
    return Foreground(package=package, activity=activity)


def display(number: int, focus: str = "null", app: str = "null", *, awake: bool = True) -> str:
    title = "null" if focus == "null" else f"Window{{9a u0 {focus}}}"
    record = "null" if app == "null" else f"ActivityRecord{{8b u0 {app} t7}}"
    return (
        f"  Display: mDisplayId={number} (organized)\n  mSleeping={str(not awake).lower()} mAllSleepTokens=[]\n"
        f"  mCurrentFocus={title}\n  mFocusedApp={record}\n    mAwake={str(awake).lower()} mScreenOnEarly=true\n"
    )


APP, DESK = front("com.a", "com.a.Main"), front("com.desk", "com.desk.Home")
IN_FRONT = {"focus": "com.a/com.a.Main", "app": "com.a/.Main"}
DESKTOP = {"focus": "com.desk/com.desk.Home", "app": "com.desk/.Home"}


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        # Which display is printed first says nothing: a virtual one, a monitor, a cover.
        (display(2) + display(0, **IN_FRONT), APP),
        (display(0, **IN_FRONT) + display(2), APP),
        (display(2, **DESKTOP) + display(0, **IN_FRONT), APP),
        (display(0, **IN_FRONT) + display(2, **DESKTOP), APP),
        # The keys are with the monitor, and the phone shows an app all the same.
        (display(0, app="com.a/.Main") + display(2, **DESKTOP), APP),
        # Between two windows: what another display shows is not what the phone shows.
        (display(0) + display(2, **DESKTOP), NOTHING),
        # Folded: only the cover is awake. And all of it asleep.
        (display(1, **DESKTOP) + display(0, app="com.a/.Main", awake=False), DESK),
        (display(0, app="com.a/.Main", awake=False), APP),
        (display(1, **DESKTOP, awake=False) + display(0, app="com.a/.Main", awake=False), APP),
    ],
)
def test_default_display_is_meant_unless_it_sleeps(printed, expected):
    assert window.foreground(printed) == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("mCurrentFocus=Window{9a u10 com.a/com.a.Main}", APP),
        ("mCurrentFocus=Window{7bd92f2 u0 d0 com.a/com.a.Main}", APP),
        ("mCurrentFocus=Window{9a u0 com.a/com.a.Main EXITING}", APP),
        ("mFocusedApp=ActivityRecord{9a u150 com.a/.Main t9 d0}", APP),
        ("mFocusedApp=ActivityRecord{9a u0 com.a/.Main, isShadow:false t181}", APP),
        ("mFocusedApp=Token{af0e5cd ActivityRecord{179a7f64 u0 com.a/.Main t5}}", APP),
        ("mFocusedApp=AppWindowToken{9 token=Token{8 ActivityRecord{7 u11 com.a/.Main t3}}}", APP),
        ("    Resumed: ActivityRecord{101347192 u0 com.a/.Main t2}", APP),
        ("topResumedActivity=ActivityRecord{9a u0 com.a/.Main} t57 f}}", APP),
        # A window of no activity has the focus: the app below it.
        ("mCurrentFocus=Window{9a u0 PopupWindow:3f2a1}\nmFocusedApp=ActivityRecord{8 u0 com.a/.Main t7}", APP),
        ("mCurrentFocus=Window{9a u0 NotificationShade}\nmFocusedApp=ActivityRecord{8 u0 com.a/.Main t7}", APP),
        ("mCurrentFocus=Window{9a u0 Application Not Responding: com.a}\n", NOTHING),
        ("mCurrentFocus=null\nmFocusedApp=null\nmCurrentFocus=null", NOTHING),
    ],
)
def test_users_makers_and_windows_without_activity(printed, expected):
    assert window.foreground(printed) == expected


def test_resumed_activity_of_the_default_display_is_meant():
    printed = (
        "ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)\n"
        "Display #0 (activities from top to bottom):\n    topResumedActivity=ActivityRecord{9a u0 com.a/.Main t7}\n"
        "Display #2 (activities from top to bottom):\n    topResumedActivity=ActivityRecord{8b u0 com.desk/.Home t9}\n"
        "\n  ResumedActivity: ActivityRecord{8b u0 com.desk/.Home t9}\n"
    )

    assert window.foreground(printed) == APP
    assert (
        window.foreground(printed.replace("    topResumedActivity=ActivityRecord{9a u0 com.a/.Main t7}\n", ""))
        == NOTHING
    )


@pytest.mark.parametrize("length", [79, 80, 81, 120])
def test_long_line_before_a_heading_is_not_taken_for_a_wrapped_one(length):
    line = "    topResumedActivity=ActivityRecord{9a u0 com.a/.Main t7}".ljust(length, "}")

    assert window.foreground(f"Display #0 (activities):\n{line}\nDisplay #2 (activities):\n{line}\n") == APP
    assert window.unwrapped(f"{'x' * 80}\n{'y' * 80}\nz\n{'w' * 81}\nv") == f"{'x' * 80}{'y' * 80}z\n{'w' * 81}\nv"


# --- round trip through the simulator's writers -----------------------------------------------------------------------


class Fronted(TestWorld):
    """Shows whatever it is told to."""

    def __init__(self, package: str, activity: str) -> None:
        super().__init__(0)
        self.shown = (package, activity)

    def surface(self, now_s: float) -> Surface:
        surface = super().surface(now_s)
        name, activity = self.shown
        return Surface(name, activity, surface.hierarchy, task=(("com.home", "com.home.Launcher"), self.shown))


async def printed(phone: Phone, script: str) -> str:
    out = Capture()
    shell = Shell(phone, phone.trace.add(Kind.SERVICE, script), Capture())
    await shell.run(script, Streams(Bytes(b""), out, Capture()))
    return out.content.decode()


def phone_of(api: int, name: str, activity: str) -> Phone:
    return Phone("SIM", Fronted(name, activity), api_profile(api), latency_profile("zero"))


others = st.lists(
    st.builds(
        Display,
        number=st.integers(1, 40),
        package=st.one_of(st.none(), NAME),
        activity=st.just("com.other.Home"),
        focused=st.booleans(),
        awake=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda one: one.number,
)


@given(api=st.sampled_from(sorted(PROFILES)), name=NAME, activity=CLASS, displays=others)
async def test_every_android_tells_the_activity_in_front_whatever_other_displays_show(api, name, activity, displays):
    phone = phone_of(api, name, f"{name}.{activity}")
    phone.displays = displays if api >= 29 else []
    where = "displays" if api >= 29 else "windows"

    assert window.foreground(await printed(phone, f"dumpsys window {where}")) == front(name, f"{name}.{activity}")
    grepped = await printed(phone, f"dumpsys window {where} | grep -E '{window.FOCUS_LINES}'")
    assert window.foreground(grepped) == front(name, f"{name}.{activity}")
    assert window.foreground(await printed(phone, FOCUS_FROM_ACTIVITIES)) == front(name, f"{name}.{activity}")


@given(
    api=st.sampled_from(sorted(PROFILES)),
    level=st.integers(0, 100),
    tenths=st.integers(-200, 900),
    rotation=st.integers(0, 3),
    awake=st.booleans(),
    locked=st.booleans(),
)
async def test_every_android_tells_battery_rotation_screen_and_lock(api, level, tenths, rotation, awake, locked):
    phone = phone_of(api, "com.a", "com.a.Main")
    phone.battery |= {"level": level, "temperature": tenths}
    phone.screen.rotation, phone.screen.awake, phone.screen.locked = rotation, awake, locked

    assert properties.battery(await printed(phone, "dumpsys battery")) == (level, tenths / 10)
    assert properties.rotation(await printed(phone, "dumpsys input")) == rotation
    assert properties.rotation(await printed(phone, "dumpsys display")) == rotation
    assert window.is_awake(await printed(phone, "dumpsys power")) is awake
    assert window.is_awake(await printed(phone, "dumpsys window policy")) is awake
    assert window.keyguard_showing(await printed(phone, "dumpsys window policy")) is locked


@pytest.mark.parametrize("api", sorted(PROFILES))
async def test_every_android_tells_its_free_space_its_keyboards_and_its_apps(api):
    phone = phone_of(api, "com.test", "com.test.Main")
    free_mb = (phone.files.limit_bytes - phone.files.used_bytes) / 1024**2

    found = properties.free_mb(await printed(phone, "df -k /data 2>/dev/null"))
    assert found == pytest.approx(free_mb, rel=0.03)
    assert properties.input_methods(await printed(phone, "ime list -s -a")) == tuple(phone.settings.keyboards)
    app = package(await printed(phone, "dumpsys package com.test"), "com.test")
    assert (app.version_name, app.launcher) == (phone.world.apps()[-1].version_name, "com.test.Main")
    props = properties.properties(await printed(phone, "getprop"))
    assert (props["ro.build.version.sdk"], props["ro.build.version.release"]) == (str(api), PROFILES[api].release)


@given(text=st.text(max_size=300), api=st.sampled_from(["", "Display: mDisplayId=0\n", "Display #1 (activities)\n"]))
def test_junk_between_displays_is_never_an_error(text, api):
    window.foreground(api + text + api)
    window.keyguard_showing(text)
    window.is_awake(text)
    properties.rotation(text)
    properties.size(text)
    properties.density(text)
    properties.input_methods(text)
    properties.hardware_serial({"ro.serialno": text})


@pytest.mark.parametrize(
    ("printed_by", "expected"),
    [
        (
            "Filesystem        Size     Used     Free   Blksize\n/data            21.9G    12.1G     9.8G   4096\n",
            10035,
        ),
        ("/data                  889.4M   104.0K   889.3M   4096\n", 889),
        (
            "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/dm-5 112900000 30000000 82900992 27% /data\n",
            80958,
        ),
        ("-k: No such file or directory\n", None),
    ],
)
def test_free_space_of_old_and_new_phones(printed_by, expected):
    assert properties.free_mb(printed_by) == expected
