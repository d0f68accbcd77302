"""One action of an answer, as it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.llm_gateway.grammars.names import Act, act_of, role_of


@dataclass(frozen=True)
class Said:
    """One action as it was written: `name` is what it calls itself. It stands at `start` to `end` of the text.

    `whole`: nothing of it was cut off. `closed`: its last bracket is there.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    start: int = 0
    end: int = 0
    whole: bool = True
    closed: bool = True

    @property
    def act(self) -> Act | None:
        return act_of(self.name)

    @property
    def same(self) -> str:
        """Equal for what means the same."""
        arguments = {role_of(name) or name: value for name, value in self.arguments.items()}
        arguments.pop("thinking", None)
        return json.dumps([self.act or self.name, arguments], sort_keys=True, ensure_ascii=False, default=str)
