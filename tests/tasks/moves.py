"""What a scripted model wants, in words of a person: labels instead of points. Nothing of the platform is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from deploy.embedded.openai_server import Turn


@dataclass(frozen=True)
class Launch:
    app: str


@dataclass(frozen=True)
class Tap:
    """Touches what is called `label`: a text, a description, a hint, or `#id`. `sensitive`: why, as the model says."""

    label: str
    press: Literal["tap", "long", "double"] = "tap"
    sensitive: str = ""
    once: bool = False
    """The model goes on whatever comes of it."""


@dataclass(frozen=True)
class Type:
    """Types into the field that has the focus, so a tap on it comes first."""

    text: str


@dataclass(frozen=True)
class Swipe:
    """The finger goes `direction`, over the middle half of the screen."""

    direction: Literal["up", "down", "left", "right"]


@dataclass(frozen=True)
class Key:
    name: Literal["Back", "Home"]


@dataclass(frozen=True)
class Wait:
    seconds: int


@dataclass(frozen=True)
class TakeOver:
    message: str


@dataclass(frozen=True)
class Note:
    text: str


@dataclass(frozen=True)
class Ask:
    question: str


@dataclass(frozen=True)
class Finish:
    message: str
    succeeded: bool = True


@dataclass(frozen=True)
class Say:
    """Exactly this answer, whatever it is: malformed, two actions, an error of the endpoint.

    `means`: what it would have the phone do; where that has not reached the phone, it is said properly the next time.
    """

    turn: Turn
    means: Move | None = None


Move: TypeAlias = Launch | Tap | Type | Swipe | Key | Wait | TakeOver | Note | Ask | Finish | Say

TOUCHES = {Launch: "launch", Swipe: "swipe", Type: "text", Key: "key"}
"""What a phone's trace calls a move that reached it; a tap is called by how it presses."""


def touch_of(move: Move) -> str | None:
    """The name of a move in the trace of a phone; None: it does not touch the phone."""
    if isinstance(move, Tap):
        return {"tap": "tap", "long": "long_press", "double": "double_tap"}[move.press]
    return TOUCHES.get(type(move))


def touching(moves: Sequence[Move]) -> list[str]:
    """What the trace of a phone says after all of these were done, each once."""
    return [touch for move in moves if (touch := touch_of(move)) is not None]
