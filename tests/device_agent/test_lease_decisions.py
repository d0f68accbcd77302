"""What is told of a lease, and which secret opens which phone."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.device_agent import PhonePrepared, PhoneRestored
from services.device_agent.lease.decisions import Lease, decide, evolve
from services.device_agent.settings import PhoneSettings
from services.runtime.log import Recorded
from services.runtime.reactor import Trigger

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ONE = {"lease_id": UUID(int=1), "device_id": UUID(int=2), "run_id": UUID(int=3), "serial": "S", "lease_token": 7}
FOUND = {"global/window_animation_scale": "1.0"}
PREPARED = PhonePrepared(**ONE, found=FOUND, changed=tuple(FOUND))
RESTORED = PhoneRestored(**ONE, restored=FOUND)
FAILED = PhoneRestored(**ONE, failed={"secure/default_input_method": "Unknown id"})


def told(*events: PhonePrepared | PhoneRestored) -> list[PhonePrepared | PhoneRestored]:
    """Which of these are told, one after the other."""
    state, found = Lease(), []
    for event in events:
        for decided in decide(state, Trigger(UUID(int=9), event, NOW), NOW).events:
            state = evolve(state, Recorded(1, UUID(int=8), NOW, None, None, None, decided))
            found.append(decided)
    return found


def test_a_preparation_is_told_once():
    again = PREPARED.model_copy(update={"changed": ()})
    assert told(PREPARED, again, again) == [PREPARED]


@pytest.mark.parametrize("news", [{"woken": True}, {"unlocked": True}, {"changed": tuple(FOUND)}])
def test_what_had_to_be_done_anew_is_told_anew(news):
    again = PREPARED.model_copy(update={"changed": ()} | news)
    assert told(PREPARED, again) == [PREPARED, again]


def test_a_restoration_is_told_once():
    assert told(PREPARED, RESTORED, RESTORED) == [PREPARED, RESTORED]


def test_a_restoration_that_failed_is_told_again_when_it_succeeds():
    assert told(PREPARED, FAILED, FAILED, RESTORED, RESTORED) == [PREPARED, FAILED, RESTORED]


PINS = {"R5CR30": "env:OWN", "rack=3": "file:/run/rack", "pool=lab": "env:POOL", "*": "env:ALL"}


@pytest.mark.parametrize(
    ("serial", "tags", "reference"),
    [
        ("R5CR30", {"rack": "3"}, "env:OWN"),
        ("other", {"pool": "lab", "rack": "3"}, "file:/run/rack"),
        ("other", {"pool": "lab"}, "env:POOL"),
        ("other", {"pool": "office"}, "env:ALL"),
    ],
)
def test_the_pin_of_a_phone_is_found_by_serial_then_tag_then_for_all(serial, tags, reference):
    assert PhoneSettings(pins=PINS).pin_of(serial, tags) == reference


def test_the_pin_of_a_phone_is_found_by_its_serial_in_waymark_before_the_one_of_adb():
    assert PhoneSettings(pins=PINS).pin_of("R5CR30", {}, "10.0.0.7:5555") == "env:OWN"
    assert PhoneSettings(pins=PINS | {"10.0.0.7:5555": "env:WAY"}).pin_of("R5CR31", {}, "10.0.0.7:5555") == "env:WAY"


def test_a_phone_without_a_configured_pin_has_none(monkeypatch):
    monkeypatch.setenv("WAYMARK_PHONE_PINS", '{"rack=3": "env:X"}')
    assert PhoneSettings().pin_of("other", {}) is None
    assert PhoneSettings().pin_of("other", {"rack": "3"}) == "env:X"


@pytest.mark.parametrize(("name", "value"), [("MIN_BATTERY_PERCENT", "101"), ("MIN_FREE_MB", "-1"), ("PINS", "[]")])
def test_settings_that_make_no_sense_are_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"WAYMARK_PHONE_{name}", value)
    with pytest.raises(ValidationError):
        PhoneSettings()
