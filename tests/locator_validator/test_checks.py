"""What results of checks and taps mean: given what was measured, when a phone reports, then what is appended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from contracts.device_agent import ActionFinished
from contracts.event import Event
from contracts.locator_validator import LocatorChecked, PrimaryChosen
from contracts.orchestrator import StepFinished
from contracts.subjects import derived_id
from contracts.values import ActionType, Bounds, ScreenElement, ValidationStatus, ValidationType
from services.locator_validator.decisions.checks import Tap, checked_screen, decide_checks, tapped_screen
from services.locator_validator.decisions.measured import MEASURED, Measured, apply
from services.runtime.reactor import Trigger
from tests.locator_validator.world import (
    FAILED,
    NOW,
    PASSED,
    PICTURE,
    SCREEN,
    action,
    candidate,
    element,
    result,
    step,
)

ELSEWHERE = Bounds(x=500, y=900, width=10, height=10)


class Screen:
    """What is measured of a screen, from event to event; each state went through a snapshot's text and back."""

    def __init__(self) -> None:
        self.measured = Measured()

    def when(self, what: ActionFinished | StepFinished, tapped: ScreenElement | None = None) -> list[Event]:
        trigger: Trigger[Any] = Trigger(
            derived_id("trigger", what.action_id), Tap(what, tapped) if isinstance(what, StepFinished) else what, NOW
        )
        events = list(decide_checks(self.measured, trigger, NOW).events)
        for event in events:
            self.measured = apply(self.measured, event)
        assert MEASURED.long_lived is not None
        codec = MEASURED.long_lived.codec
        self.measured = codec.load(codec.dump(self.measured))
        return events

    def checked(self, what: ActionFinished | StepFinished, tapped: ScreenElement | None = None) -> list[LocatorChecked]:
        return [event for event in self.when(what, tapped) if isinstance(event, LocatorChecked)]

    def chosen(self, what: ActionFinished) -> list[PrimaryChosen]:
        return [event for event in self.when(what) if isinstance(event, PrimaryChosen)]


def test_each_result_is_counted_for_its_locator() -> None:
    screen = Screen()
    events = screen.checked(
        action(
            1,
            result("ok", PASSED),
            result("ok", PASSED, kind=ValidationType.VISIBILITY),
            result("ok", FAILED, rank=1, notes="no element matches"),
            result("other", PASSED, kind=ValidationType.HIGHLIGHT, screenshot=PICTURE),
        )
    )
    assert [(e.candidate_id, e.attempts, e.passes, e.consecutive_failures, e.success_rate) for e in events] == [
        (candidate("ok"), 1, 1, 0, "100.00"),
        (candidate("ok"), 2, 2, 0, "100.00"),
        (candidate("ok", 1), 1, 0, 1, "0.00"),
        (candidate("other"), 1, 1, 0, "100.00"),
    ]
    assert [e.is_primary for e in events] == [True, True, False, True]
    assert [e.in_place for e in events] == [True, True, None, True]
    assert (events[2].notes, events[3].screenshot) == ("no element matches", PICTURE)
    assert {e.key for e in events} == {SCREEN}
    assert len({e.validation_id for e in events}) == 4


def test_totals_go_on_from_run_to_run() -> None:
    screen = Screen()
    for number, status in enumerate((PASSED, FAILED, PASSED), 1):
        screen.when(action(number, result("ok", status)))
    (event,) = screen.checked(action(4, result("ok", FAILED)))
    assert (event.attempts, event.passes, event.consecutive_failures, event.success_rate) == (4, 2, 1, "50.00")
    (event,) = screen.checked(action(5, result("ok", FAILED)))
    assert (event.consecutive_failures, event.success_rate) == (2, "40.00")


@pytest.mark.parametrize("status", [ValidationStatus.RETRY, ValidationStatus.SKIPPED])
def test_what_could_not_be_tried_teaches_nothing(status: ValidationStatus) -> None:
    screen = Screen()
    screen.when(action(1, result("ok", FAILED)))
    (event,) = screen.checked(action(2, result("ok", status)))
    assert (event.status, event.attempts, event.consecutive_failures) == (status, 1, 1)


def test_when_nothing_at_all_is_found_another_screen_was_in_front() -> None:
    screen = Screen()
    events = screen.checked(action(1, *(result(name, FAILED) for name in ("a", "b", "c"))))
    assert {e.status for e in events} == {ValidationStatus.RETRY}
    assert {e.attempts for e in events} == {0}
    two = screen.checked(action(2, result("a", FAILED), result("b", FAILED)))
    assert {e.status for e in two} == {FAILED}
    invisible = result("b", FAILED, kind=ValidationType.VISIBILITY, found=element("b").bounds)
    some = screen.checked(action(3, result("a", FAILED), invisible, result("c", FAILED)))
    assert {e.status for e in some} == {FAILED}


def test_actions_and_steps_that_show_nothing_of_locators_are_left_alone() -> None:
    assert checked_screen(action(1)) is None
    assert checked_screen(action(1, result("ok", PASSED))) == SCREEN
    assert tapped_screen(step(1)) == SCREEN
    for other in (
        step(1, outcome="NOTHING"),
        step(1, outcome="FAILED"),
        step(1, outcome="UNSEEN"),
        step(1, None),
        step(1, from_screen_id=None),
        step(1, purpose="RECOVER"),
        step(1, action_type=ActionType.SCROLL),
    ):
        assert tapped_screen(other) is None


