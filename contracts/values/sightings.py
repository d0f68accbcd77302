"""What was seen of a screen and of an element, in enough detail to know both again: what a guard compares with."""

from __future__ import annotations

from pydantic import Field

from contracts.values.apps import Bounds
from contracts.values.targets import Target
from contracts.values.value import Value


class ElementSeen(Value):
    """An element as it was seen. Texts of password fields are left out.

    `path` are its ancestors, from the window down to its parent: class and id name of each, the last eight.
    `beside` are texts near it that tell it apart from its like (the rest of its row), at most six.
    """

    element_type: str
    """Class, whole: `android.widget.Button`."""
    resource_id: str | None = None
    text: str | None = None
    content_desc: str | None = None
    label: str = ""
    """What a person would call it."""
    bounds: Bounds
    path: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    editable: bool = False
    password: bool = False
    clickable: bool = False
    numbered: bool = False
    """Its numbers tell it from its like (`Photo 1`, the keys of a keypad): they are part of its name, no counters."""
    alike: int = Field(default=1, ge=1)
    """How many elements of the screen were like it and not told apart by their texts, itself counted."""
    place: int = Field(default=0, ge=0)
    """Its place among those, from 0, from the top."""
    targets: tuple[Target, ...] = ()
    """Ways to address it, best first; each addressed it alone on that screen. At most eight."""


class ScreenSeen(Value):
    """A screen as it was seen. `keys` are short hashes of what it is made of (structure, ids, fixed labels; not what
    changes from time to time), sorted, at most 160."""

    package: str
    activity: str | None = None
    keys: tuple[str, ...] = ()


class Guard(Value):
    """What has to be there before a step is done: the screen, and on it the element. Whoever acts judges both on the
    hierarchy that it reads right before it acts, and does nothing where one does not hold."""

    screen: ScreenSeen | None = None
    element: ElementSeen | None = None


class ApiName(Value):
    """A registered HTTP call that a task may make: its name in the model configuration, with its parameters."""

    name: str = Field(max_length=100)
    parameters: dict[str, str] = Field(default_factory=dict)
