"""From a target to a place: what an action that names an element is on the screen in front.

The screen is looked at right before the finger goes down, and again while the element is not there and patience lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import assert_never

from contracts.sealed import Sealed
from contracts.values import (
    Action,
    Addressed,
    Await,
    Bounds,
    Click,
    Input,
    Point,
    PressKey,
    Scroll,
    Sighting,
    Swipe,
    Target,
    Touch,
    TypeInto,
)
from services.device_agent.capture import LOOK_AGAIN_S, Capture
from services.device_agent.guarding import Held, Refused, hold
from services.device_agent.performing import Performed, Result
from services.hierarchy.errors import HierarchyError, LocatorError
from services.hierarchy.geometry import from_bounds
from services.hierarchy.parse import parse
from services.hierarchy.targets import Match, Miss, Screen, find, focused_field, is_seen, labels, point_of

_REACH = 0.3
"""How far a drag goes, as a part of what is dragged over, to each side of its middle. Across a screen, it begins above
the bar of tabs that many apps have at the bottom: there it would scroll nothing."""

Aimed = Addressed | Await | PressKey
"""Actions that are judged on what is in front, right before they are done."""
Look = Callable[[], Awaitable[Capture]]


@dataclass(frozen=True)
class Aim:
    """`action` is what to send to the phone; none: nothing, and `performed` says why. `seen` was in front then."""

    action: Action | None = None
    performed: Performed = field(default_factory=lambda: Performed(Result.DONE))
    sighting: Sighting | None = None
    seen: Capture | None = None


@dataclass(frozen=True)
class _No:
    """Not on this screen."""

    reason: str
    result: Result = Result.NOT_FOUND
    score: str | None = None


async def aim(action: Aimed, look: Look, clock: Callable[[], float], known: Capture | None = None) -> Aim:
    """Looks until the target is there, and what the action's guard expects, for its `wait_s` at most.

    `known` is what was seen a moment ago and nothing has touched since: where a guard holds on it, nobody looks again;
    what it does not show is looked for anew. Raises what `look` does.
    """
    if isinstance(action, PressKey) and action.guard is None:
        return Aim(action)
    if isinstance(action, Touch) and action.guard is None and (point := _in_pixels(action.target)) is not None:
        return Aim(Click(point=point, press=action.press), sighting=Sighting(found=True, point=point))
    if known is not None and not isinstance(action, Await) and action.guard is not None:
        verdict = await asyncio.to_thread(judge, action, known)
        if isinstance(verdict, Aim) and verdict.action is not None:
            return _with_wait(verdict, known, 0.0)
    begun_s = clock()
    while True:
        seen = await look()
        verdict = await asyncio.to_thread(judge, action, seen)
        waited_s = clock() - begun_s
        if isinstance(verdict, Aim):
            return _with_wait(verdict, seen, waited_s)
        if waited_s + LOOK_AGAIN_S > action.wait_s:
            return _missed(action, verdict, seen, waited_s)
        await asyncio.sleep(LOOK_AGAIN_S)


def judge(action: Aimed, seen: Capture) -> Aim | _No:
    """What the action is on this screen. Pure, but slow enough for a thread."""
    screen = _screen(seen)
    if isinstance(action, Await):
        return _awaited(action, seen, screen)
    held = Held()
    if action.guard is not None:
        judged = hold(action.guard, _target(action), seen, screen)
        if isinstance(judged, Refused):
            return _No(judged.reason, judged.result, judged.score)
        held = judged
    verdict = _done_to(action, screen, None if held.found is None else held.found.match)
    return _guarded(verdict, held) if isinstance(verdict, Aim) and action.guard is not None else verdict


def _done_to(action: Addressed | PressKey, screen: Screen | Miss, guarded: Match | None) -> Aim | _No:
    """`guarded` is the element that the action's guard names, found on this screen."""
    match action:
        case Touch():
            match _point_within(action, screen, guarded) if guarded is not None else _place(screen, action.target):
                case Match() as found:
                    return Aim(Click(point=found.point, press=action.press), sighting=_sighting(found))
                case miss:
                    return _No(miss.reason)
        case TypeInto():
            return _field(action, screen, guarded)
        case Swipe():
            return _drag(action, screen, guarded)
        case PressKey():
            return Aim(action)
        case _:
            assert_never(action)


def _target(action: Addressed | PressKey) -> Target | None:
    """What the action itself addresses its element by."""
    match action:
        case Touch() | TypeInto():
            return action.target
        case Swipe():
            return action.within
        case PressKey():
            return None
        case _:
            assert_never(action)


def _point_within(action: Touch, screen: Screen | Miss, guarded: Match) -> Match:
    """The guard's element; touched at the point that was said, where that lies in it."""
    place = action.target.point
    if place is None or isinstance(screen, Miss) or guarded.bounds is None:
        return guarded
    point = point_of(place, screen.size)
    holds = from_bounds(guarded.bounds).holds_point(point.x, point.y)
    return replace(guarded, point=point) if holds else guarded


def _guarded(aimed: Aim, held: Held) -> Aim:
    """With what the guard saw."""
    match = None if held.found is None else held.found.match
    told = aimed.sighting or (Sighting(found=True) if match is None else _sighting(match))
    healed = None if held.found is None else held.found.healed_by
    return replace(aimed, sighting=told.model_copy(update={"healed_by": healed, "score": held.score}))


