"""Arguments of actions as texts, and yes or no; and what is said where one is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_YES: Final = frozenset({
    "true", "yes", "1", "success", "succeeded", "successful", "complete", "completed", "done", "ok", "finished",
    "是", "成功", "完成", "已完成", "真",
})  # fmt: skip
_NO: Final = frozenset({
    "false", "no", "0", "fail", "failed", "failure", "infeasible", "impossible", "error", "none", "",
    "否", "失败", "假",
})  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SENSITIVE_CHARS: Final = 500


class UnclearError(ValueError):
    """An action that does not say enough. The message says what is missing, in words that the model can be told."""


def yes_or_no(value: Any, name: str) -> bool | None:
    """None where nothing is said. Raises `UnclearError` for what is neither."""
    if value is None or isinstance(value, bool):
        return value
    plain = str(value).strip().casefold()
    if plain in _YES:
        return True
    if plain in _NO:
        return False
    raise UnclearError(f"{name} is true or false, and not {quoted(value)}")


def sensitive(roles: Mapping[str, Any]) -> str | None:
    """Why the model calls an action sensitive; None where it does not."""
    message, flag = roles.get("message"), roles.get("sensitive")
    if isinstance(message, str) and message.strip().casefold() not in _NO:
        return short(message, _SENSITIVE_CHARS)
    if isinstance(flag, str) and flag.strip().casefold() not in _YES | _NO:
        return short(flag, _SENSITIVE_CHARS)
    return "the model calls it sensitive" if message is True or yes_or_no(flag, "sensitive") else None


def first_text(roles: Mapping[str, Any], *names: str) -> str:
    """The first of some arguments that is there, as a text; empty where none is."""
    for name in names:
        value = roles.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def short(text: str, limit: int) -> str:
    clean = cleaned(text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def cleaned(text: str) -> str:
    """Text without what no keyboard types and no table keeps."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").encode("utf-8", "replace").decode())


def quoted(value: Any) -> str:
    """What was said, for a sentence about it."""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(said[:60], ensure_ascii=False)
