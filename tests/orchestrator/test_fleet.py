"""The fleet: which task gets which phone and when, whatever comes twice, late or in the wrong order."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from contracts.device_agent import DeviceLost, DeviceReady, PackagesSeen
from contracts.event import Event
from contracts.orchestrator import (
    AppVersionSeen,
    FleetWatchSet,
    LeaseEnded,
    PhoneJoined,
    PhoneLeft,
    RunFinished,
    RunPauseAsked,
    RunPaused,
    RunStarted,
    TaskAccepted,
    TaskDropped,
    TaskGranted,
    TaskHeld,
    TaskPauseAsked,
    TaskQueued,
    TaskReleased,
    TaskSpec,
    TaskStopAsked,
    TaskWaiting,
)
from contracts.requests import CoverageConfig, Limits
from contracts.subjects import derived_id
from contracts.values import AppVersion, CoverageProfile, RunStatus
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, QUEUE_LIMIT, decide_fleet, fleet_reactor
from services.orchestrator.decisions.fleet_state import FLEET, Fleet
from services.orchestrator.decisions.models import Models, PinnedModel
from services.orchestrator.decisions.queueing import AT_ONCE
from services.orchestrator.decisions.run import RUN, decide_run
from services.runtime.timers import TimerFired
from tests.orchestrator.stories import BEGIN, Story, names, recorded

APP = "com.example"
MODEL = PinnedModel(derived_id("config", "LLM", "x"), 4, "x")


def fleet() -> Story[Fleet]:
    return Story(FLEET, lambda state, trigger, now: decide_fleet(state, trigger, now, "1.0", Models((MODEL,))))


def device(name: str) -> UUID:
    return derived_id("device", name)


def ready(name: str, session: int = 1, pool: str = "default") -> DeviceReady:
    return DeviceReady(device_id=device(name), session=session, serial=name, model="Pixel", api_level=33, pool=pool)


def lost(name: str, session: int = 1) -> DeviceLost:
    return DeviceLost(device_id=device(name), session=session, serial=name, reason="unplugged")


def apps(name: str, *versions: str, session: int = 1, package: str = APP) -> PackagesSeen:
    found = tuple(AppVersion(package=package, version_name=v, version_code=i) for i, v in enumerate(versions, 1))
    return PackagesSeen(device_id=device(name), session=session, packages=found)


def task(name: str = "t", **changes: object) -> TaskAccepted:
    task_id = derived_id("task", name)
    spec = TaskSpec(
        task_id=task_id, name=name, user="alice", user_id=derived_id("user", "alice"), kind="explore", package=APP,
        profile=CoverageProfile.FULL, coverage=CoverageConfig(), priority=3, limits=Limits(), accepted_at=BEGIN,
    )  # fmt: skip
    return TaskAccepted(task_id=task_id, spec=spec.model_copy(update=changes))


def stop(name: str = "t") -> TaskStopAsked:
    return TaskStopAsked(task_id=derived_id("task", name), user="bob", reason="not needed")


def pause(name: str = "t", *, on: bool = True) -> TaskPauseAsked:
    return TaskPauseAsked(task_id=derived_id("task", name), user="bob", pause=on, reason="lunch")


def finished(run: RunStarted, status: RunStatus = RunStatus.SUCCEEDED) -> RunFinished:
    return RunFinished(
        run_id=run.run_id, task_id=run.task_id, fleet_id=run.fleet_id, device_id=run.device_id,
        lease_token=run.lease_token, app=run.app, profile=run.spec.profile, status=status, failure_reason=None,
        total_actions=1, successful_actions=1, screens=(), states=1, activities_reached=(), activities_declared=(),
        metrics={}, started_at=run.started_at, ended_at=run.started_at + timedelta(minutes=1),
    )  # fmt: skip


def due(at: datetime) -> TimerFired:
    epoch = derived_id("epoch", at)
    return TimerFired(
        owner="orchestrator", key=DEFAULT_FLEET, epoch=epoch, event_type=TaskQueued.type_name(), due_at=at
    )


def with_phones(*phones: str, versions: tuple[str, ...] = ("1.0",)) -> Story[Fleet]:
    told = fleet()
    for phone in phones:
        told.when(ready(phone))
        told.when(apps(phone, *versions))
    return told


def granted(events: list[Event]) -> list[tuple[UUID, UUID]]:
    return [(e.task_id, e.device_id) for e in events if isinstance(e, TaskGranted)]


def test_a_task_gets_a_free_phone_and_its_run_begins_in_the_same_decision():
    events = with_phones("p1").when(task())
    assert names(events) == ["TaskQueued", "TaskGranted", "AppVersionSeen", "RunStarted"]
    started = events[-1]
    assert (started.serial, started.app.version_name, started.lease_token) == ("p1", "1.0", 1)
    assert (started.llm_config_id, started.llm_config_version) == (MODEL.config_id, MODEL.version)
    assert started.ends_at - started.started_at == timedelta(seconds=3600)


def test_tasks_wait_by_priority_then_by_age():
    told = fleet()
    for name, priority in (("late", 5), ("first", 2), ("second", 2), ("urgent", 1)):
        told.when(task(name, priority=priority, version="1.0"))
    told.when(ready("p1"))
    order = granted(told.when(apps("p1", "1.0")))
    for _ in range(3):
        order += granted(told.when(finished(told.last(RunStarted))))
    assert [task_id for task_id, _ in order] == [derived_id("task", n) for n in ("urgent", "first", "second", "late")]


def test_lease_tokens_only_grow():
    told = with_phones("p1", "p2")
    for number in range(6):
        told.when(task(str(number)))
    while told.state.leases:
        run = next(r for r in told.all(RunStarted) if str(r.device_id) in told.state.leases
                   and told.state.leases[str(r.device_id)].run_id == r.run_id)  # fmt: skip
        told.when(finished(run))
    tokens = [grant.lease_token for grant in told.all(TaskGranted)]
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 6


def test_a_scheduled_task_starts_when_its_timer_fires():
    told = with_phones("p1")
    at = BEGIN + timedelta(hours=2)
    queued = told.when(task(schedule_at=at))
    assert names(queued) == ["TaskQueued", "AppVersionSeen"]
    assert queued[0].due_at == at
    assert told.when(due(at), after_s=7200.0) != []


def test_a_timer_that_fires_a_little_early_by_this_clock_starts_the_task():
    told = with_phones("p1")
    at = BEGIN + timedelta(seconds=100, microseconds=999)
    told.when(task(schedule_at=at))
    told.now = at - timedelta(milliseconds=40)
    assert granted(told.when(due(at), after_s=0.0)) == [(derived_id("task", "t"), device("p1"))]


def test_other_tasks_do_not_wait_for_a_scheduled_one():
    told = with_phones("p1")
    told.when(task("later", priority=1, schedule_at=BEGIN + timedelta(hours=1)))
    assert granted(told.when(task("now", priority=5))) == [(derived_id("task", "now"), device("p1"))]


def test_a_task_for_one_serial_gets_no_other_phone():
    told = with_phones("p1", "p2")
    told.when(task("a", serial="p2"))
    assert granted(told.when(task("b", serial="p2"))) == []
    assert granted(told.when(task("c"))) == [(derived_id("task", "c"), device("p1"))]


def test_a_task_for_one_version_waits_for_a_phone_that_has_it():
    told = with_phones("old", versions=("1.0",))
    assert granted(told.when(task(version="2.0"))) == []
    told.when(ready("new"))
    assert granted(told.when(apps("new", "2.0"))) == [(derived_id("task", "t"), device("new"))]


def test_without_a_version_the_highest_that_is_installed_counts():
    told = with_phones("p1", versions=("1.9",))
    told.when(ready("p2"))
    told.when(PackagesSeen(device_id=device("p2"), session=1,
                           packages=(AppVersion(package=APP, version_name="1.10", version_code=110),)))  # fmt: skip
    assert told.when(task())[0].app.version_name == "1.10"


def test_an_app_that_nobody_has_is_waited_for():
    told = with_phones("p1", versions=())
    assert names(told.when(task())) == ["TaskWaiting", "FleetWatchSet"]
    events = told.when(apps("p1", "1.0"))
    assert names(events) == ["PhoneApps", "TaskQueued", "TaskGranted", "AppVersionSeen", "RunStarted"]


def test_an_app_comes_with_a_phone_that_was_here_before():
    told = with_phones("p1")
    told.when(lost("p1"))
    assert names(told.when(task())) == ["TaskWaiting", "FleetWatchSet"]
    told.when(ready("p1", session=2))
    assert granted(told.when(apps("p1", "1.0", session=2))) == [(derived_id("task", "t"), device("p1"))]


def test_a_full_queue_says_so():
    told = fleet()
    state = told.state
    crowd = {str(n): waiting for n in range(QUEUE_LIMIT) for waiting in [_waiting(str(n))]}
    told.state = state.model_copy(update={"queue": crowd})
    event = told.when(task("one too many"))[0]
    assert isinstance(event, TaskDropped)
    assert event.failed
    assert str(QUEUE_LIMIT) in event.reason


def _waiting(name: str):
    told = fleet()
    told.when(task(name))
    return next(iter(told.state.queue.values()))


def test_more_tasks_than_one_batch_takes_are_resolved_one_look_after_another():
    told = fleet()
    for number in range(2 * AT_ONCE + 10):
        told.when(task(str(number)))
    told.when(ready("p1"))
    resolved = [names(told.when(apps("p1", "1.0"))).count("TaskQueued")]
    while any(queued.app is None for queued in told.state.queue.values()):
        told.now = told.state.watch_at
        look = TimerFired(
            owner="orchestrator", key=DEFAULT_FLEET, epoch=derived_id("epoch", told.now),
            event_type=FleetWatchSet.type_name(), due_at=told.now,
        )  # fmt: skip
        resolved.append(names(told.when(look, after_s=0.0)).count("TaskQueued"))
    assert resolved == [AT_ONCE, AT_ONCE, 10]


def test_a_phone_that_was_lost_gets_nothing_until_it_is_back():
    told = with_phones("p1")
    assert names(told.when(lost("p1"))) == ["PhoneLeft"]
    told.when(task(version="1.0"))
    assert told.all(TaskGranted) == []
    told.when(ready("p1", session=2))
    assert told.all(TaskGranted) == []
    assert granted(told.when(apps("p1", "1.0", session=2))) != []


def test_a_run_keeps_its_phone_while_that_is_away():
    told = with_phones("p1")
    told.when(task("a"))
    told.when(lost("p1"))
    told.when(ready("p1", session=2))
    told.when(apps("p1", "1.0", session=2))
    assert granted(told.when(task("b"))) == []
    events = told.when(finished(told.last(RunStarted), RunStatus.FAILED))
    assert names(events)[:2] == ["LeaseEnded", "TaskGranted"]


@pytest.mark.parametrize("stale", [lost("p1", 1), ready("p1", 1), apps("p1", "9.9", session=1)])
def test_what_belongs_to_an_earlier_session_is_ignored(stale: Event):
    told = with_phones("p1")
    told.when(lost("p1"))
    told.when(ready("p1", session=2))
    told.when(apps("p1", "1.0", session=2))
    assert told.when(stale) == []
    assert told.state.phones[str(device("p1"))].present


def test_phones_of_other_pools_are_not_this_fleets_business():
    find = fleet_reactor("1.0", Models).triggers[DeviceReady]
    assert find(ready("p1")) == DEFAULT_FLEET
    assert find(ready("p1", pool="lab")) is None


def test_a_lease_ends_once():
    told = with_phones("p1")
    told.when(task())
    over = finished(told.last(RunStarted))
    assert names(told.when(over)) == ["LeaseEnded"]
    assert told.when(over) == []
    assert told.state.leases == {}


def test_a_queued_task_that_is_stopped_never_runs():
    told = fleet()
    told.when(task(version="1.0"))
    assert names(told.when(stop())) == ["TaskDropped"]
    told.when(ready("p1"))
    assert granted(told.when(apps("p1", "1.0"))) == []


def test_stopping_a_running_task_is_left_to_its_run():
    told = with_phones("p1")
    told.when(task())
    assert told.when(stop()) == []
    assert told.later == []


def test_a_stop_that_overtakes_its_task_is_not_lost():
    told = fleet()
    assert told.when(stop()) == []
    assert len(told.later) == 1
    told.when(task(version="1.0"))
    assert names(told.again()) == ["TaskDropped"]


def test_a_stop_of_a_task_that_never_comes_is_given_up():
    told = fleet()
    told.when(stop())
    assert told.again(after_s=11.0) == []
    assert told.later == []


def test_a_held_task_gets_no_phone_until_it_is_released():
    told = fleet()
    told.when(task("held", version="1.0"))
    told.when(task("next", version="1.0"))
    (held,) = told.when(pause("held"))
    assert held == TaskHeld(fleet_id=DEFAULT_FLEET, task_id=derived_id("task", "held"), reason="lunch", by="bob")
    told.when(ready("p1"))
    assert granted(told.when(apps("p1", "1.0"))) == [(derived_id("task", "next"), device("p1"))]
    told.when(finished(told.last(RunStarted)))
    assert len(told.all(TaskGranted)) == 1
    events = told.when(pause("held", on=False))
    assert names(events) == ["TaskReleased", "TaskGranted", "RunStarted"]


def test_a_task_that_is_held_while_it_waits_for_its_app_stays_held_when_that_comes():
    told = with_phones("p1", versions=())
    told.when(task())
    assert names(told.when(pause())) == ["TaskHeld"]
    events = told.when(apps("p1", "1.0"))
    assert names(events) == ["PhoneApps", "TaskQueued", "AppVersionSeen"]
    assert events[1].held
    assert granted(told.when(pause(on=False))) == [(derived_id("task", "t"), device("p1"))]


def test_a_held_task_that_becomes_due_waits_for_its_release():
    told = with_phones("p1")
    at = BEGIN + timedelta(minutes=1)
    told.when(task(schedule_at=at))
    told.when(pause())
    assert told.when(due(at), after_s=60.0) == []
    assert granted(told.when(pause(on=False))) == [(derived_id("task", "t"), device("p1"))]


def test_a_held_task_that_is_stopped_is_dropped():
    told = fleet()
    told.when(task(version="1.0"))
    told.when(pause())
    assert names(told.when(stop())) == ["TaskDropped"]
    assert told.when(pause(on=False)) == []


def test_holding_twice_is_holding_once_and_only_what_is_held_is_released():
    told = fleet()
    told.when(task(version="1.0"))
    assert told.when(pause(on=False)) == []
    told.when(pause())
    assert told.when(pause()) == []
    assert names(told.when(pause(on=False))) == ["TaskReleased"]
    assert told.when(pause(on=False)) == []


@pytest.mark.parametrize("late_s", [0.1, 60.0])
def test_a_pause_that_comes_just_after_the_grant_ends_with_the_run_paused(late_s: float):
    told = with_phones("p1")
    told.when(task())
    asked = told.when(pause(), after_s=late_s)
    assert names(asked) == ["RunPauseAsked"]
    run = Story(RUN, decide_run, now=told.now).given(told.last(RunStarted))
    assert names(run.when(asked[0])) == ["RunPaused"]
    assert names(run.when(told.last(RunStarted))) == ["RunNoted"]
    assert run.later == []


def test_a_pause_and_its_end_before_the_grant_leave_the_run_alone():
    told = fleet()
    told.when(task(version="1.0"))
    told.when(pause())
    told.when(pause(on=False))
    told.when(ready("p1"))
    assert granted(told.when(apps("p1", "1.0"))) != []
    assert told.all(RunPauseAsked) == told.all(RunPaused) == []


def test_a_pause_that_overtakes_its_task_is_not_lost():
    told = with_phones("p1")
    assert told.when(pause()) == []
    told.when(task())
    assert names(told.again()) == ["RunPauseAsked"]


def test_a_pause_of_a_task_that_is_over_changes_nothing():
    told = with_phones("p1")
    told.when(task())
    told.when(finished(told.last(RunStarted)))
    assert told.when(pause()) == []
    assert told.later == []


def test_apps_that_overtake_their_phone_are_not_lost():
    told = fleet()
    told.when(apps("p1", "1.0"))
    told.when(ready("p1"))
    assert names(told.again()) == ["PhoneApps"]


def test_a_loss_that_overtakes_its_phone_is_not_lost():
    told = fleet()
    told.when(lost("p1"))
    told.when(ready("p1"))
    assert names(told.again()) == ["PhoneLeft"]


def history() -> list[object]:
    """A day of two phones: triggers that depend on each other's order as little as those of a real log."""
    at = BEGIN + timedelta(seconds=5)
    return [
        ready("p1"), apps("p1", "1.0"), task("a"), task("b", priority=1), ready("p2"), apps("p2", "1.0", "2.0"),
        task("c", version="2.0"), task("d", schedule_at=at), due(at), stop("a"), lost("p2"), ready("p2", 2),
        apps("p2", "2.0", session=2), task("e", serial="p2"), stop("c"), task("f"), pause("b"), pause("f"),
        pause("f", on=False),
    ]  # fmt: skip