def test_a_tap_that_changed_something_passes_for_a_verified_primary() -> None:
    screen = Screen()
    screen.when(action(1, result("ok", PASSED)))
    (event,) = screen.checked(step(2), element("ok"))
    assert (event.validation_type, event.status, event.candidate_id) == (
        ValidationType.CLICK,
        PASSED,
        candidate("ok"),
    )
    assert (event.attempts, event.passes, event.latency_ms, event.attempt_at) == (2, 2, 120, NOW)
    assert event.is_primary


def test_a_tap_says_nothing_of_a_locator_that_was_not_verified() -> None:
    (event,) = Screen().checked(step(1), element("ok"))
    assert (event.status, event.attempts) == (ValidationStatus.SKIPPED, 0)
    assert event.notes is not None
    assert "not verified" in event.notes


def test_a_tap_does_not_hide_that_the_locator_fails() -> None:
    screen = Screen()
    screen.when(action(1, result("ok", PASSED)))
    screen.when(action(2, result("ok", FAILED)))
    (event,) = screen.checked(step(3), element("ok"))
    assert (event.status, event.attempts, event.consecutive_failures) == (ValidationStatus.SKIPPED, 2, 1)


def test_a_tap_on_an_element_that_is_not_listed_is_no_check() -> None:
    assert Screen().when(step(1), None) == []
    assert Screen().when(step(1), element("ok", locators=0)) == []


def fails_twice(screen: Screen, *others: Any) -> list[PrimaryChosen]:
    chosen = screen.chosen(action(1, result("ok", FAILED), *others))
    assert chosen == []
    return screen.chosen(action(2, result("ok", FAILED), *others))


def test_a_primary_that_fails_twice_is_replaced_by_the_best_verified_one() -> None:
    screen = Screen()
    (chosen,) = fails_twice(screen, result("ok", PASSED, rank=1), result("ok", PASSED, rank=2))
    assert (chosen.candidate_id, chosen.previous_candidate_id) == (candidate("ok", 1), candidate("ok"))
    assert chosen.key == SCREEN
    events = screen.checked(action(3, result("ok", FAILED), result("ok", PASSED, rank=1)))
    assert [e.is_primary for e in events] == [False, True]


def test_a_promotion_is_told_once() -> None:
    screen = Screen()
    fails_twice(screen, result("ok", PASSED, rank=1))
    assert screen.chosen(action(3, result("ok", FAILED), result("ok", PASSED, rank=1))) == []


def test_two_failures_on_one_occasion_are_one() -> None:
    screen = Screen()
    twice = (result("ok", FAILED), result("ok", FAILED, kind=ValidationType.VISIBILITY), result("ok", PASSED, rank=1))
    assert screen.chosen(action(1, *twice)) == []
    assert len(screen.chosen(action(2, *twice))) == 1


def test_a_success_in_between_keeps_the_primary() -> None:
    screen = Screen()
    for number, status in enumerate((FAILED, PASSED, FAILED), 1):
        assert screen.chosen(action(number, result("ok", status), result("ok", PASSED, rank=1))) == []


@pytest.mark.parametrize(
    "others",
    [
        (),
        (result("ok", FAILED, rank=1),),
        (result("ok", ValidationStatus.SKIPPED, rank=1),),
        (result("ok", PASSED, rank=1, found=ELSEWHERE),),
        (result("ok", PASSED, rank=1), result("ok", FAILED, rank=1, kind=ValidationType.VISIBILITY)),
        (result("other", PASSED, rank=1),),
    ],
    ids=["none", "failed", "never tried", "found elsewhere", "not visible", "of another element"],
)
def test_nothing_is_promoted_without_evidence(others: tuple[Any, ...]) -> None:
    assert fails_twice(Screen(), *others) == []


def test_a_locator_that_is_hardly_better_is_not_promoted() -> None:
    screen = Screen()
    for number in range(10, 110):
        screen.when(action(number, result("ok", PASSED), result("ok", PASSED, rank=1)))
    assert fails_twice(screen, result("ok", PASSED, rank=1)) == []
    later = [screen.chosen(action(n, result("ok", FAILED), result("ok", PASSED, rank=1))) for n in range(200, 206)]
    assert [len(chosen) for chosen in later] == [0, 0, 0, 1, 0, 0]


def test_a_tap_counts_for_the_chosen_primary() -> None:
    screen = Screen()
    fails_twice(screen, result("ok", PASSED, rank=1))
    (event,) = screen.checked(step(3), element("ok"))
    assert (event.candidate_id, event.status, event.rank) == (candidate("ok", 1), PASSED, 1)


def test_results_of_another_screen_in_one_action_are_not_mixed_in() -> None:
    other: UUID = derived_id("screen", "other")
    events = Screen().checked(action(1, result("ok", PASSED), result("ok", PASSED, screen_id=other)))
    assert [e.screen_id for e in events] == [SCREEN]
