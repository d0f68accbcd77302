"""What the commands that start and steer work share: their options, a request checked, published and followed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import BaseModel, ValidationError

from contracts.orchestrator import TaskAccepted
from contracts.requests import ConfigRequest, ExploreRequest, GoalRequest, ReplayRequest, StepsRequest
from contracts.subjects import derived_id
from services.cli import asking
from services.cli.commands import watching
from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode
from services.cli.output import clean, complain, lines, print_json, say
from services.cli.steps_file import read_script, steps_and_variables, variables_given

STARTING = frozenset({"explore", "steps", "task", "replay"})
"""Kinds of requests that start a run, which can be followed."""

Where = Annotated[
    list[str] | None,
    typer.Option(help="Only on phones that meet it, such as `model=Pixel*`, `api>=33`, `pool!=lab`; repeat it."),
]
Phones = Annotated[str | None, typer.Option(help="On so many different phones, or on `all`: one task each.")]
Account = Annotated[str | None, typer.Option(help="Pool of test accounts, one of which the run has.")]
Task = Annotated[str, typer.Argument(help="Id of a task or of its run, the beginning of it, or `last`.")]
Reason = Annotated[str | None, typer.Option(help="Why; it is kept with the run.")]


async def start(session: Session, request: dict[str, Any], *, wait: bool, follow: bool, as_json: bool) -> None:
    answer = await asking.ask(session, request)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    assert isinstance(answer.event, TaskAccepted)
    spec = answer.event.spec
    is_many = spec.phones is not None or spec.schedule is not None
    run_id = None if is_many else derived_id("run", answer.key)
    if wait or follow:
        if not as_json:
            say(f"Task {answer.key} {'was accepted before' if answer.again else 'accepted'}.")
        await watching.follow(session, answer.key, quiet=as_json or not follow, as_json=as_json)
    elif as_json:
        print_json({"task": answer.key, "run": run_id, "accepted_before": answer.again})
    elif spec.schedule is not None:
        say(f"Schedule {answer.key} is set: `waymark schedules list` tells when it comes.")
    else:
        lines([
            f"Task {answer.key} {'was accepted before: nothing new is started' if answer.again else 'accepted'}.",
            f"Watch it:  waymark watch {run_id or answer.key}",
        ])  # fmt: skip


async def submit_request(session: Session, request: dict[str, Any]) -> None:
    answer = await asking.ask(session, request)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    say(f"{request['kind']}: done ({answer.event.NAME} {answer.key})")


def set_up(setup: Path | None, var: list[str] | None) -> dict[str, Any]:
    if setup is None and var:
        raise usage("--var (or --set) goes with --setup: there are no steps that could use it")
    try:
        return {} if setup is None else steps_and_variables(read_script(setup), var, "setup")
    except CliError as error:
        raise usage(str(error)) from None


def pairs(var: list[str] | None) -> dict[str, str]:
    """Texts by name, as `--set NAME=TEXT` gives them."""
    try:
        return variables_given(var)
    except CliError as error:
        raise usage(str(error)) from None


def read_file(path: Path | None) -> dict[str, Any]:
    """A JSON or YAML object from a file, or from standard input."""
    try:
        text = sys.stdin.read() if path is None else path.read_text(encoding="utf-8")
        value = yaml.safe_load(text) if path is not None and path.suffix in {".yaml", ".yml"} else json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{path or 'standard input'} cannot be read: {error}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise usage(f"{path or 'standard input'} is neither JSON nor YAML that can be read: {error}") from None
    if not isinstance(value, dict):
        raise usage(f'{path or "standard input"} must hold one object, such as {{"kind": "explore", "app": ..}}')
    return value


def check(request: dict[str, Any]) -> None:
    """Says here what the services would refuse, where it can be seen here."""
    kinds: dict[str, type[BaseModel]] = {
        "explore": ExploreRequest, "steps": StepsRequest, "task": GoalRequest, "replay": ReplayRequest,
        "set": ConfigRequest,
    }  # fmt: skip
    model = kinds.get(str(request.get("kind")))
    if model is None:
        return
    try:
        model.model_validate_json(json.dumps(request))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise usage(
            "\n".join(
                f"{'.'.join(map(str, p['loc'])) or 'request'}: {p['msg'].removeprefix('Value error, ')}"
                for p in problems
            )
        ) from None


def placement(where: list[str] | None, phones: str | None, account: str | None) -> dict[str, Any]:
    """The fields of a request that say on which phones and with what; none where nothing was given."""
    number = phones if phones is None or phones == "all" or not phones.isdecimal() else int(phones)
    return {"where": where or None, "phones": number, "account": account}


def usage(message: str) -> typer.Exit:
    complain(clean(message) if "\n" not in message else message)
    return typer.Exit(ExitCode.USAGE)
