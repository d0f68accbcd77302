"""The `waymark` command: the table of contents of everything a person can type."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.commands import (
    accounts,
    alerts,
    apps,
    by_hand,
    configs,
    dead_letters,
    devices,
    explore,
    goals,
    groups,
    looking,
    operations,
    packages,
    people,
    reporting,
    runs,
    schedules,
    scripts,
    steering,
    steps,
    tracing,
    watching,
)
from services.cli.connection import Options
from services.cli.output import say

_EPILOG = (
    "Exit codes: 0 done, 1 the run or the verification failed or a request was refused, 2 wrong usage, 3 a server"
    " cannot be reached, 4 not found.  Servers: WAYMARK_NATS_URL, WAYMARK_POSTGRES_DSN, WAYMARK_S3_URL, .."
)

app = typer.Typer(
    name="waymark",
    help="Learns the interface of Android apps: explores them, keeps screens, elements and verified locators.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"waymark {version('waymark')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    env_file: Annotated[
        Path | None, typer.Option(help="File of WAYMARK_* variables; without it, those of `make up` are found.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="In whose name requests are made ($WAYMARK_USER, login name).")
    ] = None,
    _shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = Options(env_file, user)


_RUN: dict[str, Callable[..., None]] = {
    "explore": explore.explore,
    "task": goals.run_task,
    "replay": goals.replay,
    "steps": steps.run_steps,
    "list": groups.list_tasks,
    "stop": steering.stop,
    "pause": steering.pause,
    "resume": steering.resume,
    "retry": steering.retry,
}
_COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Runs": (runs.submit, watching.watch, reporting.report, runs.tasks, runs.runs, tracing.trace),
    "Tasks that ask": (people.confirm, people.deny, people.answer, people.takeover, steering.resume),
    "Apps": (packages.apk,),
    "What was found": (apps.screens, apps.locators, apps.diff),
    "By hand": (by_hand.tap, by_hand.swipe, by_hand.press, looking.shot, looking.dump, looking.locate),
    "Operation": (operations.provision, operations.rebuild, operations.verify),
}

run_app = typer.Typer(no_args_is_help=True, help="Start work on a phone, and steer it.")
for _name, _command in _RUN.items():
    run_app.command(_name)(_command)
app.add_typer(run_app, name="run", rich_help_panel="Runs")
app.add_typer(steps.steps_app, name="steps", rich_help_panel="Runs")
app.add_typer(scripts.scripts_app, name="scripts", rich_help_panel="Runs")
app.add_typer(schedules.schedules_app, name="schedules", rich_help_panel="Runs")
app.add_typer(devices.devices_app, name="devices", rich_help_panel="Phones")
app.add_typer(accounts.accounts_app, name="accounts", rich_help_panel="Phones")
app.add_typer(alerts.alerts_app, name="alerts", rich_help_panel="What was found")
app.add_typer(configs.config_app, name="config", rich_help_panel="Operation")
app.add_typer(dead_letters.letters_app, name="dlq", rich_help_panel="Operation")
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.command("type", rich_help_panel="By hand")(by_hand.type_text)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
