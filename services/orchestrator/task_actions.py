"""What was done in a task, as its steps are kept: the names and fields of AutoGLM's grammar, `{"action": "Tap",
"element": [500, 300], ..}`, points in pixels. Pure."""

from __future__ import annotations

from typing import Any, assert_never

from contracts.values import (
    Action,
    AnyIntent,
    AskPerson,
    Await,
    CallApi,
    Click,
    ElementSeen,
    Finish,
    Guard,
    Input,
    Install,
    LaunchApp,
    Navigate,
    Observe,
    Point,
    Press,
    PressKey,
    Scroll,
    StartApp,
    Swipe,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    Touch,
    TypeInto,
    TypeText,
    Uninstall,
    WaitFor,
)
from services.orchestrator.redacting import HIDDEN, typed, typed_by

_PRESSES = {"TAP": "Tap", "LONG": "Long Press", "DOUBLE": "Double Tap"}
_KEYS = {"BACK": "Back", "HOME": "Home"}


def wanted(intent: AnyIntent) -> dict[str, Any]:
    """What a model wants, without what is typed into password fields."""
    match intent:
        case LaunchApp():
            return {"action": "Launch", "app": intent.app}
        case TapAt():
            return {"action": _PRESSES[intent.press], "element": place(intent.point), "target": _label(intent.element)}
        case TypeText():
            return {
                "action": "Type", "text": typed(intent), "element": place(intent.point),
                "target": _label(intent.element), "submit": intent.submit,
            }  # fmt: skip
        case SwipeTo():
            return {"action": "Swipe", "start": place(intent.start), "end": place(intent.end),
                    "direction": intent.direction}  # fmt: skip
        case Press():
            return {"action": _KEYS.get(intent.key, "Press"), "key": intent.key}
        case WaitFor():
            return {"action": "Wait", "seconds": intent.seconds}
        case TakeOver():
            return {"action": "Take_over", "message": intent.message}
        case TakeNote():
            return {"action": "Note", "text": intent.text}
        case CallApi():
            return {"action": "Call_API", "name": intent.call.name, "instruction": intent.instruction}
        case AskPerson():
            return {"action": "Interact", "message": intent.question}
        case Finish():
            return {"action": "finish", "message": intent.message, "succeeded": intent.succeeded}
        case _:
            assert_never(intent)


def done(action: Action) -> dict[str, Any]:
    """What a phone is asked to do, without what is typed into password fields."""
    match action:
        case Click():
            return {"action": _PRESSES[action.press], "element": place(action.point)}
        case Touch():
            return {"action": _PRESSES[action.press], "target": action.target.words, **_guarded(action.guard)}
        case Input():
            return {"action": "Type", "text": HIDDEN, "element": place(action.point)}
        case TypeInto():
            target = None if action.target is None else action.target.words
            return {"action": "Type", "text": typed_by(action), "target": target, **_guarded(action.guard)}
        case Scroll():
            return {"action": "Swipe", "start": place(action.start), "end": place(action.end)}
        case Swipe():
            within = None if action.within is None else action.within.words
            return {"action": "Swipe", "direction": action.direction, "target": within}
        case PressKey():
            return {"action": _KEYS.get(action.key, "Press"), "key": action.key}
        case Navigate():
            name = {"BACK": "Back", "HOME": "Home", "LAUNCH": "Launch"}.get(action.to, action.to.title())
            return {"action": name, "app": action.package}
        case StartApp():
            return {"action": "Launch", "app": action.app}
        case Await():
            return {"action": "Wait", "seconds": action.wait_s}
        case Observe():
            return {"action": "Look"}
        case Install() | Uninstall():
            return {"action": action.name.title()}
        case _:
            assert_never(action)


def place(point: Point | None) -> list[int] | None:
    return None if point is None else [point.x, point.y]


def _label(element: ElementSeen | None) -> str | None:
    return None if element is None else element.label or element.resource_id or element.element_type


def _guarded(guard: Guard | None) -> dict[str, Any]:
    element = None if guard is None else guard.element
    return {} if element is None else {"element": place(element.bounds.centre)}
