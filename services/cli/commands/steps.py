"""`run steps`, `steps check`: steps that a person wrote down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.commands.starting import Account, Phones, Where, placement, start
from services.cli.commands.starting import check as check_request
from services.cli.connection import execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, complain, print_json, say
from services.cli.steps_file import missing_variables, read_script, steps_and_variables

steps_app = typer.Typer(no_args_is_help=True, help="Steps that people write down: log in, fill a form, check a screen.")

File = Annotated[str, typer.Argument(metavar="FILE|-", help="Steps in YAML or JSON; - reads standard input.")]
Var = Annotated[
    list[str] | None, typer.Option("--var", metavar="NAME=TEXT", help="What {{NAME}} stands for; may be repeated.")
]


@steps_app.command()
def check(files: Annotated[list[Path], typer.Argument(help="Files of steps.")], as_json: Json = False) -> None:
    """Say whether files of steps can be carried out, with the line of everything that is wrong.

    Example:  waymark steps check login.yaml
    """
    told, wrong = [], False
    for file in files:
        try:
            script = read_script(file)
        except CliError as error:
            wrong = True
            told.append({"file": str(file), "ok": False, "problems": str(error).splitlines()})
        else:
            needs = missing_variables(script, ())
            told.append({"file": str(file), "ok": True, "steps": len(script.steps), "needs": needs})
    if as_json:
        print_json(told)
    else:
        for one in told:
            _tell(one)
    if wrong:
        raise typer.Exit(ExitCode.USAGE)


def _tell(one: dict[str, Any]) -> None:
    if not one["ok"]:
        complain("\n".join(one["problems"]))
        return
    needs = f"; give {', '.join(f'--var {name}=..' for name in one['needs'])}" if one["needs"] else ""
    say(f"{one['file']}: {one['steps']} steps, all of them well formed{needs}")


def run_steps(
    context: typer.Context,
    file: File,
    app: Annotated[str | None, typer.Option(help="Package that `launch` starts; else that of the file.")] = None,
    serial: Annotated[str | None, typer.Option(help="Only on this phone.")] = None,
    where: Where = None,
    phones: Phones = None,
    account: Account = None,
    var: Var = None,
    priority: Annotated[int, typer.Option(min=1, max=5, help="1 is first.")] = 3,
    name: Annotated[str | None, typer.Option(help="What people call this task.")] = None,
    own_id: Annotated[str | None, typer.Option("--id", help="Your own id: sent twice, it starts one task.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; the exit code is the run's outcome.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it live.")] = False,
    as_json: Json = False,
) -> None:
    """Carry out steps on a phone, and end.

    Examples:

      waymark run steps login.yaml --app com.example.shop --serial emulator-5554 --wait

      waymark run steps order.yaml --var product=帐篷 --follow

      waymark run steps login.yaml --where pool=checkout --phones all --account shoppers --wait
    """
    try:
        script = read_script(None if file == "-" else Path(file))
        body: dict[str, Any] = {
            "kind": "steps", "app": app or script.app, "serial": serial, "priority": priority, "id": own_id,
            "name": name or script.name, **steps_and_variables(script, var, "steps"),
            **placement(where, phones, account),
        }  # fmt: skip
    except CliError as error:
        complain(str(error))
        raise typer.Exit(error.code) from None
    request = {field: value for field, value in body.items() if value is not None}
    check_request(request)
    execute(context, lambda s: start(s, request, wait=wait, follow=follow, as_json=as_json))
