"""Phones that are selected, tagged, reserved, in quarantine, retired, or away for a moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.device_agent import DeviceRegistered
from contracts.orchestrator import (
    PhoneDescribed,
    PhoneJoined,
    PhoneMissed,
    PhoneReleased,
    PhoneRetired,
    PhoneTagged,
    RunStarted,
    TaskBlocked,
)
from contracts.values import DeviceType, RunStatus
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, fleet_reactor
from services.orchestrator.decisions.fleet_requests import answer_key
from services.orchestrator.decisions.fleet_state import Fleet
from services.orchestrator.decisions.models import Models
from services.runtime.handlers import RawRequest
from services.runtime.reactor import Trigger
from tests.orchestrator.fleets import asked, at_once, by, end, fired, fleet, granted, join, pass_time, request, running
from tests.orchestrator.stories import Story, names
from tests.orchestrator.test_fleet import device, lost, ready

HOUR = timedelta(hours=1)


def served(told: Story[Fleet]) -> dict[str, str]:
    """Which user has which phone."""
    return {run.serial: run.spec.user for run in running(told)}


def why_blocked(told: Story[Fleet]) -> str:
    (blocked,) = [e for e in pass_time(told, timedelta(seconds=90)) if isinstance(e, TaskBlocked)]
    return blocked.reason


def test_a_task_gets_only_a_phone_that_meets_all_its_selectors():
    told = join(fleet(), "a", model="Pixel 6", api="31", os="12")
    join(told, "b", model="Pixel 7", api="33", os="13", pool="checkout")
    join(told, "c", model="Redmi Note", api="33", os="13")
    told.when(by("u", "x", where=("model=Pixel*", "os>=12.1")))
    told.when(by("u", "y", where=("pool!=checkout", "api>31")))
    assert served(told) == {"b": "u", "c": "u"}


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (("api>=34",), "no phone that is connected meets api>=34; there is api 31, 33"),
        (("rack=3",), "no phone that is connected meets rack=3; none has the tag rack"),
        (("model=Pixel 6", "api>=33"),
         "no phone that is connected meets all of model=Pixel 6, api>=33, though each is met by one"),
        (("model=Pixel 6", "pool=lab"), "no phone that is connected meets pool=lab; there is pool checkout"),
    ],
)  # fmt: skip
def test_the_reason_names_the_selector_that_nobody_meets(where: tuple[str, ...], reason: str):
    told = join(join(fleet(), "a", model="Pixel 6", api="31"), "b", model="Pixel 7", pool="checkout")
    told.when(by("u", "x", where=where))
    assert why_blocked(told) == reason


def test_a_phone_that_meets_it_without_the_app_is_named_so():
    told = join(join(fleet(), "a"), "b", version="2.0", pool="checkout")
    told.when(by("u", "x", where=("pool=checkout",), version="1.0"))
    assert why_blocked(told) == (
        "no phone that meets pool=checkout has com.example 1.0 installed; there is 2.0 on b"
    )  # fmt: skip


def test_without_a_version_it_is_the_highest_of_the_phones_that_are_meant():
    told = join(join(fleet(), "a", version="1.0", pool="old"), "b", version="2.0")
    told.when(by("u", "x", where=("pool=old",)))
    assert told.last(RunStarted).app.version_name == "1.0"


def test_tags_set_by_hand_count_and_outlast_the_phone_s_absence():
    told = join(fleet(), "a", pool="agent")
    assert asked(told, kind="tag", serial="a", set={"Pool": "结账", "rack": "3"}).text.endswith("pool=结账, rack=3")
    told.when(lost("a"))
    join(told, "a", session=2, pool="agent")
    joined = told.last(PhoneJoined)
    assert (joined.all_tags["pool"], joined.tags["pool"]) == ("结账", "agent")
    told.when(by("u", "x", where=("pool=结账",)))
    assert served(told) == {"a": "u"}
    asked(told, kind="tag", serial="a", remove=["pool"])
    assert told.last(PhoneTagged).all_tags["pool"] == "agent"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"kind": "tag", "serial": "a", "set": {"api": "35"}}, "INVALID", "says what the phone is and cannot be set"),
        ({"kind": "tag", "serial": "a"}, "INVALID", "nothing to do"),
        ({"kind": "tag", "serial": "a", "remove": ["rack"]}, "UNKNOWN_TAG", "has no tag rack set by hand"),
        ({"kind": "tag", "serial": "z", "set": {"rack": "1"}}, "UNKNOWN_PHONE", "`waymark devices list`"),
        ({"kind": "release", "serial": "a"}, "NOT_RESERVED", "a is not reserved"),
        ({"kind": "unquarantine", "serial": "a"}, "NOT_QUARANTINED", "a is not in quarantine"),
        ({"kind": "quarantine", "serial": "a"}, "INVALID", "needs a reason"),
        ({"kind": "reinstate", "serial": "a"}, "NOT_RETIRED", "a is not retired"),
        ({"kind": "frobnicate", "serial": "a"}, "INVALID", "frobnicate"),
        ({"kind": "reserve", "serial": "a", "user": "bob", "until": "2026-03-04T13:00:00", "why": "x"}, "INVALID",
         "has no time zone"),
        ({"kind": "reserve", "serial": "a", "user": "bob", "until": "2020-03-04T13:00:00Z", "why": "x"}, "INVALID",
         "not within the next 31 days"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_followed_is_answered_with_what_to_do(body: dict[str, object], code: str, says: str):
    answer = asked(join(fleet(), "a"), **body)
    assert (answer.done, answer.code) == (False, code)
    assert says in answer.text


def test_what_is_not_json_is_answered_too():
    (answer,) = fleet().when(RawRequest("fleet", "alice", b"quarantine everything", 7))
    assert (answer.done, answer.code) == (False, "NOT_JSON")


def test_requests_with_the_same_id_have_one_answer_whoever_else_uses_it():
    one, again, other = (request(user, kind="release", serial="a", id="x") for user in ("alice", "alice", "bob"))
    assert answer_key(one) == answer_key(again) != answer_key(other)


def test_a_reserved_phone_takes_its_user_s_tasks_only_until_then():
    told = join(fleet(), "a")
    until = told.now + HOUR
    asked(told, "carol", kind="reserve", serial="a", user="alice", until=until, why="a strange bug")
    told.when(by("bob", "x"))
    assert served(told) == {}
    assert "is reserved for alice until" in why_blocked(told)
    told.when(by("alice", "y"))
    assert served(told) == {"a": "alice"}
    end(told, running(told)[0])
    events = pass_time(told, HOUR)
    assert [e.by for e in events if isinstance(e, PhoneReleased)] == [None]
    assert served(told) == {"a": "bob"}


def test_a_phone_that_is_reserved_is_not_reserved_for_another():
    told = join(fleet(), "a")
    until = told.now + HOUR
    asked(told, kind="reserve", serial="a", user="alice", until=until, why="mine")
    refused = asked(told, kind="reserve", serial="a", user="bob", until=until, why="mine")
    assert (refused.code, "`waymark devices release a`" in refused.text) == ("RESERVED", True)
    assert asked(told, kind="reserve", serial="a", user="alice", until=until + HOUR, why="longer").done
    assert asked(told, "bob", kind="release", serial="a").done


def test_a_run_that_is_on_a_phone_goes_on_when_that_is_reserved():
    told = join(fleet(), "a")
    told.when(by("bob", "x"))
    answer = asked(told, kind="reserve", serial="a", user="alice", until=told.now + HOUR, why="next")
    assert answer.text.endswith("a run of bob ends on it first")
    assert served(told) == {"a": "bob"}
    told.when(by("bob", "y"))
    assert granted(end(told, running(told)[0])) == []


def test_a_phone_in_quarantine_takes_no_task_and_whoever_asks_for_it_is_told():
    told = join(fleet(), "a")
    asked(told, kind="quarantine", serial="a", why="the battery swells")
    told.when(by("bob", "x", serial="a"))
    assert why_blocked(told) == "phone a is in quarantine: the battery swells"
    asked(told, kind="unquarantine", serial="a")
    assert served(told) == {"a": "bob"}


def test_a_probe_may_try_out_a_phone_that_a_person_put_into_quarantine_and_changes_nothing():
    told = join(fleet(), "a")
    asked(told, kind="quarantine", serial="a", why="the battery swells")
    told.when(by("bob", "x", serial="a", probe=True))
    assert names(end(told, running(told)[0])) == ["LeaseEnded"]
    assert told.state.phones[str(device("a"))].quarantine is not None


def test_a_phone_that_is_away_for_less_than_the_grace_is_no_news():
    told = join(fleet(), "a")
    told.when(lost("a"))
    told.now += timedelta(seconds=50)
    told.when(ready("a", session=2))
    assert not [e for e in pass_time(told, HOUR) if isinstance(e, PhoneMissed)]


def test_a_phone_that_is_not_back_within_the_grace_is_missed_once():
    told = join(fleet(), "a")
    told.when(lost("a"))
    since = told.now
    (told_of,) = [e for e in pass_time(told, HOUR) if isinstance(e, PhoneMissed)]
    assert (told_of.serial, told_of.session, told_of.reason, told_of.lost_at) == ("a", 1, "unplugged", since)


def test_a_timer_that_was_held_up_with_everything_else_grants_the_grace_anew():
    told = join(fleet(), "a")
    (gone,) = told.when(lost("a"))
    told.now += HOUR
    assert names(told.when(fired(gone, gone.missed_at), after_s=0)) == ["PhoneLeft"]
    assert len([e for e in pass_time(told, HOUR) if isinstance(e, PhoneMissed)]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "quarantine", "why": "taken to the workshop"},
        {"kind": "retire"},
        {"kind": "reserve", "user": "alice", "until": "2026-03-05T12:00:00Z", "why": "on my desk"},
    ],
)
def test_a_phone_that_was_taken_away_on_purpose_is_no_news(body: dict[str, object]):
    told = join(fleet(), "a")
    assert asked(told, serial="a", **body).done
    told.when(lost("a"))
    assert not [e for e in pass_time(told, HOUR) if isinstance(e, PhoneMissed)]


def test_a_phone_that_is_still_away_when_its_reservation_ends_is_missed_then():
    told = join(fleet(), "a")
    asked(told, kind="reserve", serial="a", user="alice", until=told.now + HOUR, why="on my desk")
    told.when(lost("a"))
    events = pass_time(told, 2 * HOUR)
    assert names([e for e in events if isinstance(e, PhoneReleased | PhoneMissed)]) == ["PhoneReleased", "PhoneMissed"]


def test_a_retired_phone_gets_no_task_until_it_is_reinstated():
    told = join(fleet(), "a")
    assert asked(told, kind="retire", serial="a", why="sold").done
    told.when(lost("a"))
    assert join(told, "a", session=2).last(PhoneJoined).retired
    told.when(by("bob", "x", serial="a"))
    assert why_blocked(told) == "phone a is retired"
    assert asked(told, kind="quarantine", serial="a", why="x").code == "RETIRED"
    asked(told, kind="reinstate", serial="a")
    assert at_once(told) == {"bob": 1}
    assert told.last(PhoneRetired).session == 1


def test_other_tags_of_a_phone_that_is_here_are_taken_over():
    told = join(fleet(), "a", pool="one")
    described = DeviceRegistered(
        device_id=device("a"), serial="a", model="Pixel 7", os_version="13", api_level=33,
        device_type=DeviceType.REAL, tags={"pool": "two"},
    )  # fmt: skip
    (event,) = told.deliver(Trigger(device("trigger 1"), described, told.now, seq=20))
    assert isinstance(event, PhoneDescribed)
    assert (event.all_tags["pool"], event.all_tags["model"]) == ("two", "Pixel 7")
    older = described.model_copy(update={"tags": {"pool": "one"}})
    assert told.deliver(Trigger(device("trigger 2"), older, told.now, seq=10)) == []


def test_a_phone_that_comes_back_to_its_run_says_that_it_is_busy():
    told = join(fleet(), "a")
    told.when(by("bob", "x"))
    told.when(lost("a"))
    (joined,) = told.when(ready("a", session=2))
    assert joined.leased
    end(told, running(told)[0], RunStatus.FAILED)
    told.when(lost("a", session=2))
    (joined,) = told.when(ready("a", session=3))
    assert not joined.leased


def test_requests_are_led_by_the_fleet():
    find = fleet_reactor("1.0", Models).triggers[RawRequest]
    assert find(request(kind="release", serial="a")) == DEFAULT_FLEET


def test_a_phone_that_is_still_away_when_it_is_reinstated_is_missed_then():
    told = join(fleet(), "a")
    asked(told, kind="retire", serial="a")
    told.when(lost("a"))
    assert not [e for e in pass_time(told, HOUR) if isinstance(e, PhoneMissed)]
    asked(told, kind="reinstate", serial="a")
    assert len([e for e in pass_time(told, HOUR) if isinstance(e, PhoneMissed)]) == 1
