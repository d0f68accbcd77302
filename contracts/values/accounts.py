"""Test accounts that runs borrow."""

from __future__ import annotations

from pydantic import Field

from contracts.values.references import SecretRef
from contracts.values.value import Value


class AccountRef(Value):
    """A test account that a run has for itself: `fields` in the clear, `secrets` as references to where they lie."""

    name: str
    pool: str
    fields: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, SecretRef] = Field(default_factory=dict)
