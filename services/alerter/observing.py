"""Looks up what an event alone does not tell: whether its cause is gone already, and which crash was traced.

A message that was put back arrives after later ones; an alert raised then would wait for a word that has been said.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from contracts.device_agent import CrashSeen, DeviceReady
from contracts.event import Event
from contracts.locator_validator import OWNER as VALIDATOR
from contracts.locator_validator import LocatorChecked
from contracts.orchestrator import (
    CrashTraced,
    PersonAnswered,
    PersonAsked,
    PhoneMissed,
    PhoneQuarantined,
    PhoneRetired,
    PhoneUnquarantined,
)
from contracts.subjects import event_filter
from contracts.values import ValidationStatus
from services.alerter.findings import Observed
from services.runtime.log import Log
from services.runtime.reactor import Trigger


def observer(log: Log) -> Callable[[Trigger[Any]], Awaitable[Trigger[Any]]]:
    async def observe(trigger: Trigger[Any]) -> Trigger[Any]:
        event = trigger.what
        if isinstance(event, CrashTraced):
            return replace(trigger, what=Observed(event, crash=await _crash(log, event)))
        return replace(trigger, what=Observed(event, await _is_over(log, event, trigger.seq)))

    return observe


async def _crash(log: Log, traced: CrashTraced) -> CrashSeen | None:
    """The crash that was traced: what its alert says already."""
    last = await log.last(event_filter(CrashSeen, key=traced.occurrence_id))
    return last.event if last is not None and isinstance(last.event, CrashSeen) else None


async def _is_over(log: Log, event: Event, seq: int) -> bool:
    match event:
        case PhoneMissed():
            last = await log.last(event_filter(DeviceReady, key=event.device_id))
            if last is not None and isinstance(last.event, DeviceReady) and last.event.session > event.session:
                return True
            retired = await log.last(event_filter(PhoneRetired, route=event.device_id))
            return retired is not None and retired.seq > seq
        case PhoneQuarantined():
            over = await log.last(event_filter(PhoneUnquarantined, route=event.device_id))
            return over is not None and over.seq > seq
        case PersonAsked():
            answered = await log.last(event_filter(PersonAnswered, key=event.run_id))
            return answered is not None and answered.seq > seq  # One question of a run is open at a time.
        case LocatorChecked() if event.status is ValidationStatus.FAILED:
            later = [r.event for r in await log.read(VALIDATOR, event.screen_id, after=seq)]
            checks = [e for e in later if isinstance(e, LocatorChecked) and e.candidate_id == event.candidate_id]
            tried = [e for e in checks if e.attempts > event.attempts]
            return bool(tried) and tried[-1].status is ValidationStatus.PASSED
        case _:
            return False
