"""Texts that come from apps: what is taken out of them before a model reads them, and which of them are suspicious.

An app may try to steer the model. Its texts are data; nothing that is counted here decides what an answer may do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_COMMANDING: Final = re.compile(
    r"(?:ignore|disregard|forget)\b.{0,30}\b(?:instruction|previous|above|rule)|system prompt|you (?:are|must) now"
    r"|忽略.{0,10}(?:指令|以上|之前|规则)|系统提示|你现在是",
    re.IGNORECASE,
)
_ANSWERING: Final = re.compile(
    r"\bdo\s*[(（]\s*action|\bfinish\s*[(（]\s*message|</?(?:answer|think|tool_call|function_call)\b|<\|[a-z_]{2,30}\|>"
    r"|[\"“'](?:action|act|tool_calls?|function|arguments)[\"”']\s*[:：]|^[^\S\n]*(?:system|assistant|user|developer|系统|助手)\s*[:：]",
    re.IGNORECASE | re.MULTILINE,
)


_READ_CHARS: Final = 2_000
"""Of one text. What an app pads further is not read by a model either."""
_READ_IN_ALL: Final = 200_000


def one_line(text: str, limit: int | None = None) -> str:
    """On one line, without control characters and without what turns the direction of writing; shortened to `limit`
    characters."""
    line = _CONTROL.sub(" ", text).strip()
    return line if limit is None or len(line) <= limit else line[: limit - 1] + "…"


def commanding(texts: Iterable[str]) -> int:
    """How many of the texts read like commands to a model."""
    return sum(_COMMANDING.search(text) is not None for text in texts)


def suspicious(texts: Iterable[str]) -> int:
    """How many of the texts read like commands to a model, or like the answer of one. Of long texts only the beginning
    is looked at, of very many the first: an app must not be able to hold everybody up."""
    left, found = _READ_IN_ALL, 0
    for text in texts:
        read = text[: min(_READ_CHARS, left)]
        left -= len(read)
        found += _COMMANDING.search(read) is not None or _ANSWERING.search(read) is not None
        if not left:
            break
    return found
