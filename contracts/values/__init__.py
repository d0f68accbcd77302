"""Values that appear in more than one event.

Enumerations carry the names that the database designs use, so that a row and an event never need a translation table.
"""

from __future__ import annotations

from contracts.values.accounts import AccountRef
from contracts.values.actions import (
    Action,
    Addressed,
    Await,
    Click,
    Input,
    LocatorCheck,
    Navigate,
    Observe,
    PressKey,
    Scroll,
    Swipe,
    Touch,
    TypeInto,
)
from contracts.values.apps import ANDROID, AppVersion, Bounds, Foreground, ObjectRef, Point, ResolvedApp
from contracts.values.crashes import CrashPicture, CrashStep
from contracts.values.elements import Gesture, LocatorCandidate, ScreenElement
from contracts.values.enumerations import (
    ActionStatus,
    ActionType,
    AlertStatus,
    AlertType,
    Channel,
    ConfigType,
    CoverageProfile,
    DeviceStatus,
    DeviceType,
    LocatorSource,
    Orientation,
    RunEventType,
    RunStatus,
    SendStatus,
    Severity,
    Strategy,
    TaskStatus,
    ValidationStatus,
    ValidationType,
    Visibility,
)
from contracts.values.references import SecretRef
from contracts.values.selectors import BUILT_IN_TAGS, Selector, SelectorText, parse_selector, unmet
from contracts.values.targets import AnyPlace, AnyTarget, Place, Sighting, Target
from contracts.values.value import Value

__all__ = [
    "ANDROID",
    "BUILT_IN_TAGS",
    "AccountRef",
    "Action",
    "ActionStatus",
    "ActionType",
    "Addressed",
    "AlertStatus",
    "AlertType",
    "AnyPlace",
    "AnyTarget",
    "AppVersion",
    "Await",
    "Bounds",
    "Channel",
    "Click",
    "ConfigType",
    "CoverageProfile",
    "CrashPicture",
    "CrashStep",
    "DeviceStatus",
    "DeviceType",
    "Foreground",
    "Gesture",
    "Input",
    "LocatorCandidate",
    "LocatorCheck",
    "LocatorSource",
    "Navigate",
    "ObjectRef",
    "Observe",
    "Orientation",
    "Place",
    "Point",
    "PressKey",
    "ResolvedApp",
    "RunEventType",
    "RunStatus",
    "ScreenElement",
    "Scroll",
    "SecretRef",
    "Selector",
    "SelectorText",
    "SendStatus",
    "Severity",
    "Sighting",
    "Strategy",
    "Swipe",
    "Target",
    "TaskStatus",
    "Touch",
    "TypeInto",
    "ValidationStatus",
    "ValidationType",
    "Value",
    "Visibility",
    "parse_selector",
    "unmet",
]
