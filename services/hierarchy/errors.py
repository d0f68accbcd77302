"""What can be wrong with a hierarchy or with a locator, in words that say what to do."""

from __future__ import annotations

from enum import StrEnum


class Defect(StrEnum):
    """Why a hierarchy cannot be used. RETRY-able ones (see `HierarchyError.is_transient`) come from a busy screen."""

    EMPTY = "EMPTY"
    NOT_IDLE = "NOT_IDLE"
    NO_ROOT = "NO_ROOT"
    TRUNCATED = "TRUNCATED"
    MALFORMED = "MALFORMED"
    FORBIDDEN = "FORBIDDEN"
    NOT_ANDROID = "NOT_ANDROID"
    TOO_LARGE = "TOO_LARGE"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY_NODES = "TOO_MANY_NODES"


_TRANSIENT = frozenset({Defect.EMPTY, Defect.NOT_IDLE, Defect.NO_ROOT, Defect.TRUNCATED})


class HierarchyError(ValueError):
    """The document is not a UI hierarchy of Android, or not a whole one."""

    def __init__(self, defect: Defect, message: str) -> None:
        super().__init__(message)
        self.defect = defect

    @property
    def is_transient(self) -> bool:
        """True when a second dump a moment later may well succeed."""
        return self.defect in _TRANSIENT


class LocatorError(ValueError):
    """The locator cannot be evaluated: wrong syntax, an unsupported function, or too costly."""
