"""The orchestrator process: what it reads, what decides on it, what it keeps."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from contracts import topology
from contracts.orchestrator import ConfigChanged, FleetAnswered, ScriptAnswered
from services.orchestrator.decisions import fleet_requests
from services.orchestrator.decisions.configuration import config_reactor
from services.orchestrator.decisions.fleet import fleet_reactor
from services.orchestrator.decisions.intake import intake_reactor
from services.orchestrator.decisions.models import Models, models_of
from services.orchestrator.decisions.people import people_reactor
from services.orchestrator.decisions.run import run_reactor
from services.orchestrator.decisions.scripts import requested
from services.orchestrator.decisions.scripts.keeping import script_reactor
from services.orchestrator.projections import PROJECTION
from services.orchestrator.projections_autoglm import PROJECTION as PROJECTION_AUTOGLM
from services.orchestrator.requests import AnsweredHandler, IntakeHandler
from services.orchestrator.script_reader import ScriptReader
from services.orchestrator.timers import TimerRouter
from services.orchestrator.tracing import record_traces
from services.runtime.service import Service, main
from services.runtime.view import View

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATIONS_AUTOGLM = Path(__file__).parent / "migrations_autoglm"


async def run() -> None:
    async with Service.open("orchestrator") as service:
        configs = service.view(View(service.js, service.sealer, (ConfigChanged,)))

        intake = intake_reactor(ScriptReader(service.log).prepare)
        decider = service.decider(intake.name, intake.aggregate)
        requests = topology.REQUEST_READER
        service.consume(
            requests, IntakeHandler(requests.name, intake, decider, service.sealer, dead_letters=service.dead_letters)
        )
        service.react(config_reactor(), topology.CONFIG_REQUEST_READER)
        service.react(people_reactor(), topology.PEOPLE)

        grace = timedelta(seconds=service.settings.offline_grace_s)
        fleet = fleet_reactor(version("waymark"), lambda: models(configs), grace)
        fleet_decider = service.react(fleet, topology.FLEET)
        asked = topology.FLEET_REQUEST_READER
        service.consume(
            asked,
            AnsweredHandler(
                asked.name, fleet, fleet_decider, service.sealer,
                dead_letters=service.dead_letters, answer=FleetAnswered, answer_key=fleet_requests.answer_key,
            ),
        )  # fmt: skip
        scripts = script_reactor()
        script_decider = service.react(scripts, topology.SCRIPTS)
        asked = topology.SCRIPT_REQUEST_READER
        service.consume(
            asked,
            AnsweredHandler(
                asked.name, scripts, script_decider, service.sealer,
                dead_letters=service.dead_letters, answer=ScriptAnswered, answer_key=requested.answer_key,
            ),
        )  # fmt: skip
        exploring = run_reactor()
        run_decider = service.react(exploring, topology.RUN, on_appended=record_traces)

        service.set_timers("orchestrator")
        timers = topology.timer_reader("orchestrator")
        assert timers is not None
        service.consume(
            timers, TimerRouter(timers.name, ((fleet, fleet_decider), (exploring, run_decider)), service.sealer)
        )

        service.project(PROJECTION, _MIGRATIONS)
        service.project(PROJECTION_AUTOGLM, _MIGRATIONS_AUTOGLM)
        await service.run()


def models(configs: View) -> Models:
    """The model configurations that are switched on, the one changed last at the end."""
    return models_of(event for event in configs.all(ConfigChanged) if isinstance(event, ConfigChanged))


if __name__ == "__main__":
    main(run)
