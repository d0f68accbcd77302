"""From a target to a place: what an action that names an element is on the screen in front.

The screen is looked at right before the finger goes down, and again while the element is not there and patience lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
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
    Scroll,
    Sighting,
    Swipe,
    Target,
    Touch,
    TypeInto,
)
from services.device_agent.capture import LOOK_AGAIN_S, Capture
from services.device_agent.performing import Performed, Result
from services.hierarchy.errors import HierarchyError, LocatorError
from services.hierarchy.parse import parse
from services.hierarchy.targets import Match, Miss, Screen, find, focused_field, is_seen, labels, point_of

_REACH = 0.35
"""How far a drag goes, as a part of what is dragged over, to each side of its middle."""

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


async def aim(action: Addressed | Await, look: Look, clock: Callable[[], float]) -> Aim:
    """Looks until the target is there, for the action's `wait_s` at most. Raises what `look` does."""
    if isinstance(action, Touch) and action.target.point is not None and action.target.point.unit == "PX":
        point = Point(x=round(action.target.point.x), y=round(action.target.point.y))
        return Aim(Click(point=point, press=action.press), sighting=Sighting(found=True, point=point))
    begun_s = clock()
    while True:
        seen = await look()
        verdict = await asyncio.to_thread(judge, action, seen)
        waited_s = clock() - begun_s
        if isinstance(verdict, Aim):
            return _with_wait(verdict, seen, waited_s)
        if waited_s + LOOK_AGAIN_S > action.wait_s:
            return _missed(action, verdict.reason, seen, waited_s)
        await asyncio.sleep(LOOK_AGAIN_S)


def judge(action: Addressed | Await, seen: Capture) -> Aim | _No:
    """What the action is on this screen. Pure, but slow enough for a thread."""
    screen = _screen(seen)
    match action:
        case Await():
            return _awaited(action, seen, screen)
        case Touch():
            match _place(screen, action.target):
                case Match() as found:
                    return Aim(Click(point=found.point, press=action.press), sighting=_sighting(found))
                case miss:
                    return _No(miss.reason)
        case TypeInto():
            return _field(action, screen)
        case Swipe():
            return _drag(action, screen)
        case _:
            assert_never(action)


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


def _field(action: TypeInto, screen: Screen | Miss) -> Aim | _No:
    if isinstance(screen, Miss):
        return _No(screen.reason)
    if action.target is not None:
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


def _drag(action: Swipe, screen: Screen | Miss) -> Aim | _No:
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
    if action.within is not None:
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


def _missed(action: Addressed | Await, reason: str, seen: Capture, waited_s: float) -> Aim:
    sighting = Sighting(found=False, waited_ms=round(waited_s * 1000))
    if isinstance(action, Await) and not action.strict:
        return Aim(sighting=sighting, seen=seen)
    return Aim(None, Performed(Result.NOT_FOUND, f"{reason}; {on_screen(seen)}"), sighting, seen)
