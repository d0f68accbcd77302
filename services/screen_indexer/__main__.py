"""The screen-indexer process: what it reads, what it makes of it, what it keeps."""

from __future__ import annotations

from pathlib import Path

from contracts import topology
from contracts.device_agent import ActionFinished
from services.runtime.reactor import Reactor
from services.runtime.service import Service, main
from services.screen_indexer.captures import CAPTURE, capture_key, decide_capture
from services.screen_indexer.catalogue import CATALOGUE
from services.screen_indexer.comparing import CatalogueHandler
from services.screen_indexer.effects import Reader
from services.screen_indexer.projections import PROJECTION

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    async with Service.open("screen-indexer") as service:
        reader = Reader(service.objects, service.log)
        captures = Reactor(
            name="screen-indexer-captures",
            aggregate=CAPTURE,
            triggers={ActionFinished: capture_key},
            decide=decide_capture,
            prepare=reader.understand,
        )
        service.react(captures, topology.CAPTURES)

        catalogue = topology.CATALOGUE
        decider = service.decider("screen-indexer-catalogue", CATALOGUE)
        service.consume(catalogue, CatalogueHandler(catalogue.name, decider, service.objects, service.sealer))

        service.project(PROJECTION, _MIGRATIONS)
        await service.run()


if __name__ == "__main__":
    main(run)
