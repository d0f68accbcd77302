"""What checks of locators mean: results that a phone sent back, and taps of an exploration.

EXISTENCE, VISIBILITY and HIGHLIGHT are tried on a capture. A tap is a CLICK check of the primary locator: it was made
in the middle of the element, so together with a locator that is known to address the element it shows that clicking
through this locator works. Where the locator is not known to work, the tap says nothing about it, and is SKIPPED; a tap
that changed nothing says nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, assert_never
from uuid import UUID

from contracts.device_agent import ActionFinished, CheckResult
from contracts.event import Event
from contracts.locator_validator import LocatorChecked, PrimaryChosen
from contracts.orchestrator import StepFinished
from contracts.subjects import derived_id
from contracts.values import ActionType, Bounds, LocatorCandidate, ScreenElement, ValidationStatus, ValidationType
from services.locator_validator.decisions.measured import MEASURED, Measured, Measurement, apply
from services.locator_validator.decisions.plans import Prepare, candidate_id, element_id
from services.locator_validator.decisions.primaries import promoted
from services.runtime.reactor import Decision, Reactor, Trigger

_REACTIONS: Final = frozenset({"NEW_SCREEN", "NEW_STATE", "KNOWN_STATE", "LEFT_APP", "CRASHED"})
"""Outcomes of a step that show that the tapped element reacts."""
_ELSEWHERE: Final = 3
"""When none of the locators of this many elements finds anything, another screen was in front."""


@dataclass(frozen=True)
class Tap:
    """A trigger: a tap of an exploration, with the element that was tapped (none: it is not among those listed)."""

    step: StepFinished
    element: ScreenElement | None


def check_reactor(prepare: Prepare) -> Reactor[Measured]:
    """`prepare` makes a `Tap` of a `StepFinished`, and leaves an `ActionFinished` as it is."""
    triggers: dict[type[Any], Callable[[Any], UUID | None]] = {
        ActionFinished: checked_screen,
        StepFinished: tapped_screen,
    }
    return Reactor("locator-validator-check", MEASURED, triggers, decide_checks, prepare)


def checked_screen(action: ActionFinished) -> UUID | None:
    """The screen whose locators an action checked; None where it checked none."""
    return next((result.check.screen_id for result in action.checks), None)


def tapped_screen(step: StepFinished) -> UUID | None:
    """The screen of a tap that shows something; None for every other step."""
    is_tap = step.purpose == "EXPLORE" and step.action_type is ActionType.CLICK and step.element_hash is not None
    return step.from_screen_id if is_tap and step.outcome in _REACTIONS else None


def decide_checks(measured: Measured, trigger: Trigger[ActionFinished | Tap], _now: datetime) -> Decision:
    match trigger.what:
        case ActionFinished() as action:
            checked = _of_action(measured, action)
        case Tap() as tap:
            checked = _of_tap(measured, tap, trigger.time)
        case _:
            assert_never(trigger.what)
    after = measured
    for event in checked:
        after = apply(after, event)
    return Decision((*checked, *_promotions(after, checked)))


def _of_action(measured: Measured, action: ActionFinished) -> list[LocatorChecked]:
    results, screen_id = _read_together(action.checks), checked_screen(action)
    events: list[LocatorChecked] = []
    for result in results:
        check = result.check
        if check.element_id is None or check.screen_id is None or check.screen_id != screen_id:
            continue
        candidate = UUID(check.candidate_id)
        before = measured.locators.get(candidate, Measurement(check.element_id, check.rank))
        after = before.counted(result.status, action.action_id)
        event = LocatorChecked(
            candidate_id=candidate,
            element_id=check.element_id,
            screen_id=check.screen_id,
            run_id=action.run_id,
            action_id=action.action_id,
            validation_id=derived_id("validation", action.action_id, candidate, check.validation_type),
            strategy=check.strategy,
            locator_value=check.locator_value,
            validation_type=check.validation_type,
            status=result.status,
            attempt_at=action.completed_at,
            latency_ms=result.latency_ms,
            screenshot=result.screenshot,
            notes=result.notes,
            is_primary=measured.is_primary(check.element_id, candidate, check.rank),
            rank=check.rank,
            in_place=None if result.found is None else _overlap(result.found, check.expected),
            **_totals(after),
        )
        events.append(event)
        measured = apply(measured, event)
    return events


def _read_together(results: Sequence[CheckResult]) -> Sequence[CheckResult]:
    """Failures that say more about the screen in front than about the locators are to be tried again."""
    elements = {result.check.element_id for result in results}
    found_any = any(result.found is not None or result.status is ValidationStatus.PASSED for result in results)
    if found_any or len(elements) < _ELSEWHERE:
        return results
    why = "no locator of this screen found anything: another screen was in front"
    return [
        result.model_copy(update={"status": ValidationStatus.RETRY, "notes": why})
        if result.status is ValidationStatus.FAILED
        else result
        for result in results
    ]


def _of_tap(measured: Measured, tap: Tap, at: datetime) -> list[LocatorChecked]:
    step, element = tap.step, tap.element
    if element is None or step.from_screen_id is None or not element.locators:
        return []
    owner = element_id(step.from_screen_id, element)
    primary, rank, locator = _primary(measured, owner, element.locators)
    before = measured.locators.get(primary, Measurement(owner, rank))
    status = ValidationStatus.PASSED if before.is_verified else ValidationStatus.SKIPPED
    notes = f"tapped where the element was seen: {step.outcome}"
    if not before.is_verified:
        notes += "; the locator itself " + ("was not verified" if before.attempts == 0 else "failed the last time")
    event = LocatorChecked(
        candidate_id=primary,
        element_id=owner,
        screen_id=step.from_screen_id,
        run_id=step.run_id,
        action_id=step.action_id,
        validation_id=derived_id("validation", step.action_id, primary, ValidationType.CLICK),
        strategy=locator.strategy,
        locator_value=locator.locator_value,
        validation_type=ValidationType.CLICK,
        status=status,
        attempt_at=at,
        latency_ms=step.duration_ms,
        notes=notes,
        is_primary=True,
        rank=rank,
        **_totals(before.counted(status, step.action_id)),
    )
    return [event]


def _primary(measured: Measured, owner: UUID, listed: Sequence[LocatorCandidate]) -> tuple[UUID, int, LocatorCandidate]:
    """The chosen locator of an element, else the first of those listed: its id, rank and value."""
    known = [(candidate_id(owner, locator), rank, locator) for rank, locator in enumerate(listed)]
    return next((found for found in known if found[0] == measured.chosen.get(owner)), known[0])


def _promotions(measured: Measured, checked: Sequence[LocatorChecked]) -> list[Event]:
    first = {event.element_id: event for event in reversed(checked)}
    chosen: list[Event] = []
    for owner, event in sorted(first.items(), key=lambda item: item[0]):
        better = promoted(measured, owner)
        if better is not None:
            chosen.append(
                PrimaryChosen(
                    element_id=owner,
                    screen_id=event.screen_id,
                    run_id=event.run_id,
                    candidate_id=better,
                    previous_candidate_id=measured.primary(owner),
                )
            )
    return chosen


def _totals(after: Measurement) -> dict[str, Any]:
    return {
        "attempts": after.attempts,
        "passes": after.passes,
        "consecutive_failures": after.consecutive_failures,
        "success_rate": str(after.success_rate),
    }


def _overlap(one: Bounds, other: Bounds) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > 0 and down > 0
