from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import DeviceType, Foreground
from services.device_agent.parsers import hierarchy_dump, logcat, packages, properties, window
from services.device_agent.parsers.hierarchy_dump import Absence

NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,8}){1,3}", fullmatch=True)
CLASS = st.from_regex(r"[A-Z][A-Za-z0-9_]{0,12}(\$[A-Z][a-z]{0,5})?", fullmatch=True)


def front(package: str | None, activity: str | None) -> Foreground:
    return Foreground(package=package, activity=activity)


# --- what is in front -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "adb_outputs_from_issues/window_focus_multi_null_razr2022.txt",
            front("com.YostarJP.BlueArchive", "com.yostarjp.bluearchive.MxUnityPlayerActivity"),
        ),
        (
            "appium_appium-adb/apk-utils_01.txt",
            front("eu.niko.smart.universal", "crc648a3abc16689e594e.MainActivity"),
        ),
        (
            "appium_appium-adb/apk-utils_02.txt",
            front("com.example.android", "com.example.android.activity.main.MainActivity"),
        ),
        (
            "dtmilano_AndroidViewClient/DUMPSYS_WINDOW_WINDOWS_SAMPLE_UI.txt",
            front("com.dtmilano.android.sampleui", "com.dtmilano.android.sampleui.MainActivity"),
        ),
        ("adb_outputs_from_issues/activity_activities_wrapped80_samsung_a7.txt", front(None, None)),
    ],
)
def test_real_outputs_tell_what_is_in_front(corpus, file, expected):
    assert window.foreground((corpus / file).read_text()) == expected


def test_lines_that_a_terminal_wrapped_are_joined(corpus):
    text = (corpus / "adb_outputs_from_issues/activity_activities_wrapped80_samsung_a7.txt").read_text()

    assert "me.piebridge.brevent/.ui.BreventActivity t130" in window.unwrapped(text)
    assert "mCallingPackage=com.sec.android.app.launcher" in window.unwrapped(text)


@pytest.mark.parametrize(
    "line",
    [
        "  mResumedActivity: ActivityRecord{d4e5f6 u0 com.a.b/.Main t7}",
        "    topResumedActivity=ActivityRecord{d4e5f6 u0 com.a.b/.Main t7}",
        "  ResumedActivity: ActivityRecord{d4e5f6 u0 com.a.b/.Main t7}",
        "  mFocusedActivity: ActivityRecord{d4e5f6 u0 com.a.b/.Main t7}",
        "  mCurrentFocus=null\n  mFocusedApp=ActivityRecord{d4e5f6 u0 com.a.b/.Main t7}",
        "  mCurrentFocus=Window{d4e5f6 u0 com.a.b/com.a.b.Main}",
        "  mCurrentFocus=Window{d4e5f6 com.a.b/com.a.b.Main paused=false}",
        "  mFocusedApp=AppWindowToken{9 token=Token{8 ActivityRecord{7 u0 com.a.b/.Main t3}}}",
        "  mCurrentFocus=Window{d4e5f6 u0 com.a.b/com.a.b.Main}\n  mCurrentFocus=null",
    ],
)
def test_each_generation_of_android_tells_the_activity(line):
    assert window.foreground(line) == front("com.a.b", "com.a.b.Main")


def test_window_without_activity_gives_its_package_or_nothing():
    assert window.foreground("mCurrentFocus=Window{1 u0 com.android.permissioncontroller}") == front(
        "com.android.permissioncontroller", None
    )
    assert window.foreground("mCurrentFocus=Window{1 u0 NotificationShade}") == window.NOWHERE


@given(package=NAME, activity=CLASS, user=st.integers(0, 11), nulls=st.integers(0, 3))
def test_any_component_is_read_back(package, activity, user, nulls):
    text = "  mCurrentFocus=null\n" * nulls + f"  mCurrentFocus=Window{{1a2b u{user} {package}/{package}.{activity}}}\n"

    assert window.foreground(text) == front(package, f"{package}.{activity}")


