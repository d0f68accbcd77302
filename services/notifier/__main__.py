"""The notifier process: what it reads, what decides on it, what it sends, what it keeps."""

from __future__ import annotations

from pathlib import Path

from contracts import topology
from contracts.notifier import OWNER
from contracts.orchestrator import ConfigChanged
from services.notifier.channels import Channels, complain
from services.notifier.decisions import HEARD, PLAN, decide_plan
from services.notifier.effects.sender import Sender
from services.notifier.projections import PROJECTION
from services.notifier.sending import SendingHandler, sending
from services.notifier.settings import NotifierSettings
from services.runtime.effect import Performer
from services.runtime.reactor import Reactor
from services.runtime.service import Service, main
from services.runtime.view import View

_MIGRATIONS = Path(__file__).parent / "migrations"


async def run() -> None:
    retries = NotifierSettings().retries()
    async with Service.open("notifier") as service, Sender.open(service.clock) as sender:
        view = service.view(View(service.js, service.sealer, (ConfigChanged,), on_change=complain))
        channels = Channels(view, service.log)

        service.react(Reactor("notifier-notices", PLAN, HEARD, decide_plan, channels.pin), topology.NOTICES)

        effect = sending(service.log, channels, sender, retries)
        performer = Performer(effect, service.decider(effect.name, effect.aggregate))
        service.set_timers(OWNER)
        timers = topology.timer_reader(OWNER)
        assert timers is not None
        for durable in (topology.SENDING, timers):
            service.consume(durable, SendingHandler(durable.name, performer, service.sealer))

        service.project(PROJECTION, _MIGRATIONS)
        await service.run()


if __name__ == "__main__":
    main(run)
