"""Values that appear in more than one event.

Enumerations carry the names that the database designs use, so that a row and an event never need a translation table.
"""

from __future__ import annotations

from contracts.values.accounts import AccountRef
from contracts.values.actions import Action, Click, Input, LocatorCheck, Navigate, Observe, Scroll
from contracts.values.apps import AppVersion, Bounds, Foreground, ObjectRef, Point, ResolvedApp, WindowSeen
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
from contracts.values.selectors import BUILT_IN_TAGS, Selector, SelectorText, parse_selector, unmet
from contracts.values.value import Value

__all__ = [
    "BUILT_IN_TAGS",
    "AccountRef",
    "Action",
    "ActionStatus",
    "ActionType",
    "AlertStatus",
    "AlertType",
    "AppVersion",
    "Bounds",
    "Channel",
    "Click",
    "ConfigType",
    "CoverageProfile",
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
    "Point",
    "ResolvedApp",
    "RunEventType",
    "RunStatus",
    "ScreenElement",
    "Scroll",
    "Selector",
    "SelectorText",
    "SendStatus",
    "Severity",
    "Strategy",
    "TaskStatus",
    "ValidationStatus",
    "ValidationType",
    "Value",
    "Visibility",
    "WindowSeen",
    "parse_selector",
    "unmet",
]
