"""What one action means, its arguments read: an intent in pixels, or why it means none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, assert_never

from contracts.values import (
    AnyIntent,
    ApiName,
    AskPerson,
    Bounds,
    CallApi,
    Finish,
    LaunchApp,
    Point,
    Press,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    TypeText,
    WaitFor,
)
from contracts.values.actions import Direction
from contracts.values.intents import TEXT_LIMIT
from services.llm_gateway.grammars.keys import key_of
from services.llm_gateway.grammars.names import Act, by_role
from services.llm_gateway.grammars.places import PlaceError, numbers, point_of
from services.llm_gateway.grammars.quantities import seconds_in, whole_number
from services.llm_gateway.grammars.reading import choose
from services.llm_gateway.grammars.shown import Misread, RawReply, Shown, Spoken

KNOWN: Final = (
    "Launch, Tap, Long Press, Double Tap, Type, Swipe, Back, Home, Enter, Wait, Note, Call_API, Interact, Take_over"
)
_YES: Final = frozenset({"true", "yes", "1", "success", "succeeded", "successful", "complete", "completed", "done", "ok",
                         "finished", "是", "成功", "完成", "真"})  # fmt: skip
_NO: Final = frozenset({"false", "no", "0", "fail", "failed", "failure", "infeasible", "impossible", "error", "none", "",
                        "否", "失败", "假"})  # fmt: skip
_DIRECTIONS: Final[Mapping[str, Direction]] = {
    "up": "UP", "down": "DOWN", "left": "LEFT", "right": "RIGHT", "upward": "UP", "downward": "DOWN",
    "向上": "UP", "向下": "DOWN", "向左": "LEFT", "向右": "RIGHT", "上": "UP", "下": "DOWN", "左": "LEFT", "右": "RIGHT",
    "上滑": "UP", "下滑": "DOWN", "左滑": "LEFT", "右滑": "RIGHT",
}  # fmt: skip
_OPPOSITE: Final[Mapping[Direction, Direction]] = {"UP": "DOWN", "DOWN": "UP", "LEFT": "RIGHT", "RIGHT": "LEFT"}
_FAILING = re.compile(
    r"\W*(?:任务|操作|抱歉[，,]?|很抱歉[，,]?|对不起[，,]?|我)*\s*(?:无法|不能|未能|没能|没有完成|未完成|失败|无法完成|执行失败)"
    r"|\W*(?:sorry\b|unfortunately\b|(?:i |we |the task )?(?:am |was |is |could |can |has |have )?"
    r"(?:not able|unable|cannot\b|can't\b|could not\b|couldn't\b|can not\b|not possible|fail(?:ed)?\b|not (?:been )?completed))",
    re.IGNORECASE,
)
_DRAG: Final = 0.5
"""Part of the screen, or of an element, that a swipe in a direction takes."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class UnclearError(ValueError):
    """An action that does not say enough. The message says what is missing, in words that the model can be told."""


def read_reply(reply: RawReply, shown: Shown) -> Spoken | Misread:
    """What an answer means in any grammar: all are understood, however the question was put."""
    chosen = choose(reply)
    if isinstance(chosen, Misread):
        return chosen
    roles = by_role(chosen.said.arguments)
    own = roles.get("thinking")
    thinking = "\n".join(part for part in (chosen.thinking, own if isinstance(own, str) else "") if part)
    act = chosen.said.act
    if act is None:
        name = (
            f"There is no action {json.dumps(chosen.said.name[:60], ensure_ascii=False)}"
            if chosen.said.name
            else ("The action has no name")
        )
        return Misread(f"{name}: use {KNOWN} or finish", thinking)
    try:
        number, place = _place_of(roles, act, shown)
        intent = _intent(act, roles, number, place, shown)
    except (UnclearError, PlaceError) as error:
        return Misread(f"{chosen.said.name}: {error}", thinking)
    return Spoken(thinking, intent, number)


def fails_in_words(message: str) -> bool:
    """Whether the message of a finish begins with saying that it did not work."""
    return _FAILING.match(message) is not None


