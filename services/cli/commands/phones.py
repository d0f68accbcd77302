"""`devices`: the phones."""

from __future__ import annotations

import typer

from services.cli import queries
from services.cli.connection import Session, execute
from services.cli.output import Json, show


def devices(context: typer.Context, as_json: Json = False) -> None:
    """List phones with their state.

    Example:  waymark devices --json | jq -r '.[] | select(.status == "AVAILABLE") | .serial'
    """

    async def command(session: Session) -> None:
        columns = {"serial": "serial", "model": "model", "os_version": "Android", "device_type": "type",
                   "resolution": "resolution", "status": "status", "runs": "runs",
                   "last_heartbeat_at": "last seen"}  # fmt: skip
        rows = await queries.devices(await session.sql())
        show(
            rows,
            columns,
            as_json=as_json,
            empty="No phone yet: connect one to the adb server that the device-agent uses.",
        )

    execute(context, command)
