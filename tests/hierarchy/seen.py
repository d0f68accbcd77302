"""Screens for tests of what guards accept: recorded ones, and those of the demo app, found by a walk with a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from services.hierarchy.labels import is_editable
from services.hierarchy.node import Node
from services.hierarchy.parse import parse
from services.hierarchy.targets import Screen
from services.hierarchy.write import to_xml
from tests.hierarchy import corpus
from tests.simulator_apps.driving import PACKAGE, Finger, bounds, signed_in, started

WALKS = 12
TAPS = 60


@dataclass(frozen=True)
class Sight:
    """A screen as a phone tells it. `package` and `activity` are what is in front."""

    name: str
    app: str
    xml: str
    width: int
    height: int
    package: str
    activity: str | None

    @property
    def screen(self) -> Screen:
        return Screen.of(parse(self.xml), self.width, self.height)


def targets_of(screen: Screen) -> list[Node]:
    """What a task can touch, type into or scroll there."""
    reached = screen.sight.reached
    return [n for n in screen.surface.nodes if n.position in reached and (n.is_actionable or is_editable(n))]


@cache
def recorded() -> tuple[Sight, ...]:
    found = []
    for dump in corpus.dumps():
        screen = Screen.of(dump.tree, dump.width, dump.height)
        package = screen.surface.package
        found.append(Sight(dump.name, dump.app, to_xml(dump.tree), dump.width, dump.height, package, dump.activity))
    return tuple(found)


@cache
def demo(seed: int) -> tuple[Sight, ...]:
    """One sight of each screen (by what is in it) that random walks through the demo app meet."""
    chance = random.Random(seed)
    found: dict[str, Sight] = {}
    for walk in range(WALKS):
        _walk(started() if walk == 0 else signed_in(), chance, found)
    return tuple(found.values())


def _walk(finger: Finger, chance: random.Random, found: dict[str, Sight]) -> None:
    for _ in range(TAPS):
        surface = finger.world.surface(finger.now_s)
        if surface.package != PACKAGE:
            return
        sight = Sight(f"demo {len(found)}", "demo", surface.hierarchy, 1080, 1920, PACKAGE, surface.activity)
        found.setdefault(f"{surface.activity} {sorted(_ids(finger))}", sight)
        _step(finger, chance)


def _ids(finger: Finger) -> set[str]:
    return {node.get("resource-id") for node in finger.nodes()}


def _step(finger: Finger, chance: random.Random) -> None:
    nodes = [node for node in finger.nodes() if node.get("clickable") == "true"]
    if not nodes or chance.random() < 0.1:
        finger.key("BACK")
    else:
        left, top, right, bottom = bounds(chance.choice(nodes))
        finger.at((left + right) // 2, (top + bottom) // 2)
    finger.wait(0.6)
