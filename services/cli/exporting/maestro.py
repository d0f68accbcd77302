"""A flow for Maestro. What Maestro cannot say is a comment in it, and a warning."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from contracts.scripts import ScriptData, ScriptStep
from contracts.steps import (
    VARIABLE,
    Condition,
    DoubleTapStep,
    ExpectStep,
    IfSeenStep,
    LaunchStep,
    LongPressStep,
    PressStep,
    ScrollStep,
    Step,
    SwipeStep,
    SwipeStroke,
    TapStep,
    Type,
    TypeStep,
    Wait,
    WaitStep,
)
from contracts.values import Guard, Place, Target
from services.cli.exporting.exported import Exported, alternates, as_yaml, one_line, values_of, words_of

Command = str | dict[str, Any]
COMMANDS = frozenset(
    {"assertVisible", "back", "doubleTapOn", "eraseText", "extendedWaitUntil", "inputText", "launchApp", "longPressOn",
     "pressKey", "runFlow", "scroll", "scrollUntilVisible", "swipe", "tapOn", "waitForAnimationToEnd"}
)  # fmt: skip
"""Of Maestro's commands, those that are written here."""
KEYS = {
    "HOME": "Home", "ENTER": "Enter", "DELETE": "Backspace", "TAB": "Tab", "POWER": "Power",
    "VOLUME_UP": "Volume Up", "VOLUME_DOWN": "Volume Down",
}  # fmt: skip
_SPECIAL = re.compile(r"([\\.^$|()?*+\[\]{}])")
_ERASED_CHARS = 100
_ANY_APP = "android"
_SETTLE_MS = 500


class _UnsaidError(Exception):
    """Maestro has no words for it."""


@dataclass
class _Flow:
    app: str | None
    parts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    number: str = ""

    def note(self, text: str) -> None:
        self.parts.append(f"# {one_line(text)}\n")

    def warn(self, text: str) -> None:
        self.warnings.append(f"step {self.number}: {text}")
        self.note(f"Maestro cannot: {text}")

    def add(self, commands: list[Command]) -> None:
        if commands:
            self.parts.append(as_yaml(commands))


def export(data: ScriptData, defaults: Mapping[str, str]) -> Exported:
    """`maestro test -e name=value FILE`."""
    flow = _Flow(data.app)
    for number, step in enumerate(data.steps, 1):
        _step(flow, step, str(number))
    values = values_of(data, defaults)
    env = {_name(name): f"${{{_name(name)} || {_js(text)}}}" for name, text in values.items() if text is not None}
    needed = [_name(name) for name, text in values.items() if text is None]
    head: dict[str, Any] = {"appId": data.app or _ANY_APP, "name": data.name}
    comments = [one_line(data.description)] if data.description else []
    if needed:
        comments.append("run it with " + " ".join(f"-e {name}=.." for name in needed))
    begin = "".join(f"# {line}\n" for line in comments)
    body = "".join(flow.parts)
    if all(part.startswith("#") for part in flow.parts):
        body += "[]\n"
    return Exported(f"{begin}{as_yaml(head | ({'env': env} if env else {}))}---\n{body}", tuple(flow.warnings))


def _step(flow: _Flow, recorded: ScriptStep, number: str) -> None:
    flow.number = number
    flow.note(f"{number}. {words_of(recorded)}")
    guard = recorded.guard
    if guard is not None and guard.screen is not None:
        flow.warn(f"see that {guard.screen.package} {guard.screen.activity or ''} is in front before it")
    try:
        flow.add(_commands(flow, recorded.step, guard, recorded.wait_s))
    except _UnsaidError as error:
        flow.warn(f"{error}: the step is left out")


def _commands(flow: _Flow, step: Step, guard: Guard | None, wait_s: float) -> list[Command]:
    match step:
        case LaunchStep(launch=launch):
            app = launch.app or flow.app
            if app is None:
                raise _UnsaidError("launch an app without its package")
            return [{"launchApp": {"appId": app, "stopApp": launch.restart}}]
        case TapStep(tap=tap):
            return _touched(flow, "tapOn", tap.element, guard, max(tap.timeout_s, wait_s))
        case LongPressStep(long_press=tap):
            return _touched(flow, "longPressOn", tap.element, guard, max(tap.timeout_s, wait_s))
        case DoubleTapStep(double_tap=tap):
            return _touched(flow, "doubleTapOn", tap.element, guard, max(tap.timeout_s, wait_s))
        case TypeStep(type=typed):
            return _typed(flow, typed, guard, max(typed.timeout_s, wait_s))
        case PressStep(press="BACK"):
            return ["back"]
        case PressStep(press=key):
            if key not in KEYS:
                raise _UnsaidError(f"press {key}")
            return [{"pressKey": KEYS[key]}]
        case SwipeStep(swipe=stroke):
            return [{"swipe": _swiped(stroke)}]
        case ScrollStep(scroll=scroll):
            if scroll.within is not None:
                flow.warn("scroll within an element: the screen is scrolled")
            if scroll.until is None:
                return ["scroll"] if scroll.direction == "DOWN" else [{"swipe": {"direction": _turned(scroll)}}]
            timeout_ms = max(int(scroll.max_swipes * 2 * 1000), 1000)
            element = _selector(scroll.until)
            return [{"scrollUntilVisible": {"element": element, "direction": scroll.direction, "timeout": timeout_ms}}]
        case WaitStep(wait=condition):
            return _waited(flow, condition, condition.timeout_s, stable=condition.stable)
        case ExpectStep(expect=condition):
            return _waited(flow, condition, condition.timeout_s)
        case IfSeenStep(if_seen=branch):
            inner = [command for each in branch.steps for command in _inner(flow, each)]
            return [{"runFlow": {"when": {"visible": _selector(branch.visible)}, "commands": inner}}] if inner else []
        case _:
            assert_never(step)


