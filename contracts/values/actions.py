"""What can be done on a phone."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.sealed import Sealed
from contracts.values.apps import AppInstall, Bounds, ObjectRef, Point
from contracts.values.enumerations import ActionType, Strategy, ValidationType
from contracts.values.references import SecretRef
from contracts.values.sightings import Guard
from contracts.values.targets import Place, Target
from contracts.values.value import Value

PATIENCE_LIMIT_S = 5.0
"""How long one action looks for its target at most. Who wants to wait longer asks again, so that a run can be stopped
and paused in between."""
Key = Literal["BACK", "HOME", "ENTER", "DELETE", "TAB", "SEARCH", "MENU", "RECENTS", "POWER", "WAKE", "ESCAPE",
              "VOLUME_UP", "VOLUME_DOWN", "UP", "DOWN", "LEFT", "RIGHT"]  # fmt: skip
Direction = Literal["UP", "DOWN", "LEFT", "RIGHT"]


class Click(Value):
    type: Literal[ActionType.CLICK] = ActionType.CLICK
    point: Point
    press: Literal["TAP", "LONG", "DOUBLE"] = "TAP"


class Input(Value):
    """Types into the field at `point`: focus it, clear it, type, and read it back.

    With `secret_ref`, what is typed is read there by whoever drives the phone, when it types; `text` is then empty.
    """

    type: Literal[ActionType.INPUT] = ActionType.INPUT
    point: Point
    text: Sealed[str]
    secret_ref: SecretRef | None = None
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


class Touch(Value):
    """Touches what a locator addresses. It is looked for on the phone right before, for `wait_s` at most.

    `guard`, here and in other actions: has to hold, or nothing is done. Where `target` addresses nothing, or not what
    the guard's element is, the other targets of that element are tried.
    """

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["TOUCH"] = "TOUCH"
    target: Target
    press: Literal["TAP", "LONG", "DOUBLE"] = "TAP"
    wait_s: float = Field(default=5.0, ge=0, le=PATIENCE_LIMIT_S)
    guard: Guard | None = None


class TypeInto(Value):
    """Types into the field that a locator addresses; without one, into the field that has the focus. Else like `Input`.

    Of `text` and `secret_ref` one is there.
    """

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["TYPE_INTO"] = "TYPE_INTO"
    target: Target | None = None
    text: Sealed[str] | None = None
    secret_ref: SecretRef | None = None
    submit: bool = False
    wait_s: float = Field(default=5.0, ge=0, le=PATIENCE_LIMIT_S)
    guard: Guard | None = None


class Swipe(Value):
    """One drag of the finger: in a direction, across the screen or the element `within`; or from a place to another.

    `until`: where this is seen already, nothing is done; after the drag it is looked for again.
    """

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["SWIPE"] = "SWIPE"
    direction: Direction | None = None
    within: Target | None = None
    start: Place | None = None
    end: Place | None = None
    duration_ms: int = Field(default=300, ge=1, le=10_000)
    until: Target | None = None
    wait_s: float = Field(default=5.0, ge=0, le=PATIENCE_LIMIT_S)
    guard: Guard | None = None


class PressKey(Value):
    """Presses a key of the phone."""

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["PRESS_KEY"] = "PRESS_KEY"
    key: Key
    guard: Guard | None = None
    wait_s: float = Field(default=0.0, ge=0, le=PATIENCE_LIMIT_S)
    """How long the guard's screen is waited for."""


class Await(Value):
    """Looks, for `wait_s` at most, until everything that is asked for holds: `visible` is seen, `gone` is not, the app
    `package` is in front, the screen is at rest. `strict`: where it does not, the action has failed.
    """

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["AWAIT"] = "AWAIT"
    visible: Target | None = None
    gone: Target | None = None
    package: str | None = None
    stable: bool = False
    wait_s: float = Field(default=0.0, ge=0, le=PATIENCE_LIMIT_S)
    strict: bool = True


class StartApp(Value):
    """Brings an app to the front by what people call it: its label in any language that the phone has, or its package.

    The phone is asked which of its apps that is. None, or several that fit equally well: NOT_FOUND, with those that
    come nearest. Like a LAUNCH otherwise.
    """

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["START_APP"] = "START_APP"
    app: str = Field(min_length=1, max_length=200)


Addressed = Touch | TypeInto | Swipe
"""Actions whose place is found on the phone, right before."""


class Install(Value):
    """Installs an app, unless these very files are installed already; what it stored is cleared where that is asked."""

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["INSTALL"] = "INSTALL"
    app: AppInstall


class Uninstall(Value):
    """Removes an app with what it stored."""

    type: Literal[ActionType.CUSTOM] = ActionType.CUSTOM
    name: Literal["UNINSTALL"] = "UNINSTALL"
    package: str


Custom = Annotated[
    Observe | Touch | TypeInto | Swipe | PressKey | Await | StartApp | Install | Uninstall, Field(discriminator="name")
]
"""Actions that are no gesture, told apart by their name."""

Action = Annotated[Click | Input | Scroll | Navigate | Custom, Field(discriminator="type")]
