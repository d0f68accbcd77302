"""Recorded hierarchies of real apps, read from the folder that WAYMARK_CORPUS names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from services.hierarchy.errors import Defect, HierarchyError
from services.hierarchy.node import Tree
from services.hierarchy.parse import parse
from services.hierarchy.readers import from_appium, from_droidbot

REPOSITORY = Path(__file__).resolve().parents[2]


def root() -> Path:
    """The corpus; skips the test, saying so, where there is none."""
    found = Path(os.environ.get("WAYMARK_CORPUS", REPOSITORY / "../shared/corpus"))
    if not found.is_dir():
        pytest.skip(f"no recordings in {found}: set WAYMARK_CORPUS")
    return found


@dataclass(frozen=True)
class Dump:
    name: str
    kind: str
    app: str
    tree: Tree
    width: int
    height: int
    activity: str | None = None


@cache
def dumps() -> tuple[Dump, ...]:
    """Every Android hierarchy of the corpus that has nodes."""
    return tuple(dump for dump in _all(root()) if len(dump.tree))


def recording(app: str) -> list[Dump]:
    """The recorded states of a DroidBot graph, in the order of their files."""
    return [dump for dump in dumps() if dump.kind == "droidbot" and dump.app == app]


def _all(base: Path) -> Iterator[Dump]:
    for path in sorted(base.rglob("*.xml")):
        yield _dump(path, base, "xml", parse(path.read_bytes()))
    for path in sorted(base.rglob("state_*.json")):
        state = json.loads(path.read_text())
        tree = from_droidbot(state["views"], only_visible=True)
        yield _dump(path, base, "droidbot", tree, state["foreground_activity"])
    for path in sorted(base.rglob("view_tree.json")):
        try:
            tree = from_appium(json.loads(path.read_text()))
        except HierarchyError as error:
            if error.defect is Defect.NOT_ANDROID:
                continue
            raise
        yield _dump(path, base, "appium", tree)


def _dump(path: Path, base: Path, kind: str, tree: Tree, activity: str | None = None) -> Dump:
    app = path.parents[1].name.removeprefix("report_") if kind != "xml" else path.relative_to(base).parts[0]
    name = str(path.relative_to(base))
    return Dump(name, kind, app, tree, max(tree.extent.right, 1), max(tree.extent.bottom, 1), activity)
