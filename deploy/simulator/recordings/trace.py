"""Reads a trace of one task: `xmls/N.xml` and `screenshots/N.jpg`, the N-th step each.

Such a trace says what was seen and not what was touched: each state follows the one before it as time passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from lxml import etree
from PIL import Image

from deploy.simulator.hierarchy import FLAGS, XmlNode
from deploy.simulator.recordings.model import Box, Recording, State

_BOUNDS = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")


def is_trace(folder: Path) -> bool:
    """Whether the folder holds the steps of a task as XML and pictures."""
    return (folder / "xmls").is_dir() and (folder / "screenshots").is_dir()


def read(folder: Path) -> Recording:
    """The trace as a recording. Steps without a picture are a `ValueError` that names the picture."""
    files = sorted((folder / "xmls").glob("*.xml"), key=lambda path: int(path.stem))
    if not files:
        raise ValueError(f"{folder}/xmls holds no N.xml: this is no trace")
    trees = {path.stem: etree.fromstring(path.read_bytes()) for path in files}
    package = _package(trees.values())
    pictures = {name: _picture(folder, name) for name in trees}
    with Image.open(next(iter(pictures.values()))) as picture:
        screen = picture.size
    states = {}
    for name, tree in trees.items():
        scale = _scale(tree, screen)
        kept = (_node(child, package, scale, screen) for child in tree)
        roots = tuple(node for node in kept if node is not None)
        activity = f"{package}.MainActivity"
        states[name] = State(name, package, activity, roots, pictures[name], (f"{package}/{activity}",))
    names = list(states)
    return Recording(
        package=package,
        version_name="1.0",
        version_code=1,
        label=package.rpartition(".")[2].title(),
        main_activity=f"{package}.MainActivity",
        start=names[0],
        states=states,
        moves={},
        timed={one: (other,) for one, other in pairwise(names)},
        screen=screen,
        activities=(f"{package}.MainActivity",),
    )


def _package(trees: Iterable[etree._Element]) -> str:
    """The package that most resource ids name: the trees have no package attribute."""
    ids = (node.get("resource-id", "") for tree in trees for node in tree.iter("node"))
    counted = Counter(each.partition(":")[0] for each in ids if ":" in each and not each.startswith("android:"))
    return counted.most_common(1)[0][0] if counted else "com.waymark.sim.trace"


def _picture(folder: Path, name: str) -> Path:
    found = next((path for path in (folder / "screenshots").glob(f"{name}.*")), None)
    if found is None:
        raise ValueError(f"the picture {folder}/screenshots/{name}.jpg is missing: record it again")
    return found


def _scale(tree: etree._Element, screen: tuple[int, int]) -> tuple[float, float]:
    boxes = [_numbers(node) for node in tree]
    width, height = max(box[2] for box in boxes), max(box[3] for box in boxes)
    return screen[0] / width, screen[1] / height


def _numbers(node: etree._Element) -> Box:
    found = _BOUNDS.fullmatch(node.get("bounds", ""))
    left, top, right, bottom = (int(each) for each in found.groups()) if found else (0, 0, 0, 0)
    return left, top, right, bottom


def _node(node: etree._Element, package: str, scale: tuple[float, float], screen: tuple[int, int]) -> XmlNode | None:
    left, top, right, bottom = _numbers(node)
    box = (
        max(0, round(left * scale[0])),
        max(0, round(top * scale[1])),
        min(screen[0], round(right * scale[0])),
        min(screen[1], round(bottom * scale[1])),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    children = (_node(child, package, scale, screen) for child in node)
    return XmlNode(
        text=node.get("text", ""),
        resource_id=node.get("resource-id", ""),
        class_name=node.get("class", ""),
        package=node.get("package", package),
        desc=node.get("content-desc", ""),
        flags=tuple(node.get(flag, "false") == "true" for flag in FLAGS),
        bounds=box,
        children=tuple(child for child in children if child is not None),
    )
