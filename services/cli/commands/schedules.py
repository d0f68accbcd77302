"""`schedules ..`: tasks that are done again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.values import CoverageProfile
from services.cli import asking, fleet
from services.cli.commands import starting
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, print_json, say, show

schedules_app = typer.Typer(no_args_is_help=True, help="Tasks that are done again and again.")

Schedule = Annotated[str, typer.Argument(help="Id of a schedule, the beginning of it, or its name.")]


@schedules_app.command("list")
def list_schedules(context: typer.Context, as_json: Json = False) -> None:
    """List schedules: when they come next, the task of the last time, times that were missed in an outage.

    Example:  waymark schedules list
    """

    async def command(session: Session) -> None:
        columns = {"id": "id", "name": "name", "by": "by", "schedule": "schedule", "zone": "zone", "next_at": "next",
                   "held": "held", "last_at": "last", "last_task": "task", "fired": "tasks",
                   "missed": "missed"}  # fmt: skip
        rows = fleet.schedule_rows(await fleet.fleet_of(session))
        show(rows, columns, as_json=as_json, empty="No schedule yet: `waymark schedules add` makes one.")

    execute(context, command)


@schedules_app.command()
def add(
    context: typer.Context,
    schedule: Annotated[str, typer.Argument(help='Minute, hour, day, month, day of the week: "0 3 * * *".')],
    app: Annotated[str | None, typer.Option(help="Package of the app to explore.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone, e.g. Asia/Shanghai; without it, UTC.")] = None,
    version: Annotated[str | None, typer.Option(help="Version name; without it, what the phone has installed.")] = None,
    profile: Annotated[
        CoverageProfile, typer.Option(help="How thoroughly.", case_sensitive=False)
    ] = CoverageProfile.FULL,
    priority: Annotated[int, typer.Option(min=1, max=5, help="1 is first.")] = 3,
    where: starting.Where = None,
    phones: starting.Phones = None,
    account: Annotated[str | None, typer.Option(help="Pool of test accounts, one of which each run has.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    own_id: Annotated[str | None, typer.Option("--id", help="Your own id: sent twice, it is one schedule.")] = None,
    request: Annotated[
        Path | None, typer.Option(help="YAML or JSON file with the whole request; options go before it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Explore an app again and again. Each time is a task of its own.

    Examples:

      waymark schedules add "0 3 * * *" --zone Asia/Shanghai --app com.example.shop --phones all --where pool=nightly

      waymark schedules add "*/30 9-18 * * MON-FRI" --request smoke.yaml --name smoke
    """
    body: dict[str, Any] = {"kind": "explore"} if request is None else starting.read_file(request)
    given = {
        "schedule": schedule, "zone": zone, "app": app, "version": version, "name": name, "id": own_id,
        **starting.placement(where, phones, account),
        **({} if request is not None else {"profile": profile.value, "priority": priority}),
    }  # fmt: skip
    body |= {field: value for field, value in given.items() if value is not None}
    starting.check(body)
    execute(context, lambda s: _add(s, body, as_json=as_json))


async def _add(session: Session, body: dict[str, Any], *, as_json: bool) -> None:
    answer = await asking.ask(session, body)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    if as_json:
        print_json({"schedule": answer.key, "accepted_before": answer.again})
    else:
        say(
            f"Schedule {answer.key} {'was there before' if answer.again else 'is set'}:"
            " `waymark schedules list` tells when it comes."
        )


@schedules_app.command()
def remove(context: typer.Context, schedule: Schedule) -> None:
    """End a schedule. Tasks that follow from it already go on.

    Example:  waymark schedules remove nightly
    """
    execute(context, lambda s: _steer(s, "stop", schedule))


@schedules_app.command()
def pause(context: typer.Context, schedule: Schedule) -> None:
    """Hold a schedule: nothing is done until it is resumed.

    Example:  waymark schedules pause nightly
    """
    execute(context, lambda s: _steer(s, "pause", schedule))


@schedules_app.command()
def resume(context: typer.Context, schedule: Schedule) -> None:
    """Let a paused schedule go on, with its next time.

    Example:  waymark schedules resume nightly
    """
    execute(context, lambda s: _steer(s, "resume", schedule))


async def _steer(session: Session, kind: str, given: str) -> None:
    rows = fleet.schedule_rows(await fleet.fleet_of(session))
    found = [row for row in rows if row["name"] == given or str(row["id"]).startswith(given.lower())]
    if not found:
        raise CliError(f"there is no schedule {given!r}; `waymark schedules list` has them", ExitCode.NOT_FOUND)
    if len(found) > 1:
        raise CliError(f"more than one schedule is called {given!r}: give its id", ExitCode.USAGE)
    answer = await asking.ask(session, {"kind": kind, "task": str(found[0]["id"])})
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    say(f"{kind}: done ({found[0]['name']}, {found[0]['id']})")