def dragged(direction: Direction, within: Bounds) -> tuple[Point, Point]:
    """Where a finger goes that is drawn in a direction across the middle of something."""
    x, y = within.centre.x, within.centre.y
    across, along = round(within.width * _DRAG / 2), round(within.height * _DRAG / 2)
    match direction:
        case "UP":
            return Point(x=x, y=y + along), Point(x=x, y=y - along)
        case "DOWN":
            return Point(x=x, y=y - along), Point(x=x, y=y + along)
        case "LEFT":
            return Point(x=x + across, y=y), Point(x=x - across, y=y)
        case "RIGHT":
            return Point(x=x - across, y=y), Point(x=x + across, y=y)
        case _:
            assert_never(direction)


def direction_of(start: Point, end: Point) -> Direction:
    across, along = end.x - start.x, end.y - start.y
    if abs(across) > abs(along):
        return "RIGHT" if across > 0 else "LEFT"
    return "DOWN" if along > 0 else "UP"


def _intent(act: Act, roles: Mapping[str, Any], number: int | None, place: Point | None, shown: Shown) -> AnyIntent:
    match act:
        case "LAUNCH":
            app = _first_text(roles, "app", "name", "text")
            if not app.strip() or len(app) > 200:
                raise UnclearError("say which app, by its name or its package")
            return LaunchApp(app=app.strip())
        case "TAP" | "LONG" | "DOUBLE":
            if place is None:
                raise UnclearError("say where: a point [x, y], or the number of a listed element")
            return TapAt(point=place, press=act, sensitive=_sensitive(roles))
        case "TYPE":
            return _typed(roles, place)
        case "SWIPE" | "SCROLL":
            return _swipe(act, roles, number, shown)
        case "BACK" | "HOME" | "ENTER":
            return Press(key=act)
        case "KEY" | "PRESS":
            if act == "PRESS" and place is not None:
                return TapAt(point=place, sensitive=_sensitive(roles))
            key = key_of(_first_text(roles, "key", "name", "text"))
            if key is None:
                raise UnclearError("there is no such key: use Back, Home, Enter, Delete, Tab, Search, Menu or Recents")
            return Press(key=key)
        case "WAIT":
            return _wait(roles)
        case "TAKE_OVER":
            return TakeOver(message=_short(_first_text(roles, "message", "text", "reason", "question"), 1_000))
        case "NOTE":
            return TakeNote(text=_note(roles))
        case "CALL_API":
            return _api(roles)
        case "ASK":
            return AskPerson(question=_short(_first_text(roles, "question", "message", "text", "reason"), 1_000))
        case "FINISH" | "FAIL":
            return _finish(act, roles)
        case _:
            assert_never(act)


def _place_of(roles: Mapping[str, Any], act: Act, shown: Shown) -> tuple[int | None, Point | None]:
    """The element's number and the point that an action names. Raises `UnclearError` and `PlaceError`."""
    written = roles.get("point")
    if isinstance(written, dict) and "x" not in written and "x1" not in written:
        inner = by_role(written)
        written = inner.get("number", inner.get("point"))
    number = roles.get("number") if written is None else None
    found = numbers(written)
    if written is not None and not found:
        number = whole_number(written)
        if number is None:
            raise UnclearError(f"{_quoted(written)} is neither a point [x, y] nor the number of a listed element")
    elif len(found) == 1:
        number = found[0]
    if number is not None:
        return _listed(number, shown)
    if not found:
        found = [n for name in ("x", "y", "x1", "y1", "x2", "y2") if name in roles for n in numbers(roles[name])]
        if act in {"SWIPE", "SCROLL"} or not found:
            return None, None
    return None, point_of(found, shown)


def _listed(number: Any, shown: Shown) -> tuple[int, Point]:
    value = whole_number(number)
    if value is None or not 1 <= value <= len(shown.places):
        listed = (
            f"the list goes from 1 to {len(shown.places)}" if shown.places else "there is no list: say a point [x, y]"
        )
        raise UnclearError(f"there is no element {_quoted(number)}: {listed}")
    return value, shown.places[value - 1].centre


def _typed(roles: Mapping[str, Any], place: Point | None) -> TypeText:
    text = next((roles[role] for role in ("text", "message") if roles.get(role) is not None), None)
    if not isinstance(text, str | int | float) or isinstance(text, bool):
        raise UnclearError("say what to type, as text")
    clean = _clean(str(text))
    if len(clean) > TEXT_LIMIT:
        raise UnclearError(f"the text has {len(clean)} characters, and {TEXT_LIMIT} can be typed at most")
    return TypeText(text=clean, point=place, submit=_yes_or_no(roles.get("submit"), "submit") or False)


