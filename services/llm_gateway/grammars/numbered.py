"""JSON that names elements by their number, for models that cannot place a point: `{"action": "Tap", "element": 5}`."""

from __future__ import annotations

from services.llm_gateway.grammars.json_object import JsonObject
from services.llm_gateway.grammars.shown import Ask, Shown


class Numbered(JsonObject):
    """See `Grammar`."""

    by_number = True

    def where(self, ask: Ask, shown: Shown) -> str:
        if ask.listing is None:
            return super().where(ask, shown)
        return "number is the number of an element in the list. Only listed elements can be named."
