"""Secrets by reference: where one lies, never what it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

SecretRef = Annotated[str, StringConstraints(pattern=r"^(none|env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$", max_length=500)]
