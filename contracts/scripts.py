"""A recorded script: steps on locators, each with its guard, with parameters instead of what was typed.

It is the `script_data` of the first database design's `scripts`, what `waymark scripts show` prints, and what an import
reads. Its steps are those of `contracts.steps`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from contracts.steps import STEPS_LIMIT, Package, Step
from contracts.values import Guard, Value

FORMAT = "waymark.script/1"
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class Parameter(Value):
    """A text that a script is given when it is replayed. `required`: it has no value of its own."""

    name: ParameterName
    description: str = ""
    required: bool = False
    secret: bool = False
    """It is given as a reference (`env:NAME`), never as a text."""


class ScriptStep(Value):
    """A step, what has to be there before it, and what it was in words. `turn`: of the run that it was recorded from.

    `expected`: what the screen was after it, which a replay may look at; none where nobody knows.
    """

    step: Step
    guard: Guard | None = None
    words: str = ""
    turn: int | None = None
    expected: Guard | None = None
    wait_s: float = Field(default=10, ge=0, le=600)
    """How long its screen and element are waited for."""


class ScriptData(Value):
    """A whole script. `app`: the app that it is about; none: the phone itself."""

    format: Literal["waymark.script/1"] = "waymark.script/1"
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    description: str = ""
    app: Package | None = None
    parameters: tuple[Parameter, ...] = ()
    steps: Annotated[tuple[ScriptStep, ...], Field(min_length=1, max_length=STEPS_LIMIT)]


SCRIPT_DATA: TypeAdapter[ScriptData] = TypeAdapter(ScriptData)