def _in_pixels(target: Target) -> Point | None:
    """A point that is the same on every screen."""
    if target.point is None or target.point.unit != "PX":
        return None
    return Point(x=round(target.point.x), y=round(target.point.y))


def sighted(until: Target | None, seen: Capture | None) -> Sighting | None:
    """Whether what a drag was made for is there now; None where it was made for nothing."""
    if until is None:
        return None
    screen = None if seen is None else _screen(seen)
    try:
        return Sighting(found=isinstance(screen, Screen) and is_seen(screen, until))
    except LocatorError:
        return Sighting(found=False)


def on_screen(seen: Capture) -> str:
    """What can be read on a screen, for a person."""
    screen = _screen(seen)
    if isinstance(screen, Miss):
        return screen.reason
    front = seen.foreground.package or "nothing"
    said = ", ".join(f'"{label}"' for label in labels(screen))
    return f"on the screen ({front}): {said or 'no text'}"


def _screen(seen: Capture) -> Screen | Miss:
    if seen.hierarchy_xml is None:
        why = "" if seen.hierarchy_absent_reason is None else f" ({seen.hierarchy_absent_reason.value})"
        return Miss(f"the phone gave no hierarchy{why}")
    try:
        return Screen.of(parse(seen.hierarchy_xml), seen.width, seen.height)
    except HierarchyError as error:
        return Miss(f"the hierarchy cannot be read: {error}")


def _place(screen: Screen | Miss, target: Target) -> Match | Miss:
    return screen if isinstance(screen, Miss) else find(screen, target)


def _sighting(found: Match) -> Sighting:
    return Sighting(found=True, bounds=found.bounds, point=found.point)


def _field(action: TypeInto, screen: Screen | Miss, guarded: Match | None) -> Aim | _No:
    if isinstance(screen, Miss):
        return _No(screen.reason)
    found: Match | Miss
    if guarded is not None:
        found = guarded
    elif action.target is not None:
        found = find(screen, action.target)
    else:
        focused = focused_field(screen)
        if focused is None:
            return _No("no field has the focus: say into which one")
        box = focused.bounds.clipped(screen.size).to_bounds()
        found = Match(box.centre, box, focused)
    if isinstance(found, Miss):
        return _No(found.reason)
    text = action.text or Sealed[str].of("")
    typed = Input(point=found.point, text=text, secret_ref=action.secret_ref, submit=action.submit)
    return Aim(typed, sighting=_sighting(found))


def _drag(action: Swipe, screen: Screen | Miss, guarded: Match | None) -> Aim | _No:
    if isinstance(screen, Miss):
        return _No(screen.reason)
    try:
        if action.until is not None and is_seen(screen, action.until):
            return Aim(sighting=Sighting(found=True))
    except LocatorError as error:
        return _No(str(error))
    if action.start is not None and action.end is not None:
        start, end = point_of(action.start, screen.size), point_of(action.end, screen.size)
        return Aim(Scroll(start=start, end=end, duration_ms=action.duration_ms))
    box = screen.size.to_bounds()
    if guarded is not None:
        box = guarded.bounds or box
    elif action.within is not None:
        found = find(screen, action.within)
        if isinstance(found, Miss):
            return _No(found.reason)
        box = found.bounds or box
    return Aim(_stroke(action, box))


def _stroke(action: Swipe, box: Bounds) -> Scroll:
    """Through the middle of the box, in the direction in which the finger goes."""
    far_x, far_y = int(box.width * _REACH), int(box.height * _REACH)
    steps = {"UP": (0, -far_y), "DOWN": (0, far_y), "LEFT": (-far_x, 0), "RIGHT": (far_x, 0)}
    dx, dy = steps[action.direction or "UP"]
    centre = box.centre
    start, end = Point(x=centre.x - dx, y=centre.y - dy), Point(x=centre.x + dx, y=centre.y + dy)
    return Scroll(start=start, end=end, duration_ms=action.duration_ms)


def _awaited(action: Await, seen: Capture, screen: Screen | Miss) -> Aim | _No:
    sighting = None if action.visible is None and action.gone is None else Sighting(found=True)
    if action.stable and not seen.stable:
        return _No("the screen does not come to rest")
    if action.package is not None and seen.foreground.package != action.package:
        return _No(f"{seen.foreground.package or 'nothing'} is in front, not {action.package}")
    if sighting is not None and isinstance(screen, Miss):
        return _No(screen.reason)
    if isinstance(screen, Screen):
        try:
            if action.visible is not None and not is_seen(screen, action.visible):
                found = find(screen, action.visible)
                return _No(found.reason if isinstance(found, Miss) else f"{action.visible.words} cannot be seen")
            if action.gone is not None and is_seen(screen, action.gone):
                return _No(f"{action.gone.words} is still there")
        except LocatorError as error:
            return _No(str(error))
    return Aim(sighting=sighting)


def _with_wait(aimed: Aim, seen: Capture, waited_s: float) -> Aim:
    sighting = aimed.sighting
    if sighting is not None:
        sighting = sighting.model_copy(update={"waited_ms": round(waited_s * 1000)})
    return Aim(aimed.action, aimed.performed, sighting, seen)


def _missed(action: Aimed, no: _No, seen: Capture, waited_s: float) -> Aim:
    sighting = Sighting(found=False, waited_ms=round(waited_s * 1000), score=no.score)
    if isinstance(action, Await) and not action.strict:
        return Aim(sighting=sighting, seen=seen)
    return Aim(None, Performed(no.result, f"{no.reason}; {on_screen(seen)}"), sighting, seen)
