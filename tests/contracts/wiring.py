"""What each service's `__main__` wires, found by running it on a service that is connected to nothing."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faststream.nats import NatsBroker

from contracts import topology
from contracts.catalogue import OWNERS
from contracts.topology import Durable
from services.runtime.clock import SystemClock
from services.runtime.consumer import Consumer
from services.runtime.dead_letters import DeadLetters
from services.runtime.log import Log
from services.runtime.objects import Objects
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.runtime.view import View

SERVICES = Path(__file__).parents[2] / "services"


@dataclass
class Unconnected(Service):
    """The real service without servers: everything is registered, nothing runs."""

    views: list[View] = field(default_factory=list)

    def view(self, view: View) -> View:
        self.views.append(view)
        return super().view(view)

    async def run(self) -> None:
        return

    def consumer_of(self, durable: Durable) -> Consumer | None:
        return next((c for c in self.consumers if c.durable == durable.name), None)


def unconnected(name: str) -> Unconnected:
    nothing: Any = None
    settings = Settings(_env_file=None)
    sealer = Sealer(BucketKeyStore(nothing))
    return Unconnected(
        name=name,
        settings=settings,
        instance="test",
        nats=nothing,
        js=nothing,
        broker=NatsBroker(logger=None),
        log=Log(nothing, sealer),
        sealer=sealer,
        objects=Objects(settings.store()),
        clock=SystemClock(),
        dead_letters=DeadLetters(nothing, name),
    )


async def wired(owner: str, monkeypatch: pytest.MonkeyPatch) -> Unconnected:
    """The service of an owner as its `__main__` wires it."""
    service = unconnected(owner.replace("_", "-"))

    @asynccontextmanager
    async def opened(name: str, settings: Settings | None = None) -> AsyncIterator[Service]:
        del settings
        assert name == service.name, "a service has the name of its folder"
        yield service

    monkeypatch.setattr(Service, "open", opened)
    await importlib.import_module(f"services.{owner}.__main__").run()
    for consumer in service.consumers:
        await consumer.close()
    return service


def log_durables_of(owner: str) -> list[Durable]:
    """Durables on the log whose names begin with the service's."""
    prefix = f"{owner.replace('_', '-')}-"
    return [d for d in topology.durables() if d.name.startswith(prefix)]


def present_owners() -> list[str]:
    return [owner for owner in OWNERS if (SERVICES / owner / "__main__.py").is_file()]