@given(text=st.text(max_size=400))
def test_junk_is_never_an_error(text):
    window.foreground(text)
    window.is_secure(text, front("a.b", None))
    packages.installed(text)
    packages.package(text, "a.b")
    properties.properties(text)
    properties.battery(text)
    properties.free_mb(text)
    logcat.line(text)
    hierarchy_dump.read(text, text.encode())


def test_flag_secure_is_seen_in_words_and_in_hexadecimal(corpus):
    plain = (corpus / "adb_outputs_from_issues/window_windows_entry_a13_bilibili.txt").read_text()
    app = front("tv.danmaku.bili", None)

    assert not window.is_secure(plain, app)
    assert window.is_secure(plain.replace("LAYOUT_IN_SCREEN ", "LAYOUT_IN_SCREEN SECURE "), app)
    assert not window.is_secure(
        plain.replace("LAYOUT_IN_SCREEN ", "LAYOUT_IN_SCREEN SECURE "), front("com.other", None)
    )
    head = "  Window #3 Window{1 u0 com.a.b/com.a.b.Pay}:\n"
    old = head + "    mAttrs=WM.LayoutParams{(0,0) ty=1 fl=#{flags} pfl=0x8}\n    Requested w=1\n"
    assert window.is_secure(old.replace("{flags}", "81812100"), front("com.a.b", None))
    assert not window.is_secure(old.replace("{flags}", "81810100"), front("com.a.b", None))


# --- apps -------------------------------------------------------------------------------------------------------------


def test_version_codes_of_a_real_list(corpus):
    found = packages.installed((corpus / "appium_appium-adb/app-commands_04.txt").read_text())

    assert found == {
        "com.android.managedprovisioning": 35,
        "com.google.android.apps.wallpaper.nexus": 170000000,
        "com.android.chrome": 636771932,
    }


def test_list_with_paths_and_without_codes():
    assert packages.installed("package:/data/app/~~x==/com.a.b-1/base.apk=com.a.b\npackage:com.c\nWARNING: x\n") == {
        "com.a.b": None,
        "com.c": None,
    }


@pytest.mark.parametrize(
    ("file", "name", "version", "code", "launcher"),
    [
        (
            "honeynet_droidbot/report_com.yanzhenjie.album.sample/dumpsys_package_com.yanzhenjie.album.sample.txt",
            "com.yanzhenjie.album.sample",
            "1.1",
            11,
            "com.yanzhenjie.album.sample.MainActivity",
        ),
        (
            "honeynet_droidbot/report_com.yelp.android/dumpsys_package_com.yelp.android.txt",
            "com.yelp.android",
            "9.17.0",
            19019403,
            None,
        ),
        ("appium_appium-adb/apk-utils_03.txt", "com.example.testapp.first", "1.0", 1, None),
    ],
)
def test_real_package_dumps_tell_version_and_launcher(corpus, file, name, version, code, launcher):
    found = packages.package((corpus / file).read_text(errors="replace"), name)

    assert (found.version_name, found.version_code, found.launcher) == (version, code, launcher)
    assert packages.package((corpus / file).read_text(errors="replace"), "com.not.here") is None


def test_activity_with_the_launcher_category_is_the_launcher_not_the_first_main(corpus):
    resolver = (corpus / "appium_appium-adb/app-commands_05.txt").read_text()
    name = "com.sunpower.energylink.commissioning2"
    found = packages.package(f"{resolver}\n\nPackages:\n  Package [{name}] (1):\n    versionName=2.0\n", name)

    assert found.launcher == f"{name}.MainActivity"
    assert found.activities == (f"{name}.MainActivity", f"{name}.MainActivity2")


