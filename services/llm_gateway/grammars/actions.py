"""Finds actions in the text of an answer: calls like `do(action="Back")` or `tap(5)`, and JSON objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.llm_gateway.grammars.literals import (
    EFFORT,
    LEAST_EFFORT,
    Bare,
    CutOffError,
    NotReadableError,
    Reader,
    TooMuchError,
)
from services.llm_gateway.grammars.names import ENDINGS, Act, act_of, role_of

_MAX_DEPTH: Final = 3
_BEGINS = re.compile(
    r"(?<![A-Za-z0-9_.])(?:[A-Za-z_][A-Za-z0-9_]*\.)?(?P<name>[A-Za-z_][A-Za-z0-9_]*|[\u4e00-\u9fff]{2,6})[ \t]*[(（]"
    r"|(?<![=＝:：(（])[\"'“‘](?P<torn>[A-Za-z][A-Za-z_ ]{2,14})[\"'”’]\s{0,9}[,，]\s{0,9}"
    r"(?=(?:app|text|element|message|start|duration|instruction)\s?[=＝])"
    r"|[{｛]|\[(?=\s*[{｛])"
)
"""A call; one whose beginning was lost on the way (`"Launch", app="微信")`); an object, or a list of them."""
_ARGUMENT = re.compile(r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*|[\u4e00-\u9fff]{1,4})\s*[=＝:：](?!=)\s*")
_PLACES = re.compile(r"[\s\d.,，、%\[\]()（）【】-]+")
_NESTED_KEYS: Final = ("arguments", "args", "params", "parameters", "action_input", "action_args", "input")
_NAME_KEYS: Final = ("name", "tool", "tool_name", "function", "type", "_metadata")


@dataclass(frozen=True)
class Said:
    """One action as it was written: `name` is what it calls itself. It stands at `start` to `end` of the text.

    `whole`: nothing of it was cut off. `closed`: its last bracket is there.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    start: int = 0
    end: int = 0
    whole: bool = True
    closed: bool = True

    @property
    def act(self) -> Act | None:
        return act_of(self.name)

    @property
    def same(self) -> str:
        """Equal for what means the same."""
        arguments = {role_of(name) or name: value for name, value in self.arguments.items()}
        arguments.pop("thinking", None)
        return json.dumps([self.act or self.name, arguments], sort_keys=True, ensure_ascii=False, default=str)


def actions(text: str, *, sealed: bool = False, depth: int = 0) -> Iterator[Said]:
    """Every action in a text, in order; what stands inside another's texts is none. Raises `TooMuchError`.

    `sealed`: the end of the text is known to be the end of the answer, so that a quote that is missing there is
    missing, and nothing was cut off.
    """
    at, effort = 0, EFFORT
    while (begun := _BEGINS.search(text, at)) is not None:
        at = begun.end()
        name = begun["name"] or begun["torn"]
        if name is not None and not _names_a_call(name):
            continue
        if begun["torn"] is not None and act_of(name) in ENDINGS:
            continue
        called = name is not None
        reader = Reader(text, begun.end() if called else begun.start(), sealed=sealed)
        found = _call(name, begun.start(), reader) if called else _objects(begun.start(), reader, depth)
        yield from found
        if not found:
            effort -= max(reader.furthest - begun.start(), LEAST_EFFORT)
        if effort < 0:
            raise TooMuchError
        at = max(reader.at, at)


def _names_a_call(name: str) -> bool:
    return name.lower() == "do" or act_of(name) is not None


def _call(name: str, start: int, reader: Reader) -> list[Said]:
    """The call that begins at `start`, whose arguments are next: one, or none where it is words in brackets."""
    named: dict[str, Any] = {}
    free: list[Any] = []
    whole = True
    try:
        _arguments(reader, named, free)
    except CutOffError:
        whole = False
        reader.give_up()
    except NotReadableError:
        return _none(reader, start)
    is_do = name.lower() == "do"
    if is_do:
        key = next((key for key in named if role_of(key) == "action"), None)
        said = named.pop(key) if key is not None else free.pop(0) if free else None
        name = said if isinstance(said, str) else ""
    if (not is_do and any(_is_prose(value) for value in free)) or (not whole and not is_do and not named):
        return _none(reader, start)
    _place(act_of(name), named, free)
    return [Said(name, named, start, reader.at, whole, reader.closed)]


