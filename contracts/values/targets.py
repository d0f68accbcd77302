"""What a step is done to: an element that a locator addresses, or a place on the screen."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from contracts.values.apps import Bounds, Point
from contracts.values.value import Value

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]

_NUMBER = r"(-?\d+(?:\.\d+)?)\s*(%?)"
_PLACE = re.compile(rf"\s*{_NUMBER}\s*,\s*{_NUMBER}\s*")
_PREFIXES = {
    "text": "text", "text_contains": "text_contains", "id": "id", "description": "description", "desc": "description",
    "xpath": "xpath", "uiselector": "uiselector", "point": "point",
}  # fmt: skip
_PREFIX = re.compile(rf"({'|'.join(_PREFIXES)})\s*=\s*(.+)", re.DOTALL | re.IGNORECASE)
_PLAIN = ("text", "text_contains", "id", "description")


class Place(Value):
    """A point of the screen as it is turned now: in pixels, or in percent of its width and height."""

    x: float = Field(ge=0)
    y: float = Field(ge=0)
    unit: Literal["PX", "PERCENT"] = "PX"

    @model_validator(mode="after")
    def _on_the_screen(self) -> Self:
        if self.unit == "PERCENT" and max(self.x, self.y) > 100:
            raise ValueError("a point in percent lies between 0% and 100%")
        return self

    @property
    def words(self) -> str:
        mark = "%" if self.unit == "PERCENT" else ""
        return f"{self.x:g}{mark},{self.y:g}{mark}"


def place_of(value: Any) -> Any:
    """A place as people write it: `[540, 680]`, `"540,680"`, `"50%,80%"`. Anything else is left as it is."""
    if isinstance(value, list | tuple) and len(value) == 2:
        value = f"{value[0]},{value[1]}"
    if not isinstance(value, str):
        return value
    found = _PLACE.fullmatch(value)
    if found is None or found[2] != found[4]:
        raise ValueError(f"{value!r} is no point: write it like [540, 680] or '50%,80%'")
    return {"x": float(found[1]), "y": float(found[3]), "unit": "PERCENT" if found[2] else "PX"}


AnyPlace = Annotated[Place, BeforeValidator(place_of, json_schema_input_type=Place | str | tuple[float, float])]


class Target(Value):
    """One element, or a point. `text`, `text_contains`, `id` and `description` may stand together, and must then all
    hold; `xpath`, `uiselector` (`new UiSelector()..`) and `point` stand alone.

    `text` is what the element shows, whole; where it shows no text, its description. `text_contains` is a part of
    that, whatever the case. `id` is a resource id, whole (`com.example:id/login`) or its name (`login`). `index`
    chooses among several that match, from 0, from the top.
    """

    text: Text | None = None
    text_contains: Text | None = None
    id: Text | None = None
    description: Text | None = None
    xpath: Text | None = None
    uiselector: Text | None = None
    point: AnyPlace | None = None
    index: int | None = Field(default=None, ge=0, le=1000)

    @model_validator(mode="after")
    def _addresses_something(self) -> Self:
        plain = [name for name in _PLAIN if getattr(self, name) is not None]
        alone = [name for name in ("xpath", "uiselector", "point") if getattr(self, name) is not None]
        if not plain and not alone:
            raise ValueError("say what is meant: text, text_contains, id, description, xpath, uiselector or point")
        if len(alone) > 1 or (alone and plain):
            raise ValueError(f"{alone[0]} stands alone: leave out {', '.join([*plain, *alone[1:]])}")
        if self.point is not None and self.index is not None:
            raise ValueError("index chooses among elements; a point is one place")
        return self

    @property
    def words(self) -> str:
        """What a person would call it, e.g. `id=login, text=OK`."""
        parts = [f"{name}={getattr(self, name)}" for name in (*_PLAIN, "xpath", "uiselector") if getattr(self, name)]
        if self.point is not None:
            parts.append(f"point={self.point.words}")
        return ", ".join(parts) + ("" if self.index is None else f" [{self.index}]")


def target_of(value: Any) -> Any:
    """A target as people write it in short: a text, `id=login`, `//xpath`, `new UiSelector()..`, `[540, 680]`."""
    match value:
        case str() if (found := _PREFIX.fullmatch(value.strip())) is not None:
            return {_PREFIXES[found[1].lower()]: found[2]}
        case str() if value.strip().startswith(("//", "(//", "/hierarchy")):
            return {"xpath": value.strip()}
        case str() if re.match(r"\s*new\s+UiSelector", value):
            return {"uiselector": value.strip()}
        case str():
            return {"text": value}
        case list() | tuple():
            return {"point": place_of(value)}
        case _:
            return value


AnyTarget = Annotated[Target, BeforeValidator(target_of, json_schema_input_type=Target | str | tuple[float, float])]
"""A target, in long or in short."""


class Sighting(Value):
    """What came of looking for the target of an action: where it was seen, and where the finger went.

    `healed_by`: the action's own target did not address it; this other one did. `score` is how alike the screen was to
    what the guard expects, 0..1 with three decimals, as text.
    """

    found: bool
    bounds: Bounds | None = None
    point: Point | None = None
    waited_ms: int = 0
    healed_by: Target | None = None
    score: str | None = None
