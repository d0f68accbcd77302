"""A script as a pytest file: what all tools do alike, the tool's `Phone`, then the steps as calls of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, assert_never

from contracts.scripts import ScriptData, ScriptStep
from contracts.steps import (
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
    Tap,
    TapStep,
    Type,
    TypeStep,
    Wait,
    WaitStep,
)
from contracts.values import ElementSeen, Guard, Target
from services.cli.exporting.exported import Exported, alternates, one_line, parameters_of, values_of, words_of
from services.cli.exporting.selectors import Selector, selectors
from services.device_agent.gestures import KEYS

_END = "\nPARAMETERS: dict[str, str | None] = {}\nSECRETS: set[str] = set()\n"
_INDENT = "    "
_SHARED = "steps_of_tests"


@dataclass
class _Lines:
    """The body of the test, as it grows."""

    app: str | None
    raw: bool
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    number: str = ""

    def add(self, text: str, depth: int) -> None:
        self.lines.append(_INDENT * depth + text)

    def warn(self, text: str) -> None:
        self.warnings.append(f"step {self.number}: {text}")

    def element(self, target: Target | None, seen: ElementSeen | None = None) -> str:
        """The locators of an element as a list."""
        found: list[Selector] = []
        for each in alternates(target, seen):
            said = selectors(each, raw=self.raw)
            if not said:
                self.warn(f"this tool cannot say {one_line(each.words)}")
            found += [selector for selector in said if selector not in found]
        if not found and target is not None:
            self.warn("nothing addresses its element: the step will fail")
        return repr(found)


def python_test(
    data: ScriptData, defaults: Mapping[str, str], *, module: str, tool: str, run: str, raw: bool
) -> Exported:
    """The file. `module` has the tool's `Phone`; `raw`: it takes a UiSelector as it is written."""
    body = _Lines(data.app, raw)
    for number, step in enumerate(data.steps, 1):
        _step(body, step, str(number))
    name = re.sub(r"_+", "_", "".join(c if f"_{c}".isidentifier() else "_" for c in data.name.lower()[:60])).strip("_")
    secrets = sorted(parameter.name for parameter in parameters_of(data) if parameter.secret)
    told = [f"# {one_line(p.name)}: {one_line(p.description)}" for p in data.parameters if p.description]
    head = [
        f"# {one_line(data.name)}",
        *([f"# {one_line(data.description)}"] if data.description else []),
        f"# For {tool}, exported by Waymark. {run}",
        "# Parameters are given as PARAM_<name> in the environment" + (", secret ones as env:NAME or file:/path." if
                                                                      secrets else "."),
    ]  # fmt: skip
    prelude = _prelude(module)
    given = f"\nPARAMETERS: dict[str, str | None] = {values_of(data, defaults)!r}\nSECRETS: set[str] = "
    given += f"{set(secrets)!r}\n" if secrets else "set()\n"
    assert _END in prelude
    text = "\n".join(
        [*head, "", prelude.replace(_END, "\n" + "\n".join([*told, given.strip()]) + "\n"), "",
         f"def test_{name or 'script'}(phone: Phone) -> None:", *body.lines, "", "",
         'if __name__ == "__main__":', _INDENT + "raise SystemExit(main())", ""]
    )  # fmt: skip
    return Exported(text, tuple(body.warnings))


def _prelude(module: str) -> str:
    """What the file begins with: the imports, what all tools do alike, the tool's `Phone`, the parameters' places."""
    imports: dict[str, None] = {}
    bodies: list[str] = []
    for name in (_SHARED, module):
        source = files("services.cli.exporting").joinpath(f"{name}.py").read_text(encoding="utf-8")
        heads = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        said = (ast.get_source_segment(source, node) or "" for node in heads)
        imports |= dict.fromkeys(one for one in said if _SHARED not in one)
        bodies.append("\n".join(source.splitlines()[heads[-1].end_lineno :]).strip("\n"))
    shared, phone = bodies
    ordered = sorted(imports, key=lambda one: "__future__" not in one)
    return "\n".join([*ordered, "", shared.removesuffix(_END.rstrip()), "", "", phone, _END])


def _step(body: _Lines, recorded: ScriptStep, number: str) -> None:
    body.number = number
    guard = recorded.guard
    body.add(f"# {number}. {words_of(recorded)}", 1)
    if guard is not None and guard.screen is not None and guard.screen.package:
        body.add(f"phone.front({guard.screen.package!r}, {guard.screen.activity!r}, {recorded.wait_s!r})", 1)
    _call(body, recorded.step, guard, recorded.wait_s, 1)


