"""What a model wants, and what came of it, in words: for people, and for the model in its next turn."""

from __future__ import annotations

import json
from typing import assert_never

from contracts.orchestrator import ScreenAsked
from contracts.values import (
    AnyIntent,
    AskPerson,
    CallApi,
    ElementSeen,
    Finish,
    LaunchApp,
    Press,
    SwipeTo,
    TakeNote,
    TakeOver,
    TapAt,
    TypeText,
    WaitFor,
)
from services.orchestrator.decisions.tasking.state import Turn

_PRESSES = {"TAP": "tap", "LONG": "long press", "DOUBLE": "double tap"}
_NAME_CHARS = 80


def name_of(element: ElementSeen) -> str:
    """What a person would call an element; its class where nothing names it."""
    id_name = (element.resource_id or "").rpartition("/")[2]
    shown = element.label or element.text or element.content_desc
    name = json.dumps(shown[:_NAME_CHARS], ensure_ascii=False) if shown else id_name
    return name or element.element_type.rpartition(".")[2]


def said(intent: AnyIntent) -> str:
    """What a model wants, without what is typed, asked or kept."""
    match intent:
        case LaunchApp(app=app):
            return f"launch {app}"
        case TapAt(press=press, element=element, point=point):
            where = f"the point {point.x},{point.y}" if element is None else name_of(element)
            return f"{_PRESSES[press]} {where}"
        case TypeText(element=element, submit=submit):
            where = "the field that has the focus" if element is None else name_of(element)
            return f"type into {where}{' and press Enter' if submit else ''}"
        case SwipeTo(direction=direction, within=within):
            return f"swipe {direction}" + ("" if within is None else f" within {name_of(within)}")
        case Press(key=key):
            return f"press {key}"
        case WaitFor(seconds=seconds):
            return f"wait up to {seconds:g} s"
        case TakeOver():
            return "have a person do something on the phone"
        case TakeNote():
            return "keep a note"
        case CallApi(call=call):
            return f"make the call {call.name}"
        case AskPerson():
            return "ask a person"
        case Finish(succeeded=succeeded):
            return "end the task" if succeeded else "give the task up"
        case _:
            assert_never(intent)


def came_of(turn: Turn) -> str:
    """What came of a turn, in words."""
    taken, finished = turn.taken, turn.finished
    if finished is None:
        return _without_action(turn)
    if not finished.succeeded:
        return f"it failed: {finished.error_message or finished.error_code or 'nobody knows why'}"
    if isinstance(turn.intent, WaitFor) and finished.outcome == "NOTHING":
        return "the screen still moves" if finished.found is False else "the screen is at rest, and the same"
    healed = finished.sighting is not None and finished.sighting.healed_by is not None
    found = " (it was found at another place than before)" if healed else ""
    if finished.outcome == "UNSEEN":
        return f"it was done{found}; what the screen holds then could not be read"
    if is_fruitless(turn):
        return f"nothing happened{found}"
    if turn.after is None or taken.verdict == "FINISH":
        return f"it was done{found}"
    if finished.outcome == "NOTHING":
        return f"the same screen, with other content{found}"
    shown = turn.after
    name = shown.screen_name or shown.activity or shown.package
    return f"the screen changed to {name} ({shown.app_name or shown.package}){found}"


def _without_action(turn: Turn) -> str:
    taken = turn.taken
    match taken.verdict:
        case "REFUSE":
            return f"it was not done: {taken.reason}"
        case "MISREAD":
            return f"it was not understood: {taken.reason}"
        case "AWAY":
            return f"no answer came: {taken.reason}"
        case "ASK":
            return "a person was asked" if turn.person is None else f"a person was asked: {turn.person.verdict}"
        case "NOTE":
            return "it is kept"
        case "CALL":
            return "the call was made"
        case "FINISH":
            return ""
        case "ACT":
            return "it was not done"
        case _:
            assert_never(taken.verdict)


def is_fruitless(turn: Turn) -> bool:
    """Whether an action was made, or tried, and the phone shows just what it showed before."""
    finished = turn.finished
    if finished is None:
        return False
    if not finished.succeeded:
        return True
    return finished.outcome == "NOTHING" and not content_changed(turn.before, turn.after)


def content_changed(before: ScreenAsked | None, after: ScreenAsked | None) -> bool:
    """Whether the texts of a screen changed that is the same otherwise, such as a number that was counted up."""
    if before is None or after is None or before.hierarchy is None or after.hierarchy is None:
        return False
    return before.hierarchy.sha256 != after.hierarchy.sha256
