"""Events of the screen-indexer: what a capture shows, screens, their elements and locators, comparisons."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.event import Event, ReceiptEvent, SnapshotEvent
from contracts.values import (
    ActionStatus,
    Gesture,
    ObjectRef,
    Orientation,
    ResolvedApp,
    ScreenElement,
    Sighting,
    Strategy,
    Value,
)

OWNER = "screen_indexer"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass


class CaptureIndexed(Event, owner=OWNER, key="capture_id"):
    """What is on a captured screen, and how the action went that led there.

    `screen_id` is none where nothing could be recognised; `reason` then says why. The fields from `status` to
    `found` repeat those of `ActionFinished`, so that the run needs one trigger a step.
    """

    capture_id: UUID
    run_id: UUID
    action_id: UUID
    sequence: int
    status: ActionStatus
    error_code: str | None = None
    error_message: str | None = None
    duration_ms: int
    adb_ms: int
    declared_activities: tuple[str, ...] = ()
    found: bool | None = None
    """Whether what the action looked for was seen; none: it looked for nothing."""
    app: ResolvedApp | None = None
    """The app in front, whichever it is: the one under test, a launcher, a dialog of the system."""
    package: str
    activity: str | None = None
    screen_id: UUID | None = None
    screen_name: str = ""
    state_id: str | None = None
    new_screen: bool = False
    gestures: tuple[Gesture, ...] = ()
    screenshot: ObjectRef | None = None
    reason: str | None = None
    screenshot_absent: str | None = None
    hierarchy: ObjectRef | None = None
    hierarchy_absent: str | None = None
    """These, the size and the sighting repeat the capture and `ActionFinished`."""
    width: int = 0
    height: int = 0
    sighting: Sighting | None = None


class ScreenDiscovered(Event, owner=OWNER, key="screen_id"):
    """A screen of an app version was seen for the first time, by whichever phone came first.

    `screenshot_path` is the object's key, or `absent:<reason>` where the picture could not be taken (FLAG_SECURE).
    """

    screen_id: UUID
    app_id: UUID
    app_version_id: UUID
    package: str
    version_name: str
    signature: str
    dom_hash: str
    name: str
    primary_text: str | None
    activity: str | None
    screenshot_path: str
    screenshot_thumb_path: str | None
    dom_path: str
    hierarchy: ObjectRef
    screenshot: ObjectRef | None
    orientation: Orientation
    width: int
    height: int
    captured_at: datetime
    device_model: str | None
    run_id: UUID
    action_id: UUID
    elements: int


class ElementsListed(Event, owner=OWNER, key="screen_id"):
    """Elements of a screen with their locators: part `part` of `parts`, all in the batch of `ScreenDiscovered`."""

    screen_id: UUID
    app_version_id: UUID
    run_id: UUID
    part: int
    parts: int
    elements: tuple[ScreenElement, ...]


class ScreenCatalogued(Event, owner=OWNER, key="app_id"):
    """A screen got its place in the app's catalogue, with a name that no other screen of the version has."""

    app_id: UUID
    app_version_id: UUID
    version_name: str
    screen_id: UUID
    signature: str
    name: str
    activity: str | None
    hierarchy: ObjectRef
    screenshot: ObjectRef | None
    width: int
    height: int


class LocatorRisk(Value):
    """A locator of the base version that does not address its element any more (BROKEN), or no longer it alone."""

    screen_id: UUID
    element_id: UUID
    candidate_id: UUID
    strategy: Strategy
    locator_value: str
    is_primary: bool
    risk: Literal["BROKEN", "AT_RISK"]
    why: str


class ScreensCompared(Event, owner=OWNER, key="diff_id"):
    """One screen in two versions. `diff_summary` counts added, removed and changed elements."""

    diff_id: UUID
    app_id: UUID
    run_id: UUID
    base_screen_id: UUID
    target_screen_id: UUID
    name: str
    diff_summary: dict[str, Any]
    detail: ObjectRef
    risks: tuple[LocatorRisk, ...] = ()


class VersionExplored(Event, owner=OWNER, key="app_id"):
    """A FULL run of this version has finished: its screens are complete enough to be compared."""

    app_id: UUID
    app_version_id: UUID
    run_id: UUID
    version_code: int | None


class VersionsCompared(Event, owner=OWNER, key="app_id"):
    """Two versions of an app after a FULL run: screens in both, dropped, added, and locators that broke."""

    app_id: UUID
    run_id: UUID
    package: str
    base_version_id: UUID
    target_version_id: UUID
    base_version: str
    target_version: str
    pairs: int
    changed: int
    dropped: tuple[str, ...]
    added: tuple[str, ...]
    broken: int
    at_risk: int
    detail: ObjectRef | None = None
