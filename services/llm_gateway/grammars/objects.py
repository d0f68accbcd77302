"""What objects say that models write for an action, in the shapes that they know from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.llm_gateway.grammars.literals import NotReadableError, Reader
from services.llm_gateway.grammars.names import act_of, role_of
from services.llm_gateway.grammars.said import Said

_MAX_DEPTH: Final = 3
_NESTED_KEYS: Final = ("arguments", "args", "params", "parameters", "action_input", "action_args", "input")
_NAME_KEYS: Final = ("name", "tool", "tool_name", "function", "type", "_metadata")


def said_by(found: Any, depth: int = 0) -> Iterator[Said]:
    """What an object, or a list of them, says: one action, several, or none."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(found, list):
        for entry in found:
            yield from said_by(entry, depth + 1)
        return
    if not isinstance(found, dict):
        return
    key = next((key for key in found if role_of(key) == "action" and found[key]), None)
    if key is not None:
        yield from _acting(found[key], {name: value for name, value in found.items() if name != key}, depth)
        return
    thoughts = {name: value for name, value in found.items() if role_of(name) == "thinking"}
    rest = {name: value for name, value in found.items() if name not in thoughts}
    for key in _NAME_KEYS:
        if act_of(rest.get(key)) is not None and _is_named_by(key, rest):
            yield Said(rest[key], _flat(rest[key], {k: v for k, v in rest.items() if k != key}) | thoughts)
            return
    if len(rest) == 1 and act_of(only := next(iter(rest))) is not None and isinstance(rest[only], dict):
        yield Said(only, rest[only] | thoughts)
        return
    for value in rest.values():
        if isinstance(value, dict | list):
            for said in said_by(value, depth + 1):
                yield Said(said.name, {**thoughts, **said.arguments})


def _is_named_by(key: str, found: Mapping[str, Any]) -> bool:
    """Whether a key that many objects have, like `name` or `type`, names an action here."""
    others = [other for other in found if other != key]
    if key in {"_metadata", "function", "tool", "tool_name"} or not others:
        return True
    return any(other in _NESTED_KEYS for other in others) or (
        key == "type" and all(role_of(other) is not None for other in others)
    )


def _acting(action: Any, rest: dict[str, Any], depth: int) -> Iterator[Said]:
    """What stands behind an `action` key: a name, which may be a whole call, or an object."""
    if isinstance(action, dict | list):
        for said in said_by(action, depth + 1):
            yield Said(said.name, {**rest, **said.arguments})
    elif isinstance(action, str):
        yield Said(action, _flat(action, rest))


def _flat(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments that stand in an object of their own, put beside the others."""
    for key in _NESTED_KEYS:
        inner = arguments.get(key)
        if isinstance(inner, str) and inner.lstrip()[:1] in ("{", "｛"):
            try:
                inner = Reader(inner.lstrip()).json()
            except NotReadableError:
                continue
        is_own = key == "parameters" and act_of(name) == "CALL_API" and len(arguments) > 1
        if isinstance(inner, dict) and not is_own:
            arguments = {k: v for k, v in arguments.items() if k != key} | inner
    return arguments
