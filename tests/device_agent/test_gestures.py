from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.sealed import Sealed
from contracts.values import Click, Input, Navigate, Observe, Point, Scroll
from services.device_agent import keyboard
from services.device_agent.gestures import Facts, NotPossibleError, commands, silent_failure
from tests.device_agent.real_shell import RECORDER, RealShell

HERE = Point(x=10, y=20)
OWN_IME = "com.vendor/.Keyboard"


def typed(text: str, submit: bool = False) -> Input:
    return Input(point=HERE, text=Sealed.of(text), submit=submit)


def navigate(to: str, **fields) -> str:
    return commands(Navigate(to=to, **fields), Facts())


def test_taps_presses_and_swipes():
    assert commands(Click(point=HERE), Facts()) == "input tap 10 20"
    assert commands(Click(point=HERE, press="DOUBLE"), Facts()) == "input tap 10 20 && input tap 10 20"
    assert commands(Scroll(start=HERE, end=Point(x=10, y=900), duration_ms=250), Facts()) == (
        "input swipe 10 20 10 900 250"
    )
    assert commands(Observe(), Facts()) is None


def test_long_press_stays_in_place_for_600_to_800_ms():
    words = commands(Click(point=HERE, press="LONG"), Facts()).split()

    assert words[:6] == ["input", "swipe", "10", "20", "10", "20"]
    assert 600 <= int(words[6]) <= 800


def test_navigation():
    assert navigate("BACK") == "input keyevent 4"
    assert navigate("HOME") == "input keyevent 3"
    assert navigate("STOP", package="com.a.b") == "am force-stop com.a.b"
    assert "-n com.a.b/com.a.b.Main" in navigate("LAUNCH", package="com.a.b", activity="com.a.b.Main")
    assert commands(Navigate(to="LAUNCH", package="com.a"), Facts(launcher="com.a.Home")).endswith(
        "-n com.a/com.a.Home"
    )
    assert navigate("LAUNCH", package="com.a.b").endswith("monkey -p com.a.b -c android.intent.category.LAUNCHER 1")
    assert "wm dismiss-keyguard" in navigate("LAUNCH", package="com.a.b")
    alone = Facts(launcher="com.a.Home", split_screen=True)
    assert "--windowingMode 1 -n" in commands(Navigate(to="LAUNCH", package="com.a"), alone)
    assert navigate("END_CALL") == "input keyevent 6"
    assert navigate("DEEP_LINK", uri="shop://item?id=1&x=2", package="com.a") == (
        "am start -a android.intent.action.VIEW -d 'shop://item?id=1&x=2' com.a"
    )


