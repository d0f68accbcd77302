"""`watch`: a run as it goes on, live in a terminal, line by line elsewhere."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import typer
from rich.live import Live

from contracts.orchestrator import RunStarted, TaskAccepted
from contracts.subjects import derived_id, event_filter
from services.cli import following, queries
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.group_progress import follow_group
from services.cli.output import Json, console, lines, print_json, say


def watch(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Id of a run or task, the beginning of it, or `last`.")] = queries.LAST,
    as_json: Json = False,
) -> None:
    """Follow a run: screens found, actions, locators verified, alerts. The exit code is the run's outcome.

    In a terminal the view is live; elsewhere a line is written for everything that a person wants to know.

    Examples:

      waymark watch

      waymark watch 0198c2 | tee run.log
    """

    async def command(session: Session) -> None:
        await follow(session, await task_of(session, run), quiet=as_json, as_json=as_json)

    execute(context, command)


async def task_of(session: Session, given: str) -> UUID:
    """The task that is named. One whose rows are not there yet is found in the log, by its whole id."""
    whole = _uuid(given)
    if whole is not None:
        log = await session.log()
        if await log.last(event_filter(TaskAccepted, key=whole)) is not None:
            return whole
        started = await log.last(event_filter(RunStarted, key=whole))
        if started is not None and isinstance(started.event, RunStarted):
            return started.event.task_id
    return await queries.find_task(await session.sql(), given)


async def follow(session: Session, task_id: UUID, *, quiet: bool, as_json: bool) -> None:
    """Until the run is over. Raises `typer.Exit` with the code of a failure."""
    js, log = await session.js(), await session.log()
    accepted = await log.last(event_filter(TaskAccepted, key=task_id))
    if accepted is None:
        raise CliError(
            f"there is no task {task_id} in the log; `waymark tasks` lists those there are", ExitCode.NOT_FOUND
        )
    spec = accepted.event.spec if isinstance(accepted.event, TaskAccepted) else None
    if spec is not None and spec.schedule is not None:
        raise CliError(f"{task_id} is a schedule; `waymark schedules list` has its tasks", ExitCode.USAGE)
    if spec is not None and spec.phones is not None:
        await follow_group(js, task_id, accepted.seq, quiet=quiet, as_json=as_json)
        return
    progress = following.Progress(task_id, derived_id("run", task_id))
    out = console()
    live = Live(console=out, refresh_per_second=8, transient=True) if out.is_terminal and not quiet else None
    if live is not None:
        live.start()
    try:
        async with aclosing(following.events_of_run(js, progress, accepted.seq)) as events:
            async for recorded in events:
                if recorded is not None:
                    line = following.told(recorded, progress)
                    progress = following.evolve(progress, recorded)
                    if live is None and not quiet and line is not None:
                        say(line)
                elif live is not None:
                    live.update(following.panel(progress, session.clock.now()))
                if recorded is None and progress.over:
                    break
    finally:
        if live is not None:
            live.stop()
    if as_json:
        print_json(following.as_json(progress))
    else:
        lines([*following.summary(progress), f"Report:  waymark report {progress.run_id}"])
    if not following.succeeded(progress):
        raise typer.Exit(ExitCode.FAILED)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
