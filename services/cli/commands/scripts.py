"""`scripts ..`: what runs and people recorded, to be replayed without a model, or taken to other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.orchestrator import ScriptAnswered, ScriptRecorded
from contracts.scripts import ScriptData
from services.cli import asking, queries
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.exporting import appium, maestro, uiautomator2
from services.cli.exporting.exported import Exported, words_of
from services.cli.output import Json, Limit, complain, lines, print_json, say, show
from services.cli.scripts import Kept, import_request, kept, read_data, written

scripts_app = typer.Typer(
    no_args_is_help=True, help="Scripts that runs and people recorded: replayed without a model, or taken elsewhere."
)

Script = Annotated[str, typer.Argument(help="Id of a script, the beginning of it, or the name of one of your own.")]
Version = Annotated[int | None, typer.Option(help="Its number; without it, the newest that is active.", min=1)]


class Form(StrEnum):
    """What a script is exported as."""

    PYTEST = "pytest"
    APPIUM = "appium"
    MAESTRO = "maestro"
    YAML = "yaml"


_EXPORTS: dict[Form, Callable[[ScriptData, Mapping[str, str]], Exported]] = {
    Form.PYTEST: uiautomator2.export,
    Form.APPIUM: appium.export,
    Form.MAESTRO: maestro.export,
    Form.YAML: lambda data, values: Exported(written(data, values)),
}


@scripts_app.command("list")
def list_scripts(context: typer.Context, limit: Limit = 50, as_json: Json = False) -> None:
    """List scripts: the newest version of each, how often its replays succeeded, and how long they took.

    Example:  waymark scripts list
    """
    columns = {
        "id": "id", "name": "name", "version": "version", "active": "active", "steps": "steps", "by": "by",
        "origin": "origin", "replays": "replays", "success_rate": "success %", "execution_time": "seconds",
        "updated_at": "changed",
    }  # fmt: skip

    async def command(session: Session) -> None:
        rows = await queries.scripts(await session.sql(), limit)
        empty = "No script yet: a task that ends well leaves one, and `waymark scripts import FILE` reads one."
        show(rows, columns, as_json=as_json, empty=empty)

    execute(context, command)


@scripts_app.command("show")
def show_script(context: typer.Context, script: Script, version: Version = None, as_json: Json = False) -> None:
    """Show a script: its steps in words, its parameters, its versions and how they went.

    Examples:

      waymark scripts show "Buy a tent"

      waymark scripts show 6f1c20aa --version 2 --json
    """

    async def command(session: Session) -> None:
        found = await kept(session, script)
        recorded = found.version(version)
        if as_json:
            print_json({"id": found.script_id, "version": recorded.version, "versions": _versions(found),
                        "data": recorded.data.model_dump(mode="json", exclude_none=True)})  # fmt: skip
        else:
            lines(_told(found, recorded))

    execute(context, command)


def _versions(found: Kept) -> list[dict[str, Any]]:
    return [
        {
            "version": number,
            "origin": recorded.origin,
            "active": number not in found.retired,
            "checksum": recorded.checksum,
            "run": recorded.run_id,
            "repairs": recorded.repairs,
            "replays": 0 if (went := found.replayed.get(number)) is None else went.replays,
            "success_rate": None if went is None else went.success_rate,
            "execution_time_s": None if went is None else went.execution_time_s,
        }
        for number, recorded in sorted(found.versions.items())
    ]


def _told(found: Kept, recorded: ScriptRecorded) -> list[str]:
    data = recorded.data
    said = [f"{recorded.name}  {found.script_id}  version {recorded.version} of {max(found.versions)}"]
    said += [data.description] if data.description else []
    said.append(f"about {data.app or 'the phone itself'}, {recorded.origin.lower()} by {recorded.user}")
    for parameter in data.parameters:
        marks = [word for word, holds in (("required", parameter.required), ("secret", parameter.secret)) if holds]
        said.append(f"  {{{{{parameter.name}}}}} {', '.join(marks)} {parameter.description}".rstrip())
    for number, step in enumerate(data.steps, 1):
        guards = "" if step.guard is None else "  (guarded)"
        said.append(f"{number:>4}. {words_of(step)}{guards}")
    for version in _versions(found):
        state = "active" if version["active"] else "retired"
        went = f", {version['success_rate']} % of {version['replays']} replays" if version["replays"] else ""
        said.append(f"version {version['version']}: {version['origin'].lower()}, {state}{went}")
        said += [f"      {repair}" for repair in version["repairs"]]
    return said


@scripts_app.command()
def export(
    context: typer.Context,
    script: Script,
    form: Annotated[Form, typer.Option("--as", help="pytest is with uiautomator2.")] = Form.PYTEST,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; without it, standard output.")] = None,
    version: Version = None,
    values: Annotated[
        bool, typer.Option("--values", help="With the values that were typed when it was recorded.")
    ] = False,
) -> None:
    """Write a script for another tool. What that tool cannot do is told, and is a comment in the file.

    Examples:

      waymark scripts export "Buy a tent" --as pytest -o test_tent.py

      waymark scripts export 6f1c20aa --as maestro -o tent.yaml

      waymark scripts export 6f1c20aa --as yaml --version 2
    """

    async def command(session: Session) -> None:
        recorded = (await kept(session, script)).version(version)
        exported = _EXPORTS[form](recorded.data, _values(recorded) if values else {})
        if output is None:
            typer.echo(exported.text, nl=False)
        else:
            _write(output, exported.text)
        for warning in exported.warnings:
            complain(f"{form.value}: {warning}")
        if exported.warnings:
            complain(f"{len(exported.warnings)} things could not be said in {form.value}")

    execute(context, command)


def _values(recorded: ScriptRecorded) -> dict[str, str]:
    if recorded.defaults is None:
        return {}
    if recorded.defaults.clear is None:
        raise CliError("the values that were typed cannot be read any more: leave out --values")
    return recorded.defaults.clear


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror or error}", ExitCode.USAGE) from None
    say(f"{path} is written")


@scripts_app.command("import")
def import_script(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="YAML or JSON; - reads standard input.")],
    name: Annotated[str | None, typer.Option(help="What it is called; without it, as the file says.")] = None,
    own_id: Annotated[str | None, typer.Option("--id", help="Your own id: sent twice, it is read once.")] = None,
    as_json: Json = False,
) -> None:
    """Keep a script from a file: one that was exported as yaml, or steps that you wrote. Under a name that is there
    already it becomes the next version.

    Examples:

      waymark scripts import login.yaml --name "Log in"

      waymark scripts export 6f1c20aa --as yaml | waymark scripts import - --name "Log in, changed"
    """

    async def command(session: Session) -> None:
        data, values = read_data(None if file == "-" else Path(file), name)
        body = import_request(data, values) | ({} if own_id is None else {"id": own_id})
        await _ask(session, body, as_json=as_json)

    execute(context, command)


@scripts_app.command()
def retire(
    context: typer.Context,
    script: Script,
    version: Version = None,
    why: Annotated[str | None, typer.Option(help="Why.")] = None,
    as_json: Json = False,
) -> None:
    """Use a version of a script no more; the newest of the others is replayed then.

    Example:  waymark scripts retire "Buy a tent" --version 3 --why "the repair was wrong"
    """
    execute(context, lambda s: _switch(s, "retire", script, version, why, as_json=as_json))


@scripts_app.command()
def activate(
    context: typer.Context,
    script: Script,
    version: Annotated[int, typer.Option(help="Its number.", min=1)],
    why: Annotated[str | None, typer.Option(help="Why.")] = None,
    as_json: Json = False,
) -> None:
    """Use a version of a script again that was retired.

    Example:  waymark scripts activate "Buy a tent" --version 3
    """
    execute(context, lambda s: _switch(s, "activate", script, version, why, as_json=as_json))


async def _switch(
    session: Session, kind: str, script: str, version: int | None, why: str | None, *, as_json: bool
) -> None:
    found = await kept(session, script)
    number = found.version(version).version
    body = {"kind": kind, "script": str(found.script_id), "version": number}
    await _ask(session, body | ({} if why is None else {"reason": why}), as_json=as_json)


async def _ask(session: Session, body: dict[str, Any], *, as_json: bool) -> None:
    answer = await asking.ask(session, body)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    event = answer.event
    assert isinstance(event, ScriptAnswered)
    if as_json:
        print_json(event.model_dump(mode="json"))
    else:
        say(event.text)
