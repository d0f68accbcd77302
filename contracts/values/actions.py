"""What can be done on a phone."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.sealed import Sealed
from contracts.values.apps import Bounds, ObjectRef, Point
from contracts.values.enumerations import ActionType, Strategy, ValidationType
from contracts.values.value import Value


class Click(Value):
    type: Literal[ActionType.CLICK] = ActionType.CLICK
    point: Point
    press: Literal["TAP", "LONG", "DOUBLE"] = "TAP"


class Input(Value):
    """Types into the field at `point`: focus it, clear it, type, and read it back."""

    type: Literal[ActionType.INPUT] = ActionType.INPUT
    point: Point
    text: Sealed[str]
    submit: bool = False


class Scroll(Value):
    """One drag of the finger from `start` to `end`."""

    type: Literal[ActionType.SCROLL] = ActionType.SCROLL
    start: Point
    end: Point
    duration_ms: int = 300


class Navigate(Value):
    """Moves between screens without touching one. `package` is for LAUNCH, STOP and DEEP_LINK, `uri` for DEEP_LINK.

    LAUNCH wakes the phone and puts a lock screen without a PIN aside. END_CALL declines or ends the call in front:
    without one the key may send the phone to sleep.

    `restart`: a LAUNCH ends the app first, so that it begins at its first screen.
    """

    type: Literal[ActionType.NAVIGATE] = ActionType.NAVIGATE
    to: Literal["BACK", "HOME", "LAUNCH", "STOP", "DEEP_LINK", "END_CALL"]
    package: str | None = None
    activity: str | None = None
    uri: str | None = None
    restart: bool = False


class LocatorCheck(Value):
    """One locator to try on the screen in front. `expected` is where the element was seen, `template` its picture."""

    candidate_id: str
    element_id: UUID | None = None
    screen_id: UUID | None = None
    rank: int = 0
    """Place among the locators of its element; 0 is the first choice."""
    strategy: Strategy
    locator_value: str
    validation_type: ValidationType
    expected: Bounds
    template: ObjectRef | None = None


class Observe(Value):
    """Looks without touching: a capture only, with locators tried on what is seen.

    `patience_s`: for so long it looks again while the screen is still the one that was seen last.
    """

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["OBSERVE"] = "OBSERVE"
    checks: tuple[LocatorCheck, ...] = ()
    patience_s: float = Field(default=0.0, ge=0)


Action = Annotated[Click | Input | Scroll | Navigate | Observe, Field(discriminator="type")]
