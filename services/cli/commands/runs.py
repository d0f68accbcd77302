"""`run ..`, `submit`, `watch`, `tasks`, `runs`: starts work, steers it, follows it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import BaseModel, ValidationError

from contracts.orchestrator import RunFinished, TaskAccepted
from contracts.requests import ConfigRequest, ExploreRequest, StepsRequest
from contracts.subjects import derived_id, event_filter
from contracts.values import CoverageProfile
from services.cli import asking, queries
from services.cli.apks import Reset, check_size, chosen_apks, install_request, upload
from services.cli.commands import watching
from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, Limit, clean, complain, lines, print_json, say, show
from services.cli.steps_file import read_script, steps_and_variables

run_app = typer.Typer(no_args_is_help=True, help="Start work on a phone, and steer it.")

Where = Annotated[
    list[str] | None,
    typer.Option(help="Only on phones that meet it, such as `model=Pixel*`, `api>=33`, `pool!=lab`; repeat it."),
]
Phones = Annotated[str | None, typer.Option(help="On so many different phones, or on `all`: one task each.")]
Account = Annotated[str | None, typer.Option(help="Pool of test accounts, one of which the run has.")]
Task = Annotated[str, typer.Argument(help="Id of a task or of its run, the beginning of it, or `last`.")]
Reason = Annotated[str | None, typer.Option(help="Why; it is kept with the run.")]


@run_app.command()
def explore(
    context: typer.Context,
    app: Annotated[
        str | None, typer.Option(help="Package of the app, e.g. com.example.shop; with --apk it is read from that.")
    ] = None,
    apk: Annotated[Path | None, typer.Option(help="Install this APK first, unless the phone has it.")] = None,
    split: Annotated[list[Path] | None, typer.Option(help="A split of the app; may be repeated.")] = None,
    reset: Annotated[Reset, typer.Option(help="`data`: clear what the app stored on the phone.")] = Reset.NONE,
    grant_all: Annotated[
        bool, typer.Option("--grant-all", help="Grant every permission that the app asks for.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep/--uninstall", help="Whether the app stays, where this run installed it.")
    ] = True,
    version: Annotated[str | None, typer.Option(help="Version name; without it, what the phone has installed.")] = None,
    profile: Annotated[
        CoverageProfile, typer.Option(help="How thoroughly.", case_sensitive=False)
    ] = CoverageProfile.FULL,
    coverage_file: Annotated[
        Path | None, typer.Option(help="YAML or JSON with `blacklist`, `priorities`, `packages` (profile CUSTOM).")
    ] = None,
    priority: Annotated[int, typer.Option(min=1, max=5, help="1 is first.")] = 3,
    serial: Annotated[str | None, typer.Option(help="Only on this phone.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Actions at most (1000).")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0.1, help="Minutes at most (60).")] = None,
    reproduce_steps: Annotated[
        int | None, typer.Option(min=0, help="Actions at the end for making crashes happen again (60); 0: none.")
    ] = None,
    max_wait_minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Minutes at most in which no phone could take it (1440).")
    ] = None,
    where: Where = None,
    phones: Phones = None,
    account: Account = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Try out the phone of --serial, also one in quarantine.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="What people call this task.")] = None,
    own_id: Annotated[str | None, typer.Option("--id", help="Your own id: sent twice, it starts one task.")] = None,
    schedule_at: Annotated[
        datetime | None, typer.Option(help="Not before this time (local where it names no zone).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Varies what is typed into fields.")] = 0,
    setup: Annotated[
        Path | None, typer.Option(help="Steps that are done once before: log in, accept terms (YAML or JSON).")
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME=TEXT", help="What {{NAME}} stands for in the set-up.")
    ] = None,
    no_validate: Annotated[bool, typer.Option("--no-validate", help="Do not check locators on the phone.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; the exit code is the run's outcome.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Watch it live; the exit code is the run's outcome.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Explore an app: find its screens, elements and locators.

    Examples:

      waymark run explore --app com.example.shop --follow

      waymark run explore --app com.example.shop --profile SMOKE --max-minutes 5 --serial emulator-5554 --wait

      waymark run explore --app com.example.shop --where "model=Pixel*" --where "api>=33" --phones all --follow

      waymark run explore --apk shop-2.0.apk --reset data --grant-all --follow

      waymark run explore --apk base.apk --split config.arm64_v8a.apk --split config.zh.apk --uninstall --wait

      waymark run explore --app com.example.shop --profile CUSTOM --coverage-file coverage.yaml --id nightly-42

      waymark run explore --app com.example.shop --setup login.yaml --var user=alice
    """
    try:
        asked = grant_all or not keep or reset is not Reset.NONE
        apks = chosen_apks(apk, split or [], app, version, asked=asked)
    except CliError as error:
        raise _usage(str(error)) from None
    limits: dict[str, Any] = {} if max_steps is None else {"max_steps": max_steps}
    if max_minutes is not None:
        limits["max_duration_s"] = round(max_minutes * 60)
    if max_wait_minutes is not None:
        limits["max_wait_s"] = round(max_wait_minutes * 60)
    if reproduce_steps is not None:
        limits["reproduce_steps"] = reproduce_steps
    body: dict[str, Any] = {
        "kind": "explore", "app": app, "version": version, "profile": profile.value, "priority": priority,
        "serial": serial, "name": name, "id": own_id, "seed": seed, "limits": limits or None,
        **placement(where, phones, account), "probe": probe or None,
        "schedule_at": None if schedule_at is None else schedule_at.astimezone(UTC).isoformat(),
        "coverage": None if coverage_file is None else read_file(coverage_file),
        "validate_locators": not no_validate,
        **_set_up(setup, var),
    }  # fmt: skip
    if apks:
        body["install"] = install_request(apks, reset=reset.value, grant_all=grant_all, keep=keep)
        body["name"] = name or f"explore {apks[0].label or apks[0].package}"[:200]
    request = {field: value for field, value in body.items() if value is not None}
    check(request)

    async def command(session: Session) -> None:
        if apks:
            check_size(apks, session.settings.apk_limit_mb)
            await upload(await session.objects(), apks, quiet=as_json)
        await start(session, request, wait=wait, follow=follow, as_json=as_json)

    execute(context, command)


