"""`alerts`: what needs attention, and answers to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from contracts.values import AlertStatus
from services.cli import asking, queries
from services.cli.connection import Session, execute
from services.cli.errors import CliError
from services.cli.output import Json, Limit, say, show

alerts_app = typer.Typer(invoke_without_command=True, help="Alerts: list them, acknowledge, resolve, suppress.")

Alert = Annotated[str, typer.Argument(help="Id of the alert, or its beginning.")]
Note = Annotated[str | None, typer.Option(help="A note that is kept with the answer.")]


@alerts_app.callback()
def alerts(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also resolved and suppressed ones.")] = False,
    run: Annotated[str | None, typer.Option(help="Only those of this run.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List alerts that are open or acknowledged, newest first.

    Examples:

      waymark alerts

      waymark alerts --all --run last --json

      waymark alerts ack 7d41 --note "known, fixed in 2.2"
    """
    if context.invoked_subcommand is not None:
        return

    async def command(session: Session) -> None:
        sql = await session.sql()
        run_id = None if run is None else (await queries.find_run(sql, run))[0]
        statuses = None if every else [AlertStatus.OPEN.value, AlertStatus.ACKED.value]
        rows = await queries.alerts(sql, limit, statuses=statuses, run=run_id)
        columns = {"id": "alert", "severity": "sev.", "alert_type": "type", "status": "status", "message": "message",
                   "triggered_at": "since"}  # fmt: skip
        show(
            rows, columns, as_json=as_json, empty="No alerts." if every else "No open alerts (--all lists the others)."
        )

    execute(context, command)


@alerts_app.command()
def ack(context: typer.Context, alert: Alert, note: Note = None) -> None:
    """Say that somebody looks into it.

    Example:  waymark alerts ack 7d41
    """
    execute(context, lambda s: _answer(s, "ack", alert, note))


@alerts_app.command()
def resolve(context: typer.Context, alert: Alert, note: Note = None) -> None:
    """Say that it is done; when it happens again, it is raised again.

    Example:  waymark alerts resolve 7d41 --note "fixed in 2.2"
    """
    execute(context, lambda s: _answer(s, "resolve", alert, note))


@alerts_app.command()
def suppress(context: typer.Context, alert: Alert, note: Note = None) -> None:
    """Do not hear of it again.

    Example:  waymark alerts suppress 7d41
    """
    execute(context, lambda s: _answer(s, "suppress", alert, note))


async def _answer(session: Session, kind: str, given: str, note: str | None) -> None:
    alert = await queries.find_alert(await session.sql(), given)
    body: dict[str, Any] = {"kind": kind, "alert": str(alert)}
    answer = await asking.ask(session, body | ({} if note is None else {"note": note}))
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    say(f"alert {alert}: {answer.event.NAME.removeprefix('Alert').lower()}")
