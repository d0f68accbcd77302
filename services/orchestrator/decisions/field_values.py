"""What to type into a text field when no model is asked: a value of the field's kind, equal for the same seed."""

from __future__ import annotations

from typing import Literal

from contracts.values import Gesture

InputKind = Literal["TEXT", "NUMBER", "PHONE", "EMAIL", "PASSWORD", "SEARCH", "DATE", "URL"]

_VALUES: dict[InputKind, tuple[str, ...]] = {
    "TEXT": ("Waymark", "Ada Lovelace", "测试文本"),
    "NUMBER": ("7", "42", "1000"),
    "PHONE": ("13800138000", "+491701234567", "5550100"),
    "EMAIL": ("qa@example.com", "ada@example.org", "test@example.net"),
    "PASSWORD": ("Secret-123", "Passw0rd!", "correct-horse-9"),
    "SEARCH": ("coffee", "phone", "咖啡"),
    "DATE": ("2026-01-31", "2025-12-24", "2027-06-01"),
    "URL": ("https://example.com", "https://example.org/a", "example.net"),
}


def field_value(gesture: Gesture, seed: int, *, ascii_only: bool = False) -> str:
    """A value for the field of an INPUT gesture. The first ones are what most validations accept."""
    values = _VALUES[gesture.input_kind or "TEXT"]
    if ascii_only:
        values = tuple(value for value in values if value.isascii())
    return values[seed % len(values)]
