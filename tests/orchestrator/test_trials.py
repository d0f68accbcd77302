"""The rule of quarantine: a phone on which runs fail that pass elsewhere, and nobody who is not to blame."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.orchestrator import PhoneQuarantined, PhoneUnquarantined, RunStarted
from contracts.subjects import derived_id
from contracts.values import RunStatus
from services.orchestrator.decisions.fleet_model import Trial
from services.orchestrator.decisions.trials import blamed_on
from tests.orchestrator.fleets import asked, by, end, fleet, join, running
from tests.orchestrator.test_fleet import device, lost, ready

FAILED, PASSED = RunStatus.FAILED, RunStatus.SUCCEEDED
_number = iter(range(10**9))


def run_on(told, serial: str, status: RunStatus, **changes):
    """One run on one phone, to its end."""
    told.when(by("u", f"{next(_number)}", serial=serial))
    run = next(r for r in running(told) if r.serial == serial)
    return end(told, run, status, **changes)


def kept(told) -> list[str]:
    return sorted(p.serial for p in told.state.phones.values() if p.quarantine is not None)


def test_a_phone_on_which_runs_fail_that_pass_elsewhere_is_put_into_quarantine():
    told = join(fleet(), "bad", "good", "other")
    for _ in range(2):
        run_on(told, "bad", FAILED)
        run_on(told, "good", PASSED)
    assert kept(told) == []
    run_on(told, "bad", FAILED)
    event = told.last(PhoneQuarantined)
    assert (event.serial, event.by, len(event.runs)) == ("bad", None, 3)
    assert event.why == "since its last run that passed, 3 runs failed here and passed on other phones"
    assert kept(told) == ["bad"]


def test_what_somebody_does_by_hand_neither_blames_a_phone_nor_acquits_it():
    told = join(fleet(), "a", "b")
    for _ in range(5):
        run_on(told, "a", FAILED, quiet=True)
        run_on(told, "b", PASSED)
    assert kept(told) == []
    for _ in range(2):
        run_on(told, "a", FAILED)
        run_on(told, "a", PASSED, quiet=True)
        run_on(told, "b", PASSED)
    run_on(told, "a", FAILED)
    assert kept(told) == ["a"]


def test_a_phone_that_is_not_fit_is_blamed_whoever_asked():
    told = join(fleet(), "a", "b")
    for _ in range(3):
        run_on(told, "a", FAILED, quiet=True, failure_code="NOT_FIT")
        run_on(told, "b", PASSED)
    assert kept(told) == ["a"]


def test_runs_that_fail_everywhere_are_nobody_s_fault():
    told = join(fleet(), "a", "b", "c")
    for _ in range(10):
        for serial in ("a", "b", "c"):
            run_on(told, serial, FAILED)
    assert kept(told) == []


def test_the_first_pass_after_an_outage_of_the_app_s_servers_blames_nobody():
    told = join(fleet(), "a", "b", "c")
    for serial in ("a", "b", "c"):
        run_on(told, serial, PASSED)
    for _ in range(5):
        for serial in ("a", "b", "c"):
            run_on(told, serial, FAILED)
    run_on(told, "a", PASSED)
    assert kept(told) == []


def test_another_version_s_passes_say_nothing():
    told = join(fleet(), "bad", version="2.0")
    join(told, "good", version="1.0")
    for _ in range(6):
        run_on(told, "bad", FAILED)
        run_on(told, "good", PASSED)
    assert kept(told) == []


def test_a_pass_forgives_what_was_before():
    told = join(fleet(), "flaky", "good")
    for _ in range(4):
        for status in (FAILED, FAILED, PASSED):
            run_on(told, "flaky", status)
            run_on(told, "good", PASSED)
    assert kept(told) == []


def test_runs_that_somebody_stopped_say_nothing():
    told = join(fleet(), "a", "good")
    for _ in range(6):
        run_on(told, "a", RunStatus.CANCELLED)
        run_on(told, "good", PASSED)
    assert told.state.trials and kept(told) == []  # noqa: PT018 - passes of the good one are kept, and nothing follows


@pytest.mark.parametrize("cause", ["NOT_FIT", "LOST"])
def test_a_phone_that_is_not_fit_or_gets_lost_needs_no_comparison(cause: str):
    told = join(fleet(), "bad")
    for session in range(1, 4):
        told.when(by("u", str(session), serial="bad"))
        if cause == "LOST":
            told.when(lost("bad", session))
            told.when(ready("bad", session + 1))
        end(told, running(told)[0], FAILED, failure_code="NOT_FIT" if cause == "NOT_FIT" else None)
        join(told, "bad", session=session + 1) if cause == "NOT_FIT" else told.when(apps_of(session + 1))
    assert kept(told) == ["bad"]
    said = {"NOT_FIT": "it was not fit for 3 runs", "LOST": "3 runs lost it"}[cause]
    assert told.last(PhoneQuarantined).why == f"since its last run that passed, {said}"


def apps_of(session: int):
    from tests.orchestrator.test_fleet import apps

    return apps("bad", "1.0", session=session)


def test_a_computer_that_loses_all_its_phones_puts_none_of_them_into_quarantine():
    told = join(fleet(), "a", "b", "c")
    for session in range(1, 6):
        for serial in ("a", "b", "c"):
            told.when(by("u", f"{serial} {session}", serial=serial))
        for serial in ("a", "b", "c"):
            told.when(lost(serial, session))
        for run in running(told):
            end(told, run, FAILED)
        join(told, "a", "b", "c", session=session + 1)
    assert kept(told) == []


def test_a_probe_that_passes_ends_the_quarantine_and_one_that_fails_does_not():
    told = join(fleet(), "bad", "good")
    for _ in range(5):
        run_on(told, "good", PASSED)
        if not kept(told):
            run_on(told, "bad", FAILED)
    assert kept(told) == ["bad"]
    for status, left in ((FAILED, ["bad"]), (PASSED, [])):
        told.when(by("u", f"probe {status}", serial="bad", probe=True))
        end(told, running(told)[0], status)
        assert kept(told) == left
    over = told.last(PhoneUnquarantined)
    assert (over.by, over.why) == (None, f"probe run {told.last(RunStarted).run_id} passed")


def test_after_a_release_by_hand_the_rule_begins_anew():
    told = join(fleet(), "bad", "good")
    for _ in range(5):
        run_on(told, "good", PASSED)
        if not kept(told):
            run_on(told, "bad", FAILED)
    asked(told, kind="unquarantine", serial="bad")
    run_on(told, "bad", FAILED)
    assert kept(told) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(0, 2**32))
def test_of_phones_that_fail_equally_often_hardly_any_and_of_a_broken_one_surely_is_blamed(phones: int, seed: int):
    """A broken phone fails always; the others one run in ten: they may be blamed only with three failures in a row."""
    chance = random.Random(seed)
    version = derived_id("app-version", "x")
    names = [derived_id("device", n) for n in range(phones)]
    trials: list[Trial] = []
    for number in range(40 * phones):
        who = names[number % phones]
        failed = who == names[0] or chance.random() < 0.1
        trials.append(Trial(device_id=who, run_id=derived_id("run", number), app_version_id=version, failed=failed))
    assert len(blamed_on(names[0], trials)) >= 3
    for name in names[1:]:
        streak = 0
        for trial in reversed([t for t in trials if t.device_id == name]):
            if not trial.failed:
                break
            streak += 1
        assert len(blamed_on(name, trials)) <= streak


def test_the_phone_of_the_rule_is_the_phone_that_failed():
    assert blamed_on(device("x"), []) == []
