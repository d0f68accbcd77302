"""What must not be read in a table: texts of password fields, and secrets within errors. Pure."""

from __future__ import annotations

import re

from contracts.values import Action, ElementSeen, TypeInto, TypeText

HIDDEN = "[hidden]"
"""Stands for what was typed into a password field, or into a field of which nobody knows whether it is one."""

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 [hidden]"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), HIDDEN),
    (re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+@"), r"\1[hidden]@"),
    (
        re.compile(
            r"(?i)(\b(?:api[-_ ]?key|access[-_ ]?(?:key|token)|token|secret|password|passwd|pwd)\b|密码|口令|密钥)"
            r"(\"?\s*[=:：]\s*\"?)[^\s,;&\"'，。；]+"
        ),
        r"\1\2[hidden]",
    ),
)


def error_text(text: str | None) -> str | None:
    """An error as it may be kept: keys, tokens and passwords in it are hidden."""
    if text is None:
        return None
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def typed(intent: TypeText) -> str:
    """What is typed, where the field is known to be no password's."""
    return intent.text if _is_open(intent.element) else HIDDEN


def typed_by(action: Action) -> str | None:
    """What an action types, where the field is known to be no password's; None for actions that type nothing."""
    if not isinstance(action, TypeInto):
        return None
    element = None if action.guard is None else action.guard.element
    text = None if action.text is None else action.text.clear
    return text if text is not None and _is_open(element) else HIDDEN


def without_typed(text: str, intent: object) -> str:
    """A model's thoughts, without the password that it is about to type."""
    if not isinstance(intent, TypeText) or _is_open(intent.element) or not intent.text.strip():
        return text
    return text.replace(intent.text, HIDDEN)


def _is_open(element: ElementSeen | None) -> bool:
    return element is not None and not element.password
