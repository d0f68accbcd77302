"""Given an alert as its events left it, when something comes, then these events."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from contracts.alerter import (
    AlertAcked,
    AlertDetailed,
    AlertEased,
    AlertRaised,
    AlertRepeated,
    AlertRequestRejected,
    AlertResolved,
    AlertSuppressed,
)
from contracts.event import Event
from contracts.subjects import derived_id
from contracts.values import AlertStatus, Severity
from services.alerter.decisions import ALERT, Alert, alert_key, apply, decide_alert, decide_request, requested_alert
from services.alerter.findings import Observed
from services.runtime.handlers import RawRequest
from services.runtime.reactor import LaterError, Trigger
from tests.alerter.samples import (
    DEVICE,
    NOON,
    after,
    checked,
    crash,
    crossed,
    lost,
    person_answered,
    person_asked,
    quarantined,
    ready,
    retired,
    traced,
    unquarantined,
)

ALICE = derived_id("user", "alice")


def given(*events: Event) -> Alert:
    alert = Alert()
    for event in events:
        alert = apply(alert, event)
    return alert


def given_on(alert: Alert, *events: Event) -> Alert:
    for event in events:
        alert = apply(alert, event)
    return alert


def when(alert: Alert, event: Event, *, over: bool = False) -> tuple[Event, ...]:
    return decide_alert(alert, Trigger(uuid5(DEVICE, repr(event)), Observed(event, over), NOON), after(60)).events


def raised(event: Event) -> tuple[Event, ...]:
    return when(Alert(), event)


def asked(alert: Alert, body: bytes | dict[str, Any], user: str = "alice") -> Event:
    raw = RawRequest("alert", user, body if isinstance(body, bytes) else json.dumps(body).encode(), 7)
    (answer,) = decide_request(alert, Trigger(derived_id("request", 7), raw, NOON), NOON).events
    return answer


CRASH_ID = alert_key(crash())


def test_a_first_crash_raises_an_alert_under_its_key() -> None:
    (event,) = raised(crash())
    assert isinstance(event, AlertRaised)
    assert event.alert_id == CRASH_ID == derived_id("alert", event.dedup_key)
    assert event.triggered_at == crash().seen_at
    assert event.payload.reveal()["stack_key"] == "abc123"


def test_a_crash_again_is_counted_quietly() -> None:
    alert = given(*raised(crash(1)))
    (second,) = when(alert, crash(2))
    assert isinstance(second, AlertRepeated)
    assert (second.count, second.loud, second.payload) == (2, False, None)
    (third,) = when(apply(alert, second), crash(3))
    assert isinstance(third, AlertRepeated)
    assert third.count == 3
    assert third.triggered_at == crash(1).seen_at


def detailed(alert: Alert, verdict: str, *, after_s: float = 0) -> tuple[Event, ...]:
    observed = Observed(traced(1, verdict), crash=crash())
    now = NOON + timedelta(seconds=after_s)
    return decide_alert(alert, Trigger(derived_id("traced", verdict), observed, NOON), now).events


def test_what_a_run_finds_out_completes_the_alert_and_tells_nobody() -> None:
    (event,) = detailed(given(*raised(crash())), "REPRODUCED")
    assert isinstance(event, AlertDetailed)
    assert event.alert_id == CRASH_ID
    assert event.payload.reveal()["sequence"] == ["tap “导出” at 5,6 on 首页"]
    assert event.payload.reveal()["exception"] == "java.lang.IllegalStateException"


def test_less_certain_words_do_not_take_the_place_of_a_proof() -> None:
    alert = given(*raised(crash()), *detailed(given(*raised(crash())), "REPRODUCED"))
    assert detailed(alert, "NOT_TRIED") == ()
    assert detailed(alert, "NOT_REPRODUCED") == ()
    assert len(detailed(alert, "REPRODUCED")) == 1


def test_details_wait_for_the_alert_and_are_dropped_where_it_never_comes() -> None:
    with pytest.raises(LaterError):
        detailed(Alert(), "REPRODUCED")
    assert detailed(Alert(), "REPRODUCED", after_s=61) == ()


def test_an_alert_that_opens_again_takes_the_details_of_the_new_crash() -> None:
    alert = given(*raised(crash()), *detailed(given(*raised(crash())), "REPRODUCED"))
    resolved = given_on(alert, asked(alert, {"kind": "resolve", "alert": str(CRASH_ID)}))
    again = given_on(resolved, *when(resolved, crash(2)))
    assert len(detailed(again, "NOT_TRIED")) == 1


def test_a_resolved_alert_that_comes_again_is_open_again() -> None:
    alert = given(*raised(crash(1)), AlertResolved(alert_id=CRASH_ID, by=ALICE, triggered_at=NOON))
    (event,) = when(alert, crash(2))
    assert isinstance(event, AlertRepeated)
    assert (event.reopened, event.escalated, event.loud) == (True, False, True)
    assert event.payload is not None
    assert apply(alert, event).status is AlertStatus.OPEN


def test_a_suppressed_alert_is_counted_and_nothing_else() -> None:
    suppressed = AlertSuppressed(alert_id=CRASH_ID, by=ALICE, account="alice", triggered_at=NOON)
    alert = given(*raised(crash(1)), suppressed)
    (event,) = when(alert, crash(2))
    assert isinstance(event, AlertRepeated)
    assert (event.count, event.loud) == (2, False)
    assert apply(alert, event).status is AlertStatus.SUPPRESSED


def test_a_budget_that_is_used_up_escalates_the_alert_about_it() -> None:
    key = alert_key(crossed(80))
    acked = AlertAcked(alert_id=key, by=ALICE, account="alice", triggered_at=NOON)
    alert = given(*raised(crossed(80)), acked)
    (event,) = when(alert, crossed(100))
    assert isinstance(event, AlertRepeated)
    assert (event.escalated, event.severity, event.loud) == (True, Severity.P1, True)
    assert "100 %" in event.message
    assert apply(alert, event).status is AlertStatus.OPEN
    (again,) = when(apply(alert, event), crossed(120))
    assert isinstance(again, AlertRepeated)
    assert not again.loud


def test_a_phone_that_comes_back_resolves_its_alert() -> None:
    alert = given(*raised(lost(1)))
    (event,) = when(alert, ready(2))
    assert isinstance(event, AlertResolved)
    assert event.by is None
    assert apply(alert, event).status is AlertStatus.RESOLVED


def test_a_phone_that_is_retired_while_it_is_missed_resolves_its_alert() -> None:
    (event,) = when(given(*raised(lost(1))), retired(1))
    assert isinstance(event, AlertResolved)


def test_a_phone_that_leaves_quarantine_resolves_its_alert_and_the_next_time_opens_it_again() -> None:
    alert = given(*raised(quarantined(1)))
    (event,) = when(alert, unquarantined(2))
    assert isinstance(event, AlertResolved)
    (again,) = when(apply(alert, event), quarantined(3))
    assert isinstance(again, AlertRepeated)
    assert again.reopened


def test_a_question_to_a_person_is_over_with_its_answer_and_the_next_one_is_told_again() -> None:
    alert = given(*raised(person_asked(1)))
    assert when(alert, person_answered(2)) == (), "that was another question"
    (event,) = when(alert, person_answered(1))
    assert isinstance(event, AlertResolved)
    (again,) = when(apply(alert, event), person_asked(2))
    assert isinstance(again, AlertRepeated)
    assert again.reopened


def test_a_late_word_of_an_earlier_quarantine_does_not_end_a_later_one() -> None:
    assert when(given(*raised(quarantined(3))), unquarantined(2)) == ()


@pytest.mark.parametrize("session", [0, 1, 2])
def test_an_older_appearance_of_the_phone_resolves_nothing(session: int) -> None:
    assert when(given(*raised(lost(2))), ready(session)) == ()


def test_a_phone_that_was_never_lost_is_no_news() -> None:
    assert when(Alert(), ready(1)) == ()


def test_a_loss_that_is_heard_of_after_the_return_does_not_stay_open() -> None:
    events = when(Alert(), lost(1), over=True)
    assert [type(e) for e in events] == [AlertRaised, AlertResolved]
    assert when(given(*events), ready(2)) == ()


def test_an_old_loss_that_is_heard_of_late_does_not_end_a_new_one() -> None:
    alert = given(*raised(lost(2)))
    (event,) = when(alert, lost(1), over=True)
    assert isinstance(event, AlertRepeated)
    assert [type(e) for e in when(apply(alert, event), ready(3))] == [AlertResolved]


def test_an_element_is_fine_when_the_last_of_its_failing_locators_passes() -> None:
    alert = given(*raised(checked(3, 1, 2, "id")))
    alert = given(*raised(checked(3, 1, 2, "id")), *when(alert, checked(4, 2, 2, "xpath")))
    assert len(alert.causes) == 2
    (eased,) = when(alert, checked(5, 3, 0, "xpath"))
    assert isinstance(eased, AlertEased)
    assert eased.left == 1
    (resolved,) = when(apply(alert, eased), checked(4, 2, 0, "id"))
    assert isinstance(resolved, AlertResolved)


def test_a_pass_from_before_the_failure_resolves_nothing() -> None:
    assert when(given(*raised(checked(6, 2, 2))), checked(4, 2, 0)) == ()


def test_a_primary_that_fails_too_escalates() -> None:
    alert = given(*raised(checked(3, 1, 2, "xpath")))
    (event,) = when(alert, checked(3, 1, 2, "id", is_primary=True))
    assert isinstance(event, AlertRepeated)
    assert (event.escalated, event.severity) == (True, Severity.P2)


def test_a_suppressed_phone_that_returns_stays_suppressed() -> None:
    key = alert_key(lost())
    alert = given(*raised(lost(1)), AlertSuppressed(alert_id=key, by=ALICE, account="alice", triggered_at=NOON))
    (event,) = when(alert, ready(2))
    assert isinstance(event, AlertEased)
    assert apply(alert, event).status is AlertStatus.SUPPRESSED


@pytest.mark.parametrize(
    ("kind", "answer", "status"),
    [
        ("ack", AlertAcked, AlertStatus.ACKED),
        ("resolve", AlertResolved, AlertStatus.RESOLVED),
        ("suppress", AlertSuppressed, AlertStatus.SUPPRESSED),
    ],
)
def test_people_are_followed(kind: str, answer: type[Event], status: AlertStatus) -> None:
    alert = given(*raised(crash(1)))
    event = asked(alert, {"kind": kind, "alert": str(CRASH_ID), "note": "看过了"})
    assert isinstance(event, answer)
    assert (event.by, event.account, event.note) == (ALICE, "alice", "看过了")
    assert event.triggered_at == crash(1).seen_at
    assert apply(alert, event).status is status


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"kind": "ack", "alert": str(DEVICE)}, "UNKNOWN_ALERT", f"there is no alert {DEVICE}"),
        ({"kind": "mute", "alert": str(DEVICE)}, "INVALID", "kind: Input should be 'ack', 'resolve' or 'suppress'"),
        ({"kind": "ack"}, "INVALID", "alert: this field is needed"),
        ({"kind": "ack", "alert": "7"}, "INVALID", "alert: Input should be a valid UUID"),
        ({"kind": "ack", "alert": str(DEVICE), "nte": "x"}, "INVALID", "nte: there is no such field"),
        (b"ack it!", "NOT_JSON", "not JSON"),
        (b"[1]", "NOT_AN_OBJECT", "must be a JSON object"),
        (b"\xff\xfe", "NOT_UTF8", "byte 0"),
        (b"[" * 100_000, "TOO_DEEP", "nested deeper than 20 levels"),
        (b"9" * 5000, "NOT_JSON", "not JSON"),
        (b" " * 300_000, "TOO_LARGE", "300000 bytes"),
        (b"", "NOT_JSON", "not JSON"),
    ],
)
def test_a_request_that_cannot_be_followed_is_answered_with_a_reason(body: Any, code: str, words: str) -> None:
    event = asked(Alert(), body)
    assert isinstance(event, AlertRequestRejected)
    assert (event.code, event.user) == (code, "alice")
    assert words in event.reason


def test_requests_that_name_no_alert_have_an_id_each() -> None:
    one, other = (Trigger(derived_id("request", n), RawRequest("alert", "bob", b"?", n), NOON) for n in (1, 2))
    assert requested_alert(one) != requested_alert(other)


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (AlertResolved(alert_id=CRASH_ID, by=None, triggered_at=NOON), "RESOLVED"),
        (AlertSuppressed(alert_id=CRASH_ID, by=ALICE, account="alice", triggered_at=NOON), "SUPPRESSED"),
    ],
)
def test_what_is_over_cannot_be_acknowledged(before: Event, code: str) -> None:
    event = asked(given(*raised(crash(1)), before), {"kind": "ack", "alert": str(CRASH_ID)})
    assert isinstance(event, AlertRequestRejected)
    assert event.code == code


def test_resolving_a_suppressed_alert_makes_it_heard_again() -> None:
    suppressed = AlertSuppressed(alert_id=CRASH_ID, by=ALICE, account="alice", triggered_at=NOON)
    alert = given(*raised(crash(1)), suppressed)
    alert = apply(alert, asked(alert, {"kind": "resolve", "alert": str(CRASH_ID)}))
    (event,) = when(alert, crash(2))
    assert isinstance(event, AlertRepeated)
    assert event.loud


def test_a_state_survives_its_snapshot() -> None:
    alert = given(*raised(lost(3)))
    assert ALERT.long_lived is not None
    assert ALERT.long_lived.codec.load(ALERT.long_lived.codec.dump(alert)) == alert
    assert alert.causes == {str(DEVICE): 3}


def test_a_loss_is_dated_by_the_event_that_told_of_it() -> None:
    (event,) = when(Alert(), lost(1))
    assert isinstance(event, AlertRaised)
    assert event.triggered_at == NOON