@pytest.mark.parametrize(
    "action",
    [
        Navigate(to="STOP"),
        Navigate(to="STOP", package="com.a; reboot"),
        Navigate(to="LAUNCH", package="$(reboot)"),
        Navigate(to="LAUNCH", package="com.a", activity="A; reboot"),
        Navigate(to="DEEP_LINK"),
        Navigate(to="DEEP_LINK", uri="no uri"),
        Click(point=Point(x=-1, y=0)),
        Scroll(start=HERE, end=Point(x=0, y=-5)),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(action):
    with pytest.raises(NotPossibleError):
        commands(action, Facts())


def test_text_beyond_ascii_needs_the_keyboard_and_says_so():
    with pytest.raises(NotPossibleError, match="ADBKeyboard"):
        commands(typed("你好"), Facts(), "你好")


def test_sealed_text_that_nobody_opened_is_not_typed():
    with pytest.raises(NotPossibleError, match="sealed"):
        commands(typed("x"), Facts(), None)


def as_the_phone_types(calls: list[list[str]]) -> str:
    """What `input text` would put into the field: it reads %s as a space."""
    return "".join(call[1].replace("%s", " ") for call in calls if call[0] == "text")


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_any_ascii_text_is_typed_exactly(tmp_path_factory, text):
    shell = RealShell(tmp_path_factory.mktemp("phone"))
    assert shell.run(commands(typed(text), Facts(field_length=0), text)).returncode == 0

    assert shell.calls()[0] == ["tap", "10", "20"]
    assert as_the_phone_types(shell.calls()) == text


@pytest.mark.parametrize("text", ["%s", "a%sb", "%s%s", "%%s", "100%", "%s %s", "s%"])
def test_literal_percent_s_is_no_space(real_shell, text):
    real_shell.run(commands(typed(text), Facts(field_length=0), text))

    assert as_the_phone_types(real_shell.calls()) == text


def test_field_is_emptied_in_both_directions_before_typing(real_shell):
    real_shell.run(commands(typed("new", submit=True), Facts(field_length=3), "new"))

    assert real_shell.calls() == [
        ["tap", "10", "20"],
        ["keyevent", "67", "67", "67"],
        ["keyevent", "112", "112", "112"],
        ["text", "new"],
        ["keyevent", "66"],
    ]


@pytest.fixture
def phone(real_shell) -> RealShell:
    """A shell with Android's settings, ime, am and dumpsys, as far as typing needs them."""
    folder = real_shell.folder
    (folder / "default").write_text(OWN_IME + "\n")
    real_shell.fake("settings", f"#!/bin/sh\ncat {folder}/default\n")
    real_shell.fake("ime", RECORDER + f'[ "$1" = set ] && echo "$2" > {folder}/default; exit 0\n')
    real_shell.fake("dumpsys", f'#!/bin/sh\necho "  mCurId=$(cat {folder}/default) mBoundToMethod=true"\n')
    real_shell.fake("am", RECORDER)
    return real_shell


def type_unicode(phone: RealShell, text: str, submit: bool = False):
    return phone.run(commands(typed(text, submit), Facts(adb_keyboard=keyboard.ADB_KEYBOARD), text))


def broadcast_text(phone: RealShell) -> str:
    call = next(call for call in phone.calls("am") if "ADB_INPUT_B64" in call)
    return base64.b64decode(call[call.index("msg") + 1]).decode()


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(min_codepoint=128, exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_unicode_text_arrives_at_the_keyboard(text):
    script = commands(typed(text), Facts(adb_keyboard=keyboard.ADB_KEYBOARD), text)
    encoded = script.split("--es msg ")[1].split()[0].strip("'")

    assert base64.b64decode(encoded).decode() == text


def test_unicode_is_typed_and_the_phones_own_keyboard_is_put_back(phone):
    assert type_unicode(phone, "你好 😀", submit=True).returncode == 0

    assert broadcast_text(phone) == "你好 😀"
    assert [call[-1] for call in phone.calls("ime") if call[0] == "set"] == [keyboard.ADB_KEYBOARD, OWN_IME]
    assert phone.calls()[-1] == ["keyevent", "66"]


def test_keyboard_is_put_back_although_typing_failed(phone):
    phone.fake("am", "#!/bin/sh\nexit 5\n")

    assert type_unicode(phone, "你").returncode != 0
    assert (phone.folder / "default").read_text().strip() == OWN_IME


def test_typing_waits_until_the_keyboard_is_bound(phone):
    phone.fake(
        "dumpsys",
        f"#!/bin/sh\necho x >> {phone.folder}/asked\n"
        f"[ $(grep -c x {phone.folder}/asked) -ge 3 ] && bound=true || bound=false\n"
        f'echo "  mCurId={keyboard.ADB_KEYBOARD} mHaveConnection=true"\necho "  mBoundToMethod=$bound"\n',
    )

    assert type_unicode(phone, "你").returncode == 0
    assert (phone.folder / "asked").read_text().count("x") == 3


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "java.lang.SecurityException: Injecting to another application requires INJECT_EVENTS permission\n\tat a",
            "USB",
        ),
        ("Starting: Intent { cmp=a/.B }\nError type 3\nError: Activity class {a/.B} does not exist.\n", "installed"),
        ("  bash arg: -p\n** No activities found to run, monkey aborted.\n", "launcher"),
        ("java.lang.NullPointerException: Attempt to get length of null array\n\tat x", "ADBKeyboard"),
        ("Exception occurred while executing 'tap':\njava.lang.IllegalArgumentException: x", "failed"),
        ("Error: Activity not started, unable to resolve Intent { act=android.intent.action.VIEW }", "opens"),
        ("/system/bin/sh: input: inaccessible or not found", "lacks"),
        ("Unknown input method com.x/.Y cannot be selected for user #0", "keyboard"),
        ("Killed", "memory"),
    ],
)
def test_failures_that_exit_with_0_are_noticed(output, words):
    assert words in silent_failure(output)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Starting: Intent { act=android.intent.action.VIEW dat=https://x/NullPointerException }\n",
        "Warning: Activity not started, its current task has been brought to the front\n",
        "Broadcasting: Intent { act=ADB_INPUT_B64 flg=0x400000 (has extras) }\nBroadcast completed: result=0\n",
        "Events injected: 1\n## Network stats: elapsed time=9ms (0ms mobile, 0ms wifi, 9ms not connected)\n",
    ],
)
def test_what_went_well_is_no_failure(output):
    assert silent_failure(output) is None
