"""What is on a screen: gestures, elements and their locators."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.values.apps import Bounds, ObjectRef
from contracts.values.enumerations import ActionType, LocatorSource, Strategy, Visibility
from contracts.values.value import Value


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
