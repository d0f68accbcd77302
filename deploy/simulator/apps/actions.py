"""Conditions that the shape of a screen depends on, and effects that gestures have: plain values.

Everything is frozen and hashable; what an effect does is in `effects.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Args: TypeAlias = tuple[tuple[str, str], ...]
"""Named values that a screen gets from the one that opened it."""

ON = "on"
OFF = ""


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

ALWAYS = AllOf(())
"""Holds whatever the app's values are."""


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
class NativeCrash:
    """The process dies of a signal in native code. `frames`: file and symbol of each, `/data/app/x/libgame.so draw`."""

    frames: tuple[str, ...]
    signal: str = "SIGSEGV"


@dataclass(frozen=True, slots=True)
class Anr:
    """The app stops answering: the system's dialog appears (at once: the five seconds of a real phone are skipped).

    `trace`: what its main thread does meanwhile, frames as Android prints them.
    """

    trace: tuple[str, ...] = ("  at java.lang.Thread.sleep(Native method)",)


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
    Goto
    | Back
    | Show
    | Dismiss
    | Put
    | Toggle
    | Toast
    | Crash
    | NativeCrash
    | Anr
    | Open
    | Launch
    | Ask
    | Submit
    | Answer
    | AnrChoice
    | Choose
)
