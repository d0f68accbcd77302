"""`report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import queries
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

    Example:  waymark report last -o report.html
    """
    from services.cli.report.data import read_report
    from services.cli.report.page import render

    async def command(session: Session) -> None:
        run_id, _ = await queries.find_run(await session.sql(), run)
        path = output or Path(f"waymark-{str(run_id)[:8]}.html")
        page = render(await read_report(session, run_id, reveal=typed_text))
        try:
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise CliError(f"{path} cannot be written: {error.strerror}") from error
        say(f"{path}: {len(page.encode()) / 1e6:.1f} MB; open it in a browser")

    execute(context, command)
