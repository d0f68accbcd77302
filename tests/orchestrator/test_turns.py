"""Whose turn it is: fairly between users, by priority, by age. Nobody waits for ever."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.orchestrator import RunStarted
from contracts.subjects import derived_id
from services.orchestrator.decisions.turns import in_turn
from tests.orchestrator.fleets import asked, at_once, by, end, fleet, granted, join, running


def users(told, events) -> list[str]:
    """Who got a phone, in order."""
    names = {r.task_id: r.spec.user for r in told.all(RunStarted)}
    return [names[task_id] for task_id, _ in granted(events)]


def test_a_user_with_one_task_does_not_wait_behind_a_hundred_of_another():
    told = join(fleet(), "p1")
    for number in range(100):
        told.when(by("flood", str(number)))
    told.when(by("alice", "only"))
    assert users(told, end(told, running(told)[0])) == ["alice"]


def test_users_with_equal_demand_take_turns():
    told = join(fleet(), "p1")
    for number in range(4):
        for user in ("a", "b", "c"):
            told.when(by(user, str(number)))
    order = ["a"]
    while told.state.queue:
        order += users(told, end(told, running(told)[0]))
    assert order == ["a", "b", "c"] * 4


def test_priority_goes_before_fairness():
    told = join(fleet(), "p1")
    told.when(by("a", "first"))
    told.when(by("b", "low", priority=4))
    told.when(by("a", "urgent", priority=1))
    assert users(told, end(told, running(told)[0])) == ["a"]


def test_a_task_of_low_priority_rises_while_its_user_gets_nothing():
    told = join(fleet(), "p1")
    told.when(by("busy", "0", priority=1))
    told.when(by("patient", "low", priority=5, accepted_at=told.now))
    served = []
    for number in range(1, 7):
        told.when(by("busy", str(number), priority=1, accepted_at=told.now))
        told.now += timedelta(hours=1)
        served += users(told, end(told, running(told)[0]))
    assert served.index("patient") == 3  # after four hours: 5, 4, 3, 2, then 1, where it is the longest unserved


def test_a_flood_of_low_priority_does_not_rise_while_its_user_is_served():
    told = join(fleet(), "p1")
    for number in range(10):
        told.when(by("flood", str(number), priority=4))
    for _ in range(5):
        told.now += timedelta(minutes=50)
        end(told, running(told)[0])
    told.when(by("alice", "x", priority=3, accepted_at=told.now))
    assert users(told, end(told, running(told)[0])) == ["alice"]


def test_a_user_has_no_more_phones_at_once_than_allowed():
    told = join(fleet(), "p1", "p2", "p3")
    assert asked(told, kind="limit", user="bot", max_phones=2).done
    for number in range(5):
        told.when(by("bot", str(number)))
    assert at_once(told) == {"bot": 2}
    asked(told, kind="limit", user="bot", max_phones=None)
    assert at_once(told) == {"bot": 3}


def test_whose_turn_it_is_can_be_listed_before_it_comes():
    told = join(fleet(), "p1")
    for user, number in (("a", "0"), ("a", "1"), ("a", "2"), ("b", "0")):
        told.when(by(user, number))
    assert [q.spec.user for q in in_turn(told.state, told.now)] == ["b", "a", "a"]


@pytest.mark.thorough
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 2**32))
def test_with_equal_demand_phones_differ_by_one_at_most(phones: int, people: int, seed: int):
    """Runs end in any order; whoever's run ends publishes the next task."""
    chance = random.Random(seed)
    told = join(fleet(), *(f"p{n}" for n in range(phones)))
    names = [f"u{n}" for n in range(people)]
    for number in range(phones + 1):
        for user in names:
            told.when(by(user, f"first {number}"))
    # Those who were there alone have all phones at first; from the first ends on shares are equal.
    for _ in range(phones):
        end(told, running(told)[0])
    for number in range(30):
        run = chance.choice(running(told))
        told.when(by(run.spec.user, f"next {number}"))
        end(told, run)
    held = [at_once(told).get(user, 0) for user in names]
    assert sum(held) == phones
    assert max(held) - min(held) <= 1


@pytest.mark.thorough
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 6), st.integers(1, 5)), min_size=1, max_size=25))
def test_no_user_waits_for_ever(phones: int, tasks: list[tuple[int, int]]):
    """One user publishes urgent tasks without end; everybody else is served all the same."""
    told = join(fleet(), *(f"p{n}" for n in range(phones)))
    told.when(by("urgent", "0", priority=1))
    for number, (user, priority) in enumerate(tasks):
        told.when(by(f"u{user}", str(number), priority=priority, accepted_at=told.now))
    wanted = {derived_id("task", f"u{user} {number}") for number, (user, _) in enumerate(tasks)}
    for number in range(1, 5 * len(tasks) + 30):
        for extra in range(phones):
            told.when(by("urgent", f"{number} {extra}", priority=1, accepted_at=told.now))
        told.now += timedelta(hours=1)
        for run in running(told):
            end(told, run)
        if wanted <= {r.task_id for r in told.all(RunStarted)}:
            return
    pytest.fail("somebody still waits")
