"""Every real output of the corpus that a phone or its adb printed, with what the agent's parsers make of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.values import Foreground
from services.device_agent.parsers import hierarchy_dump, logcat, packages, window
from services.device_agent.parsers.hierarchy_dump import Absence

ISSUES, APPIUM, VIEWCLIENT = "adb_outputs_from_issues", "appium_appium-adb", "dtmilano_AndroidViewClient"
FOLDERS = (ISSUES, APPIUM, VIEWCLIENT)


def front(package: str | None, activity: str | None) -> Foreground:
    return Foreground(package=package, activity=activity)


def lines_read(text: str) -> int:
    return sum(logcat.line(line) is not None for line in text.splitlines())


def version(name: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        found = packages.package(text, name)
        return None if found is None else (found.version_name, found.version_code)

    return read


def launcher_and_activities(name: str) -> Callable[[str], Any]:
    """Of a resolver table alone: the section of the package is what a phone prints behind it."""

    def read(text: str) -> Any:
        found = packages.package(f"{text}\n\nPackages:\n  Package [{name}] (1):\n    versionName=1\n", name)
        assert found is not None
        return found.launcher, found.activities

    return read


def dump(text: str) -> Any:
    found = hierarchy_dump.read("", text.encode())
    return found.xml == text.encode(), hierarchy_dump.rotation(text.encode())


def said(text: str) -> Any:
    return hierarchy_dump.read(text, b"").absence


def secure(package: str) -> Callable[[str], Any]:
    return lambda text: window.is_secure(text, front(package, None))


def screen(text: str) -> tuple[bool | None, bool | None]:
    """Whether the lock screen is up, and whether the screen is on."""
    return window.keyguard_showing(text), window.is_awake(text)


SUNPOWER, CONTACTS = "com.sunpower.energylink.commissioning2", "com.example.android.contactmanager"

EXPECTED: list[tuple[str, Callable[[str], Any], Any]] = [
    (f"{ISSUES}/activity_activities_wrapped80_samsung_a7.txt", window.foreground, window.NOWHERE),
    (f"{ISSUES}/anr_logcat_droidify_2025.txt", lines_read, 0),  # brief format: the agent asks for threadtime
    (f"{ISSUES}/anr_logcat_threadtime_flutter.txt", lines_read, 6),
    (f"{ISSUES}/crash_logcat_threadtime_main_2016.txt", lines_read, 5),
    (f"{ISSUES}/uiautomator_illegal_surrogate_error.txt", said, Absence.UNREADABLE_TEXT),
    (
        f"{ISSUES}/window_focus_multi_null_razr2022.txt",
        window.foreground,
        front("com.YostarJP.BlueArchive", "com.yostarjp.bluearchive.MxUnityPlayerActivity"),
    ),
    (f"{ISSUES}/window_windows_entry_a13_bilibili.txt", window.foreground, window.NOWHERE),
    (f"{ISSUES}/window_windows_entry_a13_bilibili.txt", secure("tv.danmaku.bili"), False),
    (
        f"{APPIUM}/apk-utils_01.txt",
        window.foreground,
        front("eu.niko.smart.universal", "crc648a3abc16689e594e.MainActivity"),
    ),
    (
        f"{APPIUM}/apk-utils_02.txt",
        window.foreground,
        front("com.example.android", "com.example.android.activity.main.MainActivity"),
    ),
    (f"{APPIUM}/apk-utils_03.txt", version("com.example.testapp.first"), ("1.0", 1)),
    (
        f"{APPIUM}/app-commands_04.txt",
        packages.installed,
        {
            "com.android.managedprovisioning": 35,
            "com.google.android.apps.wallpaper.nexus": 170000000,
            "com.android.chrome": 636771932,
        },
    ),
    (
        f"{APPIUM}/app-commands_05.txt",
        launcher_and_activities(SUNPOWER),
        (f"{SUNPOWER}.MainActivity", (f"{SUNPOWER}.MainActivity", f"{SUNPOWER}.MainActivity2")),
    ),
    (
        f"{APPIUM}/app-commands_06.txt",  # no category is shown, so that none is known to be the launcher's
        launcher_and_activities(CONTACTS),
        (None, tuple(f"{CONTACTS}.ContactManager{number}" for number in ("2", "3", ""))),
    ),
    (f"{APPIUM}/general-commands_07.txt", version("com.xxx"), None),  # the end of a dump, without its head
    (f"{APPIUM}/general-commands_08.txt", version("com.xxx"), None),
    (f"{APPIUM}/lockmgmt_09.txt", screen, (False, False)),
    (f"{APPIUM}/lockmgmt_10.txt", screen, (False, True)),
    (f"{APPIUM}/lockmgmt_11.txt", screen, (False, None)),  # it restricts no input: in nobody's way
    (f"{APPIUM}/lockmgmt_12.txt", screen, (True, None)),
    (f"{APPIUM}/lockmgmt_13.txt", screen, (False, None)),
    (f"{VIEWCLIENT}/DUMPSYS_WINDOW_PARTIAL.txt", window.foreground, window.NOWHERE),
    (f"{VIEWCLIENT}/DUMPSYS_WINDOW_PARTIAL.txt", screen, (None, None)),
    (
        f"{VIEWCLIENT}/DUMPSYS_WINDOW_WINDOWS_SAMPLE_UI.txt",
        window.foreground,
        front("com.dtmilano.android.sampleui", "com.dtmilano.android.sampleui.MainActivity"),
    ),
    (f"{VIEWCLIENT}/DUMPSYS_WINDOW_WINDOWS_SAMPLE_UI.txt", secure("com.dtmilano.android.sampleui"), False),
    (f"{VIEWCLIENT}/UIAUTOMATOR_DUMP.xml", dump, (True, 0)),
    (f"{VIEWCLIENT}/UIAUTOMATOR_DUMP_API17_CHINESE.xml", dump, (True, 0)),
    (f"{VIEWCLIENT}/UIAUTOMATOR_DUMP_API27.xml", dump, (True, 0)),
]

NOBODYS = {
    f"{APPIUM}/process-commands_14.txt": "`ps`: the agent asks for no list of processes",
    f"{APPIUM}/process-commands_15.txt": "`ps`",
    f"{APPIUM}/process-commands_16.txt": "`ps`",
    f"{APPIUM}/process-commands_17.txt": "`ps`",
    f"{APPIUM}/LICENSE.upstream": "no output",
    f"{VIEWCLIENT}/LICENSE.upstream": "no output",
    f"{VIEWCLIENT}/DUMP.txt": "ViewServer's own dump of views, which needs a debug build: never asked for",
    f"{VIEWCLIENT}/DUMP_API_10.txt": "ViewServer",
    f"{VIEWCLIENT}/DUMP_SAMPLE_UI.txt": "ViewServer",
    f"{VIEWCLIENT}/DUMP_STATUSBAR.txt": "ViewServer",
    f"{VIEWCLIENT}/LIST.txt": "ViewServer's list of windows",
}
"""Files that no parser of the agent is meant for, and why."""


@pytest.mark.parametrize(
    ("file", "read", "expected"),
    EXPECTED,
    ids=[f"{Path(file).name}-{number}" for number, (file, *_) in enumerate(EXPECTED)],
)
def test_real_output_gives_what_it_says(corpus: Path, file: str, read: Callable[[str], Any], expected: Any) -> None:
    assert read((corpus / file).read_bytes().decode(errors="replace")) == expected


def test_every_file_of_the_corpus_has_an_expected_result_or_a_reason_why_not(corpus: Path) -> None:
    files = {f"{folder}/{path.name}" for folder in FOLDERS for path in (corpus / folder).iterdir()}

    assert files == {file for file, *_ in EXPECTED} | NOBODYS.keys()


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_real_output_is_an_error_to_any_parser(corpus: Path, folder: str) -> None:
    """A phone may print what was not asked for: each parser gets every file."""
    for path in sorted((corpus / folder).iterdir()):
        text = path.read_bytes().decode(errors="replace")
        for _, read, _ in EXPECTED:
            read(text)
