"""What is told of a lease on a phone: that it was made ready for it, and that everything was put back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from contracts.device_agent import PhonePrepared, PhoneRestored
from contracts.event import Event
from contracts.subjects import derived_id
from services.runtime.aggregate import Aggregate
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, Trigger


def lease_id_of(device_id: UUID, token: int) -> UUID:
    return derived_id("lease", device_id, token)


@dataclass(frozen=True)
class Lease:
    """State of a lease on its phone."""

    prepared: PhonePrepared | None = None
    restored: PhoneRestored | None = None


LEASE = Aggregate[Lease]("lease", "device_agent", Lease, lambda s, r: evolve(s, r))


def decide(state: Lease, trigger: Trigger[PhonePrepared | PhoneRestored], _now: datetime) -> Decision:
    """Tells what was done where it is news: the same preparation a second time is none, nor is it to put back what was
    put back before."""
    what = trigger.what
    match what:
        case PhonePrepared():
            if state.prepared is not None and not (what.changed or what.woken or what.unlocked):
                return NOTHING
            return Decision((what,))
        case PhoneRestored():
            done = state.restored
            if done is not None and (not done.failed or done.failed == what.failed):
                return NOTHING
            return Decision((what,))
        case _:
            assert_never(what)


def evolve(state: Lease, recorded: Recorded[Event]) -> Lease:
    match recorded.event:
        case PhonePrepared() as prepared:
            return replace(state, prepared=prepared)
        case PhoneRestored() as restored:
            return replace(state, restored=restored)
        case _:
            return state
