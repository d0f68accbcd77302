"""Steps: what people write down to be done on a phone, in YAML or as JSON. A step is an object with one field.

`launch`, `tap`, `long_press`, `double_tap`, `type`, `press`, `swipe`, `scroll`, `wait`, `expect`, `if_seen`. Where a
field takes an element, a text alone means the element that shows it; see `contracts.values.targets`. `{{name}}` in a
text stands for a variable of the request, `{{account.name}}` for a field or a secret of the run's test account.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag, TypeAdapter, model_validator

from contracts.values import AnyPlace, AnyTarget, SecretRef, Value
from contracts.values.actions import Direction, Key

STEPS_LIMIT = 200
NESTING_LIMIT = 5
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$", max_length=200)]
Patience = Annotated[float, Field(ge=0, le=600)]
Typed = Annotated[str, StringConstraints(max_length=10_000)]
Variables = dict[
    Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)],
    Annotated[str, StringConstraints(max_length=2_000)],
]
"""Texts by name."""

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _needed(steps: tuple[Any, ...]) -> None:
    """Said after the steps themselves, so that one that cannot be read is not told as none."""
    if not steps:
        raise ValueError("steps: at least one step is needed")


def _tuple(value: Any) -> Any:
    """Below a step, values are Python's own, whose strict reading would refuse a list."""
    return tuple(value) if isinstance(value, list) else value


AnyKey = Annotated[Key, BeforeValidator(_upper, json_schema_input_type=str)]
AnyDirection = Annotated[Direction, BeforeValidator(_upper, json_schema_input_type=str)]


class Launch(Value):
    """Brings an app to the front: `app`, else the one that the task is about. `restart` ends it first."""

    app: Package | None = None
    restart: bool = False


class Tap(Value):
    """Touches an element, which is waited for: the element itself, or `element` with `timeout_s`."""

    element: AnyTarget
    timeout_s: Patience = 10


class Type(Value):
    """Types into a field, which is emptied before; without `into`, into the one that has the focus.

    `secret` says where the text lies (`env:NAME`, `file:/path`) for the device-agent, which reads it when it types.
    """

    into: AnyTarget | None = None
    text: Typed | None = None
    secret: SecretRef | None = None
    submit: bool = False
    """Presses Enter afterwards."""
    timeout_s: Patience = 10

    @model_validator(mode="after")
    def _has_one_text(self) -> Self:
        if (self.text is None) == (self.secret is None):
            raise ValueError("give one of text and secret")
        return self


class SwipeStroke(Value):
    """One drag: in the `direction` of the finger, across the screen or what is `within`; or from `start` to `end`."""

    direction: AnyDirection | None = None
    within: AnyTarget | None = None
    start: AnyPlace | None = None
    end: AnyPlace | None = None
    duration_ms: int = Field(default=300, ge=1, le=10_000)
    timeout_s: Patience = 10

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        by_places = self.start is not None and self.end is not None
        if (self.start is None) != (self.end is None) or by_places == (self.direction is not None):
            raise ValueError("give a direction, or start and end")
        if by_places and self.within is not None:
            raise ValueError("within goes with a direction; start and end are places of the screen")
        return self


class ScrollOn(Value):
    """Scrolls the content: DOWN shows what lies below. With `until`, until that is seen, `max_swipes` times at most;
    where it is still not seen then, the step has failed."""

    direction: AnyDirection = "DOWN"
    within: AnyTarget | None = None
    until: AnyTarget | None = None
    max_swipes: int = Field(default=20, ge=1, le=100)
    timeout_s: Patience = 10


