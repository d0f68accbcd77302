"""How many tokens something is, estimated from above: a budget is to end early rather than late."""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

MESSAGE_TOKENS: Final = 8
_PICTURE_LEAST: Final = 1600
_PIXELS_A_TOKEN: Final = 500
"""Models take 750 to 800 pixels for a token (patches of 28 by 28)."""


def tokens_in(text: str) -> int:
    """Tokens of prose: three characters of ASCII a token, else one."""
    ascii_chars = sum(character.isascii() for character in text)
    return -(-ascii_chars // 3) + len(text) - ascii_chars


def tokens_sent(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] | None, picture: tuple[int, int] | None
) -> int:
    """Tokens of a request; `picture` is the size in pixels of the picture that it holds."""
    texts = [part for message in messages for part in _texts(message)]
    if tools:
        texts.append(json.dumps(tools, ensure_ascii=False))
    size = sum(_dense_tokens(text) for text in texts) + MESSAGE_TOKENS * len(messages)
    return size + (0 if picture is None else max(_PICTURE_LEAST, picture[0] * picture[1] // _PIXELS_A_TOKEN))


def _dense_tokens(text: str) -> int:
    """As `tokens_in`, for text full of numbers and punctuation: a digit is one, two other marks are one."""
    counts = Counter(text)
    digits = sum(counts[mark] for mark in string.digits)
    marks = sum(counts[mark] for mark in string.punctuation)
    plain = sum(count for character, count in counts.items() if character.isascii()) - digits - marks
    wide = len(text) - digits - marks - plain
    return digits + -(-marks // 2) + -(-plain // 3) + wide


def _texts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    parts = [part.get("text", "") for part in content] if isinstance(content, list) else [content or ""]
    calls = message.get("tool_calls")
    return [*parts, *([json.dumps(calls, ensure_ascii=False)] if calls else [])]
