"""`devices doctor`: what is wrong with a phone, asked through the adb server that runs here."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from typing import Annotated

import typer
from pydantic import ValidationError

from services.cli.connection import Session, execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import Json, print_json, say, show
from services.device_agent import doctor as checks
from services.device_agent.adb.bootstrap import server_address
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbServerGone
from services.device_agent.fitness import Finding, Level
from services.device_agent.parsers import properties
from services.device_agent.phone import tags_of
from services.device_agent.settings import PhoneSettings

_COLUMNS = {"check": "check", "level": "", "words": "found", "advice": "what to do"}
_AT_ONCE = 8
"""Phones that are asked at the same time."""


def doctor(
    context: typer.Context,
    serials: Annotated[list[str] | None, typer.Argument(help="Serials; without one, every phone.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with phones, and what to switch on. Changes nothing on them.

    Exit code 0 where no check fails, 1 where one does, 3 where there is no adb server.

    Example:  waymark devices doctor emulator-5554

    Example:  waymark devices doctor --json | jq '.[] | select(.level == "FAIL")'
    """

    async def command(_: Session) -> bool:
        found = await _examine_all(serials or [], _settings())
        if as_json:
            print_json([_row(serial, finding) for serial, findings in found.items() for finding in findings])
        else:
            _print(found)
        return all(finding.level is not Level.FAIL for findings in found.values() for finding in findings)

    if not execute(context, command):
        raise typer.Exit(ExitCode.FAILED)


def _settings() -> PhoneSettings:
    try:
        return PhoneSettings()
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = "WAYMARK_PHONE_" + "_".join(map(str, problem["loc"])).upper()
        raise CliError(f"{name}: {problem['msg']}", ExitCode.USAGE) from None


async def _examine_all(serials: list[str], settings: PhoneSettings) -> dict[str, tuple[Finding, ...]]:
    address = server_address(os.environ)
    client = AdbClient.at(address)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(serial: str, state: str | None) -> tuple[Finding, ...]:
        async with slots:
            return await _examine(client, serial, state, settings)

    try:
        states = await client.devices()
        wanted = list(dict.fromkeys(serials)) or sorted(states)
        found = await asyncio.gather(*(one(serial, states.get(serial)) for serial in wanted))
    except AdbServerGone as error:
        raise CliError(
            f"{error}\nIts address comes from ADB_SERVER_SOCKET; `adb start-server` starts one.", ExitCode.UNREACHABLE
        ) from error
    return dict(zip(wanted, found, strict=True))


async def _examine(client: AdbClient, serial: str, state: str | None, settings: PhoneSettings) -> tuple[Finding, ...]:
    if state != "device":
        return (checks.unreachable(state),)
    seen = await checks.examine(client, serial, time.time)
    if isinstance(seen, Finding):
        return (seen,)
    props = properties.properties(seen.parts.get("properties", ""))
    # Mostly a phone's serial in Waymark is its own serial number, whatever adb calls it now.
    own = properties.hardware_serial(props) or serial
    expected = checks.Expected(settings.limits, settings.pin_of(own, tags_of(props), serial))
    return (Finding("connection", Level.OK, "it answers"), *checks.diagnose(seen, expected))


def _print(found: dict[str, tuple[Finding, ...]]) -> None:
    if not found:
        raise CliError("no phone is connected to the adb server: plug one in, or `adb connect` it", ExitCode.NOT_FOUND)
    for serial, findings in found.items():
        show([_row(serial, finding) for finding in findings], _COLUMNS, as_json=False, empty="", title=serial)
        say(_summary(findings))


def _summary(findings: Iterable[Finding]) -> str:
    failed = [finding.check for finding in findings if finding.level is Level.FAIL]
    return f"Not fit: {', '.join(failed)}.\n" if failed else "Fit.\n"


def _row(serial: str, finding: Finding) -> dict[str, str]:
    row = {"serial": serial, "check": finding.check, "level": finding.level.value}
    return row | {"words": finding.words, "advice": finding.advice}
