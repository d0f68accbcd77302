"""Whether what a guard expects is on the screen in front: judged right before an action. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.values import Guard, Point, Target
from services.device_agent.capture import Capture
from services.device_agent.performing import Result
from services.hierarchy.geometry import from_bounds
from services.hierarchy.guards import Found, find_guarded, judge_screen
from services.hierarchy.targets import Miss, Screen


@dataclass(frozen=True)
class Held:
    """The guard holds. `found` is its element, where it names one; `score` how alike the screen is, where it names
    one."""

    found: Found | None = None
    score: str | None = None


@dataclass(frozen=True)
class Refused:
    """It does not: GUARD where something else is there, NOT_FOUND where the element is gone by all its targets."""

    result: Result
    reason: str
    score: str | None = None


def hold(guard: Guard, target: Target | None, seen: Capture, screen: Screen | Miss) -> Held | Refused:
    """Judges the screen, then looks for the element on it. Without a hierarchy nothing that is expected holds."""
    if guard.screen is None and guard.element is None:
        return Held()
    if isinstance(screen, Miss):
        return Refused(Result.GUARD, f"it cannot be told what is there: {screen.reason}")
    score = None
    if guard.screen is not None:
        verdict = judge_screen(guard.screen, screen, seen.foreground.package, seen.foreground.activity)
        score = f"{verdict.score:.3f}"
        if not verdict.holds:
            return Refused(Result.GUARD, f"this is not the screen that is expected: {verdict.reason}", score)
    if guard.element is None:
        return Held(score=score)
    found = find_guarded(screen, None if target is None or target.point is not None else target, guard.element)
    what = f'"{guard.element.label}"' if guard.element.label else "the element"
    if isinstance(found, Miss):
        result = Result.GUARD if found.matches else Result.NOT_FOUND
        return Refused(result, f"{what} is not there as it was: {found.reason}", score)
    if (over := _lies_over(seen, found.match.point)) is not None:
        return Refused(Result.GUARD, f"{over} lies over {what}", score)
    return Held(found, score)


def _lies_over(seen: Capture, point: Point) -> str | None:
    """A keyboard, a bar or another overlay in front of the app there; the hierarchy need not tell of them."""
    half = (seen.width or 0) * (seen.height or 0) / 2
    for window in seen.windows:
        if window.type == "APP":
            return None
        covers = window.bounds is not None and from_bounds(window.bounds).holds_point(point.x, point.y)
        if covers and window.type == "KEYBOARD":
            return "the keyboard"
        if covers and window.bounds is not None and window.bounds.area < half:
            return f"a window of the system ({window.title or window.package})"
    return None
