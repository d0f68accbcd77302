"""What a model is shown and asked in one turn, what it answers, and what the answer was read as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from contracts.configs import ApiCallConfig
from contracts.values import AnyIntent, Bounds, TurnContext

Coordinates = Literal["per_mille", "pixels", "fraction"]


@dataclass(frozen=True)
class Shown:
    """The screen as the model knows it: `width` and `height` are its pixels, `picture` the size of the picture that was
    sent, where one was. `places` are the bounds of the listed elements, by number from 1. `coordinates` is the space
    that the model says points in."""

    width: int
    height: int
    picture: tuple[int, int] | None = None
    places: tuple[Bounds, ...] = ()
    coordinates: Coordinates = "per_mille"


@dataclass(frozen=True)
class Ask:
    """What is asked. `listing` are the numbered elements, a line each; `absent` says in words what could not be shown,
    and why. `mark` is a line that no app can know: texts of the screen stand between two of it."""

    goal: str
    context: TurnContext
    app: str
    package: str
    activity: str | None
    listing: str | None
    absent: tuple[str, ...]
    mark: str
    today: date
    apis: tuple[ApiCallConfig, ...] = ()
    purpose: Literal["STEP", "REPAIR"] = "STEP"


@dataclass(frozen=True)
class ToolCall:
    """A function that the model calls; `arguments` is JSON, as the model wrote it."""

    name: str
    arguments: str


@dataclass(frozen=True)
class RawReply:
    """An answer as it came. `finish_reason` is the endpoint's: `length` where the answer was cut off."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


@dataclass(frozen=True)
class Spoken:
    """What an answer means. Points are pixels of the screen; `number` is the listed element that it names."""

    thinking: str
    intent: AnyIntent
    number: int | None = None


@dataclass(frozen=True)
class Misread:
    """An answer that means nothing certain. `reason` is in words that the model can be told and act on."""

    reason: str
    thinking: str = ""
