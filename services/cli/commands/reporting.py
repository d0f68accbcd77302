"""`report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from contracts.orchestrator import RunStarted
from contracts.subjects import derived_id, event_filter
from services.cli import queries
from services.cli.commands import watching
from services.cli.connection import Session, execute
from services.cli.errors import CliError
from services.cli.output import say


def report(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Id of a run, its beginning, or `last`.")] = queries.LAST,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    typed_text: Annotated[
        bool, typer.Option("--typed-text", help="Show what was typed into fields, which is sealed elsewhere.")
    ] = False,
) -> None:
    """Write a run's report: one HTML file with pictures, to be opened, mailed or kept.

    Of a task in plain language, or of a replay, it tells each step: its picture with the touched point, what the model
    thought, what came of it, tokens, cost and time. Given by its whole id, such a run is read without PostgreSQL.

    Example:  waymark report last -o report.html
    """
    from services.cli.report.data import read_report
    from services.cli.report.page import render, render_task
    from services.cli.report.task_data import is_task, read_task_report

    async def command(session: Session) -> None:
        run_id = await _run_of(session, run)
        path = output or Path(f"waymark-{str(run_id)[:8]}.html")
        if await is_task(await session.log(), run_id):
            page = render_task(await read_task_report(session, run_id, reveal=typed_text))
        else:
            page = render(await read_report(session, run_id, reveal=typed_text))
        try:
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise CliError(f"{path} cannot be written: {error.strerror}") from error
        say(f"{path}: {len(page.encode()) / 1e6:.1f} MB; open it in a browser")

    execute(context, command)


async def _run_of(session: Session, given: str) -> UUID:
    """The run that is named. A whole id of a run, or of its task, is looked for in the log first."""
    whole = watching.whole_id(given)
    if whole is not None:
        log = await session.log()
        for run_id in (whole, derived_id("run", whole)):
            if await log.last(event_filter(RunStarted, key=run_id)) is not None:
                return run_id
    return (await queries.find_run(await session.sql(), given))[0]
