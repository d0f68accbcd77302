"""The device-agent process: the phones of one adb server or several, what is done on them, and what is kept of it."""

from __future__ import annotations

import os
from pathlib import Path

from services.device_agent.adb.bootstrap import servers
from services.device_agent.agent import Agent
from services.device_agent.hierarchy_sources.preference import preferences
from services.device_agent.holders import Holders
from services.device_agent.projections import PROJECTION
from services.device_agent.settings import PhoneSettings
from services.runtime.service import Service, main

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    attached_to, sources = servers(os.environ), preferences(os.environ)
    async with Service.open("device-agent") as service:
        holders, settings = Holders(service), PhoneSettings()
        for server in attached_to:
            service.background(f"agent {server.place}", Agent(service, server, holders, settings, sources).run)
        service.project(PROJECTION, _MIGRATIONS)
        await service.run()


if __name__ == "__main__":
    main(run)
