"""Reads a DroidBot output folder: `utg.js`, `states/*.json`, `events/*.json`, pictures, `dumpsys_package_*.txt`.

What DroidBot wrote is cleaned as uiautomator would show it: invisible nodes are left out with all below them, bounds
are cut to the screen, boxes that are empty or inverted are dropped, siblings follow `children`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image

from deploy.simulator.hierarchy import XmlNode
from deploy.simulator.recordings.edges import find_moves
from deploy.simulator.recordings.model import Box, Recording, State

Json: TypeAlias = dict[str, Any]
_FLAGS = (
    "checkable",
    "checked",
    "clickable",
    "enabled",
    "focusable",
    "focused",
    "scrollable",
    "long_clickable",
    "is_password",
    "selected",
)
_LAUNCHER = re.compile(r"launcher", re.IGNORECASE)


def is_droidbot(folder: Path) -> bool:
    """Whether DroidBot wrote the folder."""
    return (folder / "utg.js").is_file() and (folder / "states").is_dir()


def read(folder: Path) -> Recording:
    """The whole recording. A folder that lacks a state's file or picture is a `ValueError` that names it."""
    graph = _graph(folder)
    raw = {each["state_str"]: each for each in map(_json, sorted((folder / "states").glob("*.json")))}
    missing = [node["id"] for node in graph["nodes"] if node["id"] not in raw]
    if missing:
        raise ValueError(f"{folder} has no states/*.json for the state {missing[0]} of its utg.js: record it again")
    pictures = {node["id"]: folder / node["image"] for node in graph["nodes"]}
    for each in pictures.values():
        if not each.is_file():
            raise ValueError(f"the picture {each} is missing: record it again")
    with Image.open(next(iter(pictures.values()))) as picture:
        screen = picture.size
    scale = _scale(raw, screen)
    states = {
        name: _state(name, raw[name], picture, lambda bounds: clipped(bounds, scale, screen))
        for name, picture in pictures.items()
    }
    events = [_json(path) for path in sorted((folder / "events").glob("*.json"))]
    moves, timed = find_moves(graph, states, events, lambda bounds: clipped(bounds, scale, screen))
    package = graph["app_package"]
    dumpsys = _dumpsys(folder)
    main = graph["app_main_activity"]
    seen = dict.fromkeys(state.activity for state in states.values() if state.package == package)
    filtered = re.findall(rf"{re.escape(package)}/([\w.$]+) filter", dumpsys)
    declared = dict.fromkeys(_full(package, each) for each in filtered)
    return Recording(
        package=package,
        version_name=_first(r"versionName=(\S+)", dumpsys, "1.0"),
        version_code=int(_first(r"versionCode=(\d+)", dumpsys, "1")),
        label=package.rpartition(".")[2].title(),
        main_activity=main,
        start=_start(graph),
        states=states,
        moves=moves,
        timed=timed,
        screen=screen,
        activities=tuple(dict.fromkeys((main, *seen, *declared))),
        permissions=tuple(dict.fromkeys(re.findall(r"android\.permission\.[A-Z_]+", dumpsys))),
        home=next((name for name, state in states.items() if _LAUNCHER.search(state.package)), ""),
        foreign=tuple(dict.fromkeys(state.package for state in states.values() if state.package != package)),
    )


def _json(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def _graph(folder: Path) -> Json:
    text = (folder / "utg.js").read_text(encoding="utf-8")
    found: Json = json.loads(text[text.index("{") :].rstrip().rstrip(";"))
    return found


def _dumpsys(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("dumpsys_package_*.txt")))


def _first(pattern: str, text: str, otherwise: str) -> str:
    found = re.search(pattern, text)
    return str(found.group(1)) if found else otherwise


def _start(graph: Json) -> str:
    first = next((node for node in graph["nodes"] if "<FIRST>" in node["label"]), graph["nodes"][0])
    return str(first["id"])


def _full(package: str, activity: str) -> str:
    return package + activity if activity.startswith(".") else activity


def _component(text: str) -> tuple[str, str]:
    """`pkg/.Activity` as package and full name."""
    package, _, activity = text.partition("/")
    return package, _full(package, activity)


def _scale(raw: dict[str, Json], screen: tuple[int, int]) -> tuple[float, float]:
    """Pixels of the pictures for one unit of the recorded bounds: the largest root is the whole screen."""
    roots = [view["bounds"][1] for state in raw.values() for view in state["views"] if view["parent"] == -1]
    return screen[0] / max(right for right, _ in roots), screen[1] / max(bottom for _, bottom in roots)


def clipped(bounds: list[list[int]], scale: tuple[float, float], screen: tuple[int, int]) -> Box:
    """Recorded bounds in pixels of the picture, cut to it; an empty box where nothing is left."""
    (left, top), (right, bottom) = bounds
    return (
        max(0, round(left * scale[0])),
        max(0, round(top * scale[1])),
        min(screen[0], round(right * scale[0])),
        min(screen[1], round(bottom * scale[1])),
    )


def is_empty(box: Box) -> bool:
    """Whether the box covers no pixel: inverted ones included."""
    return box[2] <= box[0] or box[3] <= box[1]


def _state(name: str, raw: Json, picture: Path, place: Callable[[list[list[int]]], Box]) -> State:
    views = {view["temp_id"]: view for view in raw["views"]}

    def built(view: Json, index: int) -> XmlNode | None:
        box = place(view["bounds"])
        if not view["visible"] or is_empty(box):
            return None
        children = (built(views[child], at) for at, child in enumerate(view["children"]))
        return XmlNode(
            text=view["text"] or "",
            resource_id=view["resource_id"] or "",
            class_name=view["class"] or "",
            package=view["package"] or "",
            desc=view["content_description"] or "",
            flags=tuple(bool(view[flag]) for flag in _FLAGS),
            bounds=box,
            children=tuple(child for child in children if child is not None),
            index=index,
        )

    roots = [view for view in raw["views"] if view["parent"] == -1]
    package, activity = _component(raw["foreground_activity"])
    stack = tuple("/".join(_component(each)) for each in raw["activity_stack"] or ())
    kept = (built(view, at) for at, view in enumerate(roots))
    return State(name, package, activity, tuple(node for node in kept if node is not None), picture, stack)
