"""What was measured of the locators of one screen, and which of them is to be used for each element.

One aggregate a screen: an action checks many locators of one screen, so what it says is one decision, and the choice of
a primary locator sees all locators of its element as they are at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from contracts.event import Event
from contracts.locator_validator import LocatorChecked, PrimaryChosen, Receipt, Snapshot
from contracts.values import ValidationStatus
from services.runtime.aggregate import Aggregate, LongLived
from services.runtime.log import Recorded

_SNAPSHOT_EVERY: Final = 400
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class Measurement:
    """What checks said of one locator. `failed_actions` counts actions in a row in which it failed, the last of them
    `last_failed`; `in_place` tells whether what it found last lies where the element was seen."""

    element_id: UUID
    rank: int
    attempts: int = 0
    passes: int = 0
    consecutive_failures: int = 0
    failed_actions: int = 0
    last_failed: UUID | None = None
    in_place: bool | None = None

    @property
    def success_rate(self) -> Decimal:
        """Percent with two decimals; 0 before the first attempt."""
        if self.attempts == 0:
            return Decimal("0.00")
        return (Decimal(100 * self.passes) / self.attempts).quantize(_CENT, ROUND_HALF_UP)

    @property
    def is_verified(self) -> bool:
        """Whether it was tried and worked the last time."""
        return self.passes > 0 and self.consecutive_failures == 0

    def counted(self, status: ValidationStatus, action_id: UUID | None) -> Measurement:
        """After one more check. RETRY and SKIPPED teach nothing."""
        match status:
            case ValidationStatus.PASSED:
                return replace(
                    self,
                    attempts=self.attempts + 1,
                    passes=self.passes + 1,
                    consecutive_failures=0,
                    failed_actions=0,
                    last_failed=None,
                )
            case ValidationStatus.FAILED:
                is_new = action_id is None or action_id != self.last_failed
                return replace(
                    self,
                    attempts=self.attempts + 1,
                    consecutive_failures=self.consecutive_failures + 1,
                    failed_actions=self.failed_actions + int(is_new),
                    last_failed=action_id,
                )
            case ValidationStatus.RETRY | ValidationStatus.SKIPPED:
                return self


@dataclass(frozen=True)
class Measured:
    """Locators of a screen by candidate id, and the chosen primary of each element that has another than listed."""

    locators: Mapping[UUID, Measurement] = field(default_factory=dict)
    chosen: Mapping[UUID, UUID] = field(default_factory=dict)

    def of(self, element_id: UUID) -> dict[UUID, Measurement]:
        return {key: found for key, found in self.locators.items() if found.element_id == element_id}

    def primary(self, element_id: UUID) -> UUID | None:
        """The locator to use: the chosen one, else the first of those listed, if it was measured."""
        if element_id in self.chosen:
            return self.chosen[element_id]
        return next((key for key, found in self.of(element_id).items() if found.rank == 0), None)

    def is_primary(self, element_id: UUID, candidate_id: UUID, rank: int) -> bool:
        return self.chosen.get(element_id) == candidate_id if element_id in self.chosen else rank == 0


class _Codec:
    _adapter = TypeAdapter(Measured)

    def dump(self, state: Measured) -> str:
        return self._adapter.dump_json(state).decode()

    def load(self, text: str) -> Measured:
        return self._adapter.validate_json(text)


def evolve(measured: Measured, recorded: Recorded[Event]) -> Measured:
    return apply(measured, recorded.event)


def apply(measured: Measured, event: Event) -> Measured:
    match event:
        case LocatorChecked():
            before = measured.locators.get(event.candidate_id, Measurement(event.element_id, event.rank))
            after = before.counted(event.status, event.action_id)
            if event.in_place is not None:
                after = replace(after, in_place=event.in_place)
            return replace(measured, locators={**measured.locators, event.candidate_id: after})
        case PrimaryChosen():
            return replace(measured, chosen={**measured.chosen, event.element_id: event.candidate_id})
        case _:
            return measured


MEASURED = Aggregate[Measured](
    "measured", "locator_validator", Measured, evolve, LongLived(_Codec(), Snapshot, Receipt, _SNAPSHOT_EVERY)
)
