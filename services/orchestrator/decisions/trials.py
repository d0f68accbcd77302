"""The rule that puts a phone into quarantine: runs fail on it that pass elsewhere. Decision record 0044."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator import PhoneQuarantined
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Trial

FAILURES = 3
"""Failures since its last pass that are a phone's own fault, before it is put into quarantine."""


def quarantines(state: Fleet) -> list[Event]:
    """Phones that are to be put into quarantine now."""
    events: list[Event] = []
    order = state.last_quarantine
    suspects = {trial.device_id for trial in state.trials if trial.failed}
    for phone in sorted(state.phones.values(), key=lambda p: p.serial):
        if phone.device_id not in suspects or phone.quarantine is not None or phone.retired:
            continue
        blamed = blamed_on(phone.device_id, state.trials)
        if len(blamed) < FAILURES:
            continue
        order += 1
        quarantined = PhoneQuarantined(
            fleet_id=DEFAULT_FLEET,
            device_id=phone.device_id,
            serial=phone.serial,
            why=_why(blamed),
            by=None,
            order=order,
            runs=tuple(trial.run_id for trial in blamed),
        )
        events.append(quarantined)
    return events


def blamed_on(device_id: UUID, trials: Sequence[Trial]) -> list[Trial]:
    """Failures since the phone's last pass that are its own fault.

    What other phones did between its first and its last such failure is the measure. A failed run counts where runs of
    the very app version passed there more often than they failed; so a run that fails everywhere is nobody's fault. A
    run for which the phone was not fit, or that lost it, counts unless that happened to other phones too and as often
    as runs passed there: then a computer, a hub or an adb server is at fault.
    """
    own = [i for i, trial in enumerate(trials) if trial.device_id == device_id]
    passed = [i for i in own if not trials[i].failed]
    failures = [i for i in own if trials[i].failed and (not passed or i > passed[-1])]
    if not failures:
        return []
    others = [t for t in trials[failures[0] : failures[-1]] if t.device_id != device_id]
    return [trials[i] for i in failures if _counts(trials[i], others)]


def _counts(failure: Trial, others: Sequence[Trial]) -> bool:
    if failure.fault is not None:
        passes = sum(not t.failed for t in others)
        faults = sum(t.fault is not None for t in others)
        return faults == 0 or passes > faults
    same = [t for t in others if t.app_version_id == failure.app_version_id and t.fault is None]
    failed = sum(t.failed for t in same)
    return len(same) - failed > failed


def _why(blamed: Sequence[Trial]) -> str:
    said = {
        "NOT_FIT": "it was not fit for {}",
        "LOST": "{} lost it",
        None: "{} failed here and passed on other phones",
    }
    parts = []
    for fault, words in said.items():
        if count := sum(trial.fault == fault for trial in blamed):
            parts.append(words.format("1 run" if count == 1 else f"{count} runs"))
    return "since its last run that passed, " + ", ".join(parts)
