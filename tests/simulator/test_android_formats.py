"""What commands print, Android generation by generation."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from deploy.simulator.commands.keycodes import NAMES, key_name
from deploy.simulator.displays import Display
from deploy.simulator.phone import Phone
from deploy.simulator.profiles import PROFILES, LatencyProfile, api_profile, latency_profile

from .conftest import Run
from .worlds import MAIN, PACKAGE, SECOND

_APIS = sorted(PROFILES)


@pytest.fixture(params=_APIS, ids=lambda api: f"api{api}")
def api(request: pytest.FixtureRequest, phone: Phone) -> int:
    phone.profile = api_profile(request.param)
    phone.displays = phone.displays if request.param >= 33 else []
    return request.param


async def test_focus_is_where_that_android_has_it(api: int, run: Run) -> None:
    focus = "mCurrentFocus=Window{"
    windows, displays = (await run("dumpsys window windows")).out, (await run("dumpsys window displays")).out
    assert (focus in windows) == (api < 29)
    assert (focus in displays) == (api >= 29)
    lines = [line for line in (await run("dumpsys window")).out.splitlines() if "mCurrentFocus" in line]
    assert lines[-1].endswith(f" u0 {PACKAGE}/{MAIN}}}")
    assert len(lines) == (2 if api >= 33 else 1)


async def test_the_resumed_activity_is_named_as_that_android_names_it(api: int, run: Run) -> None:
    out = (await run("dumpsys activity activities")).out
    record = f" u0 {PACKAGE}/.MainActivity"
    assert ("topResumedActivity=ActivityRecord{" in out) == (api >= 29)
    assert (" mResumedActivity: ActivityRecord{" in out) == (api < 31)
    assert ("    Resumed: ActivityRecord{" in out) == (api >= 31)
    assert ("\n  mFocusedActivity: ActivityRecord{" in out) == (api < 26)
    assert ("\n  ResumedActivity: ActivityRecord{" in out) == (api >= 26)
    assert (record + "} t7}" in out) == (api in (33, 34))
    assert ("Hist  #1: ActivityRecord{" if api >= 31 else "Hist #1: ActivityRecord{") in out


async def test_old_phones_deny_input_with_another_exception(api: int, run: Run, phone: Phone) -> None:
    phone.faults.arm("inject_denied")
    ran = await run("input tap 1 1")
    assert "INJECT_EVENTS permission" in ran.err
    assert ran.err.startswith("Exception occurred" if api >= 30 else "java.lang.SecurityException")
    assert ran.rc == (255 if api >= 30 else 1)


async def test_declared_activities_can_be_read_launcher_first(run: Run) -> None:
    out = (await run(f"dumpsys package {PACKAGE}")).out
    table = out.partition("Packages:")[0]
    assert table.index(f"{PACKAGE}/.MainActivity filter") < table.index(f"{PACKAGE}/.ui.SecondActivity filter")
    assert [line.strip() for line in out.splitlines() if line.strip() in (MAIN, SECOND)] == [MAIN, SECOND]
    assert "versionName=1.2.3\n" in out
    assert "versionCode=42 minSdk=" in out
    assert "android.permission.CAMERA: granted=false" in out
    await run(f"pm grant {PACKAGE} android.permission.CAMERA")
    assert "android.permission.CAMERA: granted=true" in (await run(f"dumpsys package {PACKAGE}")).out


@pytest.mark.parametrize(
    ("script", "rc", "out"),
    [
        (f"pm path {PACKAGE} | grep -c base.apk", 0, "1\n"),
        ("pm path com.nope", 1, ""),
        ("settings get secure nothing", 0, "null\n"),
        ("settings put global a 'b c' && settings get global a; settings delete global a", 0, "b c\nDeleted 1 rows\n"),
        ("wm size; wm density", 0, "Physical size: 1080x1920\nPhysical density: 420\n"),
        ("wm size 720x1280; wm size | tail -n 1", 0, "Override size: 720x1280\n"),
        ("am get-current-user", 0, "0\n"),
        ("pm list packages counter --show-versioncode", 0, f"package:{PACKAGE} versionCode:42\n"),
        (f"cmd package resolve-activity --brief {PACKAGE} | tail -n 1", 0, f"{PACKAGE}/.MainActivity\n"),
        ("pidof com.nope", 1, ""),
        ("id -u", 0, "2000\n"),
        ("getprop ro.build.version.sdk; getprop nothing", 0, "33\n\n"),
        ("setprop debug.x 1; getprop debug.x", 0, "1\n"),
    ],
)
async def test_small_commands_answer_as_android_does(run: Run, script: str, rc: int, out: str) -> None:
    ran = await run(script)
    assert (ran.rc, ran.out) == (rc, out), ran.err


async def test_starting_what_is_missing_fails_with_androids_words(run: Run) -> None:
    ran = await run("am start -n com.nope/.Main")
    assert ran.rc == 1
    assert ran.err == "Error type 3\nError: Activity class {com.nope/com.nope.Main} does not exist.\n"
    ran = await run("monkey -p com.nope -c android.intent.category.LAUNCHER 1")
    assert ran.rc == 252
    assert ran.out.endswith("** No activities found to run, monkey aborted.\n")
    ran = await run(f"am start -W -n {PACKAGE}/.ui.SecondActivity")
    assert ran.rc == 0
    assert "Status: ok\n" in ran.out


async def test_only_the_current_keyboard_types_by_broadcast(run: Run, phone: Phone) -> None:
    await run("input tap 540 900")
    typed = "am broadcast -a ADB_INPUT_B64 --es msg 5L2g5aW9"
    assert (await run(typed)).out.endswith("Broadcast completed: result=0\n")
    assert phone.world.text == ""
    ran = await run("ime set com.android.adbkeyboard/.AdbIME")
    assert ran.rc == 255
    await run("ime enable com.android.adbkeyboard/.AdbIME && ime set com.android.adbkeyboard/.AdbIME")
    assert (await run("settings get secure default_input_method")).out == "com.android.adbkeyboard/.AdbIME\n"
    await run(typed)
    assert phone.world.text == "你好"
    await run("am broadcast -a ADB_CLEAR_TEXT")
    assert phone.world.text == ""


async def test_input_text_takes_ascii_only(run: Run, phone: Phone) -> None:
    await run("input tap 540 900; input text 'a%sb\"c'")
    assert phone.world.text == 'a b"c'
    ran = await run("input text 你好")
    assert ran.rc == 255
    assert "java.lang.NullPointerException: Attempt to get length of null array" in ran.err
    assert phone.world.text == 'a b"c'


@pytest.mark.parametrize(
    ("script", "events"),
    [
        ("input tap 10.6 20", [("tap", 10, 20)]),
        ("input tap 5 5; input tap 6 6", [("tap", 5, 5), ("double_tap", 6, 6)]),
        ("input tap 5 5; input tap 500 6", [("tap", 5, 5), ("tap", 500, 6)]),
        ("input swipe 5 5 9 9 500", [("long_press", 5, 5)]),
        ("input swipe 5 5 9 9 100", [("tap", 5, 5)]),
        ("input touchscreen swipe 5 900 5 100", [("swipe", 5, 900, 5, 100, 300)]),
        ("input draganddrop 5 900 5 100 700", [("swipe", 5, 900, 5, 100, 700)]),
        ("input keyevent 4 KEYCODE_ENTER del", [("key", "BACK"), ("key", "ENTER"), ("key", "DEL")]),
        ("input keyevent KEYCODE_A 62 8", [("text", "a"), ("text", " "), ("text", "1")]),
        ("input motionevent DOWN 5 900; input motionevent UP 5 100", [("swipe", 5, 900, 5, 100, 300)]),
    ],
)
async def test_fingers_reach_the_app(run: Run, phone: Phone, script: str, events: list[tuple[object, ...]]) -> None:
    assert (await run(script)).rc == 0
    assert phone.world.events == events


async def test_two_taps_by_two_shells_are_two_taps(run: Run, phone: Phone) -> None:
    await run("input tap 5 5")
    await run("input tap 5 5")
    assert phone.world.events == [("tap", 5, 5), ("tap", 5, 5)]


@pytest.mark.parametrize("arguments", ["", "tap", "tap a b", "frob", "keyevent NOPE", "text"])
async def test_wrong_input_arguments_fail_and_touch_nothing(run: Run, phone: Phone, arguments: str) -> None:
    ran = await run(f"input {arguments}")
    assert ran.rc == 255
    assert ran.err.startswith("Error: ")
    assert phone.world.events == []


async def test_a_locked_phone_keeps_fingers_and_pictures_from_the_app(run: Run, phone: Phone) -> None:
    bright = (await run("screencap -p | md5sum")).out
    await run("input keyevent POWER; input tap 540 500")
    assert "mWakefulness=Asleep" in (await run("dumpsys power")).out
    assert (await run("screencap -p | md5sum")).out != bright
    phone.screen.locked = True
    await run("input keyevent WAKEUP; input tap 540 500")
    assert "NotificationShade" in (await run("dumpsys window | grep mCurrentFocus | tail -n 1")).out
    assert phone.world.events == []
    await run("input swipe 500 1500 500 300; input tap 540 500")
    assert phone.world.events == [("tap", 540, 500)]


async def test_commands_take_the_time_of_their_profile_and_a_dump_reads_at_its_end(run: Run, phone: Phone) -> None:
    phone.latency = LatencyProfile("test", screencap_s=0.05, dump_s=0.2, input_s=0.02, gesture_scale=0.5)
    loop = asyncio.get_running_loop()
    started = loop.time()
    dump, _ = await asyncio.gather(run("uiautomator dump /dev/tty"), run("input tap 540 500"))
    assert "点击 1" in dump.out
    assert loop.time() - started >= 0.2
    for script, least_s in (("screencap -p", 0.05), ("input swipe 500 1500 500 500 200", 0.12)):
        started = loop.time()
        await run(script + " > /dev/null")
        assert loop.time() - started >= least_s


async def test_a_secure_window_gives_a_black_picture(run: Run, phone: Phone) -> None:
    phone.world.secure = True
    from deploy.simulator.screen import black

    await run("screencap -p /sdcard/s.png")
    assert phone.files.read("/sdcard/s.png") == black(1080, 1920)


async def test_a_turned_screen_turns_bounds_and_fingers(run: Run, phone: Phone) -> None:
    phone.screen.rotation = 1
    out = (await run("uiautomator dump /dev/tty")).out
    assert 'rotation="1"' in out
    assert 'bounds="[400,40][600,1040]"' in out
    await run("input tap 500 540")
    assert phone.world.count == 1
    assert "orientation=1" in (await run("dumpsys display")).out


async def test_logcat_prints_in_the_form_and_from_the_time_asked_for(run: Run, phone: Phone) -> None:
    await run("am start -d counter://crash")
    at_s = phone.world.lines[-1].at_s
    crash = await run("logcat -d -b crash -v threadtime")
    assert crash.out.startswith("--------- beginning of crash\n")
    assert crash.out.count(" E AndroidRuntime: ") == 3
    assert (await run("logcat -d -b main")).out == ""
    assert "崩" not in (await run(f"logcat -d -b crash -v epoch -T {at_s + 1:.3f}")).out
    assert "崩" in (await run(f"logcat -d -b crash -v epoch -T {at_s - 1:.3f}")).out
    assert (await run("logcat -d -b crash AndroidRuntime:F '*:S'")).out == ""
    await run("logcat -c")
    assert (await run("logcat -d -b all")).out == ""


@pytest.mark.parametrize("number", sorted(NAMES))
def test_a_key_goes_by_number_name_and_full_name(number: int) -> None:
    name = NAMES[number]
    assert key_name(str(number)) == key_name(f"KEYCODE_{name}") == name
    assert name.isdigit() or key_name(name.lower()) == name


def test_unknown_profiles_say_which_exist() -> None:
    with pytest.raises(ValueError, match="23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35"):
        api_profile(12)
    with pytest.raises(ValueError, match="zero, short, real"):
        latency_profile("fast")


async def test_android_6_has_tools_of_its_own(run: Run, phone: Phone) -> None:
    phone.profile = api_profile(23)
    df = await run("df -k /data")
    assert (df.rc, df.err) == (1, "-k: No such file or directory\n")
    assert df.out.splitlines()[0].split() == ["Filesystem", "Size", "Used", "Free", "Blksize"]
    assert (await run("uptime")).out.startswith("up time: ")
    assert (await run("cmd package list packages")).rc == 127
    assert (await run("ps -A")).out.count("\n") == 1
    assert "LaunchState" not in (await run(f"am start -W -n {PACKAGE}/.MainActivity")).out


async def test_version_codes_and_users_in_words_came_later(api: int, run: Run) -> None:
    listed = await run("pm list packages --show-versioncode")
    assert (f"package:{PACKAGE} versionCode:42" in listed.out) == (api >= 26)
    assert ("Unknown option" in listed.err) == (api < 26)
    enabled = await run("ime enable com.android.adbkeyboard/.AdbIME")
    assert (" for user #0" in enabled.out) == (api >= 29)


async def test_features_grow_with_android() -> None:
    features = {api: set(profile.features) for api, profile in PROFILES.items()}
    assert features[23] == set()
    assert features[24] == {"shell_v2", "cmd"}
    assert all(features[older] <= features[newer] for older, newer in itertools.pairwise(sorted(features)))


async def test_display_that_has_the_keys_takes_the_focus_from_the_phones_own(run: Run, phone: Phone) -> None:
    phone.displays = [Display(2, "com.desk", "com.desk.Home", focused=True), Display(3)]
    out = (await run("dumpsys window displays")).out
    assert [line.split("=")[1][:1] for line in out.splitlines() if "Display: mDisplayId=" in line] == ["3", "2", "0"]
    assert out.count("mCurrentFocus=null") == 2
    assert "mCurrentFocus=Window{" in out
