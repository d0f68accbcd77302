"""Which app is meant, and how its labels are read: pieces of its package file, its table of resources, its manifest."""

from __future__ import annotations

import io
import struct
import zipfile
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.simulator.apps import resources as written
from deploy.simulator.apps.apk import Build, build_apk
from deploy.simulator.apps.catalog import app as described
from services.device_agent.apps.naming import App, Unnamed, choose, folded
from services.device_agent.apps.package_files import TAIL_BYTES, PackageFile, UnreadableError
from services.device_agent.apps.resources import ResourcesError, Text, texts
from services.device_agent.parsers.launchers import PART, Launcher, labelled, queried, tabled

QUERIED = """\
3 activities found:
  Activity #0:
    priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false
    ActivityInfo:
      name=com.tencent.mm.ui.LauncherUI
      packageName=com.tencent.mm
      labelRes=0x7f110532 nonLocalizedLabel=null icon=0x0 banner=0x0
      enabled=true exported=true directBootAware=false
      taskAffinity=com.tencent.mm targetActivity=null persistableMode=PERSIST_ROOT_ONLY
      launchMode=1 flags=0x602 privateFlags=0x1 theme=0x7f120203
      ApplicationInfo:
        name=com.tencent.mm.app.Application
        packageName=com.tencent.mm
        labelRes=0x7f110001 nonLocalizedLabel=null icon=0x7f0f0000 banner=0x0
        className=com.tencent.mm.app.Application
        sourceDir=/data/app/~~a1==/com.tencent.mm-b2==/base.apk
        splitSourceDirs=[/data/app/~~a1==/com.tencent.mm-b2==/split_config.zh.apk, /data/app/~~a1==/x/split_a.apk]
        enabled=true minSdkVersion=24 targetSdkVersion=34 versionCode=2580 targetSandboxVersion=1
  Activity #1:
    priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false
    ActivityInfo:
      name=com.android.calculator2.Calculator
      packageName=com.android.calculator2
      enabled=true exported=true directBootAware=false
      ApplicationInfo:
        packageName=com.android.calculator2
        labelRes=0x7f0f0026 nonLocalizedLabel=null icon=0x7f0d0000 banner=0x0
        sourceDir=/system/app/ExactCalculator/ExactCalculator.apk
        enabled=true minSdkVersion=33 targetSdkVersion=33 versionCode=33
  Activity #2:
    priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false
    ActivityInfo:
      name=.Main
      packageName=com.example
      labelRes=0x0 nonLocalizedLabel=Two words
of two lines icon=0x7f080000 banner=0x0
      ApplicationInfo:
        packageName=com.example
        sourceDir=/data/app/com.example-1/base.apk
"""


def test_launchers_are_told_with_where_their_labels_lie() -> None:
    assert queried(QUERIED) == (
        Launcher(
            "com.tencent.mm",
            "com.tencent.mm.ui.LauncherUI",
            (
                "/data/app/~~a1==/com.tencent.mm-b2==/base.apk",
                "/data/app/~~a1==/com.tencent.mm-b2==/split_config.zh.apk",
                "/data/app/~~a1==/x/split_a.apk",
            ),
            None,
            0x7F110532,
            2580,
        ),
        Launcher(
            "com.android.calculator2",
            "com.android.calculator2.Calculator",
            ("/system/app/ExactCalculator/ExactCalculator.apk",),
            None,
            0x7F0F0026,
            33,
        ),
        Launcher(
            "com.example", "com.example.Main", ("/data/app/com.example-1/base.apk",), "Two words\nof two lines", None
        ),
    )
    assert queried(QUERIED.replace("\n", "\r\n")) == queried(QUERIED)


def test_a_phone_without_apps_is_told_from_one_that_does_not_answer() -> None:
    assert queried("No activities found\n") == ()
    assert queried("cmd: Can't find service: package\n") is None
    assert tabled("Can't find service: package") is None


def test_the_launchers_of_android_6_come_from_its_tables() -> None:
    output = f"""Activity Resolver Table:
  Non-Data Actions:
      android.intent.action.MAIN:
        3b2 com.example/.Main filter 4c
          Action: "android.intent.action.MAIN"
          Category: "android.intent.category.LAUNCHER"
        3b3 com.other/.Debug filter 4d
          Action: "android.intent.action.MAIN"
          Category: "android.intent.category.DEFAULT"
        3b4 com.gone/.Main filter 4e
          Action: "android.intent.action.MAIN"
          Category: "android.intent.category.LAUNCHER"

{PART}
package:/data/app/com.example-1/base.apk=com.example
package:/data/app/com.other-1/base.apk=com.other
"""
    assert tabled(output) == (Launcher("com.example", "com.example.Main", ("/data/app/com.example-1/base.apk",)),)


