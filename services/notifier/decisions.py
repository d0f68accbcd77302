"""Who is told, and what becomes of each message. Pure.

Two kinds of aggregates: a *plan* (one an occurrence of an alert: who is to be told) and a *message* (one a target: its
attempts). A message that was started and never finished is taken over when its deadline fires; a failed one is tried
again when its retry fires; whoever comes with anything older finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from contracts.alerter import AlertRaised, AlertRepeated
from contracts.configs import AlertChannel, shown_target
from contracts.event import Event
from contracts.notifier import (
    OWNER,
    NotificationFailed,
    NotificationPlanned,
    NotificationSent,
    NotificationStarted,
    Target,
)
from contracts.subjects import derived_id
from services.runtime.aggregate import Aggregate
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, Trigger
from services.runtime.timers import TimerFired

# --- plans ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PinnedChannel:
    """An enabled channel as it was configured when an alert was planned."""

    config_id: UUID
    name: str
    version: int
    channel: AlertChannel


@dataclass(frozen=True)
class Notice:
    """An alert that people are to hear of, and the channels that there are."""

    alert: AlertRaised | AlertRepeated
    channels: tuple[PinnedChannel, ...]


PLAN = Aggregate[bool]("plan", OWNER, bool, lambda _planned, _recorded: True)
"""Its state is whether it was planned."""


def occurrence_key(event: AlertRaised | AlertRepeated) -> UUID | None:
    """The occurrence that people are to hear of: an alert and the how manyth time; None for what is only counted."""
    match event:
        case AlertRaised():
            return derived_id("occurrence", event.alert_id, 1)
        case AlertRepeated():
            return derived_id("occurrence", event.alert_id, event.count) if event.loud else None


HEARD: Mapping[type[Any], Callable[[Any], UUID | None]] = {AlertRaised: occurrence_key, AlertRepeated: occurrence_key}
"""Events that people may hear of, each with its occurrence."""


def decide_plan(planned: bool, trigger: Trigger[Notice], now: datetime) -> Decision:
    """Pins who is told, even where it is nobody: channels that come later do not hear of old alerts."""
    if planned:
        return NOTHING
    alert = trigger.what.alert
    occurrence_id = occurrence_key(alert)
    assert occurrence_id is not None
    taking = [c for c in trigger.what.channels if c.channel.takes(alert.severity, alert.alert_type)]
    plan = NotificationPlanned(
        occurrence_id=occurrence_id,
        alert_id=alert.alert_id,
        run_id=alert.run_id,
        alert_type=alert.alert_type,
        severity=alert.severity,
        occasion=_occasion(alert),
        count=1 if isinstance(alert, AlertRaised) else alert.count,
        message=alert.message,
        occurred_at=alert.triggered_at if isinstance(alert, AlertRaised) else alert.seen_at,
        planned_at=now,
        targets=tuple(_target(occurrence_id, pinned) for pinned in taking),
    )
    return Decision((plan,))


def _occasion(alert: AlertRaised | AlertRepeated) -> Literal["RAISED", "REOPENED", "ESCALATED"]:
    if isinstance(alert, AlertRaised):
        return "RAISED"
    return "REOPENED" if alert.reopened else "ESCALATED"


def _target(occurrence_id: UUID, pinned: PinnedChannel) -> Target:
    return Target(
        notification_id=derived_id("notification", occurrence_id, pinned.config_id),
        channel=pinned.channel.channel,
        target=shown_target(pinned.channel),
        config_id=pinned.config_id,
        config_name=pinned.name,
        config_version=pinned.version,
    )


# --- messages ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retries:
    """How often a message is tried, and how long each wait is. `patience_s`: after that long, an attempt that nobody
    finished is taken for lost; longer than any channel may take."""

    delays_s: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0)
    patience_s: float = 30.0

    @property
    def attempts(self) -> int:
        return len(self.delays_s) + 1


@dataclass(frozen=True)
class Send:
    """A trigger: one target of a plan."""

    plan: NotificationPlanned
    target: Target


@dataclass(frozen=True)
class Outcome:
    """What came of attempt number `attempt`. `response` has no secrets."""

    attempt: int
    sent: bool
    response: dict[str, Any]


@dataclass(frozen=True)
class Message:
    """`awaited`: the event whose timer moves this message on (a start whose end is unknown, a failure with a retry)."""

    started: NotificationStarted | None = None
    in_flight: bool = False
    awaited: UUID | None = None
    done: bool = False


MESSAGE = Aggregate[Message]("message", OWNER, Message, lambda s, r: evolve(s, r))

_LOST = {"error": "nobody knows what came of this attempt: the notifier ended while it was sending"}


def begin(message: Message, trigger: Trigger[Send | TimerFired], now: datetime, retries: Retries) -> Decision:
    """Starts the attempt that the trigger calls for, if it does; gives up where all attempts are used up."""
    match trigger.what:
        case Send() as send:
            return NOTHING if message.started is not None else Decision((_first(send, now, retries),))
        case TimerFired() as fired:
            before = message.started
            if before is None or message.done or fired.epoch != message.awaited:
                return NOTHING
            if before.attempt < retries.attempts:
                return Decision((_next(before, now, retries),))
            return Decision((_failed(before, _LOST, retry_at=None),))


def is_pending(message: Message, _trigger: Trigger[Any]) -> bool:
    return message.in_flight


def finish(
    message: Message, _trigger: Trigger[Any], now: datetime, outcome: Outcome | None, retries: Retries
) -> Decision:
    """Records what came of an attempt. One that was taken over has nothing to say, except that it arrived after all."""
    started = message.started
    if outcome is None or started is None or message.done:
        return NOTHING
    if outcome.sent:
        return Decision((_sent(started, outcome),))
    if started.attempt != outcome.attempt or not message.in_flight:
        return NOTHING
    last = started.attempt >= retries.attempts
    retry_at = None if last else now + timedelta(seconds=retries.delays_s[started.attempt - 1])
    return Decision((_failed(started, outcome.response, retry_at),))


def _first(send: Send, now: datetime, retries: Retries) -> NotificationStarted:
    plan, target = send.plan, send.target
    return NotificationStarted(
        notification_id=target.notification_id,
        occurrence_id=plan.occurrence_id,
        alert_id=plan.alert_id,
        run_id=plan.run_id,
        channel=target.channel,
        target=target.target,
        attempt=1,
        planned_at=plan.planned_at,
        deadline_at=now + timedelta(seconds=retries.patience_s),
    )


def _next(before: NotificationStarted, now: datetime, retries: Retries) -> NotificationStarted:
    deadline_at = now + timedelta(seconds=retries.patience_s)
    return before.model_copy(update={"attempt": before.attempt + 1, "deadline_at": deadline_at})


def _sent(started: NotificationStarted, outcome: Outcome) -> NotificationSent:
    return NotificationSent(
        notification_id=started.notification_id,
        alert_id=started.alert_id,
        run_id=started.run_id,
        channel=started.channel,
        target=started.target,
        retry_count=outcome.attempt - 1,
        response_payload=outcome.response,
        planned_at=started.planned_at,
    )


def _failed(started: NotificationStarted, response: dict[str, Any], retry_at: datetime | None) -> NotificationFailed:
    return NotificationFailed(
        notification_id=started.notification_id,
        occurrence_id=started.occurrence_id,
        alert_id=started.alert_id,
        run_id=started.run_id,
        channel=started.channel,
        target=started.target,
        retry_count=started.attempt - 1,
        response_payload=response,
        planned_at=started.planned_at,
        retry_at=retry_at,
    )


def evolve(message: Message, recorded: Recorded[Event]) -> Message:
    event = recorded.event
    match event:
        case NotificationStarted():
            return replace(message, started=event, in_flight=True, awaited=recorded.id)
        case NotificationFailed():
            final = event.retry_at is None
            return replace(message, in_flight=False, awaited=None if final else recorded.id, done=final)
        case NotificationSent():
            return replace(message, in_flight=False, awaited=None, done=True)
        case _:
            return message
