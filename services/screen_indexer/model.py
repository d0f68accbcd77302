"""What the screen-indexer works on and yields, as plain immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from contracts.values import Bounds, Foreground, Gesture, Orientation, ScreenElement
from services.hierarchy.node import Tree


class Owner(StrEnum):
    """Whose screen is in front. Only APP is explored; what the others are for is the orchestrator's business."""

    APP = "APP"
    PERMISSION = "PERMISSION"
    LAUNCHER = "LAUNCHER"
    SETTINGS = "SETTINGS"
    SYSTEM = "SYSTEM"
    KEYBOARD = "KEYBOARD"


@dataclass(frozen=True, slots=True)
class CaptureInput:
    """One capture. `width` and `height` are the picture's, 0 where there is none; `foreground` is a hint only."""

    hierarchy: str | bytes
    width: int = 0
    height: int = 0
    foreground: Foreground | None = None


@dataclass(frozen=True, slots=True)
class TemplateRequest:
    """An element that deserves a picture locator: the caller crops `bounds` from the screenshot and stores it."""

    element_hash: str
    bounds: Bounds
    score: str


@dataclass(frozen=True, slots=True)
class Indexed:
    """A capture, understood.

    screen_signature  what locators belong to: the same however the content of the screen varies (40 hex digits)
    state_signature   the screen plus what is checked, selected, enabled, typed, said and scrolled to (40 hex digits)
    dom_hash          the structure of the whole hierarchy without texts (40 hex digits)
    package           owner of the screen in front; "" where neither the hierarchy nor the hint says
    activity          the hint's, when it belongs to `package`
    """

    screen_signature: str
    state_signature: str
    dom_hash: str
    name: str
    primary_text: str | None
    package: str
    owner: Owner
    activity: str | None
    orientation: Orientation
    width: int
    height: int
    elements: tuple[ScreenElement, ...]
    gestures: tuple[Gesture, ...]
    templates: tuple[TemplateRequest, ...] = ()
    tree: Tree = field(compare=False, repr=False, default_factory=lambda: Tree(()))