def test_installed_version_counts_and_not_the_one_on_the_system_partition():
    text = (
        "Packages:\n  Package [com.a] (1):\n    versionCode=7 minSdk=1\n    versionName=2.0\n"
        "Hidden system packages:\n  Package [com.a] (2):\n    versionCode=1\n    versionName=1.0\n"
    )

    assert packages.package(text, "com.a").version_name == "2.0"


def test_resolved_activity_is_the_last_component():
    assert packages.resolved_activity("priority=0 preferredOrder=0\ncom.a/.Main\n") == ("com.a", "com.a.Main")
    assert packages.resolved_activity("No activity found\n") is None


# --- what a phone is --------------------------------------------------------------------------------------------------


def test_properties_survive_line_breaks_and_brackets():
    text = "[a.b]: [1]\r\n[c]: [two\nlines]\n[d]: [x: [y]]\n[e]: []\n"

    assert properties.properties(text) == {"a.b": "1", "c": "two\nlines", "d": "x: [y]", "e": ""}


@given(st.dictionaries(NAME, st.text(st.characters(exclude_characters="\r[]", exclude_categories=["Cs"]), max_size=20)))
def test_any_properties_are_read_back(props):
    text = "".join(f"[{name}]: [{value}]\n" for name, value in props.items())

    assert properties.properties(text) == props


def test_override_of_size_and_density_wins():
    assert properties.size("Physical size: 1080x1920\nOverride size: 720x1280\n") == (720, 1280)
    assert properties.size("Physical size: 1080x1920\n") == (1080, 1920)
    assert properties.size("Error") is None
    assert properties.density("Physical density: 420\nOverride density: 320\n") == 320


def test_battery_is_percent_and_degrees():
    assert properties.battery("  level: 43\n  scale: 50\n  temperature: 315\n") == (86, 31.5)
    assert properties.battery("") == (None, None)


def test_emulators_are_told_from_phones():
    assert properties.device_type({"ro.hardware": "ranchu"}) is DeviceType.EMULATOR
    assert properties.device_type({"ro.boot.qemu": "1"}) is DeviceType.EMULATOR
    assert properties.device_type({"ro.hardware": "qcom"}) is DeviceType.REAL


def test_free_space_by_df():
    head = "Filesystem     1K-blocks     Used Available Use% Mounted on\n"
    text = head + "/dev/block/dm-5 112900000 30000000  82900992  27% /data\n"

    assert properties.free_mb(text) == 80958


def test_input_methods_of_both_forms():
    assert properties.input_methods("com.a/.Ime\ncom.b/c.D:\n  mId=com.b/c.D mSettings=x\n") == (
        "com.a/.Ime",
        "com.b/c.D",
    )
    assert properties.setting("null\n") is None
    assert properties.setting("com.a/.Ime\n") == "com.a/.Ime"


# --- hierarchy --------------------------------------------------------------------------------------------------------

XML = (
    b"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"1\"><node text=\"a\" /></hierarchy>"
)


def test_clean_file_stays_byte_for_byte_and_junk_is_cut_off():
    assert hierarchy_dump.read("UI hierchary dumped to: f", XML + b"\n").xml == XML + b"\n"
    assert hierarchy_dump.read("", b"shell@x:/ $ " + XML + b"UI hierchary dumped to: f\n").xml == XML
    assert hierarchy_dump.rotation(XML) == 1


@pytest.mark.parametrize(
    ("said", "content", "absence"),
    [
        ("ERROR: could not get idle state.", b"", Absence.NOT_IDLE),
        ("ERROR: null root node returned by UiTestAutomationBridge.", b"", Absence.NULL_ROOT),
        ("Killed", b"", Absence.KILLED),
        ("", b"", Absence.FAILED),
        ("UI hierchary dumped to: f", XML[:-8], Absence.TRUNCATED),
        ("UI hierchary dumped to: f", b"<?xml version='1.0'?><hierarchy rotation=\"0\"></hierarchy>", Absence.EMPTY),
        ("UI hierchary dumped to: f", b'<hierarchy rotation="0" />', Absence.EMPTY),
        ("java.lang.IllegalArgumentException: Illegal character (d83d)", b"", Absence.UNREADABLE_TEXT),
        ("java.lang.IllegalStateException: UiAutomationService already registered!", b"", Absence.KILLED),
    ],
)
def test_missing_hierarchy_has_its_reason(said, content, absence):
    found = hierarchy_dump.read(said, content)

    assert found.xml is None
    assert found.absence is absence


