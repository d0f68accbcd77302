"""Tasks that no phone could take: people see why, and after a time they fail. What waits for a busy one just waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.event import Event
from contracts.orchestrator import FleetWatchSet, RunStarted, TaskBlocked, TaskDropped, TaskGranted
from contracts.requests import Limits
from contracts.subjects import derived_id
from services.orchestrator.decisions.blocked import LATE
from services.orchestrator.decisions.fleet_state import FLEET, Fleet
from services.runtime.timers import TimerFired
from tests.orchestrator.stories import BEGIN, Story, names
from tests.orchestrator.test_fleet import apps, device, finished, fleet, granted, lost, pause, ready, task, with_phones

DAY, MILLISECOND = timedelta(hours=24), timedelta(milliseconds=1)


def watch(told: Story[Fleet], *, late: timedelta = timedelta(0)) -> list[Event]:
    """The fleet's watch fires, so much later than it should."""
    set_ = told.last(FleetWatchSet)
    fired = TimerFired(owner="orchestrator", key=set_.key, epoch=derived_id("epoch", set_.look_at),
                       event_type=set_.type_name(), due_at=set_.look_at)  # fmt: skip
    told.now = max(told.now, set_.look_at + late)
    return told.when(fired, after_s=0.0)


def stranded(**changes: object) -> Story[Fleet]:
    """A task is queued for a phone that is busy, and then gets another version of the app."""
    told = with_phones("p1")
    told.when(task("busy"))
    told.when(task("t", **changes))
    told.when(apps("p1", "2.0"))
    return told


def test_a_task_whose_version_has_left_every_phone_says_so_and_waits():
    told = stranded()
    blocked, again = watch(told)
    assert isinstance(blocked, TaskBlocked)
    assert blocked.task_id == derived_id("task", "t")
    assert blocked.reason == "no phone that is connected has com.example 1.0 installed; there is 2.0 on p1"
    assert blocked.since - told.now <= MILLISECOND
    assert blocked.give_up_at - blocked.since == DAY
    assert again.look_at - blocked.since == timedelta(seconds=60)
    assert names(watch(told)) == ["FleetWatchSet"]


@pytest.mark.parametrize(
    ("arrives", "changes", "reason"),
    [
        ([], {}, "no phone is connected"),
        ([], {"serial": "p1"}, "phone p1 is not connected"),
        ([ready("p2"), apps("p2", "1.0")], {"serial": "p1"}, "phone p1 is not connected"),
        ([ready("p1"), apps("p1")], {}, "no phone that is connected has com.example installed"),
        ([ready("p1"), apps("p1")], {"serial": "p1"}, "phone p1 does not have com.example installed"),
        ([ready("p1"), apps("p1", "2.0")], {"serial": "p1", "version": "1.0"},
         "phone p1 does not have com.example 1.0 installed; there is 2.0 on p1"),
    ],
)  # fmt: skip
def test_the_reason_is_what_is_missing(arrives: list[Event], changes: dict[str, object], reason: str):
    told = fleet()
    for what in arrives:
        told.when(what)
    told.when(task(**changes))
    assert watch(told)[0].reason == reason


def test_a_phone_that_comes_back_takes_a_task_that_said_why_it_waits():
    told = with_phones("p1")
    told.when(lost("p1"))
    told.when(task(version="1.0"))
    assert names(watch(told)) == ["PhoneMissed", "TaskBlocked", "FleetWatchSet"]
    told.when(ready("p1", session=2))
    assert granted(told.when(apps("p1", "1.0", session=2))) == [(derived_id("task", "t"), device("p1"))]
    assert watch(told) == []


def test_a_phone_that_comes_back_busy_takes_the_reason_away():
    told = stranded()
    watch(told)
    told.when(apps("p1", "1.0"))
    assert names(watch(told)) == ["TaskUnblocked"]
    assert granted(told.when(finished(told.last(RunStarted)))) == [(derived_id("task", "t"), device("p1"))]


def test_waiting_for_a_phone_that_is_busy_has_no_limit():
    told = with_phones("p1")
    told.when(task("busy"))
    told.when(task("t", limits=Limits(max_wait_s=1)))
    assert told.all(FleetWatchSet) == []


@pytest.mark.parametrize(("limits", "span"), [(Limits(), "24 h"), (Limits(max_wait_s=90), "90 s")])
def test_a_task_is_given_up_after_its_time_with_the_reason(limits: Limits, span: str):
    told = stranded(limits=limits)
    blocked = watch(told)[0]
    while told.now < blocked.give_up_at - timedelta(seconds=1):
        assert told.all(TaskDropped) == []
        events = watch(told)
    assert told.now - blocked.give_up_at < timedelta(seconds=1)
    assert names(events) == ["TaskDropped"]
    assert events[0].failed
    assert events[0].reason == f"no phone could take it for {span}: {blocked.reason}"
    told.when(apps("p1", "1.0"))
    told.when(finished(told.last(RunStarted)))
    assert len(told.all(TaskGranted)) == 1


def test_a_task_that_waits_for_its_app_is_given_up_too():
    told = with_phones("p1", versions=())
    told.when(task(limits=Limits(max_wait_s=30)))
    assert names(watch(told)) == ["TaskBlocked", "FleetWatchSet"]
    assert names(watch(told)) == ["TaskDropped"]


def test_another_reason_is_told_and_the_time_runs_on():
    told = stranded()
    first = watch(told)[0]
    told.when(lost("p1"))
    second = watch(told)[0]
    assert isinstance(second, TaskBlocked)
    assert second.reason == "no phone is connected"
    assert (second.since, second.give_up_at) == (first.since, first.give_up_at)


def test_a_watch_that_was_held_up_gives_up_nothing_until_the_next():
    told = stranded(limits=Limits(max_wait_s=30))
    watch(told)
    assert names(watch(told, late=LATE + timedelta(seconds=1))) == ["FleetWatchSet"]
    assert names(watch(told)) == ["TaskDropped"]


def test_a_watch_that_was_replaced_does_nothing():
    told = stranded()
    old = told.last(FleetWatchSet)
    watch(told)
    told.events.append(old)
    assert watch(told) == []


def test_held_and_scheduled_tasks_wait_by_somebodys_will():
    told = fleet()
    told.when(task("later", version="1.0", schedule_at=BEGIN + timedelta(hours=1)))
    assert told.all(FleetWatchSet) == []
    told.when(task("held", version="1.0"))
    told.when(pause("held"))
    assert watch(told) == []
    assert names(told.when(pause("held", on=False))) == ["TaskReleased", "FleetWatchSet"]


def test_a_task_that_is_held_after_it_was_blocked_has_all_its_time_when_it_is_released():
    told = stranded(limits=Limits(max_wait_s=30))
    watch(told)
    told.when(pause())
    assert watch(told) == []
    told.when(pause(on=False), after_s=3600.0)
    assert watch(told)[0].since - told.now <= MILLISECOND


def test_many_tasks_are_told_of_in_batches_that_the_log_takes():
    told = fleet()
    for number in range(450):
        told.when(task(str(number), version="1.0"), after_s=0.0)
    counts = [names(watch(told)).count("TaskBlocked") for _ in range(4)]
    assert counts == [200, 200, 50, 0]


def test_a_blocked_task_survives_a_snapshot():
    told = stranded()
    watch(told)
    codec = FLEET.long_lived.codec
    assert codec.load(codec.dump(told.state)) == told.state
