"""Every event of the system: importing this module completes the registry that `contracts.event` keeps."""

from __future__ import annotations

from contracts import (
    alerter,
    device_agent,
    llm_gateway,
    locator_validator,
    notifier,
    orchestrator,
    screen_indexer,
)
from contracts.event import Event, event_types

OWNERS = (
    orchestrator.OWNER,
    device_agent.OWNER,
    llm_gateway.OWNER,
    screen_indexer.OWNER,
    locator_validator.OWNER,
    alerter.OWNER,
    notifier.OWNER,
)


def events_of(owner: str) -> list[type[Event]]:
    """Event classes of one owner, by type name."""
    return [cls for _, cls in sorted(event_types().items()) if owner == cls.OWNER]
