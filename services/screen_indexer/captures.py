"""What is decided on a capture: which screen and state it shows, and whether the screen is new to its app version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.device_agent import ActionFinished, Capture
from contracts.event import Event
from contracts.screen_indexer import CaptureIndexed, ElementsListed, ScreenDiscovered
from contracts.subjects import derived_id
from contracts.values import AppVersion, ObjectRef, ResolvedApp, ScreenElement
from services.runtime.aggregate import Aggregate
from services.runtime.reactor import NOTHING, Create, Decision, Trigger
from services.screen_indexer.model import Indexed

UNKNOWN_VERSION = "unknown"
_CHUNK_ELEMENTS = 60
"""Elements in one event: with eight locators each they stay well below the size limit of an event."""

CAPTURE = Aggregate[bool]("capture", "screen_indexer", bool, lambda _s, _r: True)


@dataclass(frozen=True)
class Understood:
    """A capture with what was made of it. `known`: the screen is in the log already, no need to describe it again."""

    finished: ActionFinished
    indexed: Indexed | None
    reason: str | None
    known: bool
    elements: tuple[ScreenElement, ...] = ()
    thumbnail: ObjectRef | None = None
    device_model: str | None = None


def capture_key(finished: ActionFinished) -> UUID | None:
    return None if finished.capture is None else finished.capture.capture_id


def decide_capture(indexed: bool, trigger: Trigger[Understood], _now: datetime) -> Decision:
    """One `CaptureIndexed` a capture, and the screen with its elements where nobody has described it yet."""
    understood = trigger.what
    finished, capture = understood.finished, understood.finished.capture
    if indexed or capture is None:
        return NOTHING
    if understood.indexed is None:
        front = capture.foreground
        return Decision((_indexed(finished, capture, package=front.package or "", reason=understood.reason),))
    app = app_of(capture, understood.indexed.package)
    screen_id = derived_id("screen", app.app_version_id, understood.indexed.screen_signature)
    event = _indexed(
        finished,
        capture,
        package=understood.indexed.package,
        app=app,
        activity=understood.indexed.activity,
        screen_id=screen_id,
        screen_name=understood.indexed.name,
        state_id=understood.indexed.state_signature,
        new_screen=not understood.known,
        gestures=understood.indexed.gestures,
    )
    if understood.known or capture.hierarchy is None:
        return Decision((event,))
    return Decision((event,), (Create(_described(understood, capture, app, screen_id), shared=True),))


def app_of(capture: Capture, package: str) -> ResolvedApp:
    """The app that owns a screen, in the version that the phone has; `unknown` where it did not tell."""
    found = next((v for v in capture.versions if v.package == package), None)
    version = found or AppVersion(package=package or UNKNOWN_VERSION, version_name=UNKNOWN_VERSION)
    return ResolvedApp(
        app_id=derived_id("app", version.package),
        app_version_id=derived_id("app-version", version.package, version.version_name),
        package=version.package,
        name=version.label or version.package,
        version_name=version.version_name,
        version_code=version.version_code,
    )


def screenshot_path(capture: Capture) -> str:
    """Where the picture lies, or why there is none: a secure screen has a path that says so."""
    if capture.screenshot is not None:
        return capture.screenshot.key
    return f"absent:{(capture.screenshot_absent or 'UNAVAILABLE').lower()}"


def _indexed(finished: ActionFinished, capture: Capture, **found: object) -> CaptureIndexed:
    return CaptureIndexed.model_validate(
        {
            "capture_id": capture.capture_id,
            "run_id": finished.run_id,
            "action_id": finished.action_id,
            "sequence": finished.sequence,
            "status": finished.status,
            "error_code": finished.error_code,
            "error_message": finished.error_message,
            "duration_ms": finished.duration_ms,
            "adb_ms": finished.adb_ms,
            "declared_activities": finished.declared_activities,
            "found": None if finished.sighting is None else finished.sighting.found,
            "sighting": finished.sighting,
            "screenshot": capture.screenshot,
            "screenshot_absent": capture.screenshot_absent,
            "hierarchy": capture.hierarchy,
            "hierarchy_absent": capture.hierarchy_absent,
            "width": capture.width,
            "height": capture.height,
            **found,
        }
    )


def _described(understood: Understood, capture: Capture, app: ResolvedApp, screen_id: UUID) -> tuple[Event, ...]:
    indexed, finished = understood.indexed, understood.finished
    assert indexed is not None
    assert capture.hierarchy is not None
    chunks = [understood.elements[i : i + _CHUNK_ELEMENTS] for i in range(0, len(understood.elements), _CHUNK_ELEMENTS)]
    discovered = ScreenDiscovered(
        screen_id=screen_id,
        app_id=app.app_id,
        app_version_id=app.app_version_id,
        package=app.package,
        version_name=app.version_name,
        signature=indexed.screen_signature,
        dom_hash=indexed.dom_hash,
        name=indexed.name,
        primary_text=indexed.primary_text,
        activity=indexed.activity,
        screenshot_path=screenshot_path(capture),
        screenshot_thumb_path=None if understood.thumbnail is None else understood.thumbnail.key,
        dom_path=capture.hierarchy.key,
        hierarchy=capture.hierarchy,
        screenshot=capture.screenshot,
        orientation=indexed.orientation,
        width=indexed.width,
        height=indexed.height,
        captured_at=capture.captured_at,
        device_model=understood.device_model,
        run_id=finished.run_id,
        action_id=finished.action_id,
        elements=len(understood.elements),
    )
    listed = [
        ElementsListed(
            screen_id=screen_id,
            app_version_id=app.app_version_id,
            run_id=finished.run_id,
            part=number,
            parts=len(chunks),
            elements=chunk,
        )
        for number, chunk in enumerate(chunks)
    ]
    return (discovered, *listed)
