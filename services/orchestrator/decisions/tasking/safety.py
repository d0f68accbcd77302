"""The platform's last word on what a model wants: done, refused, or put to a person first. Pure.

The model is not asked for its opinion here: what counts are the task's rules, the element that would be touched and
the screen that it lies on. What the model itself calls sensitive is sensitive, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from contracts.orchestrator import ScreenAsked, TaskRules
from contracts.steps import VARIABLE
from contracts.values import (
    AccountRef,
    AnyIntent,
    CallApi,
    ElementSeen,
    Finish,
    LaunchApp,
    Press,
    SwipeTo,
    TapAt,
    TypeText,
)
from services.orchestrator.decisions.interruptions import PERMISSION_PACKAGES, SYSTEM_UI, TRANSIENT_PACKAGES
from services.orchestrator.decisions.tasking import sensitive
from services.orchestrator.decisions.tasking.acting import holds_secret
from services.orchestrator.decisions.tasking.wording import name_of

Rule = Literal["PACKAGE", "ACTION", "SENSITIVE", "SECRET", "DENIED", "PAUSED"]
_LEAVING = frozenset({"BACK", "HOME", "RECENTS", "WAKE"})
"""Keys that lead away: they may be pressed in an app that may not be touched."""
_PACKAGE = re.compile(r"[A-Za-z]\w*(\.\w+)+")
_TOUCHING = (TapAt, TypeText, SwipeTo)


@dataclass(frozen=True)
class Setting:
    """Where and under which rules something is wanted. `texts`: what the screen says; `has_password`: a password field
    is on it; `typed_last`: the field of the turn before, where that typed."""

    rules: TaskRules
    package: str
    """The app that the task is about."""
    screen: ScreenAsked
    texts: tuple[str, ...] = ()
    has_password: bool = False
    account: AccountRef | None = None
    apis: tuple[str, ...] = ()
    """Registered calls to which a person has to agree."""
    typed_last: ElementSeen | None = None


@dataclass(frozen=True)
class Judgement:
    """ALLOW; REFUSE by `rule`; CONFIRM: a person has to agree; TAKE_OVER: a person has to do it. `reason` in words."""

    verdict: Literal["ALLOW", "REFUSE", "CONFIRM", "TAKE_OVER"]
    reason: str = ""
    rule: Rule | None = None


ALLOWED = Judgement("ALLOW")


def judge(intent: AnyIntent, setting: Setting) -> Judgement:
    """What becomes of it."""
    if (refused := _forbidden(intent, setting)) is not None:
        return refused
    if (secret := _secret(intent, setting)) is not None:
        return secret
    reason = why_sensitive(intent, setting)
    if reason is None or setting.rules.confirm == "ALLOW":
        return ALLOWED
    if setting.rules.confirm == "DENY":
        return Judgement("REFUSE", f"{reason}, which this task may not do", "SENSITIVE")
    return Judgement("CONFIRM", reason)


def may_touch(package: str, setting: Setting) -> bool:
    """Whether the lists of the task allow an app. The task's own app is allowed unless it is denied by name, and so are
    the system's dialogs."""
    rules = setting.rules
    if _listed(package, rules.deny_packages):
        return False
    own = {setting.package, *TRANSIENT_PACKAGES, SYSTEM_UI}
    return not rules.allow_packages or package in own or _listed(package, rules.allow_packages)


def why_sensitive(intent: AnyIntent, setting: Setting) -> str | None:
    """Why a person has to agree to it first; None where nobody has to."""
    match intent:
        case TapAt():
            return _tap(intent, setting)
        case SwipeTo(within=ElementSeen() as within):
            deed = sensitive.deed_of_label(within.label or within.text or within.content_desc or "")
            return None if deed is None else sensitive.WORDS[deed]
        case TypeText(submit=True, element=ElementSeen() as field) if _takes_messages(field):
            return "it sends what is typed"
        case Press(key="ENTER") if setting.typed_last is not None and _takes_messages(setting.typed_last):
            return f"it sends what was typed into {name_of(setting.typed_last)}"
        case Press(key="POWER"):
            return "it may turn the phone off"
        case CallApi(call=call) if call.name in setting.apis:
            return f"it makes the call {call.name}, to which somebody has to agree"
        case _:
            return None


