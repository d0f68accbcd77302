"""Test accounts: a run has its own, and nobody else has it meanwhile."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.orchestrator import RunStarted, TaskBlocked, TaskGranted
from tests.orchestrator.fleets import asked, by, end, fleet, granted, join, pass_time, running
from tests.orchestrator.stories import names


def declared(told, *accounts: str, pool: str = "checkout"):
    for name in accounts:
        answer = asked(told, kind="account", name=name, pool=pool, fields={"user": f"{name}@example.com"},
                       secrets={"password": f"env:{name.upper()}"})  # fmt: skip
        assert answer.done, answer.text
    return told


def test_a_run_has_its_account_with_references_only():
    told = declared(join(fleet(), "p1"), "qa1")
    told.when(by("alice", "x", account="checkout"))
    account = told.last(RunStarted).account
    assert account is not None
    assert (account.name, account.fields, account.secrets) == (
        "qa1", {"user": "qa1@example.com"}, {"password": "env:QA1"}
    )  # fmt: skip
    assert told.last(TaskGranted).account == account


def test_a_task_waits_until_phone_and_account_are_both_free():
    told = declared(join(fleet(), "p1", "p2"), "qa1")
    told.when(by("alice", "x", account="checkout"))
    assert granted(told.when(by("bob", "y", account="checkout"))) == []
    assert granted(told.when(by("carol", "without"))) != []
    first, second = running(told)
    assert granted(end(told, second)) == []  # a phone is free, the account is not
    assert len(granted(end(told, first))) == 1


def test_a_pool_that_does_not_exist_is_told():
    told = declared(join(fleet(), "p1"), "qa1")
    told.when(by("alice", "x", account="bank"))
    (blocked,) = [e for e in pass_time(told, timedelta(minutes=2)) if isinstance(e, TaskBlocked)]
    assert blocked.reason == (
        "there is no test account of pool bank; there are checkout:"
        " `waymark accounts add NAME --pool bank` declares one"
    )
    declared(told, "b1", pool="bank")
    assert told.last(RunStarted).account.name == "b1"


def test_an_account_that_is_removed_goes_when_its_run_ends():
    told = declared(join(fleet(), "p1", "p2"), "qa1")
    told.when(by("alice", "x", account="checkout"))
    assert (
        asked(told, kind="remove-account", name="qa1").text
        == "test account qa1 is removed when the run that has it ends"
    )
    assert "qa1" in told.state.accounts
    assert granted(told.when(by("bob", "y", account="checkout"))) == []
    assert names(end(told, running(told)[0]))[:1] == ["LeaseEnded"]
    assert told.state.accounts == {}
    assert asked(told, kind="remove-account", name="qa1").code == "UNKNOWN_ACCOUNT"


def test_accounts_of_a_pool_take_turns():
    told = declared(join(fleet(), "p1"), "qa1", "qa2")
    used = []
    for number in range(4):
        told.when(by("alice", str(number), account="checkout"))
        used.append(told.last(RunStarted).account.name)
        end(told, running(told)[0])
    assert used == ["qa1", "qa2", "qa1", "qa2"]


def test_a_secret_in_the_clear_is_refused():
    answer = asked(fleet(), kind="account", name="qa1", pool="checkout", secrets={"password": "hunter2"})
    assert (answer.done, answer.code) == (False, "INVALID")
    assert "secrets.password" in answer.text


@pytest.mark.thorough
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32))
def test_never_two_runs_have_one_account(phones: int, accounts: int, seed: int):
    chance = random.Random(seed)
    told = declared(join(fleet(), *(f"p{n}" for n in range(phones))), *(f"qa{n}" for n in range(accounts)))
    for number in range(60):
        match chance.randrange(5):
            case 0 | 1:
                told.when(by(f"u{chance.randrange(3)}", str(number), account=chance.choice(["checkout", None])))
            case 2 | 3 if running(told):
                end(told, chance.choice(running(told)))
            case 4:
                name = f"qa{chance.randrange(accounts)}"
                asked(told, kind="remove-account", name=name) if chance.random() < 0.5 else declared(told, name)
        held = [lease.account for lease in told.state.leases.values() if lease.account is not None]
        assert len(held) == len(set(held))
        assert len(told.state.leases) <= phones