def _inner(flow: _Flow, step: Step) -> list[Command]:
    try:
        return _commands(flow, step, None, 0)
    except _UnsaidError as error:
        flow.warn(f"{error}: the step is left out")
        return []


def _turned(scroll: Any) -> str:
    """Where the finger goes to show what lies in a direction."""
    return {"UP": "DOWN", "DOWN": "UP", "LEFT": "RIGHT", "RIGHT": "LEFT"}[scroll.direction]


def _touched(flow: _Flow, command: str, target: Target, guard: Guard | None, wait_s: float) -> list[Command]:
    every = alternates(target, None if guard is None else guard.element)
    said = [each for each in every if each.xpath is None and each.uiselector is None]
    if not said:
        raise _UnsaidError(f"address {target.words}")
    if len(every) > 1:
        others = "; ".join(each.words for each in every if each is not said[0])
        flow.note(f"other locators, which are not tried: {others}")
    element = _selector(said[0])
    wait: list[Command] = []
    if said[0].point is None:
        wait = [{"extendedWaitUntil": {"visible": element, "timeout": int(wait_s * 1000)}}]
    return [*wait, {command: element}]


def _typed(flow: _Flow, typed: Type, guard: Guard | None, wait_s: float) -> list[Command]:
    if typed.text is None:
        flow.warn(f"read {typed.secret}: give it with -e SECRET=..")
    elif not typed.text.isascii():
        flow.note("Maestro may need a keyboard that types what is not ASCII")
    focus = [] if typed.into is None else _touched(flow, "tapOn", typed.into, guard, wait_s)
    text = "${SECRET}" if typed.text is None else _filled(typed.text)
    submit: list[Command] = [{"pressKey": "Enter"}] if typed.submit else []
    entered: list[Command] = [{"inputText": text}] if text else []
    return [*focus, {"eraseText": _ERASED_CHARS}, *entered, *submit]


def _swiped(stroke: SwipeStroke) -> dict[str, Any]:
    if stroke.start is not None and stroke.end is not None:
        if stroke.start.unit != stroke.end.unit:
            raise _UnsaidError("swipe from a place in pixels to one in percent")
        return {"start": _place(stroke.start), "end": _place(stroke.end), "duration": stroke.duration_ms}
    within = {} if stroke.within is None else {"from": _selector(stroke.within)}
    return {**within, "direction": stroke.direction or "UP", "duration": stroke.duration_ms}


def _waited(flow: _Flow, condition: Wait | Condition, timeout_s: float, *, stable: bool = False) -> list[Command]:
    timeout_ms = int(timeout_s * 1000)
    found: list[Command] = []
    if condition.visible is not None:
        found.append({"extendedWaitUntil": {"visible": _selector(condition.visible), "timeout": timeout_ms}})
    if condition.not_visible is not None:
        found.append({"extendedWaitUntil": {"notVisible": _selector(condition.not_visible), "timeout": timeout_ms}})
    if stable:
        found.append({"waitForAnimationToEnd": {"timeout": max(timeout_ms, _SETTLE_MS)}})
    if condition.package is not None:
        flow.warn(f"see that {condition.package} is in front")
    return found


def _selector(target: Target) -> dict[str, Any]:
    """Texts and ids are patterns that have to fit the whole; a text is also what the element is described by."""
    if target.xpath is not None or target.uiselector is not None:
        raise _UnsaidError(f"address {target.words}")
    if target.point is not None:
        return {"point": _place(target.point)}
    texts = [_quoted(text) for text in (target.text, target.description) if text is not None]
    if target.text_contains is not None:
        texts.append(f".*{_quoted(target.text_contains)}.*")
    if len(set(texts)) > 1:
        # Each has to fit the same text: looked ahead from its beginning.
        texts = ["".join(f"(?={text}$)" for text in texts) + ".*"]
    found: dict[str, Any] = {"text": texts[0]} if texts else {}
    if target.id is not None:
        found["id"] = _quoted(target.id) if ":" in target.id else f"(.*:id/)?{_quoted(target.id)}"
    return found if target.index is None else {**found, "index": target.index}


def _place(place: Place) -> str:
    if place.unit == "PERCENT":
        return f"{round(place.x)}%, {round(place.y)}%"
    return f"{round(place.x)}, {round(place.y)}"


def _quoted(text: str) -> str:
    """A pattern for this very text, with its parameters."""
    pieces = VARIABLE.split(text)
    return "".join(
        f"${{{_name(piece)}}}" if at % 2 else _SPECIAL.sub(r"\\\1", piece) for at, piece in enumerate(pieces)
    )


def _filled(text: str) -> str:
    """A text with its parameters; `${` of the text itself is no expression."""
    pieces = VARIABLE.split(text)
    return "".join(f"${{{_name(piece)}}}" if at % 2 else piece.replace("${", "\\${") for at, piece in enumerate(pieces))


def _name(parameter: str) -> str:
    """A name that JavaScript takes."""
    return parameter.replace(".", "_")


def _js(text: str) -> str:
    """A JavaScript string without braces, which would end the expression."""
    return json.dumps(text).replace("{", "\\u007b").replace("}", "\\u007d").replace("$", "\\u0024")
