"""What the screen-indexer works on and yields, as plain immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from contracts.values import Bounds, Foreground, Gesture, Orientation, ScreenElement, Strategy
from services.hierarchy.node import Tree
from services.hierarchy.owners import Owner
from services.hierarchy.surface import Surface, survey


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


def resurvey(indexed: Indexed) -> Surface:
    """The surface of what was indexed before."""
    front = Foreground(package=indexed.package, activity=indexed.activity)
    return survey(indexed.tree, indexed.width, indexed.height, front)


class Risk(StrEnum):
    """Of a locator on another version: BROKEN does not address its element, AT_RISK not it alone or not surely it."""

    BROKEN = "BROKEN"
    AT_RISK = "AT_RISK"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One attribute before and after: text, resource_id, content_desc, type, interactable, visibility or bounds."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ElementChange:
    """An element that is in both versions and differs."""

    base_hash: str
    target_hash: str
    label: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class LocatorFate:
    """A locator of the base version that is broken or at risk on the target."""

    element_hash: str
    strategy: Strategy
    locator_value: str
    is_primary: bool
    risk: Risk
    why: str


@dataclass(frozen=True, slots=True)
class ScreenDiff:
    """One screen in two versions. `ambiguous` are elements of the base that several of the target could be.

    `list_items` counts elements of the base in rows of lists whose content differs: they are not compared.
    """

    added: tuple[ScreenElement, ...]
    removed: tuple[ScreenElement, ...]
    changed: tuple[ElementChange, ...]
    ambiguous: tuple[ScreenElement, ...]
    unchanged: int
    list_items: int
    fates: tuple[LocatorFate, ...]

    @property
    def summary(self) -> dict[str, int]:
        """Counts for `screen_diffs.diff_summary`."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.changed),
            "ambiguous": len(self.ambiguous),
            "unchanged": self.unchanged,
            "list_items": self.list_items,
            "locators_broken": sum(fate.risk is Risk.BROKEN for fate in self.fates),
            "locators_at_risk": sum(fate.risk is Risk.AT_RISK for fate in self.fates),
        }