def _arguments(reader: Reader, named: dict[str, Any], free: list[Any]) -> None:
    """Reads up to the closing bracket, or to the end where nothing begins any more. Raises `NotReadableError`."""
    while not reader.ends_with(")）"):
        if reader.take(",，、;；"):
            continue
        argument = _ARGUMENT.match(reader.text, reader.at)
        if argument is not None:
            reader.at = argument.end()
            value = reader.argument()
            if named.setdefault(argument["name"], value) != value:
                raise NotReadableError(f"{argument['name']} is given twice")
        elif reader.peek() in "{｛" and isinstance(found := reader.argument(), dict):
            named.update(found)
        else:
            free.append(reader.argument())


def _is_prose(value: Any) -> bool:
    return isinstance(value, Bare) and _PLACES.fullmatch(value) is None


def _place(act: Act | None, named: dict[str, Any], free: list[Any]) -> None:
    """Gives arguments without a name the one that they have by their place."""
    if not free:
        return
    match act:
        case "LAUNCH":
            names = ["app"]
        case "TYPE":
            names = ["text"]
        case "TAP" | "LONG" | "DOUBLE":
            names, free = ["element"], free if len(free) == 1 else [free]
        case "SWIPE" | "SCROLL" if len(free) > 1:
            names, free = ["start", "end"], free if len(free) == 2 else [free[:2], free[2:]]
        case "SWIPE" | "SCROLL":
            names = ["direction"]
        case "WAIT":
            names = ["duration"]
        case "KEY" | "PRESS":
            names = ["key"]
        case "CALL_API":
            names = ["name", "instruction"]
        case "TAKE_OVER" | "NOTE" | "ASK" | "FINISH" | "FAIL":
            names = ["message"]
        case _:
            names = []
    for name, value in zip(names, free, strict=False):
        named.setdefault(name, value)


def _objects(start: int, reader: Reader, depth: int) -> list[Said]:
    """What an object, or a list of them, says."""
    try:
        found = reader.json()
    except CutOffError:
        name = next((value for key, value in reader.partial.items() if role_of(key) == "action"), None)
        if act_of(name) is None:
            return _none(reader, start)
        reader.give_up()
        return [Said(str(name), reader.partial, start, reader.at, whole=False, closed=False)]
    except NotReadableError:
        return _none(reader, start)
    return [
        Said(said.name, said.arguments, start, reader.at, said.whole, said.closed and reader.closed)
        for said in _said_by(found, depth)
    ]


def _none(reader: Reader, start: int) -> list[Said]:
    """Nothing was found: what was tried is looked through again, from behind its beginning."""
    reader.furthest, reader.at = max(reader.furthest, reader.at), start
    return []


def object_said(found: Any) -> list[Said]:
    """What an object that was read says: an action, several, or none."""
    return list(_said_by(found, 0))


def _said_by(found: Any, depth: int) -> Iterator[Said]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(found, list):
        for entry in found:
            yield from _said_by(entry, depth + 1)
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
            for said in _said_by(value, depth + 1):
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
    """What stands behind an `action` key: a name, an object, or a call as text."""
    if isinstance(action, dict | list):
        for said in _said_by(action, depth + 1):
            yield Said(said.name, {**rest, **said.arguments})
        return
    if not isinstance(action, str):
        return
    if act_of(action) is None and depth < _MAX_DEPTH:
        for said in actions(action.strip(), sealed=True, depth=depth + 1):
            if said.start > 0:
                break
            yield Said(said.name, {**rest, **said.arguments}, whole=said.whole)
            return
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
