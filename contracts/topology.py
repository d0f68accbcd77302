"""Streams and durable consumers: who reads what. Everything is provisioned from here, before any event is written.

A consumer that is missing would miss events without anybody noticing, so that no service makes its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts import (
    alerter,
    device_agent,
    llm_gateway,
    locator_validator,
    notifier,
    orchestrator,
    screen_indexer,
)
from contracts.catalogue import OWNERS, events_of
from contracts.event import Event
from contracts.subjects import REQUESTS, STREAM, TIMERS, event_filter, timer_due_filter


@dataclass(frozen=True)
class Durable:
    """One durable consumer. `ack_wait_s`: how long a message may be in hand without a sign of life."""

    name: str
    stream: str
    filters: tuple[str, ...]
    events: tuple[type[Event], ...] = ()
    ack_wait_s: float = 5.0
    max_ack_pending: int = 256


def _reading(name: str, *events: type[Event], ack_wait_s: float = 5.0) -> Durable:
    return Durable(name, STREAM, tuple(event_filter(e) for e in events), events, ack_wait_s)


REQUEST_READER = Durable("orchestrator-requests", REQUESTS, ("waymark.request.task.*", "waymark.request.control.*"))
CONFIG_REQUEST_READER = Durable("orchestrator-config-requests", REQUESTS, ("waymark.request.config.*",))
ALERT_REQUEST_READER = Durable("alerter-requests", REQUESTS, ("waymark.request.alert.*",))

FLEET_REQUEST_READER = Durable("orchestrator-fleet-requests", REQUESTS, ("waymark.request.fleet.*",))
SCRIPT_REQUEST_READER = Durable("orchestrator-script-requests", REQUESTS, ("waymark.request.script.*",))
PEOPLE = Durable(
    "orchestrator-people",
    REQUESTS,
    ("waymark.request.config.*", "waymark.request.alert.*", "waymark.request.fleet.*", "waymark.request.script.*"),
)
FLEET = _reading(
    "orchestrator-fleet",
    orchestrator.TaskAccepted,
    orchestrator.TaskStopAsked,
    orchestrator.TaskPauseAsked,
    orchestrator.RunFinished,
    device_agent.DeviceRegistered,
    device_agent.DeviceReady,
    device_agent.DeviceLost,
    device_agent.PackagesSeen,
)
RUN = _reading(
    "orchestrator-run",
    orchestrator.RunStarted,
    orchestrator.TaskStopAsked,
    orchestrator.RunPauseAsked,
    orchestrator.RunStopAsked,
    device_agent.ActionFinished,
    device_agent.CrashSeen,
    screen_indexer.CaptureIndexed,
    locator_validator.ValidationPlanned,
    llm_gateway.CallFinished,
    llm_gateway.ApiCallFinished,
    orchestrator.PersonSaid,
)
SCRIPTS = _reading("orchestrator-scripts", orchestrator.ScriptDrafted, orchestrator.RunFinished)
CAPTURES = _reading("screen-indexer-captures", device_agent.ActionFinished)
CATALOGUE = _reading("screen-indexer-catalogue", screen_indexer.ScreenDiscovered, orchestrator.RunFinished)
PLANS = _reading("locator-validator-plans", orchestrator.PlanPending)
CHECKS = _reading("locator-validator-checks", device_agent.ActionFinished, orchestrator.StepFinished)
CALLS = _reading("llm-gateway-calls", orchestrator.AdviceRequested, orchestrator.TurnRequested)
API_CALLS = _reading("llm-gateway-api-calls", orchestrator.ApiCallRequested)
ALERTS = _reading(
    "alerter-alerts",
    device_agent.CrashSeen,
    device_agent.DeviceReady,
    orchestrator.PhoneMissed,
    orchestrator.PhoneQuarantined,
    orchestrator.PhoneUnquarantined,
    orchestrator.PhoneRetired,
    locator_validator.LocatorChecked,
    screen_indexer.VersionsCompared,
    orchestrator.BudgetCrossed,
    orchestrator.RunFinished,
    orchestrator.CrashTraced,
    orchestrator.PersonAsked,
    orchestrator.PersonAnswered,
)
NOTICES = _reading("notifier-notices", alerter.AlertRaised, alerter.AlertRepeated)
SENDING = _reading("notifier-sending", notifier.NotificationPlanned)


def timer_setter(owner: str) -> Durable | None:
    """Reads the events of an owner that carry a deadline, and schedules them; None where it has no such events."""
    events = tuple(e for e in events_of(owner) if e.DEADLINE is not None)
    return _reading(f"{owner.replace('_', '-')}-deadlines", *events) if events else None


def timer_reader(owner: str) -> Durable | None:
    """Reads the timers of an owner that fired."""
    if timer_setter(owner) is None:
        return None
    return Durable(f"{owner.replace('_', '-')}-timers", TIMERS, (timer_due_filter(owner),))


def device_reader(device_id: UUID) -> Durable:
    """What concerns one phone, in order and one in flight: actions, and the ends of its leases. Read by whichever agent
    holds it."""
    events = (orchestrator.ActionRequested, orchestrator.LeaseEnded)
    return Durable(
        f"device-agent-device-{device_id}",
        STREAM,
        tuple(event_filter(event, route=device_id) for event in events),
        events,
        ack_wait_s=5.0,
        max_ack_pending=1,
    )


def durables() -> tuple[Durable, ...]:
    """Every durable that is known before any phone is."""
    timers = [d for owner in OWNERS for d in (timer_setter(owner), timer_reader(owner)) if d is not None]
    fixed = (
        REQUEST_READER,
        CONFIG_REQUEST_READER,
        ALERT_REQUEST_READER,
        FLEET_REQUEST_READER,
        SCRIPT_REQUEST_READER,
        PEOPLE,
        FLEET,
        RUN,
        SCRIPTS,
        CAPTURES,
        CATALOGUE,
        PLANS,
    )
    return (*fixed, CHECKS, CALLS, API_CALLS, ALERTS, NOTICES, SENDING, *timers)
