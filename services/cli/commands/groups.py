"""`run list`: what runs and what waits; the tasks of a group."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.orchestrator import TaskAccepted
from contracts.subjects import event_filter
from services.cli import fleet
from services.cli.commands import watching
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.group_progress import read_group
from services.cli.output import Json, show


def list_tasks(
    context: typer.Context,
    group: Annotated[str | None, typer.Option(help="All tasks of this task for many phones.")] = None,
    as_json: Json = False,
) -> None:
    """List tasks that run or wait, in the order of their turns; with --group, all tasks of a group.

    Example:  waymark run list --group 0198c2ab-6a51-7c3e-9d43-5f2f6a0f8f11
    """

    async def command(session: Session) -> None:
        if group is not None:
            await _list_group(session, group, as_json=as_json)
            return
        rows = fleet.task_rows(await fleet.fleet_of(session), session.clock.now())
        columns = {"place": "place", "id": "task", "group": "group", "by": "by", "status": "status",
                   "serial": "phone", "reason": "waits because"}  # fmt: skip
        show(rows, columns, as_json=as_json, empty="Nothing runs and nothing waits.")

    execute(context, command)


async def _list_group(session: Session, given: str, *, as_json: bool) -> None:
    task = await watching.task_of(session, given)
    accepted = await (await session.log()).last(event_filter(TaskAccepted, key=task))
    if accepted is None:
        raise CliError(f"there is no task {given} in the log", ExitCode.NOT_FOUND)
    progress = await read_group(await session.js(), task, accepted.seq)
    columns = {"task": "task", "run": "run", "serial": "phone", "status": "status", "actions": "actions",
               "screens": "screens", "reason": "reason"}  # fmt: skip
    empty = "No tasks: it is not for many phones, or not due yet."
    show(progress.rows(), columns, as_json=as_json, empty=progress.dropped or empty)
