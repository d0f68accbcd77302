"""Looking up values: what a text template, a condition, a switch or a field reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from deploy.simulator.apps.actions import ON, AllOf, Condition, Has, Is, Not


@dataclass(frozen=True)
class Scope:
    """Layers of values, the nearest first (arguments, fields, memory, stored, clock), and what is counted in them."""

    layers: tuple[Mapping[str, str], ...]
    counts: tuple[tuple[str, str], ...] = field(default=())

    def value(self, name: str) -> str:
        """The nearest layer's value; a count where `name` is one; else the empty string."""
        for layer in self.layers:
            if name in layer:
                return layer[name]
        for count, prefix in self.counts:
            if count == name:
                return str(self._count(prefix))
        return ""

    def __getitem__(self, name: str) -> str:
        return self.value(name)

    def _count(self, prefix: str) -> int:
        names = {name for layer in self.layers for name in layer if name.startswith(prefix)}
        return sum(self.value(name) == ON for name in names)

    def fill(self, text: str) -> str:
        """The text with each `{name}` replaced by its value."""
        return text.format_map(self) if "{" in text else text

    def holds(self, condition: Condition | None) -> bool:
        """Whether the condition is met; None always is."""
        match condition:
            case None:
                return True
            case Is():
                return self.value(condition.name) == condition.value
            case Has():
                return self.value(condition.name).strip().lower() in condition.part.lower()
            case Not():
                return not self.holds(condition.of)
            case AllOf():
                return all(self.holds(each) for each in condition.of)
            case _:
                assert_never(condition)
