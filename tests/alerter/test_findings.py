"""Which events deserve an alert, of which kind, and which of them are the same one."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.event import Event
from contracts.values import AlertType, RunStatus, Severity, ValidationStatus
from services.alerter.crashes import top_frame
from services.alerter.findings import dedup_key, finding, relief
from tests.alerter.samples import (
    NOON,
    PACKAGE,
    RUN,
    SCREEN,
    STACK,
    checked,
    compared,
    crash,
    crossed,
    finished,
    lost,
    person_answered,
    person_asked,
    quarantined,
    ready,
    retired,
    unquarantined,
)


@pytest.mark.parametrize(
    ("event", "alert_type", "severity"),
    [
        (crash(), AlertType.SYSTEM, Severity.P1),
        (crash(kind="NATIVE"), AlertType.SYSTEM, Severity.P1),
        (crash(kind="ANR"), AlertType.SYSTEM, Severity.P2),
        (lost(), AlertType.DEVICE_OFFLINE, Severity.P2),
        (quarantined(), AlertType.SYSTEM, Severity.P2),
        (checked(3, 1, 2), AlertType.LOCATOR_FAILURE, Severity.P3),
        (checked(3, 1, 2, is_primary=True), AlertType.LOCATOR_FAILURE, Severity.P2),
        (compared(), AlertType.SCREEN_DIFF, Severity.P2),
        (compared(broken=0), AlertType.SCREEN_DIFF, Severity.P3),
        (crossed(80), AlertType.TOKEN_BUDGET, Severity.P3),
        (person_asked(), AlertType.SYSTEM, Severity.P2),
        (crossed(100), AlertType.TOKEN_BUDGET, Severity.P1),
        (finished(RunStatus.FAILED, "the phone was lost"), AlertType.SYSTEM, Severity.P2),
    ],
)
def test_what_deserves_an_alert_has_its_type_and_severity(
    event: Event, alert_type: AlertType, severity: Severity
) -> None:
    found = finding(event, NOON)
    assert found is not None
    assert (found.alert_type, found.severity) == (alert_type, severity)


@pytest.mark.parametrize(
    "event",
    [
        checked(2, 1, 1),
        checked(9, 9, 0),
        checked(3, 1, 2, status=ValidationStatus.SKIPPED),
        compared(changed=0, dropped=(), added=(), broken=0, at_risk=0),
        quarantined(by="alice"),
        person_asked(by="alice"),
        person_asked(quiet=True),
        finished(RunStatus.SUCCEEDED, None),
        finished(RunStatus.CANCELLED, "stopped by alice"),
    ],
)
def test_what_is_no_trouble_is_about_no_alert(event: Event) -> None:
    assert dedup_key(event) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (crash(1), crash(2, stack="another text of the same stack", device_id=RUN)),
        (lost(1), ready(2)),
        (lost(1), retired(1)),
        (quarantined(1), unquarantined(2)),
        (person_asked(), person_answered()),
        (checked(3, 1, 2, "id"), checked(5, 1, 4, "xpath")),
        (crossed(80), crossed(100)),
        (
            finished(RunStatus.FAILED, "phone 7f000001 gave no answer for 30 s"),
            finished(RunStatus.FAILED, "phone 7f000001 gave no answer for 45 s", run_id=SCREEN),
        ),
    ],
)
def test_the_same_cause_is_the_same_alert(one: Event, other: Event) -> None:
    assert dedup_key(one) == dedup_key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (crash(), crash(version_name="2.0")),
        (crash(), crash(stack_key="def456")),
        (crash(), crash(package="com.example.other")),
        (checked(3, 1, 2), checked(3, 1, 2, screen_id=RUN)),
        (compared(), compared(target_version_id=RUN)),
        (finished(RunStatus.FAILED, "the phone was lost"), finished(RunStatus.FAILED, "no screen could be read")),
    ],
)
def test_other_causes_are_other_alerts(one: Event, other: Event) -> None:
    assert dedup_key(one) != dedup_key(other)


def test_a_crash_names_exception_and_the_first_frame_of_the_app() -> None:
    found = finding(crash(), NOON)
    assert found is not None
    assert found.message == (
        "com.example.shop 1.0 crashed: java.lang.IllegalStateException: 购物车是空的"
        " at com.example.shop.CartActivity.pay(CartActivity.java:42)"
    )
    assert found.payload["stack"] == STACK
    assert (found.payload["device_id"], found.payload["run_id"]) == (str(crash().device_id), str(RUN))


@pytest.mark.parametrize(
    ("stack", "frame"),
    [
        ("at java.util.List.get(List.java:1)\nat java.util.List.of(List.java:2)", "java.util.List.get(List.java:1)"),
        ("E AndroidRuntime: \tat com.example.shop.A.b(Unknown Source:3)", "com.example.shop.A.b(Unknown Source:3)"),
        ("#00 pc 00012345  /system/lib/libc.so (abort+12)", "/system/lib/libc.so (abort+12)"),
        ("no frame here", None),
    ],
)
def test_the_top_frame_is_found_in_whatever_the_phone_says(stack: str, frame: str | None) -> None:
    assert top_frame(stack, PACKAGE) == frame


def test_a_message_is_one_line_within_its_limit() -> None:
    found = finding(crash(message="a\x00b" + "x" * 5000, exception="A\nB"), NOON)
    assert found is not None
    assert "\n" not in found.message
    assert "\x00" not in found.message
    assert len(found.message) == 500


def test_a_huge_comparison_stays_within_an_event() -> None:
    found = finding(compared(dropped=tuple(f"screen {n}" for n in range(5000))), NOON)
    assert found is not None
    assert found.payload["dropped_total"] == 5000
    assert len(found.payload["dropped"]) == 200


@pytest.mark.parametrize(
    ("event", "ends"),
    [(ready(), True), (checked(5, 3, 0), True), (checked(5, 4, 0), False), (checked(5, 5, 0), False), (lost(), False)],
)
def test_only_what_could_have_failed_twice_ends_a_cause(event: Any, ends: bool) -> None:
    assert (relief(event) is not None) is ends


def test_a_run_by_hand_that_fails_alerts_nobody_who_does_not_see_it_anyway() -> None:
    failed = finished(RunStatus.FAILED, "step 1 of 1 (tap text=OK): nothing matches text=OK")
    assert finding(failed, NOON) is not None
    assert finding(failed.model_copy(update={"quiet": True}), NOON) is None
