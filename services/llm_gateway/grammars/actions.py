"""Finds actions in the text of an answer: calls like `do(action="Back")` or `tap(5)`, and JSON objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
from services.llm_gateway.grammars.objects import said_by
from services.llm_gateway.grammars.said import Said

_BEGINS = re.compile(
    r"(?<![A-Za-z0-9_.])(?:[A-Za-z_][A-Za-z0-9_]*\.)?(?P<name>[A-Za-z_][A-Za-z0-9_]*|[\u4e00-\u9fff]{2,6})[ \t]*[(（]"
    r"|(?<![=＝:：(（])[\"'“‘](?P<torn>[A-Za-z][A-Za-z_ ]{2,14})[\"'”’]\s{0,9}[,，]\s{0,9}"
    r"(?=(?:app|text|element|message|start|duration|instruction)\s?[=＝])"
    r"|[{｛]|\[(?=\s*[{｛])"
)
"""A call; one whose beginning was lost on the way (`"Launch", app="微信")`); an object, or a list of them."""
_ARGUMENT = re.compile(r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*|[\u4e00-\u9fff]{1,4})\s*[=＝:：](?!=)\s*")
_PLACES = re.compile(r"[\s\d.,，、%\[\]()（）【】-]+")


def actions(text: str, *, sealed: bool = False) -> Iterator[Said]:
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
        found = _call(name, begun.start(), reader) if called else _objects(begun.start(), reader)
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


def _objects(start: int, reader: Reader) -> list[Said]:
    """What the object, or the list of them, says that begins at `start`."""
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
    spelled = map(_spelled, said_by(found))
    return [replace(said, start=start, end=reader.at, closed=said.closed and reader.closed) for said in spelled]


def _spelled(said: Said) -> Said:
    """The name of an action may be the whole call: `{"action": "tap(5)"}`."""
    if said.act is not None or said.name.lstrip()[:1] in {"{", "[", "｛"}:
        return said
    call = next(actions(said.name.strip(), sealed=True), None)
    if call is None or call.start > 0:
        return said
    return replace(call, arguments={**said.arguments, **call.arguments})


def _none(reader: Reader, start: int) -> list[Said]:
    """Nothing was found: what was tried is looked through again, from behind its beginning."""
    reader.furthest, reader.at = max(reader.furthest, reader.at), start
    return []
