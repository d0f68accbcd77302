"""Reads what the report of a task in plain language or of a replay shows: the log and pictures, no tables."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from uuid import UUID

from contracts.device_agent import DeviceRegistered
from contracts.event import Event
from contracts.orchestrator import RunStarted, ScriptRecorded, TaskRules
from contracts.subjects import event_filter
from contracts.values import Point
from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode
from services.cli.report.crashes import read_crashes
from services.cli.report.gallery import Gallery
from services.cli.report.story import Card, Story, story
from services.cli.report.task_model import CardView, ScriptView, TaskReport
from services.cli.report.walk import walk
from services.cli.turns import KINDS
from services.orchestrator.redacting import error_text
from services.runtime.log import Log, Recorded


async def is_task(log: Log, run_id: UUID) -> bool:
    """Whether a run is one of a task in plain language, or a replay."""
    started = await log.last(event_filter(RunStarted, key=run_id))
    return started is not None and isinstance(started.event, RunStarted) and started.event.spec.kind in KINDS


async def read_task_report(session: Session, run_id: UUID, *, reveal: bool = False) -> TaskReport:
    """Everything about such a run. `reveal`: with what it typed. Raises `CliError` for a run that is not there."""
    log = await session.log()
    events = await log.read("orchestrator", run_id)
    told = story(events, reveal=reveal)
    if told.started is None:
        raise CliError(f"there is no run {run_id} in the log; `waymark runs` lists those there are", ExitCode.NOT_FOUND)
    gallery = Gallery(await session.objects(), width_for(len(told.cards)))
    pictures = await asyncio.gather(*(gallery.shot(card.picture) for card in told.cards))
    cards = tuple(
        CardView(
            number=number, picture=picture, point=_place(card.point), end=_place(card.end),
            remarks=tuple(card.remarks), **{name: getattr(card, name) for name in _COPIED},
        )
        for number, (card, picture) in enumerate(zip(told.cards, pictures, strict=True), 1)
    )  # fmt: skip
    started, finished, spec = told.started, told.finished, told.started.spec
    return TaskReport(
        run_id=run_id, task_id=started.task_id, kind=spec.kind, name=spec.name, user=spec.user,
        goal=(None if spec.goal is None else spec.goal.clear) or spec.name,
        package=started.app.package, version=started.app.version_name, serial=started.serial,
        phone=await _phone(log, started.device_id),
        status="RUNNING" if finished is None else finished.status.value,
        reason=None if finished is None else error_text(finished.failure_reason),
        result=(finished.result.clear or "") if finished is not None and finished.result is not None else "",
        started_at=started.started_at, ended_at=None if finished is None else finished.ended_at,
        actions=sum(card.done is not None for card in cards) if finished is None else finished.total_actions,
        successful=sum(card.done is True for card in cards) if finished is None else finished.successful_actions,
        cards=cards, notes=tuple(told.notes), script=await _script(log, told),
        replayed=None if spec.replay is None else f"{spec.replay.name}, version {spec.replay.version}",
        rules=() if spec.rules is None else tuple(_rules(spec.rules, started.llm_config_version)),
        crashes=await read_crashes(session, walk(events), gallery), written_at=session.clock.now(),
    )  # fmt: skip


_COPIED = tuple(
    {field.name for field in fields(CardView)} & {field.name for field in fields(Card)}
    - {"picture", "point", "end", "remarks"}
)  # fmt: skip


def width_for(cards: int) -> int:
    """Pixels across, so that the file stays small however many steps there are."""
    if cards <= 60:
        return 360
    return 280 if cards <= 200 else 160


async def _phone(log: Log, device_id: UUID) -> str:
    found = await log.last(event_filter(DeviceRegistered, key=device_id))
    if found is None or not isinstance(found.event, DeviceRegistered):
        return "a phone"
    return f"{found.event.model}, Android {found.event.os_version}"


async def _script(log: Log, told: Story) -> ScriptView | None:
    draft = told.script
    if draft is None:
        return None
    history: list[Recorded[Event]] = await log.read("orchestrator", draft.script_id)
    versions = [
        one.event.version
        for one in history
        if isinstance(one.event, ScriptRecorded) and one.event.run_id == draft.run_id
    ]
    return ScriptView(
        script_id=draft.script_id,
        version=versions[-1] if versions else None,
        name=draft.data.name,
        origin=draft.origin,
        steps=tuple(step.words for step in draft.data.steps),
        parameters=tuple(parameter.name for parameter in draft.data.parameters),
        repairs=draft.repairs,
    )


def _rules(rules: TaskRules, config_version: int | None) -> list[str]:
    said = [f"sensitive steps: {rules.confirm.lower()}"]
    if rules.token_budget is not None:
        said.append(f"{rules.token_budget} tokens at most")
    if rules.cost_budget is not None:
        said.append(f"cost {rules.cost_budget} at most")
    for what, names in (
        ("only apps", rules.allow_packages), ("no apps", rules.deny_packages),
        ("only actions", rules.allow_actions), ("no actions", rules.deny_actions),
    ):  # fmt: skip
        if names:
            said.append(f"{what} {', '.join(names)}")
    if config_version is not None:
        said.append(f"model configuration {rules.model or 'in force'}, version {config_version}")
    return said


def _place(point: Point | None) -> tuple[int, int] | None:
    return None if point is None else (point.x, point.y)
