"""Who reads what: durables, projections and views are what the services really handle."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from contracts import topology
from contracts.catalogue import OWNERS
from contracts.event import Event
from contracts.readers import PROJECTED, VIEWED
from contracts.subjects import STREAM
from contracts.topology import Durable
from services.device_agent import decisions as device_decisions
from services.runtime.handlers import EffectHandler, ReactorHandler
from services.runtime.reactor import Trigger
from services.runtime.timers import TimerSetter
from tests.contracts.corpus import EVENT_TYPES, recorded, recorded_of
from tests.contracts.wiring import present_owners, wired

READ_BY_THEIR_OWNER_ONLY = {
    "orchestrator.TaskRejected": "the answer to whoever sent the request, who listens to the subject of its key",
    "alerter.AlertRequestRejected": "the answer to whoever sent the request",
    "orchestrator.TaskWaiting": "folded into the fleet's queue",
    "orchestrator.PhoneApps": "folded into the fleet's phones",
    "orchestrator.PhoneReleased": "folded into the fleet's phones",
    "orchestrator.AccountDeclared": "folded into the fleet's test accounts",
    "orchestrator.AccountRemoved": "folded into the fleet's test accounts",
    "orchestrator.UserLimited": "folded into the fleet's limits",
    "orchestrator.FleetAnswered": "the answer to whoever sent the request, who listens to the subject of its key",
    "orchestrator.ScriptAnswered": "the answer to whoever sent the request, who listens to the subject of its key",
    "orchestrator.TaskSplit": "folded into the fleet's groups; `waymark run list --group` reads the log itself",
    "orchestrator.ScheduleHeld": "folded into the fleet's schedules",
    "orchestrator.ScheduleEnded": "folded into the fleet's schedules",
    "orchestrator.StateAdded": "folded into the run's graph; a run's states have no table",
    "orchestrator.AdviceTaken": "folded into the run",
    "orchestrator.ReproductionTried": "folded into the run, which tells what came of all tries as CrashTraced",
    "orchestrator.RunEnding": "folded into the run, whose end follows as RunFinished",
    "screen_indexer.VersionExplored": "folded into the app's catalogue",
    "llm_gateway.CallStarted": "folded into the run's ledger of calls",
    "llm_gateway.ApiCallStarted": "folded into the call, so that it is made once at most",
    "alerter.AlertEased": "folded into the alert: it changes no column",
}
"""Events that no durable, projection or view reads, and who needs each. Snapshots and receipts are like that."""

ALL = [d for d in topology.durables() if d.stream == STREAM]


def every_durable() -> list[Durable]:
    return [*topology.durables(), topology.device_reader(UUID(int=7))]


def test_names_of_durables_are_unique_and_of_one_token() -> None:
    names = [d.name for d in every_durable()]
    assert len(set(names)) == len(names)
    assert all("." not in name and "*" not in name and " " not in name for name in names)


def test_every_durable_belongs_to_a_service() -> None:
    for durable in every_durable():
        assert any(durable.name.startswith(f"{owner.replace('_', '-')}-") for owner in OWNERS), durable.name


def test_filters_of_a_durable_do_not_overlap() -> None:
    """NATS refuses a consumer with overlapping filters."""
    for durable in every_durable():
        assert len(set(durable.filters)) == len(durable.filters)


def test_events_of_durables_are_known() -> None:
    for durable in ALL:
        assert durable.events, durable.name
        assert set(durable.events) <= set(EVENT_TYPES)


@pytest.mark.parametrize("owner", present_owners())
async def test_a_service_reads_every_durable_of_its_own_and_no_other(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await wired(owner, monkeypatch)
    prefix = f"{service.name}-"
    assert {c.durable for c in service.consumers} == {d.name for d in topology.durables() if d.name.startswith(prefix)}


@pytest.mark.parametrize("owner", present_owners())
async def test_what_a_durable_delivers_is_what_its_handler_handles(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await wired(owner, monkeypatch)
    for durable in ALL:
        consumer = service.consumer_of(durable)
        if consumer is None:
            continue
        handled = handled_by(consumer.handler)
        assert handled == set(durable.events), f"{durable.name} delivers other events than its handler handles"


def handled_by(handler: Any) -> set[type[Event]]:
    """Events that a handler takes: those that its reactor or effect lists; else those for which it has a key, tried
    with every example there is."""
    match handler:
        case ReactorHandler(reactor=reactor):
            return {cls for cls in reactor.triggers if issubclass(cls, Event)}
        case EffectHandler(performer=performer):
            return {cls for cls in performer.effect.triggers if issubclass(cls, Event)}
        case TimerSetter():
            owner = next(o for o in OWNERS if handler.name.startswith(o.replace("_", "-")))
            return {type(r.event) for r in recorded() if owner == r.event.OWNER and r.event.due_at is not None}
        case _:
            return {type(r.event) for r in recorded() if handler.key_of(Trigger.of(r)) is not None}


def test_an_agent_handles_what_a_phone_s_durable_delivers() -> None:
    assert set(device_decisions.TRIGGERS) == set(topology.device_reader(UUID(int=7)).events)


@pytest.mark.parametrize("owner", present_owners())
async def test_the_table_of_readers_is_what_projections_and_views_read(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await wired(owner, monkeypatch)
    projected = {cls for catch_up in service.catch_ups for cls in catch_up.projection.events}
    assert projected == set(PROJECTED.get(owner, ())), "bring contracts/readers.py up to date"
    viewed = {cls for view in service.views for cls in view.kinds}
    assert viewed == set(VIEWED.get(owner, ())), "bring contracts/readers.py up to date"


@pytest.mark.parametrize("owner", present_owners())
async def test_a_projection_takes_every_example_of_its_events(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await wired(owner, monkeypatch)
    for catch_up in service.catch_ups:
        projection = catch_up.projection
        rows = [row for cls in projection.events for r in recorded_of(cls) for row in projection.project(r)]
        assert rows
        assert all(row.statement.sql.count("$") >= len(row.values) for row in rows)


def test_every_event_is_read_by_somebody() -> None:
    read = {cls for durable in every_durable() for cls in durable.events}
    read |= {cls for table in (*PROJECTED.values(), *VIEWED.values()) for cls in table}
    unread = {f"{cls.OWNER}.{cls.NAME}" for cls in EVENT_TYPES if cls not in read}
    own = {name for name in unread if name.rpartition(".")[2] in {"Snapshot", "Receipt"}}
    assert sorted(unread - own) == sorted(READ_BY_THEIR_OWNER_ONLY)
