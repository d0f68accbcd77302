"""What deserves an alert: the rules that turn events of other services into findings. Pure.

The table of de-duplication keys in the README of this folder is this module in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.device_agent import CrashSeen, DeviceReady
from contracts.event import Event
from contracts.locator_validator import LocatorChecked
from contracts.orchestrator import (
    BudgetCrossed,
    CrashTraced,
    PersonAnswered,
    PersonAsked,
    PhoneMissed,
    PhoneQuarantined,
    PhoneRetired,
    PhoneUnquarantined,
    RunFinished,
)
from contracts.screen_indexer import VersionsCompared
from contracts.values import AlertType, RunStatus, Severity, Strategy, ValidationStatus
from services.alerter import crashes

FAILURES = 2
"""Failures of a locator in a row that deserve an alert: one alone is mostly a screen that was not ready."""

_OPEN, _ANSWERED = 0, 1
"""Words about one question: there is one of each."""
_MESSAGE_CHARS = 500
_STACK_CHARS = 64_000
_LISTED = 200
_VARIABLE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+|\d+")


@dataclass(frozen=True)
class Finding:
    """Something that deserves an alert. `cause_id`: what the alert can lose again, `cause_order`: how late this is."""

    dedup_key: str
    alert_type: AlertType
    severity: Severity
    message: str
    payload: dict[str, Any]
    seen_at: datetime
    run_id: UUID | None = None
    screen_id: UUID | None = None
    element_id: UUID | None = None
    device_id: UUID | None = None
    cause_id: UUID | None = None
    cause_order: int = 0


@dataclass(frozen=True)
class Relief:
    """A cause is gone, if the alert has it. Older words about the cause than `cause_order` do not count any more."""

    dedup_key: str
    cause_id: UUID
    cause_order: int


@dataclass(frozen=True)
class Observed:
    """An event with what had to be looked up. `over`: a later event says already that its cause is gone. `crash`: the
    one that was traced."""

    event: Event
    over: bool = False
    crash: CrashSeen | None = None


def finding(event: Event, at: datetime) -> Finding | None:
    """What an event tells of that deserves an alert. `at`: when it was written, for events without a time."""
    match event:
        case CrashSeen():
            return _crash(event)
        case PhoneMissed():
            return _offline(event, at)
        case PhoneQuarantined() if event.by is None:
            return _quarantine(event, at)
        case LocatorChecked() if event.status is ValidationStatus.FAILED and event.consecutive_failures >= FAILURES:
            return _locator(event)
        case VersionsCompared() if event.changed or event.dropped or event.added or event.broken or event.at_risk:
            return _diff(event, at)
        case BudgetCrossed():
            return _budget(event, at)
        case PersonAsked() if event.by is None and not event.quiet:
            return _asked(event)
        case RunFinished() if event.status is RunStatus.FAILED and not event.quiet:
            return _failed_run(event)
        case _:
            return None


def relief(event: Event) -> Relief | None:
    """What an event tells of that ends a cause. A locator that never failed twice cannot have been one."""
    match event:
        case DeviceReady():
            return Relief(_device_key(event.device_id), event.device_id, event.session)
        case PhoneRetired():
            return Relief(_device_key(event.device_id), event.device_id, event.session + 1)
        case PhoneUnquarantined():
            return Relief(_quarantine_key(event.device_id), event.device_id, event.order)
        case PersonAnswered():
            return Relief(_asked_key(event.task_id), event.ask_id, _ANSWERED)
        case LocatorChecked() if event.status is ValidationStatus.PASSED and event.attempts - event.passes >= FAILURES:
            return Relief(_locator_key(event), event.candidate_id, event.attempts)
        case _:
            return None


def dedup_key(event: Event) -> str | None:
    """Which alert an event is about; None: it deserves none and ends none."""
    if isinstance(event, CrashTraced):
        return crashes.dedup_key(event)
    at = datetime.min  # noqa: DTZ901 - no key depends on the time
    about = finding(event, at) or relief(event)
    return None if about is None else about.dedup_key


def _crash(crash: CrashSeen) -> Finding:
    version = crash.version_name or "unknown version"
    happened = {
        "CRASH": "crashed",
        "NATIVE": "crashed in native code",
        "ANR": "stopped answering (ANR)",
        "LOW_MEMORY": "was killed for memory while it was in front",
    }[crash.kind]
    frame = crashes.top_frame(crash.stack, crash.package)
    message = f"{crash.package} {version} {happened}: {crash.exception}: {_first_line(crash.message)}"
    return Finding(
        dedup_key=crashes.dedup_key(crash),
        alert_type=AlertType.SYSTEM,
        severity=Severity.P1 if crash.kind in {"CRASH", "NATIVE"} else Severity.P2,
        message=_text(message if frame is None else f"{message} at {frame}"),
        payload=crashes.payload(crash),
        seen_at=crash.seen_at,
        run_id=crash.run_id,
        device_id=crash.device_id,
    )


def _offline(lost: PhoneMissed, at: datetime) -> Finding:
    return Finding(
        dedup_key=_device_key(lost.device_id),
        alert_type=AlertType.DEVICE_OFFLINE,
        severity=Severity.P2,
        message=_text(f"Phone {lost.serial} is offline: {lost.reason}"),
        payload={
            "serial": lost.serial,
            "session": lost.session,
            "reason": lost.reason,
            "lost_at": lost.lost_at.isoformat(),
        },
        seen_at=at,
        device_id=lost.device_id,
        cause_id=lost.device_id,
        cause_order=lost.session,
    )


def _quarantine(kept: PhoneQuarantined, at: datetime) -> Finding:
    """SYSTEM, not DEVICE_OFFLINE: the phone answers, and its return would resolve the alert at once."""
    return Finding(
        dedup_key=_quarantine_key(kept.device_id),
        alert_type=AlertType.SYSTEM,
        severity=Severity.P2,
        message=_text(f"Phone {kept.serial} was put into quarantine: {kept.why}"),
        payload={"serial": kept.serial, "why": kept.why, "runs": [str(run) for run in kept.runs]},
        seen_at=at,
        device_id=kept.device_id,
        cause_id=kept.device_id,
        cause_order=kept.order,
    )


def _locator(checked: LocatorChecked) -> Finding:
    strategy = "UiSelector" if checked.strategy is Strategy.CUSTOM else checked.strategy.value
    which = "Primary locator" if checked.is_primary else "Locator"
    return Finding(
        dedup_key=_locator_key(checked),
        alert_type=AlertType.LOCATOR_FAILURE,
        severity=Severity.P2 if checked.is_primary else Severity.P3,
        message=_text(
            f"{which} {strategy} {checked.locator_value!r} failed {checked.consecutive_failures} times in a row"
            f" ({checked.passes} of {checked.attempts} checks passed)"
        ),
        payload={
            "candidate_id": str(checked.candidate_id),
            "strategy": checked.strategy.value,
            "locator_value": checked.locator_value[:_STACK_CHARS],
            "validation_type": checked.validation_type.value,
            "is_primary": checked.is_primary,
            "attempts": checked.attempts,
            "passes": checked.passes,
            "consecutive_failures": checked.consecutive_failures,
            "success_rate": checked.success_rate,
            "notes": checked.notes,
            "screenshot": None if checked.screenshot is None else checked.screenshot.key,
        },
        seen_at=checked.attempt_at,
        run_id=checked.run_id,
        screen_id=checked.screen_id,
        element_id=checked.element_id,
        cause_id=checked.candidate_id,
        cause_order=checked.attempts,
    )


def _diff(compared: VersionsCompared, at: datetime) -> Finding:
    return Finding(
        dedup_key=f"diff:{compared.base_version_id}:{compared.target_version_id}",
        alert_type=AlertType.SCREEN_DIFF,
        severity=Severity.P2 if compared.broken else Severity.P3,
        message=_text(
            f"{compared.package} {compared.target_version} differs from {compared.base_version}:"
            f" {compared.changed} of {compared.pairs} screens changed, {len(compared.dropped)} dropped,"
            f" {len(compared.added)} added; {compared.broken} locators broken, {compared.at_risk} at risk"
        ),
        payload={
            "package": compared.package,
            "base_version": compared.base_version,
            "target_version": compared.target_version,
            "pairs": compared.pairs,
            "changed": compared.changed,
            "dropped": list(compared.dropped[:_LISTED]),
            "dropped_total": len(compared.dropped),
            "added": list(compared.added[:_LISTED]),
            "added_total": len(compared.added),
            "broken": compared.broken,
            "at_risk": compared.at_risk,
            "detail": None if compared.detail is None else compared.detail.key,
        },
        seen_at=at,
        run_id=compared.run_id,
    )


def _budget(crossed: BudgetCrossed, at: datetime) -> Finding:
    what = {"TOKENS": "token", "COST": "cost"}[crossed.budget]
    return Finding(
        dedup_key=f"budget:{crossed.task_id}:{crossed.budget}",
        alert_type=AlertType.TOKEN_BUDGET,
        severity=Severity.P1 if crossed.percent >= 100 else Severity.P3,
        message=_text(
            f"Task {crossed.task_id} has used {crossed.percent} % of its {what} budget"
            f" ({crossed.used} of {crossed.limit})"
        ),
        payload={
            "task_id": str(crossed.task_id),
            "budget": crossed.budget,
            "percent": crossed.percent,
            "used": crossed.used,
            "limit": crossed.limit,
        },
        seen_at=at,
        run_id=crossed.run_id,
    )


def _asked(asked: PersonAsked) -> Finding:
    """Nobody sits in front of a task that waits. What is asked in private is not in the message."""
    return Finding(
        dedup_key=_asked_key(asked.task_id),
        alert_type=AlertType.SYSTEM,
        severity=Severity.P2,
        message=_text(f"Task {asked.task_id} waits for a person: {asked.words}"),
        payload={
            "task_id": str(asked.task_id),
            "ask_id": str(asked.ask_id),
            "question": asked.question,
            "words": asked.words,
            "until": asked.until.isoformat(),
            "otherwise": asked.otherwise,
            "screenshot": None if asked.screenshot is None else asked.screenshot.key,
        },
        seen_at=asked.asked_at,
        run_id=asked.run_id,
        cause_id=asked.ask_id,
        cause_order=_OPEN,
    )


def _failed_run(run: RunFinished) -> Finding:
    reason = run.failure_reason or "no reason given"
    return Finding(
        dedup_key=f"run:{run.app.package}:{run.app.version_name}:{_VARIABLE.sub('#', reason)[:_MESSAGE_CHARS]}",
        alert_type=AlertType.SYSTEM,
        severity=Severity.P2,
        message=_text(f"A run of {run.app.package} {run.app.version_name} failed: {reason}"),
        payload={
            "task_id": str(run.task_id),
            "run_id": str(run.run_id),
            "device_id": str(run.device_id),
            "package": run.app.package,
            "version": run.app.version_name,
            "reason": reason[:_STACK_CHARS],
            "total_actions": run.total_actions,
            "successful_actions": run.successful_actions,
            "screens": len(run.screens),
        },
        seen_at=run.ended_at,
        run_id=run.run_id,
        device_id=run.device_id,
    )


def _device_key(device_id: UUID) -> str:
    return f"device:{device_id}"


def _asked_key(task_id: UUID) -> str:
    return f"person:{task_id}"


def _quarantine_key(device_id: UUID) -> str:
    return f"quarantine:{device_id}"


def _locator_key(checked: LocatorChecked) -> str:
    return f"locator:{checked.screen_id}:{checked.element_id}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")


def _text(text: str) -> str:
    """One line that PostgreSQL takes and a person reads."""
    line = " ".join(text.replace("\x00", "").split())
    return line if len(line) <= _MESSAGE_CHARS else line[: _MESSAGE_CHARS - 1] + "…"
