"""Crashes of a run as a report shows them: one for each cause, with its evidence and the way that leads to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from contracts.device_agent import CrashSeen
from contracts.orchestrator import CrashTraced
from contracts.subjects import event_filter
from contracts.values import ObjectRef, Point
from services.cli.connection import Session
from services.cli.report.gallery import Gallery
from services.cli.report.model import CrashView, Shot
from services.cli.report.walk import Walk
from services.runtime.objects import MissingObjectError, Objects

SHOT_PX = 240
"""Of pictures that stand several in a row."""
_PAPER_CHARS = 60_000
_HEADINGS = {
    "log": "Log of the phone around it",
    "trace": "Report of the phone",
    "exit_info": "How the process ended",
}


async def read_crashes(session: Session, walked: Walk, gallery: Gallery) -> tuple[CrashView, ...]:
    """One for each cause, with how often it happened."""
    log, objects = await session.log(), await session.objects()
    found: dict[str, CrashView] = {}
    for occurrence_id, step in walked.occurrences.items():
        recorded = await log.last(event_filter(CrashSeen, key=occurrence_id))
        if recorded is None or not isinstance(recorded.event, CrashSeen):
            continue
        crash = recorded.event
        known = found.get(crash.stack_key)
        if known is not None:
            found[crash.stack_key] = replace(known, count=known.count + 1)
        else:
            traced = walked.traced.get(crash.stack_key)
            found[crash.stack_key] = await _view(crash, step or None, traced, gallery, objects)
    return tuple(found.values())


async def _view(
    crash: CrashSeen, step: int | None, traced: CrashTraced | None, gallery: Gallery, objects: Objects
) -> CrashView:
    papers = {"log": crash.log, "trace": crash.trace, "exit_info": crash.exit_info}
    texts = await asyncio.gather(*(_text(objects, ref) for ref in papers.values()))
    shown = tuple((_HEADINGS[name], text) for name, text in zip(papers, texts, strict=True) if text)
    pictures = () if traced is None else traced.pictures
    shots = await asyncio.gather(*(gallery.shot(picture.screenshot, SHOT_PX) for picture in pictures))
    return CrashView(
        at=crash.happened_at or crash.seen_at,
        kind=crash.kind,
        package=crash.package,
        exception=crash.exception,
        message=crash.message,
        stack=crash.stack,
        step=step if traced is None else traced.crashed_by,
        verdict="" if traced is None else verdict(traced),
        way=() if traced is None else way(traced),
        shots=tuple(
            Shot(picture.sequence, picture.screen_name, shot, _point(picture.point), _point(picture.end))
            for picture, shot in zip(pictures, shots, strict=True)
        ),
        papers=shown,
        missing=crash.evidence_absent,
    )


def way(traced: CrashTraced) -> tuple[str, ...]:
    """The steps that lead to it, from a start of the app."""
    return (f"start {traced.package} anew", *(step.words for step in traced.way))


def verdict(traced: CrashTraced) -> str:
    """What the tries came to, in words."""
    match traced.verdict:
        case "REPRODUCED":
            tried = f"came again by these steps ({traced.tries} {'try' if traced.tries == 1 else 'tries'})"
            least = "; without any one of them it did not come" if traced.minimal else f"; {traced.reason}"
            return tried + (least if traced.way else "")
        case "NOT_REPRODUCED":
            return f"not reproduced: {traced.reason}"
        case "NOT_TRIED":
            return "the shortest way that is known; it was not tried" + (f": {traced.reason}" if traced.reason else "")


def _point(point: Point | None) -> tuple[int, int] | None:
    return None if point is None else (point.x, point.y)


async def _text(objects: Objects, ref: ObjectRef | None) -> str:
    if ref is None:
        return ""
    try:
        return (await objects.get(ref.key)).decode(errors="replace")[:_PAPER_CHARS]
    except MissingObjectError:
        return "it is no longer kept"
