"""The alerter process: what it reads, what decides on it, what it keeps."""

from __future__ import annotations

from pathlib import Path

from contracts import topology
from services.alerter.decisions import ALERT, WATCHED, alert_key, decide_alert
from services.alerter.observing import observer
from services.alerter.projections import PROJECTION
from services.alerter.requests import RequestHandler
from services.runtime.reactor import Reactor
from services.runtime.service import Service, main

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    async with Service.open("alerter") as service:
        alerts = Reactor(
            "alerter-alerts", ALERT, dict.fromkeys(WATCHED, alert_key), decide_alert, observer(service.log)
        )
        decider = service.react(alerts, topology.ALERTS)

        requests = topology.ALERT_REQUEST_READER
        service.consume(requests, RequestHandler(requests.name, decider, service.sealer, service.dead_letters))

        service.project(PROJECTION, _MIGRATIONS)
        await service.run()


if __name__ == "__main__":
    main(run)