def _call(body: _Lines, step: Step, guard: Guard | None, wait_s: float, depth: int) -> None:
    seen = None if guard is None else guard.element
    match step:
        case LaunchStep(launch=launch):
            package = launch.app or body.app
            if package is None:
                body.warn("which app is launched is not said: the step will fail")
            body.add(f"phone.launch({package!r}, restart={launch.restart!r})", depth)
        case TapStep(tap=tap):
            _tap(body, tap, seen, wait_s, "TAP", depth)
        case LongPressStep(long_press=tap):
            _tap(body, tap, seen, wait_s, "LONG", depth)
        case DoubleTapStep(double_tap=tap):
            _tap(body, tap, seen, wait_s, "DOUBLE", depth)
        case TypeStep(type=typed):
            _type(body, typed, seen, wait_s, depth)
        case PressStep(press=key):
            body.add(f"phone.press({KEYS[key]})  # {key}", depth)
        case SwipeStep(swipe=stroke):
            _swipe(body, stroke, seen, wait_s, depth)
        case ScrollStep(scroll=scroll):
            within, until = body.element(scroll.within, seen), body.element(scroll.until)
            patience = max(scroll.timeout_s, wait_s)
            body.add(f"phone.scroll({scroll.direction!r}, {within}, {until}, {scroll.max_swipes}, {patience!r})", depth)
        case WaitStep(wait=condition):
            _wait(body, condition, condition.timeout_s, depth, stable=condition.stable)
        case ExpectStep(expect=condition):
            _wait(body, condition, condition.timeout_s, depth)
        case IfSeenStep(if_seen=branch):
            body.add(f"if phone.sees({body.element(branch.visible)}, {branch.timeout_s!r}):", depth)
            for inner in branch.steps:
                _call(body, inner, None, 0, depth + 1)
        case _:
            assert_never(step)


def _tap(body: _Lines, tap: Tap, seen: ElementSeen | None, wait_s: float, press: str, depth: int) -> None:
    hold = "" if press == "TAP" else f", press={press!r}"
    element = body.element(tap.element, seen)
    body.add(f"phone.tap({element}, {max(tap.timeout_s, wait_s)!r}{_same(seen)}{hold})", depth)


def _type(body: _Lines, typed: Type, seen: ElementSeen | None, wait_s: float, depth: int) -> None:
    text = repr(typed.text) if typed.text is not None else f"secret({typed.secret!r})"
    submit = ", submit=True" if typed.submit else ""
    into = body.element(typed.into, seen if typed.into is not None else None)
    body.add(f"phone.type({into}, {text}, {max(typed.timeout_s, wait_s)!r}{_same(seen)}{submit})", depth)


def _swipe(body: _Lines, stroke: SwipeStroke, seen: ElementSeen | None, wait_s: float, depth: int) -> None:
    if stroke.start is None or stroke.end is None:
        within = body.element(stroke.within, seen if stroke.within is not None else None)
        patience = max(stroke.timeout_s, wait_s)
        body.add(f"phone.drag({stroke.direction!r}, {within}, {patience!r}, {stroke.duration_ms})", depth)
        return
    if stroke.start.unit != stroke.end.unit:
        body.warn("one end of the swipe is in pixels, the other in percent: the swipe is left out")
        body.add("pytest.fail('this swipe could not be exported')", depth)
        return
    percent = stroke.start.unit == "PERCENT"
    scale = 100 if percent else 1
    start, end = ((place.x / scale, place.y / scale) for place in (stroke.start, stroke.end))
    body.add(f"phone.swipe({start!r}, {end!r}, {percent!r}, {stroke.duration_ms})", depth)


def _wait(body: _Lines, condition: Wait | Condition, timeout_s: float, depth: int, *, stable: bool = False) -> None:
    said: dict[str, Any] = {
        "visible": None if condition.visible is None else body.element(condition.visible),
        "gone": None if condition.not_visible is None else body.element(condition.not_visible),
        "package": None if condition.package is None else repr(condition.package),
        "stable": "True" if stable else None,
    }
    named = "".join(f", {name}={value}" for name, value in said.items() if value is not None)
    body.add(f"phone.wait({timeout_s!r}{named})", depth)


def _same(seen: ElementSeen | None) -> str:
    """What an element has to be: its class, and its texts where they are not for people to change."""
    if seen is None:
        return ""
    found = {"className": seen.element_type}
    if not (seen.editable or seen.password):
        found |= {"text": seen.text} if seen.text is not None else {}
        found |= {"contentDescription": seen.content_desc} if seen.content_desc is not None else {}
    return f", {found!r}"
