"""Who holds a phone: given what the log has, when an agent notices something, then these events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.device_agent import ActionStarted, DeviceLost, DeviceReady, DeviceRegistered
from contracts.event import Event
from contracts.orchestrator import ActionRequested
from contracts.values import DeviceType, Navigate
from services.device_agent import decisions
from services.device_agent.decisions import (
    Action,
    AppsFound,
    Device,
    Noticed,
    PhoneBeat,
    PhoneFound,
    PhoneGone,
    begin_action,
    device_id_of,
)
from services.device_agent.holders import SILENCE, Held, is_free
from services.device_agent.identity import Way
from services.runtime.log import Recorded
from services.runtime.reactor import LaterError, Trigger

SERIAL = "R5CR805PBNX"
NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
HERE, BESIDE, ELSEWHERE = "agent-0@lab1", "agent-1@lab1", "agent-0@lab2"


def found(agent: str | None = HERE, **changes) -> PhoneFound:
    facts = {"model": "Pixel", "os_version": "13", "api_level": 33, "device_type": DeviceType.REAL}
    return PhoneFound(SERIAL, resolution="1080x2400", tags={}, agent=agent, **{**facts, **changes})


class Phone:
    """The aggregate of a phone, told what agents notice."""

    def __init__(self) -> None:
        self.state, self.seq = Device(), 0

    def when(self, noticed: Noticed) -> list[Event]:
        events = list(decisions.decide_device(self.state, Trigger(uuid4(), noticed, NOW), NOW).events)
        for event in events:
            self.seq += 1
            self.state = decisions.evolve_device(self.state, recorded(event, self.seq))
        return events


def recorded(event: Event, seq: int) -> Recorded[Event]:
    return Recorded(event=event, seq=seq, id=UUID(int=seq), time=NOW, causation_id=None, run_id=None, traceparent=None)


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_phone_is_told_once_with_who_holds_it():
    phone = Phone()

    registered, ready = phone.when(found())

    assert (registered.agent, ready.agent, ready.session) == (HERE, HERE, 1)
    assert phone.when(found()) == []


def test_agents_at_one_adb_server_hold_its_phones_together():
    phone = Phone()
    phone.when(found(HERE))

    assert phone.when(found(BESIDE)) == []
    assert kinds(phone.when(PhoneGone(SERIAL, "unplugged", BESIDE))) == [DeviceLost]


def test_find_at_another_place_is_a_new_session_there():
    phone = Phone()
    phone.when(found(HERE))

    (ready,) = phone.when(found(ELSEWHERE))

    assert isinstance(ready, DeviceReady)
    assert (ready.session, ready.agent) == (2, ELSEWHERE)


@pytest.mark.parametrize(
    "noticed",
    [PhoneGone(SERIAL, "unplugged", HERE), PhoneBeat(SERIAL, 80, 25.0, HERE), AppsFound(SERIAL, (), HERE)],
)
def test_what_the_place_notices_that_no_longer_holds_it_changes_nothing(noticed):
    phone = Phone()
    phone.when(found(HERE))
    phone.when(found(ELSEWHERE))

    assert phone.when(noticed) == []
    assert phone.state.ready


def test_loss_by_its_holder_ends_the_session_and_the_next_place_begins_one():
    phone = Phone()
    phone.when(found(HERE))

    (lost,) = phone.when(PhoneGone(SERIAL, "unplugged", HERE))
    (ready,) = phone.when(found(ELSEWHERE))

    assert (lost.session, lost.agent) == (1, HERE)
    assert (ready.session, ready.agent) == (2, ELSEWHERE)


def test_phone_of_a_log_that_named_no_holder_gets_one():
    phone = Phone()
    phone.when(found(None))

    (ready,) = phone.when(found(HERE))

    assert (ready.session, ready.agent) == (2, HERE)


def test_serial_number_that_was_not_told_before_is_registered_without_a_new_session():
    phone = Phone()
    phone.when(found())

    (registered,) = phone.when(found(hardware_serial="R5CR805PBNX"))

    assert isinstance(registered, DeviceRegistered)


@pytest.mark.parametrize(
    ("held", "way", "after", "free"),
    [
        (None, Way.NETWORK, timedelta(0), True),
        (HERE, Way.NETWORK, timedelta(0), True),
        (BESIDE, Way.NETWORK, timedelta(0), True),
        (ELSEWHERE, Way.NETWORK, timedelta(0), False),
        (ELSEWHERE, Way.EMULATOR, SILENCE, False),
        (ELSEWHERE, Way.NETWORK, SILENCE + timedelta(seconds=1), True),
        (ELSEWHERE, Way.USB, timedelta(0), True),
    ],
)
def test_phone_of_another_place_is_taken_by_its_cable_or_after_silence(held, way, after, free):
    state = None if held is None else Held(held, 1, NOW)

    assert is_free(state, "lab1", way, NOW + after) is free


# --- actions of a phone that moved ------------------------------------------------------------------------------------


def asked() -> Trigger[ActionRequested]:
    request = ActionRequested(
        action_id=uuid4(),
        run_id=uuid4(),
        task_id=uuid4(),
        package="com.example",
        device_id=device_id_of(SERIAL),
        serial=SERIAL,
        lease_token=3,
        sequence=7,
        action=Navigate(to="BACK"),
        purpose="EXPLORE",
        requested_at=NOW,
        expires_at=NOW + timedelta(seconds=60),
    )
    return Trigger(uuid4(), request, NOW)


def started_by(instance: str, trigger: Trigger[ActionRequested]) -> Action:
    what = trigger.what
    started = ActionStarted(
        action_id=what.action_id,
        run_id=what.run_id,
        device_id=what.device_id,
        instance=instance,
        lease_token=3,
        sequence=7,
        deadline_at=NOW + timedelta(seconds=60),
    )
    return Action(started=started)


def test_action_that_was_started_where_the_phone_was_is_taken_over_at_once():
    trigger = asked()

    decision = begin_action(ELSEWHERE, lambda _: True)(started_by(HERE, trigger), trigger, NOW)

    assert decision.empty


@pytest.mark.parametrize(
    ("instance", "holds"),
    [(BESIDE, True), (BESIDE, False), (ELSEWHERE, False)],
)
def test_action_that_another_agent_may_still_be_at_is_left_to_it_until_its_deadline(instance, holds):
    trigger = asked()
    begin = begin_action(instance, lambda _: holds)

    with pytest.raises(LaterError):
        begin(started_by(HERE, trigger), trigger, NOW)
    assert begin(started_by(HERE, trigger), trigger, NOW + timedelta(seconds=61)).empty