def play(order: list[tuple[int, object]], repeats: int) -> Story[Fleet]:
    """Delivers each trigger `repeats` times, finishes every run that starts, and gives what is early another chance."""
    told = fleet()
    for _ in range(repeats):
        for number, what in order:
            told.when(what, after_s=0.01, trigger_id=derived_id("trigger", number))
            told.again(after_s=0.01)
    for _ in range(20):
        leased = {lease.run_id for lease in told.state.leases.values()}
        for run in [r for r in told.all(RunStarted) if r.run_id in leased]:
            for _ in range(repeats):
                told.when(finished(run), after_s=5.0, trigger_id=derived_id("over", run.run_id))
        told.again(after_s=0.1)
        told.when(due(told.now), after_s=5.0)
    return told


def test_every_trigger_twice_changes_nothing():
    order = list(enumerate(history()))
    assert play(order, 2).all(TaskGranted) == play(order, 1).all(TaskGranted)
    assert play(order, 2).events == play(order, 1).events


@pytest.mark.parametrize("seed", range(30))
def test_in_whatever_order_the_triggers_come_each_task_runs_once_or_is_dropped(seed: int):
    order = list(enumerate(history()))
    random.Random(seed).shuffle(order)
    told = play(order, 2)
    runs = [grant.task_id for grant in told.all(TaskGranted)]
    dropped = [event.task_id for event in told.all(TaskDropped)]
    assert len(runs) == len(set(runs))
    assert set(runs).isdisjoint(dropped)
    # Only what is held, or wants a version or a phone that is gone, may still wait.
    assert {UUID(key) for key in told.state.queue} <= {derived_id("task", n) for n in "abcdef"} - set(runs) - set(
        dropped
    )
    assert len(told.all(LeaseEnded)) == len(runs)
    assert all(phone.present for phone in told.state.phones.values())
    assert told.state.phones[str(device("p2"))].session == 2
    leases = [event for event in told.events if isinstance(event, TaskGranted | LeaseEnded)]
    _assert_one_lease_a_phone(leases)


