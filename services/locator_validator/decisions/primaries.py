"""When another locator becomes the one to use: on evidence only.

Healing goes wrong where it takes whatever matches: the next button, an element that nobody sees. So a locator is
promoted only when the present one failed on two occasions in a row, and the other one was verified on a phone, works
now, found the element where it was seen, and is better by a margin.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from services.locator_validator.decisions.measured import Measured, Measurement

FAILED_ACTIONS: Final = 2
MARGIN_PERCENT: Final = Decimal(5)


def promoted(measured: Measured, element_id: UUID) -> UUID | None:
    """The locator that should replace the primary of an element now, if any."""
    locators = measured.of(element_id)
    current = measured.primary(element_id)
    if current is None or current not in locators or locators[current].failed_actions < FAILED_ACTIONS:
        return None
    others = {key: found for key, found in locators.items() if key != current and _is_trusted(found)}
    if not others:
        return None
    best = max(others, key=lambda key: (others[key].success_rate, -others[key].rank, str(key)))
    better_by = others[best].success_rate - locators[current].success_rate
    return best if better_by >= MARGIN_PERCENT else None


def _is_trusted(found: Measurement) -> bool:
    return found.is_verified and found.in_place is True
