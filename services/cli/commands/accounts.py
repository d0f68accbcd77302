"""`accounts ..`: test accounts, which runs get together with their phones."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import fleet
from services.cli.commands.devices import ask
from services.cli.connection import Session, execute
from services.cli.output import Json, show

accounts_app = typer.Typer(no_args_is_help=True, help="Test accounts, which runs get together with their phones.")

Name = Annotated[str, typer.Argument(help="What the account is called.")]


@accounts_app.command("list")
def list_accounts(context: typer.Context, as_json: Json = False) -> None:
    """List test accounts, and which run has each.

    Example:  waymark accounts list --json | jq -r '.[] | select(.run == null) | .name'
    """

    async def command(session: Session) -> None:
        columns = {"name": "name", "pool": "pool", "leased_by": "run", "fields": "fields", "secrets": "secrets lie in"}
        rows = fleet.account_rows(await fleet.fleet_of(session))
        empty = "No test account yet: `waymark accounts add NAME --pool POOL` declares one."
        show(rows, columns, as_json=as_json, empty=empty)

    execute(context, command)


@accounts_app.command()
def add(
    context: typer.Context,
    name: Name,
    pool: Annotated[str, typer.Option(help="A run asks for an account of a pool.")],
    fields: Annotated[list[str] | None, typer.Argument(help="`field=value`, in the clear.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="`name=env:NAME` or `name=file:/path`: where it lies, never itself.")
    ] = None,
) -> None:
    """Declare a test account, or change it for the runs that follow.

    Example:  waymark accounts add qa1 --pool checkout user=qa1@example.com --secret password=env:QA1_PASSWORD
    """
    body = {"kind": "account", "name": name, "pool": pool, "fields": _pairs(fields), "secrets": _pairs(secret)}
    ask(context, body)


@accounts_app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Take a test account away; a run that has it keeps it until its end.

    Example:  waymark accounts remove qa1
    """
    ask(context, {"kind": "remove-account", "name": name})


def _pairs(given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise typer.BadParameter(f"{text!r} is not `name=value`")
        pairs[name] = value
    return pairs
