"""`shot`, `dump`: a look at a phone through the adb server that runs here."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from services.cli.connection import execute
from services.cli.errors import CliError, ExitCode
from services.cli.output import say
from services.device_agent.adb.bootstrap import server_address
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError, AdbServerGone
from services.device_agent.hierarchy_sources import resident
from services.device_agent.hierarchy_sources.http import HttpError
from services.device_agent.hierarchy_sources.server import METHOD, PARAMETERS
from services.device_agent.hierarchy_sources.source import SourceFailedError

Serial = Annotated[str, typer.Argument(help="Serial of the phone, as `adb devices` and `waymark devices` list it.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write; without it, standard output.")]

_LIMIT_S = 30.0
_DUMP = "uiautomator dump /data/local/tmp/waymark-dump.xml >/dev/null && cat /data/local/tmp/waymark-dump.xml"


def shot(context: typer.Context, serial: Serial, output: Output = None) -> None:
    """Take a screenshot (PNG) of a phone, also while a run uses it.

    Example:  waymark shot emulator-5554 -o screen.png
    """
    execute(context, lambda _: _fetch(serial, "screencap -p", output))


def dump(context: typer.Context, serial: Serial, output: Output = None) -> None:
    """Write the hierarchy (XML) of the screen in front.

    Example:  waymark dump emulator-5554 | xmllint --format -
    """
    execute(context, lambda _: _fetch(serial, _DUMP, output, _by_the_agents_server))


async def _by_the_agents_server(client: AdbClient, serial: str) -> bytes | None:
    """The hierarchy by the resident server that the device-agent has running: while it does, the dump cannot. None
    where there is no such server."""
    try:
        xml = await resident.ask(client, serial, METHOD, PARAMETERS, _LIMIT_S, "hierarchy")
    except (AdbError, HttpError, SourceFailedError, resident.RpcError):
        return None
    return xml.encode() if isinstance(xml, str) and xml else None


async def _fetch(
    serial: str,
    command: str,
    output: Path | None,
    first: Callable[[AdbClient, str], Awaitable[bytes | None]] | None = None,
) -> None:
    """What `first` gives, if anything, else what a command on the phone prints."""
    address = server_address(os.environ)
    client = AdbClient(address.host, address.port)
    content = None if first is None else await first(client, serial)
    if content is None:
        content = await _printed(client, serial, command)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)
        say(f"{output}: {len(content)} bytes")


async def _printed(client: AdbClient, serial: str, command: str) -> bytes:
    try:
        result = await client.shell(serial, command, _LIMIT_S)
    except AdbServerGone as error:
        raise CliError(
            f"{error}\nIts address comes from ADB_SERVER_SOCKET; `adb start-server` starts one.", ExitCode.UNREACHABLE
        ) from error
    except AdbError as error:
        raise CliError(f"{serial}: {error}", ExitCode.NOT_FOUND) from error
    if result.rc != 0 or not result.stdout:
        raise CliError(f"{serial}: {result.text.strip()[:500] or 'the phone gave nothing'}")
    return result.stdout
