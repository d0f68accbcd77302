"""From what a model wants to what a phone is asked for. What may be done at all is decided before, see `safety`."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.sealed import Sealed
from contracts.steps import VARIABLE
from contracts.values import (
    AccountRef,
    Action,
    AnyIntent,
    Await,
    Click,
    ElementSeen,
    Guard,
    Input,
    LaunchApp,
    Navigate,
    Place,
    Press,
    PressKey,
    ScreenSeen,
    Scroll,
    StartApp,
    Swipe,
    SwipeTo,
    TapAt,
    Target,
    Touch,
    TypeInto,
    TypeText,
    WaitFor,
)
from contracts.values.actions import PATIENCE_LIMIT_S


@dataclass(frozen=True)
class Typed:
    """What a text stands for: itself, with the account's fields put in, or a secret that the device-agent reads."""

    text: str
    secret_ref: str | None = None


def typed(text: str, account: AccountRef | None) -> Typed:
    """`{{account.name}}` is a field or a secret of the run's account; other braces are what they look like."""
    if account is None:
        return Typed(text)
    fields = {f"account.{name}": value for name, value in account.fields.items()} | {"account.name": account.name}
    found = VARIABLE.fullmatch(text.strip())
    if found is not None and found[1].removeprefix("account.") in account.secrets and found[1].startswith("account."):
        return Typed("", account.secrets[found[1].removeprefix("account.")])
    return Typed(VARIABLE.sub(lambda name: fields.get(name[1], name[0]), text))


def holds_secret(text: str, account: AccountRef | None) -> bool:
    """Whether a text names a secret of the account, wherever in it."""
    secrets = set() if account is None else {f"account.{name}" for name in account.secrets}
    return bool(secrets & set(VARIABLE.findall(text)))


def action_of(intent: AnyIntent, account: AccountRef | None, waited_s: float = 0.0) -> Action | None:
    """The action that follows at once on the screen that the model was asked about; None: nothing is done on the phone.

    `waited_s`: of a wait, what is over of it."""
    match intent:
        case LaunchApp(app=app):
            return StartApp(app=app)
        case TapAt(point=point, press=press):
            return Click(point=point, press=press)
        case TypeText():
            return _typing(intent, account)
        case SwipeTo(start=start, end=end):
            return Scroll(start=start, end=end)
        case Press(key=key):
            return _pressing(key)
        case WaitFor(seconds=seconds):
            wait_s = max(min(seconds - waited_s, PATIENCE_LIMIT_S), 0.0)
            return Await(stable=True, wait_s=wait_s, strict=False)
        case _:
            return None


def guarded(intent: AnyIntent, screen: ScreenSeen | None, account: AccountRef | None) -> Action | None:
    """The same where time has passed since the screen was looked at: the element is looked for anew, and nothing is
    done where it, or its screen, is not there. None: it cannot be done that way."""
    match intent:
        case TapAt(press=press, element=ElementSeen(targets=(target, *_)) as element):
            return Touch(target=target, press=press, guard=Guard(screen=screen, element=element))
        case TapAt(press=press, element=None, point=point) if screen is not None:
            place = Target(point=Place(x=point.x, y=point.y))
            return Touch(target=place, press=press, guard=Guard(screen=screen))
        case TypeText(element=ElementSeen(targets=(target, *_)) as element, text=text, submit=submit):
            what = typed(text, account)
            sealed = None if what.secret_ref is not None else Sealed[str].of(what.text)
            guard = Guard(screen=screen, element=element)
            return TypeInto(target=target, text=sealed, secret_ref=what.secret_ref, submit=submit, guard=guard)
        case SwipeTo(direction=direction, within=ElementSeen(targets=(target, *_)) as element):
            return Swipe(direction=direction, within=target, guard=Guard(screen=screen, element=element))
        case Press(key=key) if screen is not None:
            return PressKey(key=key, guard=Guard(screen=screen), wait_s=PATIENCE_LIMIT_S)
        case LaunchApp(app=app):
            return StartApp(app=app)
        case _:
            return None


def element_of(intent: AnyIntent) -> ElementSeen | None:
    """What an intent is about."""
    match intent:
        case TapAt(element=element) | TypeText(element=element):
            return element
        case SwipeTo(within=element):
            return element
        case _:
            return None


def _typing(intent: TypeText, account: AccountRef | None) -> Action:
    what = typed(intent.text, account)
    text = Sealed[str].of(what.text)
    point = intent.point
    if point is None and intent.element is not None:
        point = intent.element.bounds.centre
    if point is not None:
        return Input(point=point, text=text, secret_ref=what.secret_ref, submit=intent.submit)
    sealed = text if what.secret_ref is None else None
    return TypeInto(target=None, text=sealed, secret_ref=what.secret_ref, submit=intent.submit)


def _pressing(key: str) -> Action:
    match key:
        case "BACK":
            return Navigate(to="BACK")
        case "HOME":
            return Navigate(to="HOME")
        case _:
            return PressKey.model_validate({"key": key})
