"""The device-agent process: the phones of one adb server, what is done on them, and what is kept of it."""

from __future__ import annotations

import os
from pathlib import Path

from services.device_agent.adb.bootstrap import server_address
from services.device_agent.agent import Agent
from services.device_agent.hierarchy_sources.preference import preferences
from services.device_agent.projections import PROJECTION
from services.runtime.service import Service, main

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    address, sources = server_address(os.environ), preferences(os.environ)
    async with Service.open("device-agent") as service:
        agent = Agent(service, address.host, address.port, sources)
        service.background("agent", agent.run)
        service.project(PROJECTION, _MIGRATIONS)
        await service.run()


if __name__ == "__main__":
    main(run)
