"""Which locators a run checks on a screen."""

from __future__ import annotations

from collections import Counter

from contracts.locator_validator import ValidationPlanned
from contracts.subjects import derived_id
from contracts.values import LocatorCandidate, LocatorCheck, ScreenElement, Strategy, ValidationType, Visibility
from services.locator_validator.decisions.plans import (
    MAX_BYTES,
    MAX_CHECKS,
    MAX_ELEMENTS,
    MAX_HIGHLIGHTS,
    Planning,
    decide_plan,
)
from services.runtime.reactor import NOTHING, Trigger
from tests.locator_validator.world import NOW, PICTURE, SCREEN, candidate, element, plan_pending


def plan(*elements: ScreenElement, planned: bool = False) -> tuple[LocatorCheck, ...]:
    trigger = Trigger(derived_id("trigger", 1), Planning(plan_pending(), elements), NOW)
    (event,) = decide_plan(planned, trigger, NOW).events
    assert isinstance(event, ValidationPlanned)
    assert (event.plan_id, event.screen_id) == (plan_pending().plan_id, SCREEN)
    return event.checks


def kinds(checks: tuple[LocatorCheck, ...]) -> dict[str, int]:
    return Counter(check.validation_type.value for check in checks)


def test_an_element_has_three_locators_checked_and_its_first_one_seen_and_shown() -> None:
    checks = plan(element("ok", locators=4))
    assert [(c.rank, c.validation_type.value) for c in checks] == [
        (0, "EXISTENCE"),
        (0, "VISIBILITY"),
        (0, "HIGHLIGHT"),
        (1, "EXISTENCE"),
        (2, "EXISTENCE"),
    ]
    assert [c.candidate_id for c in checks[:1]] == [str(candidate("ok"))]
    assert {c.screen_id for c in checks} == {SCREEN}
    assert checks[0].expected == element("ok").bounds


def test_a_screen_is_planned_once() -> None:
    trigger = Trigger(derived_id("trigger", 1), Planning(plan_pending(), (element("ok"),)), NOW)
    assert decide_plan(True, trigger, NOW) == NOTHING


def test_a_screen_without_locators_has_an_empty_plan() -> None:
    assert plan() == ()
    assert plan(element("bare", locators=0)) == ()


def test_what_one_can_act_on_comes_first_and_what_is_hidden_last() -> None:
    checks = plan(
        element("hidden", locators=1, visibility=Visibility.HIDDEN),
        element("title", locators=1, interactable=False),
        element("ok", locators=1),
    )
    existing = [c.locator_value for c in checks if c.validation_type is ValidationType.EXISTENCE]
    assert existing == ["ok-ID", "title-ID", "hidden-ID"]
    visible = [c.locator_value for c in checks if c.validation_type is ValidationType.VISIBILITY]
    assert visible == ["ok-ID", "title-ID"]
    assert [c.locator_value for c in checks if c.validation_type is ValidationType.HIGHLIGHT] == ["ok-ID"]


def test_a_long_screen_is_bounded_and_every_first_locator_comes_before_second_ones() -> None:
    checks = plan(*(element(f"e{n}", locators=4) for n in range(100)))
    assert len(checks) == MAX_CHECKS
    assert len({c.element_id for c in checks}) == MAX_ELEMENTS
    assert [c.rank for c in checks[:MAX_ELEMENTS]] == [0] * MAX_ELEMENTS
    assert kinds(checks)["HIGHLIGHT"] == MAX_HIGHLIGHTS
    assert kinds(checks)["VISIBILITY"] == MAX_ELEMENTS


def test_long_locators_are_bounded_by_their_size() -> None:
    long = tuple(
        element(f"e{n}", locators=1).model_copy(
            update={
                "locators": (
                    LocatorCandidate(strategy=Strategy.XPATH, locator_value=f"//{n}" + "中" * 1000, score="0.5"),
                )
            }
        )
        for n in range(60)
    )
    checks = plan(*long)
    assert 10 < len(checks) < 60
    assert sum(len(check.model_dump_json().encode()) for check in checks) <= MAX_BYTES


def test_a_picture_that_was_not_kept_is_not_looked_for() -> None:
    by_picture = LocatorCandidate(strategy=Strategy.IMAGE_TEMPLATE, locator_value="p", score="0.3")
    kept = by_picture.model_copy(update={"template": PICTURE, "locator_value": "kept"})
    (check, *_) = plan(element("icon").model_copy(update={"locators": (by_picture, kept)}))
    assert (check.locator_value, check.rank, check.template) == ("kept", 1, PICTURE)


def test_a_locator_that_is_listed_twice_is_checked_once() -> None:
    twice = element("ok", locators=1)
    checks = plan(twice.model_copy(update={"locators": twice.locators * 2}))
    assert len(checks) == len({(c.candidate_id, c.validation_type) for c in checks})
