"""Phones that come and go, and what people made of them that runs out by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.device_agent import DeviceLost, DeviceReady, DeviceRegistered
from contracts.event import Event
from contracts.orchestrator import PhoneDescribed, PhoneJoined, PhoneLeft, PhoneMissed, PhoneReleased
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Phone, all_tags


def ready(state: Fleet, found: DeviceReady, seq: int) -> list[Event]:
    """`seq`: place of the event in the log."""
    phone = state.phones.get(str(found.device_id))
    if phone is not None and phone.session >= found.session:
        return []
    now_is = Phone(
        device_id=found.device_id,
        session=found.session,
        serial=found.serial,
        model=found.model,
        api_level=found.api_level,
        tags=found.tags,
        own_tags={} if phone is None else phone.own_tags,
    )
    joined = PhoneJoined(
        fleet_id=DEFAULT_FLEET,
        device_id=found.device_id,
        session=found.session,
        serial=found.serial,
        model=found.model,
        api_level=found.api_level,
        tags=found.tags,
        all_tags=all_tags(now_is),
        leased=str(found.device_id) in state.leases,
        retired=phone is not None and phone.retired,
        seen_seq=seq,
    )
    return [joined]


def described(state: Fleet, registered: DeviceRegistered, seq: int) -> list[Event]:
    """A phone that joins anew is described by that; one that is here may be configured otherwise now."""
    phone = state.phones.get(str(registered.device_id))
    if phone is None or not phone.present or phone.tags == registered.tags or seq <= phone.seen_seq:
        return []
    tags = all_tags(phone.model_copy(update={"tags": registered.tags}))
    about = {"fleet_id": DEFAULT_FLEET, "device_id": registered.device_id}
    return [PhoneDescribed(**about, tags=registered.tags, all_tags=tags, seen_seq=seq)]


def left(state: Fleet, lost: DeviceLost, now: datetime, grace: timedelta) -> list[Event]:
    phone = state.phones.get(str(lost.device_id))
    if phone is None or phone.session != lost.session or not phone.present:
        return []
    return [_away(phone, lost.reason, now, now + grace)]


def awaited(phone: Phone, now: datetime, grace: timedelta) -> list[Event]:
    """The phone is away, and from now on that is news again: it has its grace anew."""
    if phone.present or phone.retired:
        return []
    return [_away(phone, phone.left_reason, phone.lost_at or now, now + grace)]


def _away(phone: Phone, reason: str, lost_at: datetime, missed_at: datetime) -> PhoneLeft:
    return PhoneLeft(
        fleet_id=DEFAULT_FLEET,
        device_id=phone.device_id,
        session=phone.session,
        reason=reason,
        lost_at=lost_at,
        missed_at=missed_at,
    )


def missed(state: Fleet, now: datetime) -> list[Event]:
    """Phones that are away for longer than the grace. One that somebody took away on purpose (reserved, in quarantine,
    retired) is no news."""
    return [
        PhoneMissed(
            fleet_id=DEFAULT_FLEET,
            device_id=phone.device_id,
            serial=phone.serial,
            session=phone.session,
            reason=phone.left_reason,
            lost_at=phone.lost_at or phone.missed_at,
        )
        for phone in _by_serial(state)
        if not phone.present and phone.missed_at is not None and phone.missed_at <= now and not _on_purpose(phone, now)
    ]


def reservations_over(state: Fleet, now: datetime, grace: timedelta) -> list[Event]:
    events: list[Event] = []
    for phone in _by_serial(state):
        if phone.reserved is not None and phone.reserved.until <= now:
            about = {"fleet_id": DEFAULT_FLEET, "device_id": phone.device_id, "serial": phone.serial}
            events += [PhoneReleased(**about, by=None, why="its time is up"), *awaited(phone, now, grace)]
    return events


def _on_purpose(phone: Phone, now: datetime) -> bool:
    return phone.retired or phone.quarantine is not None or phone.reserved_at(now) is not None


def _by_serial(state: Fleet) -> list[Phone]:
    return sorted(state.phones.values(), key=lambda p: p.serial)
