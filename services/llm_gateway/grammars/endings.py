"""The end of a task: whether the model says that it was reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from contracts.values import Finish
from contracts.values.intents import TEXT_LIMIT
from services.llm_gateway.grammars.arguments import first_text, short, yes_or_no

_BEGINNING: Final = 60
_FAILING = re.compile(
    r"[\W]*(?:很?抱歉|对不起|不好意思)?\W*(?:我|任务|操作|目标|本次)*(?:无法|不能|未能|没能|没有完成|未完成|失败|执行失败)"
    r"|\W*(?:sorry|unfortunately)\b"
    r"|\W*(?:i |we |the task |task |it )?(?:am |was |is |could |can |has |have )?(?:not able|unable|cannot|can't"
    r"|could not|couldn't|can not|not possible|impossible|failed|not (?:been )?completed)\b",
    re.IGNORECASE,
)
"""AutoGLM's models have one word for both ends, and say in the message that it did not work."""


def finish(roles: Mapping[str, Any], *, gives_up: bool) -> Finish:
    """`gives_up`: the action itself says that it failed. Raises `UnclearError` for a status that is no end."""
    message = short(first_text(roles, "message", "text", "reason"), TEXT_LIMIT)
    said = yes_or_no(roles.get("success"), "success")
    if gives_up:
        return Finish(message=message, succeeded=False)
    return Finish(message=message, succeeded=not fails_in_words(message) if said is None else said)


def fails_in_words(message: str) -> bool:
    """Whether a message begins with saying that it did not work."""
    return _FAILING.match(message[:_BEGINNING]) is not None
