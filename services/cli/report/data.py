"""Reads what a report shows: tables, pictures, and the run's events in the log (its walk, its crashes)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode
from services.cli.report import sources
from services.cli.report.comparison import read_diff
from services.cli.report.crashes import read_crashes
from services.cli.report.gallery import Gallery
from services.cli.report.model import (
    AlertView,
    Box,
    ElementView,
    LocatorView,
    Report,
    RunView,
    ScreenView,
)
from services.cli.report.pictures import width_for
from services.cli.report.walk import Seen, Walk, walk

_SHOWN_STRATEGY = {"CUSTOM": "UiSelector"}


async def read_report(session: Session, run_id: UUID, *, reveal: bool = False) -> Report:
    """Everything about a run. `reveal`: with the texts that it typed. Raises `CliError` for a run that is not there."""
    sql, log = await session.sql(), await session.log()
    row = await sources.run_row(sql, run_id)
    if row is None:
        raise CliError(f"there is no run {run_id}; `waymark runs` lists those there are", ExitCode.NOT_FOUND)
    walked = walk(await log.read("orchestrator", run_id), reveal=reveal)
    gallery = Gallery(await session.objects(), width_for(len(walked.screens)))
    screens, checks = await _screens(session, walked, gallery, run_id)
    failed = await sources.errors(sql, run_id)
    return Report(
        run=_run(row, checks),
        screens=screens,
        edges=tuple(walked.edges.values()),
        steps=tuple(replace(step, error=failed.get(step.number)) for step in walked.steps),
        crashes=await read_crashes(session, walked, gallery),
        alerts=tuple(_alert(alert) for alert in await sources.alerts(sql, run_id)),
        diff=await read_diff(session, row["app_id"], row["app_version_id"], run_id, gallery),
        written_at=session.clock.now(),
    )


def _run(row: dict[str, Any], checks: dict[UUID, dict[str, Any]]) -> RunView:
    metrics = row["metrics"] or {}
    checked = [one for one in checks.values() if one["run_checks"]]
    return RunView(
        run_id=row["id"],
        task_name=row["task_name"],
        user=row["account"],
        package=row["package_name"],
        app_name=row["app_name"],
        version=row["version_name"],
        version_code=row["version_code"],
        profile=row["coverage_profile"],
        status=row["status"],
        reason=row["failure_reason"] or metrics.get("note"),
        started_at=row["start_at"],
        ended_at=row["end_at"],
        serial=row["serial"] or str(metrics.get("serial", "")),
        model=row["model"] or "unknown phone",
        android=row["os_version"] or "?",
        resolution=row["resolution"],
        actions=row["total_actions"],
        successful=row["successful_actions"],
        states=int(metrics.get("states", 0)),
        activities_reached=tuple(metrics.get("activities_reached", ())),
        activities_declared=tuple(metrics.get("activities_declared", ())),
        locators_checked=len(checked),
        locators_passed=sum(one["run_passes"] == one["run_checks"] for one in checked),
    )


async def _screens(
    session: Session, walked: Walk, gallery: Gallery, run_id: UUID
) -> tuple[tuple[ScreenView, ...], dict[UUID, dict[str, Any]]]:
    sql, ids = await session.sql(), list(walked.screens)
    rows = {row["id"]: row for row in await sources.screens(sql, ids)}
    checks = {row["id"]: row for row in await sources.checks(sql, ids, run_id)}
    locators: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await sources.locators(sql, ids):
        locators[row["element_id"]].append(row)
    elements: dict[UUID, list[ElementView]] = defaultdict(list)
    for row in await sources.elements(sql, ids):
        some = tuple(_locator(one, at, checks.get(one["id"])) for at, one in enumerate(locators[row["id"]], 1))
        elements[row["screen_id"]].append(_element(row, len(elements[row["screen_id"]]) + 1, some))
    known = [screen_id for screen_id in ids if screen_id in rows]
    pictures = await asyncio.gather(*(gallery.picture(rows[screen_id]) for screen_id in known))
    shown = dict(zip(known, pictures, strict=True))
    views = tuple(
        _screen(walked.screens[screen_id], rows[screen_id], shown[screen_id], tuple(elements[screen_id]))
        for screen_id in known
    )
    return views, checks


def _screen(seen: Seen, row: dict[str, Any], picture: Any, elements: tuple[ElementView, ...]) -> ScreenView:
    return ScreenView(
        screen_id=row["id"],
        number=seen.number,
        name=(row["metadata"] or {}).get("name") or seen.added.screen_name,
        package=seen.added.package,
        activity=seen.added.activity,
        inside=seen.added.inside,
        picture=picture,
        states=seen.states,
        first_step=seen.first_step,
        is_new=seen.is_new,
        elements=elements,
    )


def _element(row: dict[str, Any], number: int, locators: tuple[LocatorView, ...]) -> ElementView:
    label = row["accessibility_label"] or row["text_value"] or row["content_desc"] or ""
    kind = row["element_type"].rpartition(".")[2]
    return ElementView(
        number=number,
        label=label or (row["resource_id"] or "").rpartition("/")[2] or kind,
        kind=kind,
        resource_id=row["resource_id"],
        text=row["text_value"],
        description=row["content_desc"],
        xpath=row["xpath"],
        box=Box(**row["bounds"]),
        interactable=row["interactable"],
        visibility=row["visibility"],
        locators=locators,
    )


def _locator(row: dict[str, Any], rank: int, check: dict[str, Any] | None) -> LocatorView:
    checked = row["last_verified_at"] is not None
    return LocatorView(
        strategy=_SHOWN_STRATEGY.get(row["strategy"], row["strategy"]),
        value=row["locator_value"],
        score=float(row["score"]),
        rank=rank,
        is_primary=row["is_primary"],
        success_rate=float(row["success_rate"]) if checked else None,
        last_verified_at=row["last_verified_at"],
        last_status=None if check is None else check["last_status"],
        checks=0 if check is None else check["checks"],
        passes=0 if check is None else check["passes"],
        flags=tuple(sorted(name for name, holds in (row["dynamic_flags"] or {}).items() if holds)),
    )


def _alert(row: dict[str, Any]) -> AlertView:
    return AlertView(
        row["severity"], row["alert_type"], row["status"], row["message"], row["triggered_at"], row["screen"]
    )
