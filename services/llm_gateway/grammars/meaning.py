"""What one action means, its arguments read: an intent in pixels, or why it means none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

from contracts.values import (
    AnyIntent,
    ApiName,
    AskPerson,
    CallApi,
    LaunchApp,
    Point,
    Press,
    TakeNote,
    TakeOver,
    TapAt,
    TypeText,
    WaitFor,
)
from contracts.values.intents import TEXT_LIMIT
from services.llm_gateway.grammars.arguments import (
    UnclearError,
    cleaned,
    first_text,
    quoted,
    sensitive,
    short,
    yes_or_no,
)
from services.llm_gateway.grammars.endings import finish
from services.llm_gateway.grammars.keys import key_of
from services.llm_gateway.grammars.names import Act, by_role
from services.llm_gateway.grammars.places import PlaceError, numbers, point_of
from services.llm_gateway.grammars.quantities import seconds_in, whole_number
from services.llm_gateway.grammars.reading import choose
from services.llm_gateway.grammars.shown import Misread, RawReply, Shown, Spoken
from services.llm_gateway.grammars.swipes import swipe

_KNOWN: Final = (
    "Launch, Tap, Long Press, Double Tap, Type, Swipe, Back, Home, Wait, Note, Call_API, Interact, Take_over or finish"
)
_APP_CHARS, _MESSAGE_CHARS, _NAME_CHARS = 200, 1_000, 100
_SAID_CHARS: Final = 40
_LONGEST_WAIT_S: Final = 60.0


def read_reply(reply: RawReply, shown: Shown) -> Spoken | Misread:
    """What an answer means. Every way of saying it is understood, whichever grammar the question had."""
    read = _read(reply, shown)
    match read:
        case Spoken():
            return replace(read, thinking=cleaned(read.thinking))
        case Misread():
            return Misread(cleaned(read.reason), cleaned(read.thinking))
        case _:
            assert_never(read)


def _read(reply: RawReply, shown: Shown) -> Spoken | Misread:
    chosen = choose(reply)
    if isinstance(chosen, Misread):
        return chosen
    said, roles = chosen.said, by_role(chosen.said.arguments)
    own = roles.get("thinking")
    thinking = "\n".join(part for part in (chosen.thinking, own if isinstance(own, str) else "") if part)
    if said.act is None:
        unknown = f"There is no action {quoted(said.name)}" if said.name else "The action has no name"
        return Misread(f"{unknown}: use {_KNOWN}.", thinking)
    try:
        number, place = _place_of(roles, said.act, shown)
        intent = _intent(said.act, roles, number, place, shown)
    except (UnclearError, PlaceError) as error:
        return Misread(f"{said.name[:_SAID_CHARS]}: {error}.", thinking)
    return Spoken(thinking, intent, number)


def _intent(act: Act, roles: Mapping[str, Any], number: int | None, place: Point | None, shown: Shown) -> AnyIntent:
    match act:
        case "LAUNCH":
            return _launch(roles)
        case "TAP" | "LONG" | "DOUBLE":
            if place is None:
                raise UnclearError("say where: a point [x, y], or the number of a listed element")
            return TapAt(point=place, press=act, sensitive=sensitive(roles))
        case "TYPE":
            return _type(roles, place)
        case "SWIPE" | "SCROLL":
            return swipe(roles, number, shown, scrolls=act == "SCROLL")
        case "BACK" | "HOME" | "ENTER":
            return Press(key=act)
        case "PRESS" if place is not None:
            return TapAt(point=place, sensitive=sensitive(roles))
        case "KEY" | "PRESS":
            return _key(roles)
        case "WAIT":
            return _wait(roles)
        case "TAKE_OVER":
            return TakeOver(message=short(first_text(roles, "message", "text", "reason", "question"), _MESSAGE_CHARS))
        case "NOTE":
            return TakeNote(text=_note(roles))
        case "CALL_API":
            return _api(roles)
        case "ASK":
            return AskPerson(question=short(first_text(roles, "question", "message", "text", "reason"), _MESSAGE_CHARS))
        case "FINISH" | "FAIL":
            return finish(roles, gives_up=act == "FAIL")
        case _:
            assert_never(act)


def _place_of(roles: Mapping[str, Any], act: Act, shown: Shown) -> tuple[int | None, Point | None]:
    """The element's number and the point that an action names. Raises `UnclearError` and `PlaceError`."""
    if act not in {"TAP", "LONG", "DOUBLE", "PRESS", "TYPE", "SWIPE", "SCROLL"}:
        return None, None
    written = roles.get("point")
    if isinstance(written, dict) and len(numbers(written)) < 2:
        inner = by_role(written)
        written = inner.get("number", inner.get("point"))
    found = numbers(written)
    if len(found) > 1:
        return None, point_of(found, shown)
    number = written if written is not None else roles.get("number")
    if number is not None:
        return _listed(number, shown)
    sides = [value for name in ("x", "y") if name in roles for value in numbers(roles[name])]
    if not sides and act not in {"SWIPE", "SCROLL"}:
        sides = [value for name in ("x1", "y1", "x2", "y2") if name in roles for value in numbers(roles[name])]
    return None, point_of(sides, shown) if sides else None