def _assert_one_lease_a_phone(events: list[Event]) -> None:
    held: set[UUID] = set()
    for event in events:
        if isinstance(event, TaskGranted):
            assert event.device_id not in held
            held.add(event.device_id)
        else:
            held.remove(event.device_id)


def test_a_snapshot_is_the_same_as_the_replay():
    told = play(list(enumerate(history())), 1)
    codec = FLEET.long_lived.codec
    assert codec.load(codec.dump(told.state)) == told.state
    replayed = FLEET.initial()
    for record in told.records:
        replayed = FLEET.evolve(replayed, record)
    assert replayed == told.state


def test_events_of_other_kinds_leave_the_state_alone():
    state = FLEET.initial()
    app = with_phones("p1").when(task())[0].app
    assert FLEET.evolve(state, recorded(AppVersionSeen(app_version_id=app.app_version_id, app=app))) is state


def test_all_events_of_the_fleet_have_its_key():
    told = play(list(enumerate(history())), 1)
    kinds = (TaskWaiting, TaskQueued, TaskDropped, TaskHeld, TaskReleased, TaskGranted, LeaseEnded, PhoneJoined,
             PhoneLeft)  # fmt: skip
    assert {type(event) for event in told.events} >= {TaskQueued, TaskGranted, LeaseEnded, PhoneJoined, PhoneLeft}
    assert all(event.key == DEFAULT_FLEET for event in told.events if isinstance(event, kinds))
