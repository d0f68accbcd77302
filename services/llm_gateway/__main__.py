"""The llm-gateway process: what it reads, what decides on it, what it keeps."""

from __future__ import annotations

from pathlib import Path

import httpx2

from contracts import topology
from contracts.orchestrator import ConfigChanged
from services.llm_gateway.decisions.ledger import LEDGER
from services.llm_gateway.effects.api_calls import ApiCaller, ApiCallHandler, http_client
from services.llm_gateway.effects.calls import CallHandler
from services.llm_gateway.effects.configurations import Configurations
from services.llm_gateway.effects.endpoint import Endpoint
from services.llm_gateway.projections import PROJECTION
from services.runtime.effect import Performer
from services.runtime.service import Service, main
from services.runtime.view import View

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    async with (
        Service.open("llm-gateway") as service,
        httpx2.AsyncClient(follow_redirects=False) as models,
        http_client() as apis,
    ):
        wire(service, models, apis)
        await service.run()


def wire(service: Service, models: httpx2.AsyncClient, apis: httpx2.AsyncClient) -> None:
    view = service.view(View(service.js, service.sealer, (ConfigChanged,)))
    configurations = Configurations(view, service.log, service.clock)
    instance = f"{service.instance}/{service.clock.new_id().hex[-8:]}"
    calls = CallHandler(
        name=topology.CALLS.name,
        decider=service.decider("llm-gateway-call", LEDGER),
        configurations=configurations,
        endpoint=Endpoint(models),
        objects=service.objects,
        sealer=service.sealer,
        clock=service.clock,
        instance=instance,
    )
    service.consume(topology.CALLS, calls)

    effect = ApiCaller(apis).effect()
    performer = Performer(effect, service.decider(effect.name, effect.aggregate))
    handler = ApiCallHandler(topology.API_CALLS.name, performer, configurations, service.sealer, instance)
    service.consume(topology.API_CALLS, handler)

    service.project(PROJECTION, _MIGRATIONS)


if __name__ == "__main__":
    main(run)
