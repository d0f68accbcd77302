"""Which locators of a screen a run checks: that the best ones exist, then that they can be seen, then the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.event import Event
from contracts.locator_validator import ValidationPlanned
from contracts.orchestrator import PlanPending
from contracts.subjects import derived_id
from contracts.values import LocatorCandidate, LocatorCheck, ScreenElement, Strategy, ValidationType, Visibility
from services.runtime.aggregate import Aggregate
from services.runtime.log import Recorded
from services.runtime.reactor import NOTHING, Decision, Reactor, Trigger

MAX_ELEMENTS: Final = 60
MAX_CHECKS: Final = 150
MAX_HIGHLIGHTS: Final = 5
MAX_LOCATORS: Final = 3
"""Of one element."""
MAX_BYTES: Final = 80_000
"""Of all checks together: the action that asks for them and the one that answers must fit into an event each."""


@dataclass(frozen=True)
class Planning:
    """A trigger: a screen that a run waits to have checked, with its elements as they were listed."""

    pending: PlanPending
    elements: tuple[ScreenElement, ...]


Prepare = Callable[[Trigger[Any]], Awaitable[Trigger[Any]]]

PLAN = Aggregate[bool]("plan", "locator_validator", bool, lambda s, r: evolve(s, r))
"""Its state: whether it is planned."""


def plan_reactor(prepare: Prepare) -> Reactor[bool]:
    """`prepare` makes a `Planning` of a `PlanPending`."""
    return Reactor("locator-validator-plan", PLAN, {PlanPending: lambda e: e.plan_id}, decide_plan, prepare)


def evolve(planned: bool, recorded: Recorded[Event]) -> bool:
    return planned or isinstance(recorded.event, ValidationPlanned)


def decide_plan(planned: bool, trigger: Trigger[Planning], _now: datetime) -> Decision:
    if planned:
        return NOTHING
    pending = trigger.what.pending
    checks = tuple(_bounded(_checks(pending.screen_id, _worth_checking(trigger.what.elements))))
    plan = ValidationPlanned(plan_id=pending.plan_id, run_id=pending.run_id, screen_id=pending.screen_id, checks=checks)
    return Decision((plan,))


def element_id(screen_id: UUID, element: ScreenElement) -> UUID:
    return derived_id("element", screen_id, element.element_hash, element.version)


def candidate_id(element: UUID, locator: LocatorCandidate) -> UUID:
    return derived_id("locator", element, locator.strategy, locator.locator_value)


def _worth_checking(elements: Sequence[ScreenElement]) -> list[ScreenElement]:
    """Elements that have a locator: those one can act on first, what is hidden last."""
    found = [element for element in elements if _locators(element)]
    found.sort(key=lambda element: (not _is_seen(element), not element.interactable))
    return found[:MAX_ELEMENTS]


def _is_seen(element: ScreenElement) -> bool:
    return element.visibility is Visibility.VISIBLE


def _locators(element: ScreenElement) -> list[tuple[int, LocatorCandidate]]:
    """The best locators that can be tried, with their rank. A picture that was not kept cannot be looked for."""
    usable = [
        (rank, locator)
        for rank, locator in enumerate(element.locators)
        if locator.strategy is not Strategy.IMAGE_TEMPLATE or locator.template is not None
    ]
    return usable[:MAX_LOCATORS]


def _checks(screen_id: UUID, elements: Sequence[ScreenElement]) -> Iterator[LocatorCheck]:
    """All checks, the most telling ones first, each once."""
    seen = [element for element in elements if _is_seen(element)]
    acted_on = [element for element in seen if element.interactable]
    rounds: tuple[tuple[Sequence[ScreenElement], int, ValidationType], ...] = (
        (elements, 0, ValidationType.EXISTENCE),
        (seen, 0, ValidationType.VISIBILITY),
        (acted_on[:MAX_HIGHLIGHTS], 0, ValidationType.HIGHLIGHT),
        *((elements, place, ValidationType.EXISTENCE) for place in range(1, MAX_LOCATORS)),
    )
    done: set[tuple[UUID, ValidationType]] = set()
    for of, place, kind in rounds:
        for element in of:
            check = _check(screen_id, element, place, kind)
            if check is not None and (UUID(check.candidate_id), kind) not in done:
                done.add((UUID(check.candidate_id), kind))
                yield check


def _check(screen_id: UUID, element: ScreenElement, place: int, kind: ValidationType) -> LocatorCheck | None:
    locators = _locators(element)
    if place >= len(locators):
        return None
    rank, locator = locators[place]
    owner = element_id(screen_id, element)
    return LocatorCheck(
        candidate_id=str(candidate_id(owner, locator)),
        element_id=owner,
        screen_id=screen_id,
        rank=rank,
        strategy=locator.strategy,
        locator_value=locator.locator_value,
        validation_type=kind,
        expected=element.bounds,
        template=locator.template,
    )


def _bounded(checks: Iterable[LocatorCheck]) -> Iterator[LocatorCheck]:
    size = 0
    for number, check in enumerate(checks):
        size += len(check.model_dump_json().encode())
        if number >= MAX_CHECKS or size > MAX_BYTES:
            return
        yield check