@pytest.mark.parametrize(
    ("activity", "application", "expected"),
    [
        ('android:label="@7f0c001f"', 'android:label="@7f0c0001"', (None, 0x7F0C001F)),
        ("", 'android:label="@7f0c0001"', (None, 0x7F0C0001)),
        ('android:label="微信"', 'android:label="@7f0c0001"', ("微信", None)),
        ("", "", (None, None)),
    ],
)
def test_a_manifest_tells_the_label_of_the_activity_else_of_the_app(activity, application, expected) -> None:
    manifest = f"""<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.example">
  <application {application}>
    <activity android:name=".Other" android:label="no"/>
    <activity-alias android:name=".Main" {activity}/>
  </application>
</manifest>"""
    found = labelled(Launcher("com.example", "com.example.Main"), manifest)
    assert (found.label, found.label_id) == expected


# --- resources --------------------------------------------------------------------------------------------------------


def real_table() -> bytes:
    """The resources of an app that was built with Android's own tools, with texts in eighty languages."""
    with files("uiautomator2").joinpath("assets", "app-uiautomator.apk").open("rb") as apk:
        return zipfile.ZipFile(apk).read("resources.arsc")


def test_the_texts_of_a_real_app_are_read() -> None:
    assert texts(real_table(), 0x7F0C001F) == (Text("", "ATX"),)
    home = {text.language: text.text for text in texts(real_table(), 0x7F0C0000)}
    assert (home[""], home["de"], home["zh-CN"]) == ("Navigate home", "Zur Startseite", "转到首页")
    assert home["es-US"] == "Navegar a la página principal"
    assert texts(real_table(), 0x7F0CFFFF) == ()
    assert texts(real_table(), 0x01040000) == (), "a text of the system is not in there"


LANGUAGES = st.sampled_from(["en", "de", "zh-CN", "zh-TW", "es-US", "ja", "pt-BR"])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(LANGUAGES, WORDS), WORDS)
def test_what_is_written_is_read_in_every_language(labels: dict[str, str], otherwise: str) -> None:
    every = {"": otherwise, **labels}
    table = written.encode("com.example", every)
    assert {text.language: text.text for text in texts(table, written.LABEL)} == every


def test_references_that_lead_round_in_hundreds_of_languages_are_read_once_each() -> None:
    """Each of two texts refers to the other in every language: followed anew each time, that takes for ever."""

    def language(entries: tuple[int, ...]) -> bytes:
        offsets = struct.pack(f"<{len(entries)}I", *(16 * at for at in range(len(entries))))
        values = b"".join(struct.pack("<HHIHxBI", 8, 0, 0, 8, 0x01, other) for other in entries)
        size = 24 + len(offsets) + len(values)
        return (
            struct.pack("<HHIBBHIII", 0x0201, 24, size, 1, 0, 0, len(entries), 24 + len(offsets), 4) + offsets + values
        )

    types = language((0x7F010001, 0x7F010000)) * 400
    package = struct.pack("<HHII", 0x0200, 12, 12 + len(types), 0x7F) + types
    table = struct.pack("<HHII", 0x0002, 12, 12 + len(package), 1) + package
    assert texts(table, 0x7F010000) == ()


@given(st.data())
def test_a_damaged_table_is_refused_or_read_and_never_breaks_anything(data: st.DataObject) -> None:
    table = bytearray(written.encode("com.example", {"": "Settings", "zh-CN": "设置"}))
    for at in data.draw(st.lists(st.integers(0, len(table) - 1), max_size=6)):
        table[at] = data.draw(st.integers(0, 255))
    try:
        found = texts(bytes(table[: data.draw(st.integers(0, len(table)))]), written.LABEL)
    except ResourcesError:
        return
    assert all(isinstance(text.text, str) for text in found)


# --- package files ----------------------------------------------------------------------------------------------------


class Disk:
    """A file of a phone that counts what was read of it."""

    def __init__(self, content: bytes) -> None:
        self.content, self.parts = content, []

    async def read(self, _path: str, start: int, length: int) -> bytes:
        self.parts.append((start, length))
        return self.content[start : start + length]

    def file(self) -> PackageFile:
        return PackageFile("/data/app/x/base.apk", len(self.content), self.read)


async def test_of_a_large_package_file_only_the_parts_that_are_needed_are_read() -> None:
    disk = Disk(build_apk(described("demo", "2"), Build(filler_bytes=5_000_000)))
    table = await disk.file().entry("resources.arsc")
    assert table is not None
    assert Text("zh-CN", "路标演示") in texts(table, written.LABEL)
    assert len(disk.parts) <= 3
    assert sum(length for _, length in disk.parts) < 2 * TAIL_BYTES