def _forbidden(intent: AnyIntent, setting: Setting) -> Judgement | None:
    """What the lists of the task forbid."""
    rules = setting.rules
    if isinstance(intent, Finish):
        return None
    if intent.act in rules.deny_actions or (rules.allow_actions and intent.act not in rules.allow_actions):
        return Judgement("REFUSE", f"the rules of this task forbid {intent.act}", "ACTION")
    touches = isinstance(intent, _TOUCHING) or (isinstance(intent, Press) and intent.key not in _LEAVING)
    if touches and not may_touch(setting.screen.package, setting):
        reason = f"the rules of this task forbid the app {setting.screen.package}: leave it"
        return Judgement("REFUSE", reason, "PACKAGE")
    if isinstance(intent, LaunchApp) and _PACKAGE.fullmatch(intent.app) and not may_touch(intent.app, setting):
        return Judgement("REFUSE", f"the rules of this task forbid the app {intent.app}", "PACKAGE")
    return None


def _secret(intent: AnyIntent, setting: Setting) -> Judgement | None:
    """Passwords, PINs and codes are typed by a person, or are secrets of the test account; those go nowhere else."""
    if isinstance(intent, TapAt):
        return _login(intent, setting)
    if not isinstance(intent, TypeText):
        return None
    field = intent.element
    is_secret = field is not None and (field.password or sensitive.is_secret_field(_named(field), field.resource_id))
    is_unknown = field is None and setting.has_password
    if holds_secret(intent.text, setting.account):
        if not VARIABLE.fullmatch(intent.text.strip()):
            return Judgement("REFUSE", "a secret of the account has to be the whole of what is typed", "SECRET")
        if not is_secret:
            return Judgement("REFUSE", "a secret of the account may be typed into a password field only", "SECRET")
        return None
    if is_secret or is_unknown:
        return Judgement("TAKE_OVER", "a password, a PIN or a code is typed by its owner")
    return None


def _login(intent: TapAt, setting: Setting) -> Judgement | None:
    """Logging in is a person's, unless the task has an account of its own."""
    element = intent.element
    if element is None or setting.account is not None:
        return None
    if sensitive.logs_in(_named(element), with_password=setting.has_password):
        return Judgement("TAKE_OVER", "it logs somebody in")
    return None


def _tap(intent: TapAt, setting: Setting) -> str | None:
    element, screen = intent.element, setting.screen
    if intent.sensitive is not None:
        return "the model itself calls it sensitive"
    if element is None:
        return "nobody knows what is touched there: the screen does not tell what it is made of"
    label = _named(element)
    if sensitive.is_refusal(label):
        return None
    if screen.package in PERMISSION_PACKAGES:
        return sensitive.WORDS["GRANT"]
    if (deed := sensitive.deed_of_label(label)) is not None:
        return sensitive.WORDS[deed]
    asks = (screen.screen_name, *element.beside, *setting.texts)
    if sensitive.is_developer(screen.activity, (screen.screen_name, *setting.texts[:3])):
        return "it changes a developer option"
    consents = sensitive.is_consent(label)
    if (not label or consents) and (deed := sensitive.deed_of_id(element.resource_id or "")) is not None:
        return sensitive.WORDS[deed]
    if consents:
        if sensitive.is_payment(screen.activity, asks):
            return sensitive.WORDS["PAY"]
        if (deed := sensitive.deed_asked(asks)) is not None:
            return sensitive.WORDS[deed]
    return None


def _named(element: ElementSeen) -> str:
    return element.text or element.content_desc or element.label


def _takes_messages(field: ElementSeen) -> bool:
    return sensitive.is_message_field(field.label or field.content_desc or "", field.resource_id)


def _listed(package: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(package, pattern) for pattern in patterns)
