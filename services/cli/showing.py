"""A run's progress as it is shown: in a live view, in a few lines at its end, as JSON. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.cli import turns
from services.cli.following import Progress
from services.cli.output import cell, clean, duration


def panel(progress: Progress, now: datetime) -> RenderableType:
    """The live view."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column()
    started = progress.started
    if started is not None:
        until = progress.finished.ended_at if progress.finished else now
        facts.add_row("app", Text(f"{started.app.package} {started.app.version_name}"))
        facts.add_row("phone", Text(started.serial))
        facts.add_row("time", duration(max((until - started.started_at).total_seconds(), 0.0)))
    facts.add_row("status", cell(progress.status))
    if progress.installing is not None:
        facts.add_row("installing", Text(progress.installing))
    if progress.turns is not None:
        turns.facts(progress.turns, facts)
        facts.add_row("actions", Text(str(progress.steps), style="bold") + Text(f"  {progress.succeeded} succeeded"))
    else:
        _found(progress, facts)
    facts.add_row(
        "alerts",
        _red(str(len(progress.alerts)), len(progress.alerts)) + _red(f"  {progress.crashes} crashes", progress.crashes),
    )
    tail = Text("\n".join(progress.tail), style="dim", no_wrap=True, overflow="ellipsis")
    return Panel(
        Group(facts, Text(), tail), title=Text(f"run {progress.run_id}"), title_align="left", border_style="dim"
    )


def _found(progress: Progress, facts: Table) -> None:
    """What an exploration found."""
    facts.add_row("screens", Text(str(len(progress.screens)), style="bold") + Text(f"  {progress.states} states"))
    facts.add_row("actions", Text(str(progress.steps), style="bold") + Text(f"  {progress.succeeded} succeeded"))
    failed = len(progress.locators) - progress.verified
    facts.add_row("locators", Text(f"{progress.verified} verified") + _red(f"  {failed} failed", failed))


def summary(progress: Progress) -> list[str]:
    """How it ended, in a few lines."""
    took = ""
    if progress.finished is not None:
        took = f" in {duration((progress.finished.ended_at - progress.finished.started_at).total_seconds())}"
    reason = progress.failure or (progress.finished.failure_reason if progress.finished else None)
    text = [f"Run {progress.run_id}: {progress.status}{took}" + (f" ({clean(reason)})" if reason else "")]
    if progress.turns is not None:
        text += turns.summary(progress.turns)
        text.append(f"{progress.steps} actions ({progress.succeeded} succeeded), {len(progress.alerts)} alerts")
        return text
    text.append(
        f"{len(progress.screens)} screens, {progress.states} states, {progress.steps} actions"
        f" ({progress.succeeded} succeeded), {progress.verified} of {len(progress.locators)} locators verified,"
        f" {len(progress.alerts)} alerts, {progress.crashes} crashes"
    )
    if progress.finished is not None and progress.finished.activities_declared:
        reached, declared = progress.finished.activities_reached, progress.finished.activities_declared
        text.append(f"{len(set(reached) & set(declared))} of {len(declared)} declared activities reached")
    return text


def outcome(progress: Progress) -> list[str]:
    """How it ended, and what a task in plain language says of its result."""
    result = None if progress.turns is None else progress.turns.result
    return [*summary(progress)[:1], *([f"Result: {clean(result)}"] if result else [])]


def as_json(progress: Progress) -> dict[str, Any]:
    finished = progress.finished
    return {
        "run": progress.run_id,
        "task": progress.task_id,
        "status": progress.status,
        "reason": progress.failure or (finished.failure_reason if finished else None),
        "screens": len(progress.screens),
        "states": progress.states,
        "actions": progress.steps,
        "actions_succeeded": progress.succeeded,
        "locators_checked": len(progress.locators),
        "locators_verified": progress.verified,
        "alerts": len(progress.alerts),
        "crashes": progress.crashes,
        **({} if progress.turns is None else turns.as_json(progress.turns)),
    }


def _red(text: str, count: int) -> Text:
    return Text(text, style="red" if count else "dim")
