"""Given a plan or a message as its events left it, when something comes, then these events."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.event import Event
from contracts.notifier import NotificationFailed, NotificationPlanned, NotificationSent, NotificationStarted
from contracts.subjects import derived_id
from services.notifier.decisions import (
    Message,
    Notice,
    Outcome,
    Retries,
    Send,
    begin,
    decide_plan,
    evolve,
    finish,
    occurrence_key,
)
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Trigger
from services.runtime.timers import TimerFired
from tests.notifier.samples import (
    ALERT_ID,
    NOON,
    RUN,
    after,
    notification,
    pinned,
    planned,
    raised,
    repeated,
    target_of,
)

HOOK = pinned("hook", {"channel": "PHONE", "target": "http://voice.example/call", "to": ["+8613800000000"]})
MAIL = pinned(
    "mail", {"channel": "EMAIL", "target": "qa@example.com", "sender": "waymark@example.com", "host": "smtp.example"}, 4
)
RETRIES = Retries(delays_s=(5, 30), patience_s=30)
PLAN = planned(HOOK)
SEND = Trigger(derived_id("event", 2), Send(PLAN, target_of(PLAN, "hook")), NOON)


def event_id(number: int) -> Any:
    return derived_id("event", number)


def given(*events: Event) -> Message:
    message = Message()
    for number, event in enumerate(events, 1):
        message = evolve(message, Recorded(number, event_id(number), NOON, None, RUN, None, event))
    return message


def fired(number: int) -> Trigger[TimerFired]:
    """The timer of event `number` of a message."""
    what = TimerFired(owner="notifier", key=notification("hook"), epoch=event_id(number), event_type="", due_at=NOON)
    return Trigger(derived_id("fired", number), what, NOON)


def started(attempt: int) -> NotificationStarted:
    (first,) = begin(Message(), SEND, NOON, RETRIES).events
    assert isinstance(first, NotificationStarted)
    return first.model_copy(update={"attempt": attempt})


def failed(attempt: int) -> NotificationFailed:
    outcome = Outcome(attempt, sent=False, response={"error": "refused"})
    (event,) = finish(given(started(attempt)), SEND, after(1), outcome, RETRIES).events
    assert isinstance(event, NotificationFailed)
    return event


# --- plans ------------------------------------------------------------------------------------------------------------


def test_an_alert_is_planned_for_every_channel_pinned_by_version() -> None:
    plan = planned(HOOK, MAIL)
    assert plan.occurrence_id == derived_id("occurrence", ALERT_ID, 1)
    assert [(t.config_name, t.config_version, t.target) for t in plan.targets] == [
        ("hook", 1, "http://voice.example/call"),
        ("mail", 4, "qa@example.com"),
    ]
    assert [t.notification_id for t in plan.targets] == [notification("hook"), notification("mail")]
    assert (plan.occasion, plan.count, plan.planned_at) == ("RAISED", 1, NOON)


def test_channels_hear_only_of_what_they_asked_for() -> None:
    base = {"channel": "WECHAT", "target": "http://bot.example/send"}
    p3 = pinned("p3", {**base, "severities": ["P3"]})
    offline = pinned("offline", {**base, "types": ["DEVICE_OFFLINE"]})
    p1_system = pinned("p1", {**base, "severities": ["P1", "P2"], "types": ["SYSTEM"]})
    assert [t.config_name for t in planned(p3, offline, p1_system).targets] == ["p1"]


def test_an_alert_that_nobody_hears_of_is_planned_too() -> None:
    assert planned().targets == ()


def test_an_occurrence_is_planned_once() -> None:
    trigger = Trigger(event_id(1), Notice(raised(), (HOOK,)), NOON)
    assert decide_plan(True, trigger, NOON) == NOTHING


def test_what_is_only_counted_is_no_occurrence() -> None:
    assert occurrence_key(repeated(2)) is None


@pytest.mark.parametrize(
    ("changes", "occasion"), [({"reopened": True}, "REOPENED"), ({"escalated": True}, "ESCALATED")]
)
def test_a_loud_repetition_is_an_occurrence_of_its_own(changes: dict[str, bool], occasion: str) -> None:
    plan = planned(HOOK, alert=repeated(3, **changes))
    assert plan.occurrence_id == derived_id("occurrence", ALERT_ID, 3) != PLAN.occurrence_id
    assert (plan.occasion, plan.count, plan.occurred_at) == (occasion, 3, after(60))
    assert plan.targets[0].notification_id != PLAN.targets[0].notification_id


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_planned_message_is_started_before_it_is_sent() -> None:
    (event,) = begin(Message(), SEND, NOON, RETRIES).events
    assert isinstance(event, NotificationStarted)
    assert (event.attempt, event.deadline_at, event.planned_at) == (1, after(30), PLAN.planned_at)
    assert event.due_at == event.deadline_at


def test_a_message_that_was_started_is_not_started_by_its_plan_again() -> None:
    assert begin(given(started(1)), SEND, NOON, RETRIES) == NOTHING
    assert begin(given(started(1), failed(1)), SEND, NOON, RETRIES) == NOTHING


def test_a_message_that_arrived_is_sent() -> None:
    outcome = Outcome(2, sent=True, response={"status": 200})
    (event,) = finish(given(started(1), failed(1), started(2)), SEND, after(9), outcome, RETRIES).events
    assert isinstance(event, NotificationSent)
    assert (event.retry_count, event.response_payload) == (1, {"status": 200})


@pytest.mark.parametrize(("attempt", "retry_at"), [(1, after(6)), (2, after(31)), (3, None)])
def test_waits_grow_until_the_last_attempt(attempt: int, retry_at: Any) -> None:
    event = failed(attempt)
    assert (event.retry_at, event.retry_count, event.due_at) == (retry_at, attempt - 1, retry_at)
    assert event.response_payload == {"error": "refused"}


def test_five_attempts_are_made_by_default() -> None:
    assert Retries().attempts == 5
    assert list(Retries().delays_s) == sorted(Retries().delays_s)


def test_a_retry_that_fires_starts_the_next_attempt() -> None:
    (event,) = begin(given(started(1), failed(1)), fired(2), after(6), RETRIES).events
    assert isinstance(event, NotificationStarted)
    assert (event.attempt, event.deadline_at) == (2, after(36))
    assert event.notification_id == notification("hook")


def test_an_attempt_that_nobody_finished_is_taken_over_when_its_deadline_fires() -> None:
    (event,) = begin(given(started(1)), fired(1), after(30), RETRIES).events
    assert isinstance(event, NotificationStarted)
    assert event.attempt == 2


def test_the_last_attempt_that_nobody_finished_is_a_failure() -> None:
    (event,) = begin(given(started(3)), fired(1), after(30), RETRIES).events
    assert isinstance(event, NotificationFailed)
    assert event.retry_at is None
    assert "nobody knows" in event.response_payload["error"]


@pytest.mark.parametrize(
    ("before", "timer"),
    [
        ((started(1), failed(1)), 1),  # the deadline of an attempt that has ended
        ((started(1), failed(1), started(2)), 2),  # a retry that was made
        ((started(1), failed(1), started(2)), 1),
        ((), 1),
    ],
)
def test_timers_of_what_is_past_start_nothing(before: tuple[Event, ...], timer: int) -> None:
    assert begin(given(*before), fired(timer), after(99), RETRIES) == NOTHING


@pytest.mark.parametrize("timer", [1, 2])
def test_a_message_that_arrived_is_never_sent_again(timer: int) -> None:
    (sent,) = finish(given(started(1)), SEND, after(1), Outcome(1, sent=True, response={}), RETRIES).events
    assert begin(given(started(1), sent), fired(timer), after(99), RETRIES) == NOTHING


def test_a_message_that_has_failed_for_good_is_left_alone() -> None:
    assert begin(given(started(3), failed(3)), fired(1), after(99), RETRIES) == NOTHING


def test_who_was_taken_over_has_no_say_about_a_failure() -> None:
    late = Outcome(1, sent=False, response={"error": "time-out"})
    assert finish(given(started(1), started(2)), SEND, after(40), late, RETRIES) == NOTHING


def test_who_was_taken_over_may_say_that_it_arrived() -> None:
    late = Outcome(1, sent=True, response={})
    (event,) = finish(given(started(1), started(2)), SEND, after(40), late, RETRIES).events
    assert isinstance(event, NotificationSent)
    second = Outcome(2, sent=True, response={})
    assert finish(given(started(1), started(2), event), SEND, after(41), second, RETRIES) == NOTHING


def test_who_did_not_start_an_attempt_finishes_nothing() -> None:
    assert finish(given(started(1)), SEND, after(1), None, RETRIES) == NOTHING


def test_a_plan_is_an_event_that_fits_its_contract() -> None:
    assert NotificationPlanned.model_validate(PLAN.model_dump(mode="json")) == PLAN
