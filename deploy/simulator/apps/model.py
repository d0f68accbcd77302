"""What an app of the simulator is made of: screens of nodes, all of them plain values.

Sizes are pixels of a 1080x1920 screen. Everything is frozen and hashable: equal descriptions are equal pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from deploy.simulator.apps.actions import Back, Condition, Effect, Goto

Kind: TypeAlias = Literal[
    "column",
    "row",
    "grid",
    "scroll",
    "list",
    "label",
    "button",
    "field",
    "switch",
    "check",
    "icon",
    "image",
    "web",
    "progress",
    "space",
]


@dataclass(frozen=True, slots=True)
class Look:
    """How a node is painted. Colours are names of the palette (`palette.py`); sizes are pixels."""

    size: int = 40
    weight: int = 400
    color: str = "text"
    align: Literal["left", "center", "right"] = "left"
    fill: str = ""
    border: str = ""
    radius: int = 0
    icon: str = ""
    lines: int = 0
    """Most lines of text, the last one ends in an ellipsis; 0 is as many as it takes."""


@dataclass(frozen=True, slots=True)
class Node:
    """One view. `name` addresses it within its screen for good; `id` is its resource entry in this version.

    A node with `tap` effects is clickable, one with `hold` effects is long-clickable. `bind` names the value that a
    switch or check box shows and a field holds. `shown` and `enabled` follow the app's values.
    """

    kind: Kind
    name: str = ""
    id: str = ""
    text: str = ""
    desc: str = ""
    hint: str = ""
    children: tuple[Node, ...] = ()
    tap: tuple[Effect, ...] = ()
    hold: tuple[Effect, ...] = ()
    double: tuple[Effect, ...] = ()
    enter: tuple[Effect, ...] = ()
    bind: str = ""
    shown: Condition | None = None
    enabled: Condition | None = None
    selected: Condition | None = None
    password: bool = False
    class_name: str = ""
    width: int = 0
    height: int = 0
    weight: int = 0
    columns: int = 1
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, top, right, bottom."""
    gap: int = 0
    look: Look = field(default_factory=Look)


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen or dialog of an app. `after` are effects that come by themselves, so many seconds after opening."""

    name: str
    activity: str
    root: Node
    dialog: bool = False
    secure: bool = False
    animated: bool = False
    ticking: bool = False
    """Shows the value `clock`, which changes every second."""
    cancelable: bool = True
    """A dialog that a tap beside it closes."""
    on_back: tuple[Effect, ...] = (Back(),)
    focus: str = ""
    """Name of the field that has the focus when it opens."""
    after_s: float = 0.0
    after: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class App:
    """One app in one version. `stored` values outlive the process, `memory` values die with it.

    `activities` are full class names, the launcher one first; `exported` ones can be started from outside.
    `counts` are values worked out: a name and the prefix of the values of which the ones that are on are counted.
    """

    package: str
    version_name: str
    version_code: int
    label: str
    start: str
    screens: Mapping[str, Screen]
    activities: tuple[str, ...]
    exported: frozenset[str] = frozenset()
    stored: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[tuple[str, str], ...] = ()
    links: Mapping[str, Goto] = field(default_factory=dict)
    permissions: tuple[str, ...] = ()
    system: bool = False
    hidden: bool = False
    """Without an icon in the launcher."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The label in further languages (`zh-CN`); `label` is that of all others, which the launcher shows."""