@given(cut=st.integers(0, len(XML) - 1))
def test_half_a_hierarchy_is_never_taken_for_one(cut):
    assert hierarchy_dump.read("", XML[:cut]).xml is None


def test_real_dumps_are_accepted(corpus):
    for file in (corpus / "dtmilano_AndroidViewClient").glob("UIAUTOMATOR*.xml"):
        content = file.read_bytes()
        assert hierarchy_dump.read("", content).xml == content


# --- log --------------------------------------------------------------------------------------------------------------


def test_every_line_of_a_real_log_is_read(corpus):
    text = (corpus / "honeynet_droidbot/report_com.yelp.android/logcat.txt").read_text(errors="replace")
    lines = [line for line in text.splitlines() if line and not line.startswith("---------")]
    found = [logcat.line(line) for line in lines]

    assert len(lines) > 5000
    assert found.count(None) == 0


def test_parts_of_a_line():
    found = logcat.line("03-24 11:45:56.097  2479  2510 E ActivityManager: ANR in com.zxs.app (com.zxs.app/a.B)\r\n")

    assert found == logcat.LogLine(
        "03-24 11:45:56.097", 2479, 2510, "E", "ActivityManager", "ANR in com.zxs.app (com.zxs.app/a.B)"
    )
    assert logcat.line("--------- beginning of crash") is None


@given(message=st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=40))
def test_any_message_is_read_back(message):
    found = logcat.line(f"01-02 03:04:05.678     1     2 I Tag: {message}")

    assert found.message == message


@pytest.mark.parametrize(
    ("bounds", "may_be"),
    [
        ((0, 0, 1080, 930), True),
        ((0, 990, 1080, 1920), True),
        ((0, 0, 1080, 1920), False),
        ((75, 700, 1005, 1200), False),
        ((0, 400, 1080, 1400), False),
        ((0, 0, 1080, 120), False),
        ((0, 0, 500, 1920), True),
        ((580, 0, 1080, 1920), True),
    ],
)
def test_window_on_one_side_of_the_screen_may_be_half_of_a_split(bounds, may_be):
    assert window.may_be_split(bounds, 1080, 1920) is may_be


def test_split_screen_is_told_by_its_divider_where_that_is_in_sight():
    app = "  Window #3 Window{a1 u0 com.a/com.a.Main}:\n    mViewVisibility=0x0\n    isVisible=true\n"
    divider = "  Window #2 Window{{b2 u0 {name}}}:\n    mViewVisibility={seen}\n{more}"
    modern = divider.format(name="StageCoordinatorSplitDivider", seen="0x0", more="    isVisible=true\n")
    old = divider.format(name="DockedStackDivider", seen="0x0", more="")
    hidden = divider.format(name="DockedStackDivider", seen="0x4", more="")
    assert window.is_split(modern + app)
    assert window.is_split(old + app)
    assert not window.is_split(hidden + app)
    assert not window.is_split(modern.replace("isVisible=true", "isVisible=false") + app)
    assert not window.is_split(app)
    assert not window.is_split("")


def test_first_window_has_its_bounds():
    xml = b'<hierarchy rotation="0"><node index="0" bounds="[0,-5][1080,930]"><node bounds="[1,2][3,4]" /></node>'
    assert hierarchy_dump.first_bounds(xml) == (0, -5, 1080, 930)
    assert hierarchy_dump.first_bounds(b"<hierarchy></hierarchy>") is None