@run_app.command()
def retry(
    context: typer.Context,
    task: Task,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; the exit code is the run's outcome.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it live.")] = False,
    as_json: Json = False,
) -> None:
    """Do the same again as a new task: the same app and version, limits and coverage, the same APK.

    For tasks that are over, whether they failed or not; one that goes on must be stopped first.

    Examples:

      waymark run retry last --follow

      waymark run retry 0198c2 --wait
    """

    async def command(session: Session) -> None:
        old = await watching.task_of(session, task)
        if (goes_on := await queries.going_on(await session.sql(), old)) is not None:
            raise CliError(f"task {old} is {goes_on}: it is not over. `waymark run stop {old}` ends it")
        request = {"kind": "retry", "task": str(old)}
        await start(session, request, wait=wait, follow=follow, as_json=as_json)

    execute(context, command)


@run_app.command()
def stop(context: typer.Context, task: Task, reason: Reason = None) -> None:
    """End a task, queued or running; the action under way is awaited. The phone is left at its home screen.

    Examples:

      waymark run stop last --reason "wrong build"

      waymark run stop 0198c2
    """
    execute(context, lambda s: _steer(s, "stop", task, reason))


@run_app.command()
def pause(context: typer.Context, task: Task, reason: Reason = None) -> None:
    """Hold a run after the action under way; it keeps its phone. A task without a run is held in the queue.

    Examples:

      waymark run pause 0198c2

      waymark run pause last --reason "somebody needs the phone"
    """
    execute(context, lambda s: _steer(s, "pause", task, reason))


