"""`provision`, `rebuild`, `verify`: looks after streams, tables and what holds them together."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli import verify as verification
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, complain, console, print_json, say, show
from services.cli.services import Kept, all_kept, kept_by
from services.runtime import rebuild as rebuilding
from services.runtime.migrations import MigrationError
from services.runtime.provision import ProvisioningError
from services.runtime.provision import provision as provision_all


def provision(context: typer.Context) -> None:
    """Make the streams, the key bucket and every consumer. Safe to repeat; needed once before services start.

    Example:  WAYMARK_REPLICAS=3 waymark provision
    """

    async def command(session: Session) -> None:
        try:
            await provision_all(await session.js(), replicas=session.settings.replicas)
        except ProvisioningError as error:
            raise CliError(str(error)) from error
        say("Streams, key bucket and consumers are there.")

    execute(context, command)


def rebuild(
    context: typer.Context,
    service: Annotated[
        str, typer.Argument(help="Service, or schema, whose tables are made anew, e.g. screen_indexer.")
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Only compare: rebuild aside, say what differs, change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a service's tables anew from the log, and swap them in. They stay readable; the service keeps running.

    The orchestrator has two schemas, and both are made anew; `autoglm` names the second one alone.

    Examples:

      waymark rebuild screen_indexer

      waymark rebuild orchestrator

      waymark rebuild alerter --check
    """

    async def command(session: Session) -> list[rebuilding.Rebuilt]:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console(stderr=True), transient=True, disable=as_json,
        ) as bar:  # fmt: skip
            try:
                return [await _remake(session, kept, bar, check=check) for kept in kept_by(service)]
            except (rebuilding.RebuildError, MigrationError) as error:
                raise CliError(str(error)) from error

    rebuilt = execute(context, command)
    if as_json:
        made = [asdict(one) for one in rebuilt]
        print_json(made[0] if len(made) == 1 else made)
    else:
        for one in rebuilt:
            _tell(one, "compared" if check else "rebuilt and swapped in")
    if any(one.differences or one.parked for one in rebuilt):
        raise typer.Exit(ExitCode.FAILED)


async def _remake(session: Session, kept: Kept, bar: Progress, *, check: bool) -> rebuilding.Rebuilt:
    work = rebuilding.check if check else rebuilding.rebuild
    job = bar.add_task(f"{kept.projection.schema}: events", total=None)
    return await work(
        kept.projection, kept.migrations, await session.js(), session.dsn,
        lambda done, left: bar.update(job, completed=done, total=done + left),
    )  # fmt: skip


def _tell(rebuilt: rebuilding.Rebuilt, done: str) -> None:
    say(f"{rebuilt.schema}: {done}, {rebuilt.events} events up to sequence {rebuilt.seq}")
    for difference in rebuilt.differences:
        complain(f"differs: {difference}")
    if rebuilt.parked:
        complain(f"{rebuilt.parked} events could not be applied: see {rebuilt.schema}.parked_events")


def verify(
    context: typer.Context,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for projections.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Prove that everything fits together: no dangling reference between services, every object in the store, all
    projections at the end of the log, nothing parked, no dead triggers. Exit code 1 where something does not.

    Example:  waymark verify --timeout 120
    """

    async def command(session: Session) -> list[verification.Finding]:
        return await verification.verify(
            await session.sql(), await session.js(), await session.objects(), all_kept(), timeout_s=timeout_s
        )

    findings = execute(context, command)
    rows = [{**asdict(finding), "ok": finding.ok} for finding in findings]
    shown = [
        row
        | {"result": "ok" if row["ok"] else "FAILED", "what": "; ".join((*row["examples"], row["note"])).strip("; ")}
        for row in rows
    ]
    columns = {"check": "check", "looked_at": "looked at", "problems": "problems", "result": "result", "what": ""}
    show(rows if as_json else shown, columns, as_json=as_json, empty="")
    failed = sum(not finding.ok for finding in findings)
    if failed:
        complain(f"{failed} of {len(findings)} checks failed")
        raise typer.Exit(ExitCode.FAILED)
    if not as_json:
        say(f"All {len(findings)} checks passed.", style="green")
