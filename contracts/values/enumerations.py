"""Enumerations of the database designs, under the names that those use."""

from __future__ import annotations

from enum import StrEnum


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