class Condition(Value):
    """What has to be on the screen. All that is given must hold."""

    visible: AnyTarget | None = None
    not_visible: AnyTarget | None = None
    package: Package | None = None
    """The app in front."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields if name != "timeout_s"):
            raise ValueError(f"say what: {', '.join(n for n in type(self).model_fields if n != 'timeout_s')}")
        return self


class Wait(Condition):
    """Waits until it holds; longer than `timeout_s`, and the step has failed. `stable`: the screen is at rest."""

    stable: bool = False
    timeout_s: Patience = 30


class Expect(Condition):
    """Fails where it does not hold. What is about to appear is waited for."""

    timeout_s: Patience = 5


class IfSeen(Value):
    """Does its steps only where an element is there, within `timeout_s`."""

    visible: AnyTarget
    steps: Annotated[tuple[Step, ...], Field(max_length=STEPS_LIMIT), BeforeValidator(_tuple)]
    timeout_s: Patience = 2

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        _needed(self.steps)
        return self


def _field(name: str) -> Any:
    """What is given in short becomes the field that it stands for."""

    def whole(value: Any) -> Any:
        if value is None or value == "":
            return {}
        return {name: value} if isinstance(value, str | list | tuple) else value

    return whole


def _tap(value: Any) -> Any:
    """An element itself, or one under `element` with more beside it."""
    is_whole = isinstance(value, Tap) or (isinstance(value, dict) and "element" in value)
    return value if is_whole else {"element": value}


class LaunchStep(Value):
    launch: Annotated[Launch, BeforeValidator(_field("app"), json_schema_input_type=Launch | str | None)]


_Tap = Annotated[Tap, BeforeValidator(_tap, json_schema_input_type=Tap | AnyTarget)]


class TapStep(Value):
    tap: _Tap


class LongPressStep(Value):
    long_press: _Tap


class DoubleTapStep(Value):
    double_tap: _Tap


class TypeStep(Value):
    type: Annotated[Type, BeforeValidator(_field("text"), json_schema_input_type=Type | str)]


class PressStep(Value):
    press: AnyKey


class SwipeStep(Value):
    swipe: Annotated[SwipeStroke, BeforeValidator(_field("direction"), json_schema_input_type=SwipeStroke | str)]


class ScrollStep(Value):
    scroll: Annotated[ScrollOn, BeforeValidator(_field("direction"), json_schema_input_type=ScrollOn | str | None)]


class WaitStep(Value):
    wait: Annotated[Wait, BeforeValidator(_field("visible"), json_schema_input_type=Wait | str)]


class ExpectStep(Value):
    expect: Annotated[Expect, BeforeValidator(_field("visible"), json_schema_input_type=Expect | str)]


class IfSeenStep(Value):
    if_seen: IfSeen


KINDS = ("launch", "tap", "long_press", "double_tap", "type", "press", "swipe", "scroll", "wait", "expect", "if_seen")
_ALONE = {"launch": {"launch": {}}, "scroll": {"scroll": {}}, "back": {"press": "BACK"}, "home": {"press": "HOME"}}
"""Steps that are written as one word."""


def _one_word(value: Any) -> Any:
    return _ALONE.get(value.strip().lower(), value) if isinstance(value, str) else value


def _kind_of(value: Any) -> str | None:
    names = (
        list(value) if isinstance(value, dict) else list(type(value).model_fields) if isinstance(value, Value) else []
    )
    return next((name for name in names if name in KINDS), None)


Step = Annotated[
    Annotated[LaunchStep, Tag("launch")]
    | Annotated[TapStep, Tag("tap")]
    | Annotated[LongPressStep, Tag("long_press")]
    | Annotated[DoubleTapStep, Tag("double_tap")]
    | Annotated[TypeStep, Tag("type")]
    | Annotated[PressStep, Tag("press")]
    | Annotated[SwipeStep, Tag("swipe")]
    | Annotated[ScrollStep, Tag("scroll")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[ExpectStep, Tag("expect")]
    | Annotated[IfSeenStep, Tag("if_seen")],
    Discriminator(
        _kind_of,
        custom_error_type="step_kind",
        custom_error_message=f"a step is one of {', '.join(KINDS)}",
    ),
    BeforeValidator(_one_word),
]
"""One step, by the name of its field."""

IfSeen.model_rebuild()
IfSeenStep.model_rebuild()


class Script(Value):
    """Steps as a file holds them, with what they are about. `variables` are those that the file itself gives."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    app: Package | None = None
    variables: Variables = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(max_length=STEPS_LIMIT)]

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        _needed(self.steps)
        return self


SCRIPT: TypeAdapter[Script] = TypeAdapter(Script)


def variables_in(value: Any) -> set[str]:
    """Names that the texts in a JSON value refer to."""
    match value:
        case str():
            return set(VARIABLE.findall(value))
        case dict():
            return {name for inner in value.values() for name in variables_in(inner)}
        case list() | tuple():
            return {name for inner in value for name in variables_in(inner)}
        case _:
            return set()
