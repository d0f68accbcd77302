"""Test accounts, which are leased to runs as phones are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.values.value import Value

SecretPlace = Annotated[str, StringConstraints(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$", max_length=500)]
"""Where a secret lies (`env:NAME`, `file:/path`); the secret itself is never in a message, an event or a row."""


class AccountRef(Value):
    """One test account. `fields` are in the clear (a user name, a country), `secrets` are references."""

    name: str
    pool: str
    fields: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