@run_app.command()
def resume(context: typer.Context, task: Task, reason: Reason = None) -> None:
    """Go on with a paused run, or let a held task have a phone.

    Examples:

      waymark run resume last

      waymark run resume 0198c2
    """
    execute(context, lambda s: _steer(s, "resume", task, reason))


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
    if request.get("kind") in {"explore", "steps"}:
        execute(context, lambda s: start(s, request, wait=wait, follow=follow, as_json=as_json))
    else:
        execute(context, lambda s: _submit(s, request))


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


async def start(session: Session, request: dict[str, Any], *, wait: bool, follow: bool, as_json: bool) -> None:
    answer = await asking.ask(session, request)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    assert isinstance(answer.event, TaskAccepted)
    is_group = answer.event.spec.phones is not None
    run_id = None if is_group else derived_id("run", answer.key)
    if wait or follow:
        if not as_json:
            say(f"Task {answer.key} {'was accepted before' if answer.again else 'accepted'}.")
        await watching.follow(session, answer.key, quiet=as_json or not follow, as_json=as_json)
    elif as_json:
        print_json({"task": answer.key, "run": run_id, "accepted_before": answer.again})
    else:
        lines([
            f"Task {answer.key} {'was accepted before: nothing new is started' if answer.again else 'accepted'}.",
            f"Watch it:  waymark watch {run_id or answer.key}",
        ])  # fmt: skip


async def _steer(session: Session, kind: str, task: str, reason: str | None) -> None:
    task_id = await watching.task_of(session, task)
    log = await session.log()
    over = await log.last(event_filter(RunFinished, key=derived_id("run", task_id)))
    if over is not None and isinstance(over.event, RunFinished):
        raise CliError(f"the run of task {task_id} is over ({over.event.status}): there is nothing to {kind}")
    body: dict[str, Any] = {"kind": kind, "task": str(task_id)}
    await _submit(session, body | ({} if reason is None else {"reason": reason}))


async def _submit(session: Session, request: dict[str, Any]) -> None:
    answer = await asking.ask(session, request)
    if answer.refusal is not None:
        raise CliError(f"refused: {answer.refusal}")
    say(f"{request['kind']}: done ({answer.event.NAME} {answer.key})")


def _set_up(setup: Path | None, var: list[str] | None) -> dict[str, Any]:
    if setup is None and var:
        raise _usage("--var goes with --setup: there are no steps that could use it")
    try:
        return {} if setup is None else steps_and_variables(read_script(setup), var, "setup")
    except CliError as error:
        raise _usage(str(error)) from None


def read_file(path: Path | None) -> dict[str, Any]:
    """A JSON or YAML object from a file, or from standard input."""
    try:
        text = sys.stdin.read() if path is None else path.read_text(encoding="utf-8")
        value = yaml.safe_load(text) if path is not None and path.suffix in {".yaml", ".yml"} else json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise _usage(f"{path or 'standard input'} cannot be read: {error}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise _usage(f"{path or 'standard input'} is neither JSON nor YAML that can be read: {error}") from None
    if not isinstance(value, dict):
        raise _usage(f'{path or "standard input"} must hold one object, such as {{"kind": "explore", "app": ..}}')
    return value


def check(request: dict[str, Any]) -> None:
    """Says here what the services would refuse, where it can be seen here."""
    kinds: dict[str, type[BaseModel]] = {"explore": ExploreRequest, "steps": StepsRequest, "set": ConfigRequest}
    model = kinds.get(str(request.get("kind")))
    if model is None:
        return
    try:
        model.model_validate_json(json.dumps(request))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise _usage(
            "\n".join(
                f"{'.'.join(map(str, p['loc'])) or 'request'}: {p['msg'].removeprefix('Value error, ')}"
                for p in problems
            )
        ) from None


def placement(where: list[str] | None, phones: str | None, account: str | None) -> dict[str, Any]:
    """The fields of a request that say on which phones and with what; none where nothing was given."""
    number = phones if phones is None or phones == "all" or not phones.isdecimal() else int(phones)
    return {"where": where or None, "phones": number, "account": account}


def _usage(message: str) -> typer.Exit:
    complain(clean(message) if "\n" not in message else message)
    return typer.Exit(ExitCode.USAGE)
