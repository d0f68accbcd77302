"""Values that appear in more than one event.

Enumerations carry the names that the database designs use, so that a row and an event never need a translation table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.sealed import Sealed


class Value(BaseModel):
    """Immutable part of an event. Writers forbid fields that the class does not have; readers ignore them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- enumerations of the database designs -----------------------------------------------------------------------------


class DeviceType(StrEnum):
    REAL = "REAL"
    EMULATOR = "EMULATOR"


class DeviceStatus(StrEnum):
    AVAILABLE = "AVAILABLE"
    BUSY = "BUSY"
    OFFLINE = "OFFLINE"
    DECOMMISSIONED = "DECOMMISSIONED"


class CoverageProfile(StrEnum):
    FULL = "FULL"
    SMOKE = "SMOKE"
    CUSTOM = "CUSTOM"


class TaskStatus(StrEnum):
    DRAFT = "DRAFT"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RunEventType(StrEnum):
    STATE_CHANGE = "STATE_CHANGE"
    ERROR = "ERROR"
    RECOVERY = "RECOVERY"
    NOTICE = "NOTICE"


class ActionType(StrEnum):
    CLICK = "CLICK"
    INPUT = "INPUT"
    SCROLL = "SCROLL"
    NAVIGATE = "NAVIGATE"
    CUSTOM = "CUSTOM"


class ActionStatus(StrEnum):
    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Orientation(StrEnum):
    PORTRAIT = "PORTRAIT"
    LANDSCAPE = "LANDSCAPE"


class Visibility(StrEnum):
    VISIBLE = "VISIBLE"
    HIDDEN = "HIDDEN"
    GONE = "GONE"


class Strategy(StrEnum):
    """How a locator addresses an element. CUSTOM is an Android UiSelector expression."""

    ID = "ID"
    TEXT = "TEXT"
    ACCESSIBILITY_ID = "ACCESSIBILITY_ID"
    XPATH = "XPATH"
    IMAGE_TEMPLATE = "IMAGE_TEMPLATE"
    CUSTOM = "CUSTOM"


class LocatorSource(StrEnum):
    DOM = "DOM"
    VISION = "VISION"
    HISTORICAL = "HISTORICAL"
    MANUAL = "MANUAL"


class ValidationType(StrEnum):
    CLICK = "CLICK"
    HIGHLIGHT = "HIGHLIGHT"
    VISIBILITY = "VISIBILITY"
    EXISTENCE = "EXISTENCE"


class ValidationStatus(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    RETRY = "RETRY"
    SKIPPED = "SKIPPED"


class AlertType(StrEnum):
    LOCATOR_FAILURE = "LOCATOR_FAILURE"
    SCREEN_DIFF = "SCREEN_DIFF"
    DEVICE_OFFLINE = "DEVICE_OFFLINE"
    TOKEN_BUDGET = "TOKEN_BUDGET"  # noqa: S105 - the name of a kind of alert
    SYSTEM = "SYSTEM"


class Severity(StrEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class AlertStatus(StrEnum):
    OPEN = "OPEN"
    ACKED = "ACKED"
    RESOLVED = "RESOLVED"
    SUPPRESSED = "SUPPRESSED"


class Channel(StrEnum):
    FEISHU = "FEISHU"
    WECHAT = "WECHAT"
    EMAIL = "EMAIL"
    PHONE = "PHONE"


class SendStatus(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"


class ConfigType(StrEnum):
    LLM = "LLM"
    MIDSCENE = "MIDSCENE"
    STORAGE = "STORAGE"
    ALERT_CHANNEL = "ALERT_CHANNEL"


# --- places, bytes, apps ----------------------------------------------------------------------------------------------


class Point(Value):
    """A point in pixels of the screen as it is turned now, origin at the top left."""

    x: int
    y: int


class Bounds(Value):
    """A rectangle in pixels of the screen as it is turned now. Shape of `elements.bounds` in the database design."""

    x: int
    y: int
    width: int
    height: int

    @property
    def centre(self) -> Point:
        return Point(x=self.x + self.width // 2, y=self.y + self.height // 2)

    @property
    def area(self) -> int:
        return max(self.width, 0) * max(self.height, 0)


class ObjectRef(Value):
    """Bytes in the object store. The key is made of the SHA-256, so equal bytes are stored once."""

    key: str
    sha256: str
    size_bytes: int


class AppVersion(Value):
    """An installed app as a phone reports it. A version is package + version name; the code is a detail of it."""

    package: str
    version_name: str
    version_code: int | None = None
    label: str | None = None


class ResolvedApp(Value):
    """Which app in which version a task is about. Ids are derived from package and version name."""

    app_id: UUID
    app_version_id: UUID
    package: str
    name: str
    version_name: str
    version_code: int | None = None


class Foreground(Value):
    """What the phone says is in front. A hint, never an identity: it races with the picture."""

    package: str | None
    activity: str | None


# --- what can be done on a phone --------------------------------------------------------------------------------------


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

    `restart`: a LAUNCH ends the app first, so that it begins at its first screen.
    """

    type: Literal[ActionType.NAVIGATE] = ActionType.NAVIGATE
    to: Literal["BACK", "HOME", "LAUNCH", "STOP", "DEEP_LINK"]
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


# --- what is on a screen ----------------------------------------------------------------------------------------------


class Gesture(Value):
    """Something that can be tried in one state. `gesture_id` is stable for the same gesture in the same state.

    `label` is what a person would call the target. `weight` orders exploration: more is tried earlier. `group` is
    shared by gestures on the same part of the rows of a list, and none outside of lists. `guess`: nothing on the screen
    says that it takes this gesture, or any other.
    """

    gesture_id: str
    action_type: ActionType
    element_hash: str | None = None
    label: str = ""
    resource_id: str | None = None
    group: str | None = None
    bounds: Bounds | None = None
    press: Literal["TAP", "LONG"] = "TAP"
    direction: Literal["UP", "DOWN", "LEFT", "RIGHT"] | None = None
    input_kind: Literal["TEXT", "NUMBER", "PHONE", "EMAIL", "PASSWORD", "SEARCH", "DATE", "URL"] | None = None
    weight: int = 0
    guess: bool = False


class LocatorCandidate(Value):
    """One way to address an element, ranked. `score` is 0..1 with three decimals, written as text to stay exact."""

    strategy: Strategy
    locator_value: str
    score: str
    source: LocatorSource = LocatorSource.DOM
    is_primary: bool = False
    dynamic_flags: dict[str, bool] = Field(default_factory=dict)
    template: ObjectRef | None = None


class ScreenElement(Value):
    """One element of a screen with its locators, best first. Columns of `elements` in the database design."""

    element_hash: str
    element_type: str
    resource_id: str | None = None
    content_desc: str | None = None
    text_value: str | None = None
    accessibility_label: str | None = None
    xpath: str | None = None
    bounds: Bounds
    visibility: Visibility
    interactable: bool
    version: int = 1
    locators: tuple[LocatorCandidate, ...] = ()
