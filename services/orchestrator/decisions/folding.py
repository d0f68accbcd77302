"""How the fleet's state changes by events about phones, test accounts and users, and about groups and schedules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import (
    AccountDeclared,
    AccountRemoved,
    GroupWaiting,
    PhoneApps,
    PhoneDescribed,
    PhoneJoined,
    PhoneLeft,
    PhoneMissed,
    PhoneQuarantined,
    PhoneReinstated,
    PhoneReleased,
    PhoneReserved,
    PhoneRetired,
    PhoneTagged,
    PhoneUnquarantined,
    ScheduleEnded,
    ScheduleFired,
    ScheduleHeld,
    ScheduleSet,
    TaskHeld,
    TaskReleased,
    TaskSplit,
    UserLimited,
)
from services.orchestrator.decisions.fleet_model import (
    Account,
    Fleet,
    Group,
    Phone,
    Quarantine,
    Reservation,
    Schedule,
)


def apply_phone(state: Fleet, event: Event) -> Fleet:
    match event:
        case PhoneJoined():
            return _with_phone(state, _joined(state, event))
        case PhoneApps():
            return _changed(state, event.device_id, versions=event.versions)
        case PhoneDescribed():
            return _changed(state, event.device_id, tags=event.tags, seen_seq=event.seen_seq)
        case PhoneTagged():
            return _changed(state, event.device_id, own_tags=event.own_tags)
        case PhoneLeft():
            return _left(state, event)
        case PhoneMissed():
            return _changed(state, event.device_id, missed_at=None)
        case PhoneReserved():
            reserved = Reservation(user=event.user, until=event.until, why=event.why, by=event.by)
            return _changed(state, event.device_id, reserved=reserved)
        case PhoneReleased():
            return _changed(state, event.device_id, reserved=None)
        case PhoneQuarantined():
            quarantine = Quarantine(why=event.why, by=event.by)
            changed = _changed(state, event.device_id, quarantine=quarantine)
            return changed.model_copy(update={"last_quarantine": event.order})
        case PhoneUnquarantined():
            # What it did before is forgiven: the rule begins anew.
            trials = tuple(trial for trial in state.trials if trial.device_id != event.device_id)
            changed = _changed(state, event.device_id, quarantine=None)
            return changed.model_copy(update={"last_quarantine": event.order, "trials": trials})
        case PhoneRetired() | PhoneReinstated():
            return _changed(state, event.device_id, retired=isinstance(event, PhoneRetired))
        case AccountDeclared() | AccountRemoved() | UserLimited():
            return _people(state, event)
        case _:
            return state


def _joined(state: Fleet, event: PhoneJoined) -> Phone:
    """What it had installed in an earlier session may have changed: it is told again. What people made of it stays."""
    known = state.phones.get(str(event.device_id))
    kept: dict[str, Any] = {}
    if known is not None:
        kept = {name: getattr(known, name) for name in ("own_tags", "reserved", "quarantine", "retired")}
    return Phone(
        device_id=event.device_id,
        session=event.session,
        serial=event.serial,
        model=event.model,
        api_level=event.api_level,
        tags=event.tags,
        seen_seq=event.seen_seq,
        **kept,
    )


def _left(state: Fleet, event: PhoneLeft) -> Fleet:
    after = _changed(
        state,
        event.device_id,
        present=False,
        left_reason=event.reason,
        lost_at=event.lost_at,
        missed_at=event.missed_at,
    )
    lease = state.leases.get(str(event.device_id))
    if lease is None:
        return after
    marked = lease.model_copy(update={"lost": True})
    return after.model_copy(update={"leases": {**state.leases, str(event.device_id): marked}})


def _people(state: Fleet, event: AccountDeclared | AccountRemoved | UserLimited) -> Fleet:
    match event:
        case AccountDeclared():
            known = state.accounts.get(event.account.name)
            account = Account(ref=event.account, last_token=0 if known is None else known.last_token)
            return state.model_copy(update={"accounts": {**state.accounts, event.account.name: account}})
        case AccountRemoved():
            others = {name: a for name, a in state.accounts.items() if name != event.name}
            if any(lease.account == event.name for lease in state.leases.values()):
                going = state.accounts[event.name].model_copy(update={"removed": True})
                others[event.name] = going
            return state.model_copy(update={"accounts": others})
        case UserLimited():
            limits = {user: most for user, most in state.limits.items() if user != event.user}
            if event.max_phones is not None:
                limits[event.user] = event.max_phones
            return state.model_copy(update={"limits": limits})


def apply_group(state: Fleet, event: Event) -> Fleet:
    match event:
        case GroupWaiting():
            return _with_group(state, Group(spec=event.spec, split_at=event.split_at))
        case TaskSplit():
            known = state.groups.get(str(event.task_id))
            if known is None:
                return state
            return _with_group(state, known.model_copy(update={"split_at": None, "members": event.members}))
        case TaskHeld() | TaskReleased() if (group := state.groups.get(str(event.task_id))) is not None:
            return _with_group(state, group.model_copy(update={"held": isinstance(event, TaskHeld)}))
        case ScheduleSet():
            known_schedule = state.schedules.get(str(event.schedule_id))
            first = known_schedule or Schedule(spec=event.spec, next_at=None)
            return _with_schedule(state, event.schedule_id, first, next_at=event.next_at, held=False)
        case ScheduleFired():
            schedule = state.schedules[str(event.schedule_id)]
            task = schedule.last_task if event.spec is None else event.spec.task_id
            return _with_schedule(
                state,
                event.schedule_id,
                schedule,
                next_at=event.next_at,
                last_at=event.fired_for,
                last_task=task,
                fired=schedule.fired + (event.spec is not None),
                missed=event.missed,
            )
        case ScheduleHeld():
            schedule = state.schedules[str(event.schedule_id)]
            return _with_schedule(state, event.schedule_id, schedule, next_at=None, held=True)
        case ScheduleEnded():
            return state.model_copy(update={"schedules": without(state.schedules, event.schedule_id)})
        case _:
            return state


def leave_group(state: Fleet, task_id: UUID) -> Fleet:
    """A task is over: so is its group with the last of its members. A group that is dropped is over itself."""
    if str(task_id) in state.groups:
        return state.model_copy(update={"groups": without(state.groups, task_id)})
    for key, group in state.groups.items():
        if task_id not in group.members:
            continue
        left = tuple(member for member in group.members if member != task_id)
        if not left:
            return state.model_copy(update={"groups": {k: g for k, g in state.groups.items() if k != key}})
        return state.model_copy(update={"groups": {**state.groups, key: group.model_copy(update={"members": left})}})
    return state


def without(mapping: dict[str, Any], key: UUID) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k != str(key)}


def _changed(state: Fleet, device_id: UUID, **changes: Any) -> Fleet:
    return _with_phone(state, state.phones[str(device_id)].model_copy(update=changes))


def _with_phone(state: Fleet, phone: Phone) -> Fleet:
    return state.model_copy(update={"phones": {**state.phones, str(phone.device_id): phone}})


def _with_group(state: Fleet, group: Group) -> Fleet:
    return state.model_copy(update={"groups": {**state.groups, str(group.spec.task_id): group}})


def _with_schedule(state: Fleet, schedule_id: UUID, schedule: Schedule, **changes: Any) -> Fleet:
    changed = schedule.model_copy(update=changes)
    return state.model_copy(update={"schedules": {**state.schedules, str(schedule_id): changed}})
