"""What every value is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Immutable part of an event. Writers forbid fields that the class does not have; readers ignore them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
