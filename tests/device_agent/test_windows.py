from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import Bounds, WindowSeen
from services.device_agent.parsers import windows

KEYBOARD = """
  Window #2 Window{{9f1c2e3 u0 InputMethod}}:
    mDisplayId=0 rootTaskId=1 mSession=Session{{8e5857d 8821:u0a10178}}
    mOwnerUid=10178 showForAllUsers=false package=com.google.android.inputmethod.latin appop=NONE
    mAttrs={{(0,0)(fillxfill) gr=BOTTOM CENTER_VERTICAL sim={{adjust=pan}} ty=INPUT_METHOD fmt=TRANSLUCENT}}
    mViewVisibility=0x0 mHaveFrame=true mObscured=false
    mGivenContentInsets=[0,{air}][0,0] mGivenVisibleInsets=[0,{air}][0,0]
    Frames: parent=[0,84][1440,2960] display=[0,84][1440,2960] frame=[0,84][1440,2960] last=[0,0][0,0]
    isOnScreen={told}
    isVisible={told}
"""


def test_real_output_of_an_old_phone_tells_what_is_in_sight(corpus):
    text = (corpus / "dtmilano_AndroidViewClient/DUMPSYS_WINDOW_WINDOWS_SAMPLE_UI.txt").read_text()

    bar = WindowSeen(
        type="SYSTEM", package="", title="StatusBar", bounds=Bounds(x=0, y=0, width=480, height=38), focused=False
    )
    package = "com.dtmilano.android.sampleui"
    app = WindowSeen(
        type="APP",
        package=package,
        title=f"{package}/{package}.MainActivity",
        bounds=Bounds(x=0, y=0, width=480, height=800),
        focused=True,
    )
    assert windows.windows(text) == (bar, app)


def test_real_window_that_is_gone_from_sight_is_not_told(corpus):
    text = (corpus / "adb_outputs_from_issues/window_windows_entry_a13_bilibili.txt").read_text()

    assert windows.windows(text) == ()
    shown = text.replace("mViewVisibility=0x8", "mViewVisibility=0x0") + "    mHasSurface=true\n"
    assert [(w.type, w.package) for w in windows.windows(shown)] == [("APP", "tv.danmaku.bili")]


def test_no_real_output_breaks_the_parser(corpus):
    files = [*(corpus / "adb_outputs_from_issues").iterdir(), *(corpus / "appium_appium-adb").iterdir()]

    assert files
    for file in files:
        windows.windows(file.read_text(errors="replace"))


def test_keyboard_is_where_its_window_is_not_air():
    (keyboard,) = windows.windows(KEYBOARD.format(air=1700, told="true"))

    assert keyboard.type == "KEYBOARD"
    assert keyboard.bounds == Bounds(x=0, y=1784, width=1440, height=1176)
    assert not keyboard.focused


@pytest.mark.parametrize(("air", "told"), [(1700, "false"), (2876, "true")])
def test_keyboard_that_is_hidden_or_all_air_is_not_there(air, told):
    assert windows.windows(KEYBOARD.format(air=air, told=told)) == ()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("BASE_APPLICATION", "APP"),
        ("APPLICATION_PANEL", "APP"),
        ("1", "APP"),
        ("1002", "APP"),
        ("2000", "SYSTEM"),
        ("2011", "KEYBOARD"),
        ("INPUT_METHOD_DIALOG", "KEYBOARD"),
        ("APPLICATION_OVERLAY", "SYSTEM"),
        ("NOTIFICATION_SHADE", "SYSTEM"),
    ],
)
def test_kinds_of_windows_by_name_and_by_number(kind, expected):
    text = f"  Window #0 Window{{1a2b u0 x.y/x.y.Z}}:\n    mAttrs={{(0,0)(fillxfill) ty={kind}}}\n    isVisible=true\n"

    assert [window.type for window in windows.windows(text)] == [expected]


@given(st.text() | st.lists(st.sampled_from([*KEYBOARD.splitlines(), "ty=", "isVisible=true", "["])).map("\n".join))
def test_any_output_gives_windows_with_a_place(output):
    for window in windows.windows(output):
        assert window.bounds is None or (window.bounds.width >= 0 and window.bounds.height >= 0)
