"""Where a script sets out from: steps that set the task's run up, else the app or the home screen that was in front.

A replay begins wherever the phone was left, so that a script says itself where it begins. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from contracts.scripts import ScriptStep
from contracts.steps import VARIABLE, IfSeenStep, Launch, LaunchStep, PressStep, Step, TypeStep
from contracts.values import ANDROID, Bounds, ElementSeen
from contracts.values.intents import LaunchApp, Press
from services.orchestrator.decisions.interruptions import SYSTEM_UI, TRANSIENT_PACKAGES
from services.orchestrator.decisions.scripts.lasting import Act
from services.orchestrator.decisions.scripts.lifting import Lifted, Typed, mark, of_account
from services.orchestrator.decisions.step_words import said

_STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(tuple[Step, ...])
_NOWHERE = Bounds(x=0, y=0, width=0, height=0)
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+")
_HOME = re.compile(r"launcher|\bhome\b|\.home\.|trebuchet", re.IGNORECASE)
"""Packages of home screens: those of AOSP, Google, Samsung, Xiaomi, Huawei, OPPO, vivo are called so."""


def setting_out(setup: Sequence[Mapping[str, Any]], acts: Sequence[Act], app: str | None = None) -> list[ScriptStep]:
    """The steps before the first act. They have no guards: they make true what the guards expect. `app`: the one that
    the task is about, where the first screen could not be read."""
    if setup:
        return [ScriptStep(step=step, words=said(step)[:300]) for step in _STEPS.validate_python(tuple(setup))]
    if not acts or isinstance(acts[0].intent, LaunchApp) or _is_home(acts[0]):
        return []
    package = app if acts[0].screen is None else acts[0].screen.package
    if package is None or not is_app(package):
        return []
    if _HOME.search(package):
        return [ScriptStep(step=PressStep(press="HOME"), words="begin at the home screen")]
    step = LaunchStep(launch=Launch(app=package, restart=True))
    return [ScriptStep(step=step, words=f"begin with {package}")]


def typed_in(setup: Sequence[Mapping[str, Any]], variables: Mapping[str, str]) -> list[Typed]:
    """What steps that set a run up have typed, each with its field as far as its locator tells."""
    return [_typed(step, variables) for step in _typing(_STEPS.validate_python(tuple(setup)))]


def _typing(steps: Iterable[Step]) -> Iterator[TypeStep]:
    for step in steps:
        if isinstance(step, TypeStep):
            yield step
        if isinstance(step, IfSeenStep):
            yield from _typing(step.if_seen.steps)


def _typed(step: TypeStep, variables: Mapping[str, str]) -> Typed:
    """A text with a variable in it is the variable's value, or none where it is more than that."""
    text, into = step.type.text or "", step.type.into
    if (named := VARIABLE.fullmatch(text.strip())) is not None and not of_account(text):
        text = variables.get(named[1], "")
    elif VARIABLE.search(text) is not None and not of_account(text):
        text = ""
    if into is None:
        return Typed(text)
    label = into.text or into.description or into.text_contains or ""
    return Typed(text, ElementSeen(element_type="", resource_id=into.id, label=label, bounds=_NOWHERE, editable=True))


def without_texts(setup: Sequence[Mapping[str, Any]], lifted: Lifted) -> list[dict[str, Any]]:
    """The same steps with parameters instead of what they type."""
    return [_without_text(step, lifted) for step in setup]


def _without_text(value: Any, lifted: Lifted) -> Any:
    match value:
        case {"type": {"text": str(text)} as typing} if text in lifted.names:
            return {**value, "type": {**typing, "text": mark(lifted.names[text])}}
        case Mapping():
            return {name: _without_text(inner, lifted) for name, inner in value.items()}
        case list() | tuple():
            return [_without_text(inner, lifted) for inner in value]
        case _:
            return value


def launched(steps: Iterable[Step], app: str | None) -> set[str]:
    """Apps that these steps start."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, LaunchStep) and (package := step.launch.app or app) is not None:
            found.add(package)
        if isinstance(step, IfSeenStep):
            found |= launched(step.if_seen.steps, app)
    return found


def package_started(acts: Sequence[Act], at: int) -> str | None:
    """The package that a launch brought to the front: what the phone showed then, or, where a dialog of the system lay
    above it, the name itself or the next app that was used."""
    act = acts[at]
    assert isinstance(act.intent, LaunchApp)
    candidates = [act.package, None if act.after is None else act.after.package, act.intent.app]
    candidates += [later.screen.package for later in acts[at + 1 :] if later.screen is not None]
    return next((package for package in candidates if package is not None and is_app(package)), None)


def is_app(package: str) -> bool:
    """Whether it can be started: no dialog of the system, and no name that people call it by."""
    of_system = package in TRANSIENT_PACKAGES or package in {SYSTEM_UI, ANDROID}
    return not of_system and len(package) <= 200 and _PACKAGE.fullmatch(package) is not None


def _is_home(act: Act) -> bool:
    return isinstance(act.intent, Press) and act.intent.key == "HOME"
