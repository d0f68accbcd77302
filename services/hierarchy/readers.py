"""Hierarchies in other notations: DroidBot's view lists and Appium's page source as JSON (recordings, corpora)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.hierarchy.build import Record, build
from services.hierarchy.errors import Defect, HierarchyError
from services.hierarchy.geometry import EMPTY, Rect, parse_bounds
from services.hierarchy.node import Tree
from services.hierarchy.parse import NOT_ANDROID, values_of

_DROIDBOT_NAMES: Final = {
    "class": "class", "package": "package", "resource_id": "resource-id", "text": "text",
    "content_description": "content-desc", "hint": "hint", "checkable": "checkable", "checked": "checked",
    "clickable": "clickable", "enabled": "enabled", "focusable": "focusable", "focused": "focused",
    "scrollable": "scrollable", "long_clickable": "long-clickable", "is_password": "password",
    "selected": "selected", "visible": "displayed",
}  # fmt: skip


def from_droidbot(views: Sequence[Mapping[str, Any]], *, only_visible: bool = False) -> Tree:
    """A Tree of the `views` of a DroidBot state file.

    Views refer to each other by their place in the list (`children`, `parent`). `only_visible` drops views which it
    marks invisible, with all below them, as uiautomator would: they are 15% of all and hold every impossible box.
    """
    records = [_droidbot_record(view) for view in views]
    kept = [not only_visible or view.get("visible") is not False for view in views]
    linked: set[int] = set()
    for at, view in enumerate(views):
        for child in view.get("children") or ():
            if not isinstance(child, int) or not at < child < len(views) or child in linked:
                raise HierarchyError(Defect.MALFORMED, f"view {at} of the state has an impossible child {child!r}")
            linked.add(child)
            if kept[child]:
                records[at].children.append(records[child])
    return build([record for at, record in enumerate(records) if at not in linked and kept[at]])


def _droidbot_record(view: Mapping[str, Any]) -> Record:
    given = {ours: _as_attribute(view.get(theirs)) for theirs, ours in _DROIDBOT_NAMES.items()}
    return Record(values_of(given), None, _droidbot_bounds(view.get("bounds")))


def _as_attribute(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _droidbot_bounds(bounds: object) -> Rect:
    match bounds:
        case [[int(left), int(top)], [int(right), int(bottom)]]:
            return Rect(left, top, right, bottom)
        case _:
            return EMPTY


def from_appium(source: Mapping[str, Any]) -> Tree:
    """A Tree of an Appium page source turned into JSON (`{"hierarchy": {"android.widget..": {"@bounds": ..}}}`).

    Such JSON groups siblings by class; their order is in `@index`. Raises HierarchyError for a source of iOS.
    """
    if "hierarchy" not in source:
        if "AppiumAUT" in source or any(key.startswith("XCUIElementType") for key in source):
            raise HierarchyError(Defect.NOT_ANDROID, NOT_ANDROID)
        raise HierarchyError(Defect.MALFORMED, f"no `hierarchy` in the page source, but {sorted(source)[:5]}")
    hierarchy = source["hierarchy"] or {}
    top = Record(())
    pending: list[tuple[Mapping[str, Any], Record]] = [(hierarchy, top)]
    while pending:
        mapping, record = pending.pop()
        for tag, value in mapping.items():
            if tag[:1] in "@#":
                continue
            for one in value if isinstance(value, list) else [value]:
                child = _appium_record(tag, one or {})
                record.children.append(child)
                pending.append((one or {}, child))
    return build(top.children, int(hierarchy.get("@rotation") or 0))


def _appium_record(tag: str, mapping: Mapping[str, Any]) -> Record:
    if tag.startswith("XCUIElementType"):
        raise HierarchyError(Defect.NOT_ANDROID, NOT_ANDROID)
    given = {key[1:]: value for key, value in mapping.items() if key[:1] == "@"}
    index = given.get("index")
    return Record(values_of(given, tag), int(index) if index else None, parse_bounds(str(given.get("bounds", ""))))
