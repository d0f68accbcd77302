"""`submit`, `tasks`, `runs`: any request, and lists of what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import queries
from services.cli.commands.starting import STARTING, check, read_file, start, submit_request
from services.cli.connection import Session, execute
from services.cli.output import Json, Limit, show


def submit(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A request as JSON; - reads standard input.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the run.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch the run live.")] = False,
    as_json: Json = False,
) -> None:
    """Publish any request, the same bare JSON that any NATS client may publish.

    Examples:

      waymark submit nightly.json --wait

      echo '{"kind": "explore", "app": "com.example.shop"}' | waymark submit -
    """
    request = read_file(None if file == "-" else Path(file))
    check(request)
    if request.get("kind") in STARTING:
        execute(context, lambda s: start(s, request, wait=wait, follow=follow, as_json=as_json))
    else:
        execute(context, lambda s: submit_request(s, request))


def tasks(context: typer.Context, limit: Limit = 20, as_json: Json = False) -> None:
    """List tasks, newest first, with the reason where one waits for a phone that could take it, is held, or failed.

    Example:  waymark tasks --json | jq '.[] | select(.status == "FAILED")'
    """

    async def command(session: Session) -> None:
        columns = {"id": "task", "name": "name", "app": "app", "version": "version", "coverage_profile": "profile",
                   "priority": "prio", "status": "status", "reason": "reason", "by": "by",
                   "created_at": "created"}  # fmt: skip
        rows = await queries.tasks(await session.sql(), limit)
        show(rows, columns, as_json=as_json, empty="No task yet: `waymark run explore --app PACKAGE` makes one.")

    execute(context, command)


def runs(context: typer.Context, limit: Limit = 20, as_json: Json = False) -> None:
    """List runs, newest first.

    Example:  waymark runs -n 5
    """

    async def command(session: Session) -> None:
        columns = {"id": "run", "app": "app", "version": "version", "serial": "phone", "status": "status",
                   "start_at": "started", "took": "took", "total_actions": "actions", "coverage_screens": "screens",
                   "failure_reason": "reason"}  # fmt: skip
        rows = await queries.runs(await session.sql(), limit)
        show(rows, columns, as_json=as_json, empty="No run yet: `waymark run explore --app PACKAGE` starts one.")

    execute(context, command)
