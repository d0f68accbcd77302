"""Installed apps, by `pm list packages` and `dumpsys package`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.device_agent.parsers.window import full_class_name

_LISTED = re.compile(r"^package:(?:(?P<path>/\S+)=)?(?P<package>[\w.]+)(?: versionCode:(?P<code>\d+))?(?:\s|$)")
_COMPONENT = re.compile(r"^\s+[0-9a-f]+ (?P<package>[\w.]+)/(?P<activity>[\w.$]+)(?: filter [0-9a-f]+)?\s*$")
_LAUNCHER = 'Category: "android.intent.category.LAUNCHER"'
_MAIN = 'Action: "android.intent.action.MAIN"'


@dataclass(frozen=True)
class Package:
    """What `dumpsys package P` tells. `activities` are full class names in the order of first mention.

    Only activities with an intent filter are named there; where the phone lists all of them (`dump` of the manifest on
    newer Androids), those are included.
    """

    package: str
    version_name: str
    version_code: int | None
    launcher: str | None
    activities: tuple[str, ...]


def installed(output: str) -> dict[str, int | None]:
    """Package to version code by `pm list packages [-f] [--show-versioncode]`; None where no code is shown (API 25)."""
    found: dict[str, int | None] = {}
    for line in output.splitlines():
        match = _LISTED.match(line.strip())
        if match:
            found[match["package"]] = int(match["code"]) if match["code"] else None
    return found


def installed_files(output: str) -> dict[str, str]:
    """Package to its base APK by `pm list packages -f`."""
    matches = (_LISTED.match(line.strip()) for line in output.splitlines())
    return {match["package"]: match["path"] for match in matches if match and match["path"]}


def launching(table: str) -> tuple[tuple[str, str], ...]:
    """Package and activity (full class name) of everything that a launcher starts, by an activity resolver table."""
    filters = _activity_filters(table, None)
    return tuple(component for component, lines in filters.items() if _launches(lines))


def package(output: str, name: str) -> Package | None:
    """The app `name` by `dumpsys package NAME`; None where it is not installed."""
    section = _installed_section(output, name)
    if section is None:
        return None
    version = re.search(r"^\s+versionName=(.*?)\s*$", section, re.MULTILINE)
    code = re.search(r"^\s+versionCode=(\d+)", section, re.MULTILINE)
    filters = {activity: lines for (_, activity), lines in _activity_filters(output, name).items()}
    activities = dict.fromkeys([*filters, *_declared(section, name)])
    launcher = next((activity for activity, lines in filters.items() if _launches(lines)), None)
    return Package(
        package=name,
        version_name=version[1] if version and version[1] not in {"", "null"} else "unknown",
        version_code=int(code[1]) if code else None,
        launcher=launcher,
        activities=tuple(activities),
    )


def _installed_section(output: str, name: str) -> str | None:
    """The block of the installed package; `Hidden system packages:` (what an update replaced) comes later."""
    begin = re.search(rf"^\s*Package \[{re.escape(name)}\] \(.*$", output, re.MULTILINE)
    if begin is None:
        return None
    rest = output[begin.end() :]
    end = re.search(r"^(\S|\s*Package \[)", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def _activity_filters(output: str, name: str | None) -> dict[tuple[str, str], list[list[str]]]:
    """Package and activity to their intent filters (the lines of each) in the activity resolver table; only those of
    the app `name`, where one is given."""
    begin = re.search(r"^\s*Activity Resolver Table:\s*$", output, re.MULTILINE)
    if begin is None:
        return {}
    indent = len(begin[0].strip("\n")) - len(begin[0].strip())
    found: dict[tuple[str, str], list[list[str]]] = {}
    lines: list[str] | None = None
    for line in output[begin.end() :].splitlines():
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        component = _COMPONENT.match(line)
        if component:
            activity = full_class_name(component["package"], component["activity"])
            lines = [] if name in {None, component["package"]} else None
            if lines is not None:
                found.setdefault((component["package"], activity), []).append(lines)
        elif lines is not None:
            lines.append(line.strip())
    return found


def _launches(filters: list[list[str]]) -> bool:
    return any(_MAIN in lines and _LAUNCHER in lines for lines in filters)


def _declared(section: str, name: str) -> list[str]:
    begin = re.search(r"^(\s+)activities:\s*$", section, re.MULTILINE)
    if begin is None:
        return []
    found = []
    for line in section[begin.end() :].strip("\n").splitlines():
        if line.strip() and len(line) - len(line.lstrip()) <= len(begin[1].strip("\n")):
            break
        match = re.search(r"([\w.]+)/([\w.$]+)|^\s+([\w.$]+)\s*$", line)
        if match:
            found.append(full_class_name(match[1] or name, match[2] or match[3]))
    return found


def resolved_activity(output: str) -> tuple[str, str] | None:
    """Package and activity by `cmd package resolve-activity --brief`; None where nothing answers."""
    for line in reversed(output.splitlines()):
        match = re.fullmatch(r"\s*([\w.]+)/([\w.$]+)\s*", line)
        if match:
            return match[1], full_class_name(match[1], match[2])
    return None
