"""`run explore`: starts the exploration of an app."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.values import CoverageProfile
from services.cli.apks import Reset, check_size, chosen_apks, install_request, upload
from services.cli.commands.starting import (
    Account,
    Phones,
    Where,
    check,
    placement,
    read_file,
    set_up,
    start,
    usage,
)
from services.cli.connection import Session, execute
from services.cli.errors import CliError
from services.cli.output import Json


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
        bool,
        typer.Option(
            "--keep/--uninstall", help="Whether the app stays, where this run installed it on a phone without it."
        ),
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
        raise usage(str(error)) from None
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
        **set_up(setup, var),
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
