"""Selectors: which phones a task may run on, by their tags. `model=Pixel*`, `api>=33`, `os<12.1`, `pool!=checkout`.

Tags that every phone has: model, serial, api, os, manufacturer, abi, type (real, emulator), resolution. More are
configured at the agent or set by hand. Upper and lower case are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from contracts.values.value import Value

BUILT_IN_TAGS = frozenset({"model", "serial", "api", "os", "manufacturer", "abi", "type", "resolution"})
"""Tags that say what a phone is. Nobody sets them."""

_EXAMPLES = "model=Pixel*, api>=33 or pool=checkout"
_HOLDS: dict[str, Callable[[int], bool]] = {
    ">=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
}
"""Operators of order, on the sign of the comparison."""
_SELECTOR = re.compile(r"\s*(?P<tag>[^\W\d][\w.-]*)\s*(?P<operator>>=|<=|!=|=|>|<)\s*(?P<value>\S(?:.*\S)?)\s*")
_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)*")


class Selector(Value):
    """One condition on one tag. A phone without the tag meets `!=` only."""

    tag: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.tag}{self.operator}{self.value}"

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Whether a phone with these tags meets it. Numbers and versions are compared as such (13 is 13.0), other
        texts only for equality."""
        found = tags.get(self.tag)
        if self.operator not in _HOLDS:
            return (found is not None and _equal(found, self.value)) == (self.operator == "=")
        order = None if found is None else _order(found, self.value)
        return order is not None and _HOLDS[self.operator](order)


@lru_cache(maxsize=4096)
def parse_selector(text: str) -> Selector:
    """The selector in a text. Raises `ValueError`, which says what to write."""
    read = _SELECTOR.fullmatch(text)
    if read is None:
        raise ValueError(f"{text!r} is not a selector: write a tag, one of = != >= <= > <, and a value: {_EXAMPLES}")
    tag, operator, value = read["tag"].casefold(), read["operator"], read["value"]
    if value[0] in "=<>!":
        raise ValueError(f"{text!r}: {operator}{value[0]} is no operator; there are = != >= <= > <, as in {_EXAMPLES}")
    if operator in _HOLDS and _NUMBER.fullmatch(value) is None:
        raise ValueError(
            f"{text!r}: {operator} compares numbers and versions, such as api>=33 or os<12.1; for a text write"
            f" {tag}={value} or {tag}!={value}"
        )
    return Selector(tag=tag, operator=operator, value=value)


def _canonical(text: str) -> str:
    return str(parse_selector(text))


SelectorText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_canonical)]
"""A selector as it is written, without needless spaces."""


def unmet(where: tuple[str, ...], tags: Mapping[str, str]) -> list[str]:
    """Those of the selectors that a phone with these tags does not meet."""
    return [text for text in where if not parse_selector(text).matches(tags)]


def _equal(found: str, value: str) -> bool:
    if "*" in value:
        pattern = ".*".join(re.escape(part) for part in value.casefold().split("*"))
        return re.fullmatch(pattern, found.casefold(), re.DOTALL) is not None
    return found.casefold() == value.casefold() or _order(found, value) == 0


def _order(found: str, value: str) -> int | None:
    """Below, at or above zero as `found` is less, equal or greater; None where either is no number."""
    if _NUMBER.fullmatch(found) is None or _NUMBER.fullmatch(value) is None:
        return None
    for one, other in zip_longest(found.split("."), value.split("."), fillvalue="0"):
        # Compared by length first: digits may be more than an integer of the language takes from text.
        left, right = one.lstrip("0"), other.lstrip("0")
        if (len(left), left) != (len(right), right):
            return 1 if (len(left), left) > (len(right), right) else -1
    return 0
