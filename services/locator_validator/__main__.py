"""The locator-validator process: what it reads, what decides on it, what it keeps."""

from __future__ import annotations

from pathlib import Path

from contracts import topology
from services.locator_validator.decisions.checks import check_reactor
from services.locator_validator.decisions.plans import plan_reactor
from services.locator_validator.listings import Listings
from services.locator_validator.projections import PROJECTION
from services.runtime.service import Service, main

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    async with Service.open("locator-validator") as service:
        listings = Listings(service.log)
        service.react(plan_reactor(listings.planning), topology.PLANS)
        service.react(check_reactor(listings.checking), topology.CHECKS)
        service.project(PROJECTION, _MIGRATIONS)
        await service.run()


if __name__ == "__main__":
    main(run)
