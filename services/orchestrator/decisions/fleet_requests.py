"""What people ask of the fleet: each request has one answer, and where it is followed, events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from contracts.event import Event
from contracts.fleet_requests import (
    FLEET_REQUEST,
    AccountRequest,
    FleetRequest,
    LimitRequest,
    PhoneRequest,
    RemoveAccountRequest,
    ReserveRequest,
    TagRequest,
)
from contracts.orchestrator import (
    AccountDeclared,
    AccountRemoved,
    FleetAnswered,
    PhoneQuarantined,
    PhoneReinstated,
    PhoneReleased,
    PhoneReserved,
    PhoneRetired,
    PhoneTagged,
    PhoneUnquarantined,
    UserLimited,
)
from contracts.subjects import derived_id
from contracts.values import AccountRef
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Phone, all_tags
from services.orchestrator.decisions.phones import awaited
from services.runtime.handlers import RawRequest
from services.runtime.request_json import RejectedError, parse, read_object

ACCOUNT_LIMIT = 1000
TAG_LIMIT = 50
LONGEST_RESERVATION = timedelta(days=31)
EXAMPLE = '{"kind": "quarantine", "serial": "R5CR30", "why": "the battery swells"}'

Answered = tuple[list[Event], str]
"""What follows, and what the person is told."""


def answer_key(raw: RawRequest) -> UUID:
    """Where the answer to a request is: derived from its user and the id that it has, else from the message."""
    try:
        own = read_object(raw.body, EXAMPLE).get("id")
    except RejectedError:
        own = None
    if isinstance(own, str) and own.strip():
        return derived_id("fleet-request", raw.user, own.strip()[:200])
    return derived_id("fleet-request", raw.user, raw.sequence, raw.body[:4096])


def follow(state: Fleet, raw: RawRequest, now: datetime, grace: timedelta) -> tuple[list[Event], FleetAnswered]:
    """Events that the request leads to, none where it is refused, and its answer."""
    kind = "unknown"
    try:
        request = parse(raw.body, FLEET_REQUEST, EXAMPLE)
        kind = request.kind
        events, text = _follow(state, request, raw.user, now, grace)
    except RejectedError as error:
        return [], _answer(raw, kind, error.reason, code=error.code)
    return events, _answer(raw, kind, text)


def _answer(raw: RawRequest, kind: str, text: str, code: str | None = None) -> FleetAnswered:
    return FleetAnswered(
        answer_id=answer_key(raw), user=raw.user, kind=kind, done=code is None, code=code, text=text[:2000]
    )


def _follow(state: Fleet, request: FleetRequest, by: str, now: datetime, grace: timedelta) -> Answered:
    match request:
        case TagRequest():
            return _tag(_phone(state, request.serial), request, by)
        case ReserveRequest():
            return _reserve(_phone(state, request.serial), request, by, now, state)
        case PhoneRequest():
            return _PHONE[request.kind](_Asked(state, _phone(state, request.serial), request, by, now, grace))
        case AccountRequest():
            return _declare(state, request, by)
        case RemoveAccountRequest():
            return _remove_account(state, request.name, by)
        case LimitRequest():
            limited = UserLimited(fleet_id=DEFAULT_FLEET, user=request.user, max_phones=request.max_phones, by=by)
            most = "as many phones as there are" if request.max_phones is None else f"{request.max_phones} phones"
            return [limited], f"tasks of {request.user} have {most} at once"
        case _:
            assert_never(request)


def _phone(state: Fleet, serial: str) -> Phone:
    phone = next((p for p in state.phones.values() if p.serial == serial), None)
    if phone is None:
        raise RejectedError("UNKNOWN_PHONE", f"there is no phone {serial}; `waymark devices list` has those there are")
    return phone


def _about(phone: Phone) -> dict[str, Any]:
    return {"fleet_id": DEFAULT_FLEET, "device_id": phone.device_id, "serial": phone.serial}


def _tag(phone: Phone, request: TagRequest, by: str) -> Answered:
    if not request.set and not request.remove:
        raise RejectedError("INVALID", 'there is nothing to do: "set" gives tags to set, "remove" those to remove')
    if (unknown := [tag for tag in request.remove if tag not in phone.own_tags]) and not request.set:
        own = ", ".join(sorted(phone.own_tags)) or "none"
        raise RejectedError("UNKNOWN_TAG", f"{phone.serial} has no tag {unknown[0]} set by hand (it has {own})")
    kept = {tag: value for tag, value in phone.own_tags.items() if tag not in request.remove}
    own_tags = {**kept, **request.set}
    if len(own_tags) > TAG_LIMIT:
        raise RejectedError("INVALID", f"{phone.serial} would have {len(own_tags)} tags; {TAG_LIMIT} is the most")
    tags = all_tags(phone.model_copy(update={"own_tags": own_tags}))
    shown = ", ".join(f"{tag}={value}" for tag, value in sorted(own_tags.items())) or "none"
    tagged = PhoneTagged(**_about(phone), own_tags=own_tags, all_tags=tags, by=by)
    return [tagged], f"{phone.serial}: tags set by hand are {shown}"


def _reserve(phone: Phone, request: ReserveRequest, by: str, now: datetime, state: Fleet) -> Answered:
    if request.until.tzinfo is None:
        raise RejectedError("INVALID", f"until: {request.until.isoformat()} has no time zone; write it with one")
    until = request.until.astimezone(UTC)
    if until <= now or until - now > LONGEST_RESERVATION:
        raise RejectedError("INVALID", f"until: {until.isoformat()} is not within the next 31 days")
    _refuse_retired(phone)
    known = phone.reserved_at(now)
    if known is not None and request.user != known.user:
        raise RejectedError(
            "RESERVED",
            f"{phone.serial} is reserved for {known.user} until {known.until.isoformat(timespec='minutes')}"
            f" ({known.why}); `waymark devices release {phone.serial}` ends that",
        )
    reserved = PhoneReserved(**_about(phone), user=request.user, until=until, why=request.why, by=by)
    lease = state.leases.get(str(phone.device_id))
    first = "" if lease is None or lease.user == request.user else f"; a run of {lease.user} ends on it first"
    return [
        reserved
    ], f"{phone.serial} is reserved for {request.user} until {until.isoformat(timespec='minutes')}{first}"


@dataclass(frozen=True)
class _Asked:
    """A request about one phone, with what it is decided on."""

    state: Fleet
    phone: Phone
    request: PhoneRequest
    by: str
    now: datetime
    grace: timedelta

    @property
    def awaited(self) -> list[Event]:
        return awaited(self.phone, self.now, self.grace)


def _release(asked: _Asked) -> Answered:
    phone = asked.phone
    if phone.reserved is None:
        raise RejectedError("NOT_RESERVED", f"{phone.serial} is not reserved")
    released = PhoneReleased(**_about(phone), by=asked.by, why=asked.request.why)
    return [released, *asked.awaited], f"{phone.serial} is no longer reserved for {phone.reserved.user}"


def _quarantine(asked: _Asked) -> Answered:
    phone, why = asked.phone, asked.request.why
    _refuse_retired(phone)
    if why is None:
        raise RejectedError("INVALID", "why: a quarantine needs a reason, which everybody is told who asks for it")
    order = asked.state.last_quarantine + 1
    quarantined = PhoneQuarantined(**_about(phone), why=why, by=asked.by, order=order)
    busy = "; the run that is on it goes on" if str(phone.device_id) in asked.state.leases else ""
    return [quarantined], f"{phone.serial} is in quarantine and takes no task{busy}"


def _unquarantine(asked: _Asked) -> Answered:
    phone = asked.phone
    if phone.quarantine is None:
        raise RejectedError("NOT_QUARANTINED", f"{phone.serial} is not in quarantine")
    order = asked.state.last_quarantine + 1
    over = PhoneUnquarantined(**_about(phone), by=asked.by, why=asked.request.why, order=order)
    return [over, *asked.awaited], f"{phone.serial} takes tasks again"


def _retire(asked: _Asked) -> Answered:
    phone = asked.phone
    _refuse_retired(phone)
    retired = PhoneRetired(**_about(phone), session=phone.session, by=asked.by, why=asked.request.why)
    return [retired], f"{phone.serial} is retired: it gets no task, and nobody is told that it is away"


def _reinstate(asked: _Asked) -> Answered:
    phone = asked.phone
    if not phone.retired:
        raise RejectedError("NOT_RETIRED", f"{phone.serial} is not retired")
    leased = str(phone.device_id) in asked.state.leases
    reinstated = PhoneReinstated(**_about(phone), present=phone.present, leased=leased, by=asked.by)
    away = awaited(phone.model_copy(update={"retired": False}), asked.now, asked.grace)
    return [reinstated, *away], (
        f"{phone.serial} gets tasks again" + ("" if phone.present else " as soon as it is connected")
    )


_PHONE: dict[str, Callable[[_Asked], Answered]] = {
    "release": _release,
    "quarantine": _quarantine,
    "unquarantine": _unquarantine,
    "retire": _retire,
    "reinstate": _reinstate,
}


def _refuse_retired(phone: Phone) -> None:
    if phone.retired:
        raise RejectedError("RETIRED", f"{phone.serial} is retired; `waymark devices reinstate {phone.serial}` first")


def _declare(state: Fleet, request: AccountRequest, by: str) -> Answered:
    if both := sorted(request.fields.keys() & request.secrets.keys()):
        raise RejectedError("INVALID", f"{both[0]} is among fields and secrets: a name can stand for one of them")
    if request.name not in state.accounts and len(state.accounts) >= ACCOUNT_LIMIT:
        raise RejectedError("LIMIT", f"there are {ACCOUNT_LIMIT} test accounts, which is the limit")
    account = AccountRef(name=request.name, pool=request.pool, fields=request.fields, secrets=request.secrets)
    known = "changed" if request.name in state.accounts else "declared"
    declared = AccountDeclared(fleet_id=DEFAULT_FLEET, account=account, by=by)
    return [declared], f"test account {request.name} of pool {request.pool} is {known}"


def _remove_account(state: Fleet, name: str, by: str) -> Answered:
    if name not in state.accounts or state.accounts[name].removed:
        raise RejectedError("UNKNOWN_ACCOUNT", f"there is no test account {name}; `waymark accounts list` has them")
    is_leased = any(lease.account == name for lease in state.leases.values())
    text = f"test account {name} is removed" + (" when the run that has it ends" if is_leased else "")
    return [AccountRemoved(fleet_id=DEFAULT_FLEET, name=name, by=by)], text
