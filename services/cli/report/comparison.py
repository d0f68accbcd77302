"""Reads the comparison of the run's version with the one before it, where there is one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from contracts.screen_indexer import VersionsCompared
from services.cli.connection import Session
from services.cli.report import sources
from services.cli.report.gallery import Gallery
from services.cli.report.model import Box, DiffView, FateView, Mark, Picture, ScreenChange
from services.runtime.objects import MissingObjectError

_SHOWN_STRATEGY = {"CUSTOM": "UiSelector"}


async def read_diff(
    session: Session, app_id: UUID, version_id: UUID, run_id: UUID, gallery: Gallery
) -> DiffView | None:
    """The comparison that this run led to, else the last one of its version with an older one."""
    log = await session.log()
    compared = [
        one.event for one in await log.read("screen_indexer", app_id) if isinstance(one.event, VersionsCompared)
    ]
    ours = [one for one in compared if one.target_version_id == version_id]
    if not ours:
        return None
    event = next((one for one in reversed(ours) if one.run_id == run_id), ours[-1])
    sql = await session.sql()
    before = {row["id"]: row for row in await sources.screens_of_version(sql, event.base_version_id)}
    after = {row["id"]: row for row in await sources.screens_of_version(sql, event.target_version_id)}
    boxes = await _boxes(session, [*before, *after])
    changes = []
    for row in await sources.diffs(sql, event.base_version_id, event.target_version_id):
        change = await _change(session, row, before, after, boxes, gallery)
        if change is not None:
            changes.append(change)
    return DiffView(
        base_version=event.base_version,
        target_version=event.target_version,
        pairs=event.pairs,
        dropped=await _alone(event.dropped, before, gallery),
        added=await _alone(event.added, after, gallery),
        changes=tuple(changes),
        broken=event.broken,
        at_risk=event.at_risk,
    )


async def _boxes(session: Session, screens: list[UUID]) -> dict[tuple[UUID, str], Box]:
    rows = await sources.elements(await session.sql(), screens)
    return {(row["screen_id"], row["element_hash"]): Box(**row["bounds"]) for row in rows}


async def _alone(
    names: tuple[str, ...], screens: dict[UUID, dict[str, Any]], gallery: Gallery
) -> tuple[tuple[str, Picture | None], ...]:
    by_name = {(row["metadata"] or {}).get("name"): row for row in screens.values()}
    found: list[tuple[str, Picture | None]] = []
    for name in names:
        row = by_name.get(name)
        found.append((name, None if row is None else await gallery.picture(row)))
    return tuple(found)


async def _change(
    session: Session,
    row: dict[str, Any],
    before: dict[UUID, dict[str, Any]],
    after: dict[UUID, dict[str, Any]],
    boxes: dict[tuple[UUID, str], Box],
    gallery: Gallery,
) -> ScreenChange | None:
    """None for a screen on which nothing changed."""
    summary = row["diff_summary"]
    if not any(summary.get(name) for name in ("added", "removed", "changed", "broken", "at_risk")):
        return None
    detail = await _detail(session, row)
    base, target = row["base_screen_id"], row["target_screen_id"]
    marks = [Mark("removed", _label(one), Box(**one["bounds"]), None) for one in detail.get("removed", ())]
    marks += [Mark("added", _label(one), None, Box(**one["bounds"])) for one in detail.get("added", ())]
    for one in detail.get("changed", ()):
        fields = tuple((f["field"], f["before"] or "", f["after"] or "") for f in one["fields"])
        was, now = boxes.get((base, one["base_hash"])), boxes.get((target, one["target_hash"]))
        marks.append(Mark("changed", one["label"], was, now, fields))
    fates = tuple(
        FateView(
            one["risk"], _SHOWN_STRATEGY.get(one["strategy"], one["strategy"]), one["locator_value"],
            one["is_primary"], one["why"],
        )
        for one in detail.get("fates", ())
    )  # fmt: skip
    name = (after[target]["metadata"] or {}).get("name") or str(target)
    return ScreenChange(
        name, await gallery.picture(before[base]), await gallery.picture(after[target]), tuple(marks), fates
    )


async def _detail(session: Session, row: dict[str, Any]) -> dict[str, Any]:
    if row["diff_detail_path"] is None:
        return {}
    try:
        detail: dict[str, Any] = orjson.loads(await (await session.objects()).get(row["diff_detail_path"]))
    except MissingObjectError:
        return {}  # Retention has taken it; the counts are in the row.
    return detail


def _label(element: dict[str, Any]) -> str:
    return (
        element.get("accessibility_label")
        or element.get("text_value")
        or element.get("content_desc")
        or (element.get("resource_id") or "").rpartition("/")[2]
        or element["element_type"].rpartition(".")[2]
    )
