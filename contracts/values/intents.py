"""What a model wants done in one turn, in pixels of the screen that it was asked about.

Sources: the action grammar of AutoGLM (Launch, Tap, Type, Swipe, Long Press, Double Tap, Back, Home, Wait, Take_over,
Note, Call_API, Interact, finish), which the other grammars share.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from contracts.values.actions import Direction, Key
from contracts.values.apps import Point
from contracts.values.sightings import ApiName, ElementSeen, ScreenSeen
from contracts.values.value import Value

TEXT_LIMIT = 4_000


class LaunchApp(Value):
    """Brings an app to the front: `app` is its label or package as the model said it."""

    act: Literal["LAUNCH"] = "LAUNCH"
    app: str = Field(min_length=1, max_length=200)


class TapAt(Value):
    """Touches `element`, or a `point` that lies in none. `sensitive`: the model itself says that it needs consent, and
    why."""

    act: Literal["TAP"] = "TAP"
    point: Point
    press: Literal["TAP", "LONG", "DOUBLE"] = "TAP"
    element: ElementSeen | None = None
    sensitive: str | None = Field(default=None, max_length=500)


class TypeText(Value):
    """Types into `element`; without one into the field that has the focus. What it holds is replaced."""

    act: Literal["TYPE"] = "TYPE"
    text: str = Field(max_length=TEXT_LIMIT)
    point: Point | None = None
    element: ElementSeen | None = None
    submit: bool = False


class SwipeTo(Value):
    """One drag of the finger. `direction` is where the finger goes."""

    act: Literal["SWIPE"] = "SWIPE"
    start: Point
    end: Point
    direction: Direction
    within: ElementSeen | None = None
    """What is scrolled, where that is known."""


class Press(Value):
    act: Literal["PRESS"] = "PRESS"
    key: Key


class WaitFor(Value):
    """Waits until the screen is at rest, `seconds` at most."""

    act: Literal["WAIT"] = "WAIT"
    seconds: float = Field(default=2.0, ge=0, le=60)


class TakeOver(Value):
    """A person is to do something on the phone: a login, a captcha."""

    act: Literal["TAKE_OVER"] = "TAKE_OVER"
    message: str = Field(max_length=1_000)


class TakeNote(Value):
    """Keeps something that was read on the screen. `text` is empty where the model only marks the page."""

    act: Literal["NOTE"] = "NOTE"
    text: str = Field(max_length=TEXT_LIMIT)


class CallApi(Value):
    """Makes a registered HTTP call, or has what was noted summed up: `instruction` says what for."""

    act: Literal["CALL_API"] = "CALL_API"
    call: ApiName
    instruction: str = Field(default="", max_length=TEXT_LIMIT)


class AskPerson(Value):
    """A person is to choose: several things fit, or something is missing."""

    act: Literal["ASK"] = "ASK"
    question: str = Field(max_length=1_000)


class Finish(Value):
    """The task is over. `succeeded` false: the model says that it cannot be done."""

    act: Literal["FINISH"] = "FINISH"
    message: str = Field(default="", max_length=TEXT_LIMIT)
    succeeded: bool = True


AnyIntent = (
    LaunchApp | TapAt | TypeText | SwipeTo | Press | WaitFor | TakeOver | TakeNote | CallApi | AskPerson | Finish
)
Intent = Annotated[AnyIntent, Field(discriminator="act")]
INTENT: TypeAdapter[AnyIntent] = TypeAdapter(Intent)


class TurnRead(Value):
    """What an answer of the model means. Without `intent`, `misread` says why it could not be understood, in words that
    the model can be told; `off_target`: it was understood, and points at nothing.

    `screen` is the screen that was asked about, as a guard knows it again; none where there was no hierarchy.
    """

    thinking: str = ""
    intent: Intent | None = None
    misread: str | None = None
    off_target: bool = False
    screen: ScreenSeen | None = None
    texts: tuple[str, ...] = ()
    """What the screen says, from the top, as far as it matters for whether an action on it is sensitive: at most 60
    texts of at most 120 characters, none of a password field."""


class TurnNote(Value):
    """One turn that is over, as the model is told of it: what was done and what came of it, in words. `intent`: what
    the model wanted, without the element; none where its answer could not be understood."""

    turn: int
    thinking: str = ""
    intent: Intent | None = None
    did: str
    came: str = ""


class TurnContext(Value):
    """What a turn is asked with, beside the goal and the screen.

    `history`: the last turns, oldest first, at most 12; `earlier`: those before in one text. `notes`: what was kept.
    `told`: what has to be said now: that the last answer was not understood and why, that something was fruitless and
    an alternative is wanted, what a person answered.
    """

    history: tuple[TurnNote, ...] = ()
    earlier: str = ""
    notes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