@pytest.mark.parametrize("comment", [b"", b"channel=huawei" * 100])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_an_entry_is_read_wherever_it_lies_and_however_it_is_packed(comment: bytes, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(2_000):
            archive.writestr(f"res/{number}.png", bytes(300))
        archive.writestr("resources.arsc", bytes(range(256)) * 4_000, method)
        for number in range(3_000):
            archive.writestr(f"res/more/{number}.png", bytes(300))
        archive.comment = comment
    disk = Disk(buffer.getvalue())
    assert await disk.file().entry("resources.arsc") == bytes(range(256)) * 4_000
    assert await disk.file().entry("classes.dex") is None
    assert len(disk.parts) <= 8


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 10_000], ids=["empty", "short", "long"])
async def test_what_is_no_package_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        await Disk(content).file().entry("resources.arsc")


async def test_an_entry_that_is_too_large_is_not_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("resources.arsc", bytes(40_000_000))
    with pytest.raises(UnreadableError, match="40000000 bytes"):
        await Disk(buffer.getvalue()).file().entry("resources.arsc")


# --- names ------------------------------------------------------------------------------------------------------------


def app(package: str, *labels: str, **by_language: str) -> App:
    texts = [Text("", label) for label in labels] + [Text(at.replace("_", "-"), t) for at, t in by_language.items()]
    return App(package, f"{package}.Main", tuple(texts))


PHONE = (
    app("com.android.settings", "Settings", zh_CN="设置", de="Einstellungen"),
    app("com.tencent.mm", "WeChat", zh_CN="微信", zh_TW="WeChat 微信"),
    app("com.tencent.wework", "WeCom", zh_CN="企业微信"),
    app("com.sina.weibo", "微博"),
    app("org.mozilla.firefox", "Firefox"),
    app("org.mozilla.firefox_beta", "Firefox Beta"),
    app("com.es.ajustes", "Ajustes"),
    app("com.google.android.gm", "Gmail", es="Ajustes"),
)


@pytest.mark.parametrize(
    ("said", "package"),
    [
        ("微信", "com.tencent.mm"),
        ("企业微信", "com.tencent.wework"),
        ("企业", "com.tencent.wework"),
        (" wechat ", "com.tencent.mm"),
        ("ＷｅＣｈａｔ", "com.tencent.mm"),
        ("We Chat", "com.tencent.mm"),
        ("firefox", "org.mozilla.firefox"),
        ("FirefoxBeta", "org.mozilla.firefox_beta"),
        ("einstellungen", "com.android.settings"),
        ("com.sina.weibo", "com.sina.weibo"),
        ("mail", "com.google.android.gm"),
        ("ajustes", "com.es.ajustes"),
    ],
)
def test_the_app_that_is_meant(said: str, package: str) -> None:
    found = choose(said, PHONE, "zh-Hans-CN")
    assert isinstance(found, App), found
    assert found.package == package


def test_what_fits_several_equally_well_is_none_of_them() -> None:
    found = choose("fire", PHONE, "en-US")
    assert found == Unnamed(
        '"fire" may be any of Firefox (org.mozilla.firefox), Firefox Beta (org.mozilla.firefox_beta): give the package'
    )


def test_what_nothing_is_called_is_told_with_what_comes_nearest() -> None:
    found = choose("设定", PHONE, "zh-CN")
    assert isinstance(found, Unnamed)
    assert found.reason.startswith('no app of this phone is called "设定"; nearest: 设置 (com.android.settings)')
    assert choose("x", (), "en") == Unnamed('no app of this phone is called "x"; nearest: it has none with an icon')
    assert isinstance(choose("  ", PHONE, "en"), Unnamed)


def test_while_not_all_apps_are_known_only_a_whole_label_counts() -> None:
    assert isinstance(choose("企业", PHONE, "zh-CN", exact=True), Unnamed)
    assert isinstance(choose("企业微信", PHONE, "zh-CN", exact=True), App)


@given(st.text(max_size=30))
def test_any_name_is_an_app_or_a_reason(said: str) -> None:
    found = choose(said, PHONE, "zh-CN")
    assert found in PHONE or (isinstance(found, Unnamed) and found.reason)


@given(st.sampled_from([text.text for each in PHONE[:6] for text in each.labels]))
def test_spaces_case_and_width_make_no_difference(label: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in label.upper())
    assert folded("　".join(wide)) == folded(label)
