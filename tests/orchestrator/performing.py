"""Actions carried out on a simulated world directly, without a phone in between."""

from __future__ import annotations

from functools import lru_cache

from contracts.values import Action, Click, Foreground, Gesture, Input, Navigate, Observe, Scroll
from deploy.simulator.world import Surface, World
from services.hierarchy.errors import HierarchyError
from services.orchestrator.decisions.steps import gesture_action
from services.screen_indexer.indexing import index
from services.screen_indexer.model import CaptureInput, Indexed


def look(world: World, at_s: float) -> tuple[Surface, Indexed | None]:
    """What is in front, and what the indexer makes of it: nothing where there is nothing to see."""
    surface = world.surface(at_s)
    return surface, _indexed(surface.hierarchy, surface.package, surface.activity, world.width, world.height)


@lru_cache(maxsize=2000)
def _indexed(hierarchy: str, package: str, activity: str, width: int, height: int) -> Indexed | None:
    try:
        return index(CaptureInput(hierarchy, width, height, Foreground(package=package, activity=activity)))
    except HierarchyError:
        return None


def touch(world: World, gesture: Gesture, seed: int, at_s: float) -> None:
    """Makes a gesture as a run without a model would."""
    do(world, gesture_action(gesture, seed), at_s)


def do(world: World, action: Action, at_s: float) -> None:
    match action:
        case Click(point=point, press="TAP"):
            world.tap(point.x, point.y, at_s)
        case Click(point=point, press="LONG"):
            world.long_press(point.x, point.y, at_s)
        case Click(point=point):
            world.double_tap(point.x, point.y, at_s)
        case Input(point=point, text=text, submit=submit):
            world.tap(point.x, point.y, at_s)
            world.clear_text(at_s)
            world.type_text(text.reveal(), at_s)
            if submit:
                world.key("ENTER", at_s)
        case Scroll(start=start, end=end, duration_ms=duration_ms):
            world.swipe(start.x, start.y, end.x, end.y, duration_ms, at_s)
        case Navigate(to="LAUNCH", package=str(package), restart=restart):
            if restart:
                world.force_stop(package, at_s)
            world.launch(package, None, at_s)
        case Navigate(to="BACK" | "HOME" as key):
            world.key(key, at_s)
        case Observe():
            pass
        case other:
            raise AssertionError(f"an exploration does not do {other}")
