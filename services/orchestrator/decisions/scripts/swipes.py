"""Swipes of a task as steps: drags as they were, or scrolling until what was used next is there. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from contracts.scripts import ScriptStep
from contracts.steps import ScrollOn, ScrollStep, Step, SwipeStep, SwipeStroke
from contracts.values import ElementSeen, Place, Point, Target
from contracts.values.actions import Direction
from contracts.values.intents import SwipeTo, TapAt, TypeText
from services.orchestrator.decisions.scripts.lasting import Act
from services.orchestrator.decisions.scripts.lifting import Lifted

_SHOWS: dict[Direction, Direction] = {"DOWN": "UP", "UP": "DOWN", "LEFT": "RIGHT", "RIGHT": "LEFT"}
"""What a drag of the finger shows."""
_EDGE = 4.0
"""Percent of the screen: a drag that begins so near its edge opens a drawer, or is the system's own gesture."""
_MORE_SWIPES, _MOST_SWIPES = 3, 100

_SAYS = re.compile(r"@(text|content-desc)\b")

Placing = Callable[[Act, Point], Place]
Finished = Callable[[Step, Act], ScriptStep]


def row_of_swipes(acts: Sequence[Act], at: int) -> list[Act]:
    """The swipes in one direction that begin at this act."""
    first = acts[at].intent
    assert isinstance(first, SwipeTo)
    row = [acts[at]]
    for act in acts[at + 1 :]:
        same = isinstance(act.intent, SwipeTo) and act.intent.direction == first.direction
        if not same or act.by_hand is not None:
            break
        row.append(act)
    return row


def swiped(
    row: Sequence[Act], following: Act | None, lifted: Lifted, place: Placing, finished: Finished
) -> list[ScriptStep]:
    """One scroll until the element of the next act is seen, which is then found on longer and shorter lists too; the
    drags as they were where the next act has no element that is known by a text, or where they begin at the edge."""
    first = row[0]
    until = None if following is None or following.by_hand is not None else _until(following, lifted)
    if until is None or any(_from_edge(act, place) for act in row):
        return [finished(_stroke(act, place), act) for act in row]
    assert isinstance(first.intent, SwipeTo)
    scroll = ScrollOn(
        direction=_SHOWS[first.intent.direction],
        within=_within(first.intent, lifted),
        until=until,
        max_swipes=min(2 * len(row) + _MORE_SWIPES, _MOST_SWIPES),
    )
    return [finished(ScrollStep(scroll=scroll), first)]


def _until(following: Act, lifted: Lifted) -> Target | None:
    """The element by something that it says: an id alone is often that of every row of a list."""
    element = element_of(following)
    found = () if element is None else lifted.targets(element.targets)
    return next((target for target in found if _says(target)), None)


def _says(target: Target) -> bool:
    return bool(target.text or target.description) or _SAYS.search(target.xpath or "") is not None


def element_of(act: Act) -> ElementSeen | None:
    return act.intent.element if isinstance(act.intent, TapAt | TypeText) else None


def _within(intent: SwipeTo, lifted: Lifted) -> Target | None:
    return None if intent.within is None else next(iter(lifted.targets(intent.within.targets)), None)


def _stroke(act: Act, place: Placing) -> SwipeStep:
    assert isinstance(act.intent, SwipeTo)
    start, end = place(act, act.intent.start), place(act, act.intent.end)
    return SwipeStep(swipe=SwipeStroke(start=start, end=end))


def _from_edge(act: Act, place: Placing) -> bool:
    assert isinstance(act.intent, SwipeTo)
    start = place(act, act.intent.start)
    return start.unit == "PERCENT" and not (_EDGE < start.x < 100 - _EDGE and _EDGE < start.y < 100 - _EDGE)