def _listed(number: Any, shown: Shown) -> tuple[int, Point]:
    value = whole_number(number)
    if value is None:
        raise UnclearError(f"{quoted(number)} is neither a point [x, y] nor the number of a listed element")
    if not 1 <= value <= len(shown.places):
        known = (
            f"the list goes from 1 to {len(shown.places)}" if shown.places else "nothing is listed, say a point [x, y]"
        )
        raise UnclearError(f"there is no element {value}: {known}")
    return value, shown.places[value - 1].centre


def _launch(roles: Mapping[str, Any]) -> LaunchApp:
    app = cleaned(first_text(roles, "app", "name", "text")).strip()
    if not app or len(app) > _APP_CHARS:
        raise UnclearError("say which app, by its name or its package")
    return LaunchApp(app=app)


def _type(roles: Mapping[str, Any], place: Point | None) -> TypeText:
    text = next((roles[role] for role in ("text", "message") if roles.get(role) is not None), None)
    if not isinstance(text, str):
        raise UnclearError("say what to type, as text")
    clean = cleaned(text)
    if len(clean) > TEXT_LIMIT:
        raise UnclearError(f"the text has {len(clean)} characters, and {TEXT_LIMIT} can be typed at most")
    return TypeText(text=clean, point=place, submit=yes_or_no(roles.get("submit"), "submit") or False)


def _key(roles: Mapping[str, Any]) -> Press:
    key = key_of(first_text(roles, "key", "name", "text"))
    if key is None:
        raise UnclearError("there is no such key: use Back, Home, Enter, Delete, Tab, Search, Menu or Recents")
    return Press(key=key)


def _wait(roles: Mapping[str, Any]) -> WaitFor:
    said = roles.get("seconds", roles.get("number"))
    if said is None:
        return WaitFor()
    seconds = seconds_in(said)
    if seconds is None or seconds < 0:
        raise UnclearError(f"{quoted(said)} is no number of seconds")
    return WaitFor(seconds=min(seconds, _LONGEST_WAIT_S))


def _note(roles: Mapping[str, Any]) -> str:
    """What is kept; empty where the page is only marked, which AutoGLM's models do with `message="True"`."""
    text, message = roles.get("text"), roles.get("message")
    if isinstance(text, str):
        return short(text, TEXT_LIMIT)
    if not isinstance(message, str) or message.strip().casefold() in {"true", "yes"}:
        return ""
    return short(message, TEXT_LIMIT)


def _api(roles: Mapping[str, Any]) -> CallApi:
    name, parameters = roles.get("name") or "", roles.get("parameters") or {}
    if not isinstance(name, str) or len(name) > _NAME_CHARS:
        raise UnclearError("name is the name of a registered call")
    if not isinstance(parameters, dict):
        raise UnclearError("parameters is an object, with a text for each parameter")
    texts = {
        cleaned(str(key)): cleaned(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in parameters.items()
    }
    instruction = short(first_text(roles, "instruction", "message", "text"), TEXT_LIMIT)
    return CallApi(call=ApiName(name=cleaned(name), parameters=texts), instruction=instruction)
