"""Where things are: by what the simulator says of a phone, or by the numbers in a listing that a model was sent."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

_BOUNDS = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")
_LINE = re.compile(r"^\s*(\d+)\s+(\S.*)$")


class NotThereError(Exception):
    """A scripted model looks for something that the screen does not show: the script is wrong, or the phone is."""


@dataclass(frozen=True)
class Place:
    """A point in pixels, and the size of the screen that it is on."""

    x: int
    y: int
    width: int
    height: int

    @property
    def per_mille(self) -> tuple[int, int]:
        """The point in 0..999, as models say it."""
        return round(self.x * 1000 / self.width), round(self.y * 1000 / self.height)


def centre(hierarchy: str, label: str) -> Place:
    """Of the first element that is called so."""
    root = ET.fromstring(hierarchy)
    nodes = list(root.iter("node"))
    width, height = _box(nodes[0])[2:]
    for node in nodes:
        names = {node.get(key, "") for key in ("text", "content-desc", "hint")}
        entry = node.get("resource-id", "").rpartition("/")[2]
        if label in names or label == f"#{entry}":
            left, top, right, bottom = _box(node)
            return Place((left + right) // 2, (top + bottom) // 2, max(width, 1080), max(height, 1920))
    raise NotThereError(f"{label!r} is not on the screen: {sorted({node.get('text', '') for node in nodes} - {''})}")


def texts(hierarchy: str) -> list[str]:
    """Everything that can be read on a screen, in order."""
    root = ET.fromstring(hierarchy)
    found = [node.get(key, "") for node in root.iter("node") for key in ("text", "content-desc")]
    return [text for text in found if text]


def number(request: str, label: str) -> int:
    """Of the line, in what a model was sent, that names the element."""
    wanted = label if label.startswith("#") else f'"{label}"'
    for line in request.splitlines():
        found = _LINE.match(line)
        if found is not None and wanted in found[2]:
            return int(found[1])
    raise NotThereError(f"no numbered line names {label!r} in what was sent: {request[-3000:]}")


def _box(node: ET.Element) -> tuple[int, int, int, int]:
    found = _BOUNDS.fullmatch(node.get("bounds", ""))
    assert found is not None, node.attrib
    left, top, right, bottom = map(int, found.groups())
    return left, top, right, bottom
