"""Activities that a launcher shows, with where their labels lie: by `cmd package query-activities` (Android 7 and
newer), or by the resolver table and the app's manifest (Android 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lxml import etree

from services.device_agent.parsers.packages import installed_files, launching
from services.device_agent.parsers.window import full_class_name

QUERY = "cmd package query-activities -a android.intent.action.MAIN -c android.intent.category.LAUNCHER"
PART = "waymark-part"
TABLES = f"dumpsys package resolvers activity; echo {PART}; pm list packages -f -e"
"""The same for Android 6, which has no `cmd`. Labels are not told there."""

_ANDROID = "{http://schemas.android.com/apk/res/android}"
_LABEL = re.compile(
    r"^\s*labelRes=0x(?P<id>[0-9a-f]+) nonLocalizedLabel=(?P<text>.*?) icon=0x", re.MULTILINE | re.DOTALL
)
_NOTHING = re.compile(r"\A\s*(No activities found|0 activities found)")


@dataclass(frozen=True)
class Launcher:
    """An activity with an icon. `label` is its label where that is a fixed text, `label_id` the resource that has it;
    neither: it is called like its package. `files` are the app's APKs, the base first."""

    package: str
    activity: str
    files: tuple[str, ...] = ()
    label: str | None = None
    label_id: int | None = None
    version_code: int | None = None


def queried(output: str) -> tuple[Launcher, ...] | None:
    """All of them, as the phone orders them; None where the output is something else."""
    parts = re.split(r"^\s*Activity #\d+:\s*$", output.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]
    found = [launcher for part in parts if (launcher := _one(part)) is not None]
    return tuple(found) if found or _NOTHING.match(output) else None


def tabled(output: str) -> tuple[Launcher, ...] | None:
    """Those of Android 6, without labels; None where the output is something else."""
    table, mark, listed = output.replace("\r\n", "\n").partition(f"\n{PART}\n")
    files = installed_files(listed)
    if not mark or not files:
        return None
    found = [(package, activity) for package, activity in launching(table) if package in files]
    return tuple(Launcher(package, activity, (files[package],)) for package, activity in found)


def labelled(launcher: Launcher, manifest: str) -> Launcher:
    """With what the app's manifest says of its label. References are written `@7f0c001f` in it."""
    root = etree.fromstring(manifest.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    for node in root.iter("activity", "activity-alias"):
        name = full_class_name(launcher.package, node.get(f"{_ANDROID}name", ""))
        if name == launcher.activity and (label := node.get(f"{_ANDROID}label")):
            return _told(launcher, label)
    application = root.find("application")
    label = None if application is None else application.get(f"{_ANDROID}label")
    return _told(launcher, label) if label else launcher


def _told(launcher: Launcher, label: str) -> Launcher:
    reference = re.fullmatch(r"@(?:android:)?([0-9a-fA-F]{7,8})", label)
    return replace(launcher, label_id=int(reference[1], 16)) if reference else replace(launcher, label=label)


def _one(part: str) -> Launcher | None:
    activity, _, application = part.partition("ApplicationInfo:")
    name, package = _field(activity, "name"), _field(activity, "packageName")
    if name is None or package is None:
        return None
    base = _field(application, "sourceDir")
    splits = re.search(r"^\s*splitSourceDirs=\[(.*)\]\s*$", application, re.MULTILINE)
    code = re.search(r"\bversionCode=(\d+)", application)
    found = Launcher(
        package,
        full_class_name(package, name),
        () if base is None else (base, *(splits[1].split(", ") if splits and splits[1] else ())),
        version_code=int(code[1]) if code else None,
    )
    for told in (activity, application):
        if (label := _LABEL.search(told)) is None:
            continue
        if label["text"] != "null":
            return replace(found, label=label["text"])
        if int(label["id"], 16):
            return replace(found, label_id=int(label["id"], 16))
    return found


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"^\s*{name}=(.+?)\s*$", text, re.MULTILINE)
    return found[1] if found and found[1] != "null" else None
