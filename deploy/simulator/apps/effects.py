"""What a gesture brings about: each effect of the model, done to the state of the phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import assert_never

from deploy.simulator.apps import lifecycle
from deploy.simulator.apps.actions import (
    OFF,
    ON,
    Anr,
    AnrChoice,
    Answer,
    Args,
    Ask,
    Back,
    Choose,
    Crash,
    Dismiss,
    Effect,
    Goto,
    Launch,
    NativeCrash,
    Open,
    Put,
    Show,
    Submit,
    Toast,
    Toggle,
)
from deploy.simulator.apps.failures import write_anr, write_anr_end, write_crash, write_native_crash
from deploy.simulator.apps.scope import Scope
from deploy.simulator.apps.state import PERMISSION_CONTROLLER, Phone, Record

TOAST_S = 2.0
ASKED_AT_MOST = 2
"""After so many refusals Android answers for the user."""

ScopeOf = Callable[[Record], Scope]


def perform(phone: Phone, effects: Iterable[Effect], scope_of: ScopeOf, now_s: float) -> None:
    """Does the effects one after the other. They concern the activity in front."""
    for effect in effects:
        _perform(phone, effect, scope_of, now_s)


def _perform(phone: Phone, effect: Effect, scope_of: ScopeOf, now_s: float) -> None:
    top = phone.top
    match effect:
        case Goto():
            _goto(phone, effect, scope_of(top), now_s)
        case Back():
            lifecycle.finish(phone)
        case Show():
            top.dialogs.append(effect.dialog)
        case Dismiss():
            top.dialogs.pop()
        case Put():
            put(phone, top, effect.name, scope_of(top).fill(effect.value))
        case Toggle():
            put(phone, top, effect.name, OFF if scope_of(top).value(effect.name) == ON else ON)
        case Toast():
            phone.toast, phone.toast_until_s = scope_of(top).fill(effect.text), now_s + TOAST_S
        case Crash():
            write_crash(phone, top.package, phone.screen_of(top).activity, effect.trace, now_s)
            lifecycle.kill(phone, top.package)
        case NativeCrash():
            write_native_crash(phone, top.package, effect.signal, effect.frames, now_s)
            lifecycle.kill(phone, top.package)
        case Anr():
            write_anr(phone, top.package, phone.screen_of(top).activity, effect.trace, now_s)
            phone.not_responding = top.package
        case AnrChoice():
            _choose_anr(phone, effect, now_s)
        case Open():
            lifecycle.open_screen(phone, effect.package, effect.screen, _filled(effect.args, scope_of(top)), now_s)
        case Launch():
            lifecycle.launch(phone, effect.package, None, now_s)
        case Ask():
            _ask(phone, effect, scope_of, now_s)
        case Answer():
            _answer(phone, effect, scope_of, now_s)
        case Submit():
            _submit(phone, effect, scope_of, now_s)
        case Choose():
            chosen = effect.then if scope_of(top).holds(effect.when) else effect.otherwise
            perform(phone, chosen, scope_of, now_s)
        case _:
            assert_never(effect)


def put(phone: Phone, record: Record, name: str, value: str) -> None:
    """Sets a value where it lives: with the install, with the process, or with the screen."""
    installed = phone.installed[record.package]
    if name in installed.app.stored:
        installed.stored[name] = value
    elif name in installed.app.memory:
        installed.memory[name] = value
    else:
        record.fields[name] = value


def _filled(args: Args, scope: Scope) -> Args:
    return tuple((name, scope.fill(value)) for name, value in args)


def _goto(phone: Phone, effect: Goto, scope: Scope, now_s: float) -> None:
    args = _filled(effect.args, scope)
    top, task = phone.top, phone.tasks[-1]
    if effect.clear:
        task.records = [top]
    if effect.clear or effect.replace:
        lifecycle.replace_screen(phone, top, effect.screen, args, now_s)
    else:
        lifecycle.open_screen(phone, top.package, effect.screen, args, now_s)


def _ask(phone: Phone, ask: Ask, scope_of: ScopeOf, now_s: float) -> None:
    installed = phone.installed[phone.top.package]
    if ask.permission in installed.granted:
        perform(phone, ask.granted, scope_of, now_s)
    elif installed.refusals.get(ask.permission, 0) >= ASKED_AT_MOST:
        perform(phone, ask.denied, scope_of, now_s)
    else:
        args = (("app", installed.app.label), ("permission", ask.permission))
        lifecycle.open_screen(phone, PERMISSION_CONTROLLER, ask.permission, args, now_s)
        phone.top.asked = ask


def _answer(phone: Phone, answer: Answer, scope_of: ScopeOf, now_s: float) -> None:
    ask = phone.top.asked
    lifecycle.finish(phone)
    if ask is None:
        return
    installed = phone.installed[phone.top.package]
    if answer.granted:
        installed.granted.add(ask.permission)
    elif answer.counted:
        installed.refusals[ask.permission] = installed.refusals.get(ask.permission, 0) + 1
    perform(phone, ask.granted if answer.granted else ask.denied, scope_of, now_s)


def _choose_anr(phone: Phone, choice: AnrChoice, now_s: float) -> None:
    package, phone.not_responding = phone.not_responding, ""
    if choice.close and package:
        write_anr_end(phone, package, now_s)
        lifecycle.kill(phone, package)


def _submit(phone: Phone, submit: Submit, scope_of: ScopeOf, now_s: float) -> None:
    scope, top = scope_of(phone.top), phone.top
    failed = [rule for rule in submit.rules if not re.fullmatch(rule.pattern, scope.value(rule.field).strip())]
    for rule in submit.rules:
        put(phone, top, f"{rule.field}_error", "")
    for rule in reversed(failed):
        put(phone, top, f"{rule.field}_error", rule.error)
    if not failed:
        perform(phone, submit.done, scope_of, now_s)
