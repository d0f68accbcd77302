"""`watch`: a run as it goes on, live in a terminal, line by line elsewhere."""

from __future__ import annotations

import contextlib
import os
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from contracts.orchestrator import RunStarted, TaskAccepted
from contracts.subjects import event_filter
from services.cli import following, queries, showing, turns
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.group_progress import follow_group
from services.cli.live import paging, spotlight
from services.cli.live.spotlight import Spotlight
from services.cli.live.terminal import Graphics, detected
from services.cli.live.view import LiveView
from services.cli.output import Json, console, lines, print_json, say


def watch(
    context: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of runs or tasks, the beginnings of them, or `last`.", metavar="[RUN].."),
    ] = None,
    picture: Annotated[
        Graphics,
        typer.Option("--picture", help="Show the phone's picture, in a terminal that can (auto: kitty, iTerm2)."),
    ] = Graphics.AUTO,
    page: Annotated[
        bool, typer.Option("--page", help="Show the runs in a page of this machine that refreshes.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Of the page; 0: any that is free.")] = 0,
    as_json: Json = False,
) -> None:
    """Follow a run: screens found, actions, locators verified, alerts; of a task in plain language each turn, with what
    the model thinks, what came of it and what it costs. The exit code is the run's outcome.

    In a terminal the view is live, with the picture of the phone where the terminal can show one; elsewhere a line is
    written for everything that a person wants to know. With --page several runs can be watched at once.

    Examples:

      waymark watch

      waymark watch 0198c2 | tee run.log

      waymark watch 0198c2 0198c7 --page --port 8080
    """
    given = runs or [queries.LAST]
    if len(given) > 1 and not page:
        raise typer.BadParameter("several runs at once are shown in a page: add --page", param_hint="RUN")

    async def command(session: Session) -> None:
        tasks = [await task_of(session, run) for run in given]
        if page:
            await paging.follow(session, tasks, port, as_json=as_json)
        else:
            await follow(session, tasks[0], quiet=as_json, as_json=as_json, graphics=picture)

    execute(context, command)


async def task_of(session: Session, given: str) -> UUID:
    """The task that is named. One whose rows are not there yet is found in the log, by its whole id."""
    whole = whole_id(given)
    if whole is not None:
        log = await session.log()
        if await log.last(event_filter(TaskAccepted, key=whole)) is not None:
            return whole
        started = await log.last(event_filter(RunStarted, key=whole))
        if started is not None and isinstance(started.event, RunStarted):
            return started.event.task_id
    return await queries.find_task(await session.sql(), given)


async def follow(
    session: Session, task_id: UUID, *, quiet: bool, as_json: bool, graphics: Graphics = Graphics.NONE
) -> None:
    """Until the run is over. Raises `typer.Exit` with the code of a failure."""
    js, log = await session.js(), await session.log()
    progress, after = await following.begun(log, task_id)
    spec = await following.spec_of(log, task_id)
    if spec is not None and spec.schedule is not None:
        raise CliError(f"{task_id} is a schedule; `waymark schedules list` has its tasks", ExitCode.USAGE)
    if spec is not None and spec.phones is not None:
        await follow_group(js, await session.sealer(), task_id, after, quiet=quiet, as_json=as_json)
        return
    shown = Spotlight()
    out = console()
    view = await _view(session, out, graphics) if out.is_terminal and not quiet else None
    async with contextlib.AsyncExitStack() as stack:
        if view is not None:
            stack.enter_context(view)
        events = await stack.enter_async_context(
            aclosing(following.events_of_run(js, await session.sealer(), progress, after))
        )
        async for recorded in events:
            if recorded is not None:
                line = following.told(recorded, progress)
                progress = following.evolve(progress, recorded)
                shown = spotlight.evolve(shown, recorded.event)
                if view is None and not quiet and line is not None:
                    say(line, "bold yellow" if isinstance(recorded.event, turns.LOUD) else "")
            elif view is not None:
                await view.show(showing.panel(progress, session.clock.now()), shown)
            if recorded is None and progress.over:
                break
    if as_json:
        print_json(showing.as_json(progress))
    else:
        lines([*showing.summary(progress), f"Report:  waymark report {progress.run_id}"])
    if not following.succeeded(progress):
        raise typer.Exit(ExitCode.FAILED)


async def _view(session: Session, out: Console, graphics: Graphics) -> LiveView:
    wanted = detected(os.environ) if graphics is Graphics.AUTO else graphics
    objects = None if wanted is Graphics.NONE else await session.objects()
    return LiveView(out, wanted, objects)


def whole_id(text: str) -> UUID | None:
    """The id that a text is; None where it is no whole one."""
    try:
        return UUID(text)
    except ValueError:
        return None
