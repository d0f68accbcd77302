"""The tasks of a group as they go on, folded from the log."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import typer
from nats.js import JetStreamContext

from contracts.event import Event
from contracts.orchestrator import TaskDropped, TaskSplit
from contracts.subjects import derived_id
from services.cli import following, showing, turns
from services.cli.errors import CliError, ExitCode
from services.cli.output import clean, print_json, say
from services.runtime.catch_up import read_batches
from services.runtime.log import Recorded
from services.runtime.sealing import Sealer

_FRESH_S = 0.25
_KINDS: tuple[type[Event], ...] = (*following.FOLLOWED, TaskSplit)


@dataclass(frozen=True)
class GroupProgress:
    """`tasks` are there once the group is split; `dropped` says why it never was."""

    group: UUID
    tasks: dict[UUID, following.Progress] = field(default_factory=dict)
    dropped: str | None = None

    @property
    def over(self) -> bool:
        return self.dropped is not None or (bool(self.tasks) and all(one.over for one in self.tasks.values()))

    def rows(self) -> list[dict[str, Any]]:
        return [showing.as_json(one) | {"serial": serial_of(one)} for one in self.tasks.values()]


def evolve(progress: GroupProgress, recorded: Recorded[Event]) -> GroupProgress:
    """The progress after an event; one of another group changes nothing."""
    event = recorded.event
    if isinstance(event, TaskSplit) and event.task_id == progress.group:
        begun = {task: following.Progress(task, derived_id("run", task)) for task in event.members}
        return replace(progress, tasks=begun)
    if isinstance(event, TaskDropped) and event.task_id == progress.group:
        return replace(progress, dropped=event.reason)
    task = _concerned(progress, event)
    if task is None:
        return progress
    return replace(progress, tasks={**progress.tasks, task: following.evolve(progress.tasks[task], recorded)})


def told(progress: GroupProgress, recorded: Recorded[Event]) -> str | None:
    """A line about an event; `progress` is that before it."""
    event = recorded.event
    if isinstance(event, TaskSplit) and event.task_id == progress.group:
        return f"{len(event.members)} tasks"
    task = _concerned(progress, event)
    if task is None:
        return None
    before = progress.tasks[task]
    line = following.told(recorded, before)
    return None if line is None else f"{serial_of(following.evolve(before, recorded)) or str(task)[:8]}  {line}"


def _concerned(progress: GroupProgress, event: Event) -> UUID | None:
    return next((task for task, one in progress.tasks.items() if following.concerns(one, event)), None)


def serial_of(progress: following.Progress) -> str | None:
    return None if progress.started is None else progress.started.serial


async def read_group(js: JetStreamContext, group: UUID, after: int) -> GroupProgress:
    """How far it is now."""
    progress = GroupProgress(group)
    async for recorded in _events(js, after, until_end=True):
        progress = evolve(progress, recorded)
    return progress


async def follow_group(
    js: JetStreamContext, sealer: Sealer, group: UUID, after: int, *, quiet: bool, as_json: bool
) -> None:
    """All tasks of a group, line by line, until all are over. Raises `typer.Exit` with the code of a failure."""
    progress = GroupProgress(group)
    async with aclosing(_events(js, after)) as events:
        async for sealed in events:
            recorded = await _opened(progress, sealer, sealed)
            line = told(progress, recorded)
            progress = evolve(progress, recorded)
            if line is not None and not quiet:
                say(line, "bold yellow" if isinstance(recorded.event, turns.LOUD) else "")
            if progress.over:
                break
    if progress.dropped is not None:
        raise CliError(f"group {group}: {clean(progress.dropped)}", ExitCode.FAILED)
    if as_json:
        print_json(progress.rows())
    else:
        for one in progress.tasks.values():
            for line in showing.outcome(one):
                say(f"{serial_of(one) or '–'}  {line}")
    if not all(following.succeeded(one) for one in progress.tasks.values()):
        raise typer.Exit(ExitCode.FAILED)


async def _opened(progress: GroupProgress, sealer: Sealer, recorded: Recorded[Event]) -> Recorded[Event]:
    """What the tasks of the group say can be read, as when one of them is watched alone."""
    if _concerned(progress, recorded.event) is None:
        return recorded
    return replace(recorded, event=await sealer.open(recorded.event))


async def _events(
    js: JetStreamContext, after: int, *, until_end: bool = False
) -> AsyncGenerator[Recorded[Event], None]:
    async with aclosing(read_batches(js, _KINDS, after, until_end=until_end, patience_s=_FRESH_S)) as stream:
        async for batch, _ in stream:
            for recorded in batch:
                yield recorded