def _swipe(act: Act, roles: Mapping[str, Any], number: int | None, shown: Shown) -> SwipeTo:
    start, end = numbers(roles.get("start")), numbers(roles.get("end"))
    if not start and "x1" in roles:
        start = [n for name in ("x1", "y1") if name in roles for n in numbers(roles[name])]
        end = [n for name in ("x2", "y2") if name in roles for n in numbers(roles[name])]
    if not start and end:
        start = numbers(roles.get("point"))
    if start and end:
        begins, ends = point_of(start, shown), point_of(end, shown)
        if begins == ends:
            raise UnclearError("start and end are the same point")
        return SwipeTo(start=begins, end=ends, direction=direction_of(begins, ends))
    said = roles.get("direction")
    direction = _DIRECTIONS.get(said.strip().casefold()) if isinstance(said, str) else None
    if direction is None:
        raise UnclearError(
            "say from where to where, start [x, y] and end [x, y], or a direction: up, down, left, right"
        )
    if act == "SCROLL":
        direction = _OPPOSITE[direction]
    within = (
        shown.places[number - 1] if number is not None else Bounds(x=0, y=0, width=shown.width, height=shown.height)
    )
    begins, ends = dragged(direction, within)
    return SwipeTo(start=begins, end=ends, direction=direction)


def _wait(roles: Mapping[str, Any]) -> WaitFor:
    said = roles.get("seconds", roles.get("number"))
    if said is None:
        return WaitFor()
    seconds = seconds_in(said)
    if seconds is None or seconds < 0:
        raise UnclearError(f"{_quoted(said)} is no number of seconds")
    return WaitFor(seconds=min(seconds, 60.0))


def _note(roles: Mapping[str, Any]) -> str:
    text = roles.get("text")
    if isinstance(text, str):
        return _short(text, TEXT_LIMIT)
    message = roles.get("message")
    if message is None or isinstance(message, bool) or str(message).strip().casefold() in {"true", "yes"}:
        return ""
    return _short(str(message), TEXT_LIMIT)


def _api(roles: Mapping[str, Any]) -> CallApi:
    name = roles.get("name") or ""
    parameters = roles.get("parameters") or {}
    if not isinstance(name, str) or len(name) > 100:
        raise UnclearError("name is the name of a registered call")
    if not isinstance(parameters, dict):
        raise UnclearError("parameters is an object, a text for each parameter")
    plain = {
        str(key): _clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in parameters.items()
    }
    instruction = _short(_first_text(roles, "instruction", "message", "text"), TEXT_LIMIT)
    return CallApi(call=ApiName(name=name, parameters=plain), instruction=instruction)


def _finish(act: Literal["FINISH", "FAIL"], roles: Mapping[str, Any]) -> Finish:
    message = _short(_first_text(roles, "message", "text", "reason"), TEXT_LIMIT)
    said = _yes_or_no(roles.get("success"), "success")
    if act == "FAIL":
        return Finish(message=message, succeeded=False)
    return Finish(message=message, succeeded=not fails_in_words(message) if said is None else said)


def _yes_or_no(value: Any, name: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    plain = str(value).strip().casefold()
    if plain in _YES:
        return True
    if plain in _NO:
        return False
    raise UnclearError(f"{name} is true or false, and not {_quoted(value)}")


def _sensitive(roles: Mapping[str, Any]) -> str | None:
    message, flag = roles.get("message"), roles.get("sensitive")
    if isinstance(flag, str) and flag.strip().casefold() not in _YES | _NO:
        return _short(flag, 500)
    if isinstance(message, str) and message.strip() and message.strip().casefold() not in _NO:
        return _short(message, 500)
    return "the model calls it sensitive" if flag is not None and _yes_or_no(flag, "sensitive") else None


def _first_text(roles: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = roles.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def _short(text: str, limit: int) -> str:
    clean = _clean(text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def _clean(text: str) -> str:
    """Text without what no keyboard types and no table keeps."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").encode("utf-8", "replace").decode())


def _quoted(value: Any) -> str:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(said[:60], ensure_ascii=False)
