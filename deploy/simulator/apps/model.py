"""What an app of the simulator is made of: screens, nodes, conditions and effects, all of them plain values.

Sizes are pixels of a 1080x1920 screen. Everything is frozen and hashable: equal descriptions are equal pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Args: TypeAlias = tuple[tuple[str, str], ...]
"""Named values that a screen gets from the one that opened it."""

ON = "on"
OFF = ""


# Conditions -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Is:
    """The value `name` equals `value`; an unknown name is the empty string."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Has:
    """`part` contains what stands in the value `name`, letter case aside (a filter: an empty value matches all)."""

    name: str
    part: str


@dataclass(frozen=True, slots=True)
class Not:
    """The other condition does not hold."""

    of: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds."""

    of: tuple[Condition, ...]


Condition: TypeAlias = Is | Has | Not | AllOf


# Effects --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Goto:
    """Opens a screen: on top of the back stack, or with `replace` in place of the current one (a tab, a fragment).

    `clear` finishes every activity of the task first, as FLAG_ACTIVITY_CLEAR_TASK does.
    """

    screen: str
    args: Args = ()
    replace: bool = False
    clear: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """Finishes the screen in front; the last one of a task leaves to the launcher."""


@dataclass(frozen=True, slots=True)
class Show:
    """Opens a dialog of the app over the screen in front."""

    dialog: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Closes the dialog in front."""


@dataclass(frozen=True, slots=True)
class Put:
    """Sets a value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Toggle:
    """Turns a value from on to off or back."""

    name: str


@dataclass(frozen=True, slots=True)
class Toast:
    """A short message: in the picture for two seconds, never in the hierarchy."""

    text: str


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies of an uncaught exception, whose stack `trace` (first line: the exception) goes to logcat."""

    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anr:
    """The app stops answering: the system's dialog appears (at once: the five seconds of a real phone are skipped)."""


@dataclass(frozen=True, slots=True)
class Open:
    """Leaves to another app, which shows `screen`; the way back is BACK."""

    package: str
    screen: str
    args: Args = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """Brings an app to the front as its launcher icon does."""

    package: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests a runtime permission; the effects follow the answer, or come at once where it was given before."""

    permission: str
    granted: tuple[Effect, ...]
    denied: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one field: its trimmed text matches the pattern from end to end, or the error is shown."""

    field: str
    pattern: str
    error: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Checks fields: each error goes to the value `<field>_error`; the effects follow when every rule holds."""

    rules: tuple[Rule, ...]
    done: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user told the permission controller; leaving with BACK is not `counted` as a refusal."""

    granted: bool
    counted: bool = True


@dataclass(frozen=True, slots=True)
class AnrChoice:
    """A button of the system's ANR dialog."""

    close: bool


@dataclass(frozen=True, slots=True)
class Choose:
    """The one effect list or the other, by a condition."""

    when: Condition
    then: tuple[Effect, ...]
    otherwise: tuple[Effect, ...] = ()


Effect: TypeAlias = (
    Goto | Back | Show | Dismiss | Put | Toggle | Toast | Crash | Anr | Open | Launch | Ask | Submit | Answer
    | AnrChoice | Choose
)


# Nodes and screens ----------------------------------------------------------------------------------------------------
Kind: TypeAlias = Literal[
    "column", "row", "grid", "scroll", "list", "label", "button", "field", "switch", "check", "icon", "image", "web",
    "progress", "space",
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
