"""One task on many phones: as many tasks as phones, each its own, steered together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.orchestrator import (
    RunPauseAsked,
    RunStopAsked,
    TaskAccepted,
    TaskBlocked,
    TaskDropped,
    TaskHeld,
    TaskQueued,
    TaskSplit,
)
from contracts.subjects import derived_id
from tests.orchestrator.fleets import asked, by, end, fleet, join, pass_time, running
from tests.orchestrator.stories import BEGIN, names
from tests.orchestrator.test_fleet import pause, stop


def serials(told) -> list[str]:
    return sorted(run.serial for run in running(told))


def group_of(name: str = "alice g"):
    return derived_id("task", name)


def test_a_task_for_all_phones_becomes_one_task_for_each_that_meets_it():
    told = join(join(fleet(), "a", "b", pool="x"), "c")
    asked(told, kind="quarantine", serial="b", why="broken")
    join(told, "d", pool="x")
    events = told.when(by("alice", "g", phones="all", where=("pool=x",)))
    assert names(events)[:2] == ["GroupWaiting", "TaskSplit"]
    assert serials(told) == ["a", "d"]
    split = told.last(TaskSplit)
    accepted = {e.task_id: e.spec for e in told.all(TaskAccepted)}
    assert set(accepted) == set(split.members)
    assert {spec.group for spec in accepted.values()} == {group_of()}
    assert all(run.spec.phones is None for run in running(told))


def test_what_the_fleet_accepted_itself_is_not_queued_again():
    told = join(fleet(), "a", "b")
    told.when(by("alice", "g", phones="all"))
    for run in running(told):
        end(told, run)
    told.state = told.state.model_copy(update={"past": ()})  # so many others came since
    for accepted in told.all(TaskAccepted):
        assert told.when(accepted) == []


def test_a_task_for_some_phones_runs_on_different_ones():
    told = join(fleet(), "a", "b")
    told.when(by("alice", "g", phones=3))
    assert serials(told) == ["a", "b"]
    for run in running(told):
        end(told, run)
    assert serials(told) == []  # both had one already
    (blocked,) = [e for e in pass_time(told, timedelta(minutes=2)) if isinstance(e, TaskBlocked)]
    assert blocked.reason == "every phone that could take it has had a task of its group"
    join(told, "c")
    assert serials(told) == ["c"]
    end(told, running(told)[0])
    assert told.state.groups == {}


def test_a_group_is_split_when_it_is_due():
    told = join(fleet(), "a")
    told.when(by("alice", "g", phones="all", schedule_at=BEGIN + timedelta(hours=1)))
    join(told, "b")
    assert told.all(TaskSplit) == []
    pass_time(told, timedelta(hours=2))
    assert serials(told) == ["a", "b"]


@pytest.mark.parametrize(
    ("phones", "where", "reason"),
    [
        ((), (), "no phone is connected"),
        (("a",), ("pool=x",), "no phone that is connected meets pool=x; none has the tag pool"),
    ],
)
def test_a_group_without_a_phone_says_why(phones: tuple[str, ...], where: tuple[str, ...], reason: str):
    told = join(fleet(), *phones)
    told.when(by("alice", "g", phones="all", where=where))
    dropped = told.last(TaskDropped)
    assert (dropped.task_id, dropped.failed, dropped.reason) == (group_of(), True, reason)
    assert told.state.groups == {}


def test_a_stopped_group_stops_what_runs_and_drops_what_waits():
    told = join(fleet(), "a", "b")
    told.when(by("alice", "g", phones=3))
    events = told.when(stop("alice g"))
    assert sorted(names(events)) == ["RunStopAsked", "RunStopAsked", "TaskDropped"]
    assert {e.run_id for e in told.all(RunStopAsked)} == {run.run_id for run in running(told)}
    for run in running(told):
        end(told, run)
    assert told.state.groups == {}
    assert told.when(stop("alice g"), after_s=60) == []


def test_a_paused_group_holds_what_waits_and_passes_it_on_to_what_runs():
    told = join(fleet(), "a")
    told.when(by("alice", "g", phones=2))
    assert sorted(names(told.when(pause("alice g")))) == ["RunPauseAsked", "TaskHeld"]
    join(told, "b")
    assert serials(told) == ["a"]
    told.when(pause("alice g", on=False))
    assert serials(told) == ["a", "b"]
    assert [e.pause for e in told.all(RunPauseAsked)] == [True, False]


def test_a_group_that_is_held_before_it_is_due_is_split_when_it_is_released():
    told = join(fleet(), "a")
    told.when(by("alice", "g", phones="all", schedule_at=BEGIN + timedelta(hours=1)))
    told.when(pause("alice g"))
    pass_time(told, timedelta(hours=2))
    assert told.all(TaskSplit) == []
    assert isinstance(told.last(TaskHeld), TaskHeld)
    told.when(pause("alice g", on=False))
    assert serials(told) == ["a"]


def test_members_have_the_same_ids_whenever_it_is_decided():
    ids = []
    for _ in range(2):
        told = join(fleet(), "a", "b")
        told.when(by("alice", "g", phones="all"))
        ids.append([e.spec.task_id for e in told.all(TaskQueued)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
