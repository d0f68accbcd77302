"""Schedules: when they come, whatever the clocks do; each time once; an outage is made up for by one task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.orchestrator import RunStarted, ScheduleFired, ScheduleSet, TaskAccepted, TaskDropped
from contracts.subjects import derived_id
from services.orchestrator.decisions.schedules import SCHEDULE_LIMIT, next_fire
from tests.orchestrator.fleets import by, end, fired, fleet, join, pass_time, running
from tests.orchestrator.stories import BEGIN, names
from tests.orchestrator.test_fleet import pause, stop

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "comes"),
    [
        ("0 3 * * *", None, "2026-03-04T12:00:00Z", "2026-03-05T03:00:00Z"),
        ("0 3 * * *", "Asia/Shanghai", "2026-03-04T12:00:00Z", "2026-03-04T19:00:00Z"),
        ("0 3 * * *", "UTC", "2026-03-05T03:00:00Z", "2026-03-06T03:00:00Z"),
        ("*/15 9-17 * * MON-FRI", "Europe/Berlin", "2026-03-06T16:50:00Z", "2026-03-09T08:00:00Z"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z"),  # 2:30 does not exist
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),  # 2:30 exists twice
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("0 0 29 2 *", None, "2026-03-04T12:00:00Z", "2028-02-29T00:00:00Z"),
    ],
)  # fmt: skip
def test_the_next_time_is_the_one_that_people_mean(schedule: str, zone: str | None, after: str, comes: str):
    assert next_fire(schedule, zone, datetime.fromisoformat(after)) == datetime.fromisoformat(comes)


@pytest.mark.parametrize(
    ("schedule", "zone", "says"),
    [
        ("0 3 * *", None, "five fields"),
        ("0 0 3 * * *", None, "five fields"),
        ("0 25 * * *", None, "Bad hour"),
        ("nightly", None, "five fields"),
        ("0 0 30 2 *", None, "Bad day-of-month"),
        ("0 3 * * *", "Mars/Olympus", "is no time zone"),
        ("0 3 * * *", "../etc/passwd", "is no time zone"),
    ],
)
def test_a_wrong_schedule_says_what_to_write(schedule: str, zone: str | None, says: str):
    with pytest.raises(ValueError, match=says):
        next_fire(schedule, zone, BEGIN)


@given(
    st.sampled_from(["*/7 * * * *", "0 3 * * *", "30 2 * * SUN", "0 0 1 * *"]),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - the zone is added below
)
def test_the_next_time_is_later_on_a_whole_minute_and_the_first(schedule: str, zone: str, naive: datetime):
    after = naive.replace(tzinfo=UTC)
    comes = next_fire(schedule, zone, after)
    assert comes > after
    assert comes.astimezone(ZoneInfo(zone)).second == 0
    assert next_fire(schedule, zone, comes - timedelta(microseconds=1)) == comes


def nightly(told, **changes):
    return told.when(by("alice", "s", schedule="0 3 * * *", zone="Asia/Shanghai", **changes))


def test_each_time_makes_a_task_of_its_own():
    told = join(fleet(), "a")
    assert names(nightly(told)) == ["ScheduleSet"]
    assert told.last(ScheduleSet).next_at == datetime(2026, 3, 4, 19, tzinfo=UTC)
    for _ in range(3):
        pass_time(told, DAY)
        end(told, running(told)[0])
    tasks = [e.spec for e in told.all(TaskAccepted)]
    schedule = derived_id("task", "alice s")
    assert [spec.task_id for spec in tasks] == [
        derived_id("scheduled-task", schedule, datetime(2026, 3, 4 + n, 19, tzinfo=UTC).isoformat()) for n in range(3)
    ]
    assert {spec.scheduled_by for spec in tasks} == {schedule}
    assert len(told.all(RunStarted)) == 3


def test_a_timer_that_fires_again_makes_no_second_task():
    told = join(fleet(), "a")
    nightly(told)
    set_ = told.last(ScheduleSet)
    pass_time(told, DAY)
    assert told.when(fired(set_, set_.next_at), after_s=1) == []
    assert len(told.all(TaskAccepted)) == 1


def test_times_that_passed_in_an_outage_are_made_up_for_by_one_task_and_counted():
    told = join(fleet(), "a")
    nightly(told)
    first = told.last(ScheduleSet)
    told.now += timedelta(days=4)
    told.when(fired(first, first.next_at), after_s=0)
    event = told.last(ScheduleFired)
    assert (event.missed, event.fired_for, event.next_at) == (
        3, datetime(2026, 3, 7, 19, tzinfo=UTC), datetime(2026, 3, 8, 19, tzinfo=UTC)
    )  # fmt: skip
    assert len(told.all(TaskAccepted)) == 1
    assert told.state.schedules[str(derived_id("task", "alice s"))].missed == 3


def test_a_time_for_which_the_last_task_still_waits_makes_none():
    told = join(fleet(), "a")
    told.when(by("bob", "long"))
    nightly(told)
    pass_time(told, 3 * DAY)
    assert [e.spec is not None for e in told.all(ScheduleFired)] == [True, False, False]
    assert len(told.state.queue) == 1


def test_a_paused_schedule_does_nothing_until_it_goes_on():
    told = join(fleet(), "a")
    nightly(told)
    assert names(told.when(pause("alice s"))) == ["ScheduleHeld"]
    assert pass_time(told, 3 * DAY) == []
    assert names(told.when(pause("alice s", on=False))) == ["ScheduleSet"]
    pass_time(told, DAY)
    assert len(told.all(RunStarted)) == 1


def test_a_schedule_that_is_ended_is_over_and_its_tasks_go_on():
    told = join(fleet(), "a")
    nightly(told)
    pass_time(told, DAY)
    assert names(told.when(stop("alice s"))) == ["ScheduleEnded"]
    assert len(running(told)) == 1
    assert pass_time(told, 3 * DAY) == []
    assert told.state.schedules == {}


def test_a_schedule_can_be_for_many_phones():
    told = join(fleet(), "a", "b")
    nightly(told, phones="all")
    pass_time(told, DAY)
    assert sorted(run.serial for run in running(told)) == ["a", "b"]
    assert {run.spec.scheduled_by for run in running(told)} == {derived_id("task", "alice s")}


def test_more_schedules_than_the_limit_are_refused():
    told = join(fleet(), "a")
    nightly(told)
    one = next(iter(told.state.schedules.values()))
    told.state = told.state.model_copy(update={"schedules": {str(n): one for n in range(SCHEDULE_LIMIT)}})
    (dropped,) = told.when(by("bob", "one more", schedule="0 3 * * *"))
    assert isinstance(dropped, TaskDropped)
    assert str(SCHEDULE_LIMIT) in dropped.reason
