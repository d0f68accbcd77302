"""Two ways to explore that Waymark must not be later than, on the same player with the same gestures.

RANDOM draws from what is seen, and starts the app anew where it was left. GREEDY does what DroidBot's greedy search,
depth first, is described to do: what was never tried in a state first, then the way to a state where something is left.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import md5
from typing import Protocol

from lxml import etree

from contracts.values import ActionType, Gesture, Navigate
from deploy.simulator.world import Surface, World
from services.orchestrator.decisions.graph import BACK
from tests.orchestrator.performing import do, look, touch

LAUNCH, STOP = "launch", "stop"


@dataclass
class Phone:
    """A world with its clock, as a policy sees it."""

    world: World
    package: str
    now_s: float = 0.0

    def do(self, event: Gesture | str, seed: int) -> None:
        """A gesture, BACK, LAUNCH (into the foreground, nothing is ended first) or STOP. Takes as long as in a run."""
        self.now_s += 2
        match event:
            case Gesture():
                touch(self.world, event, seed, self.now_s)
            case "back":
                do(self.world, Navigate(to="BACK"), self.now_s)
            case "launch":
                self.world.launch(self.package, None, self.now_s)
            case "stop":
                self.world.force_stop(self.package, self.now_s)
        self.now_s += 2

    def look(self) -> Seen:
        surface, indexed = look(self.world, self.now_s)
        assert indexed is not None, "nothing in a recording is empty"
        return Seen(surface, {e.element_hash: at for at, e in enumerate(indexed.elements)}, indexed.gestures)


@dataclass(frozen=True)
class Seen:
    """What is in front: the window, the place of each element in it, and what can be tried."""

    surface: Surface
    places: dict[str, int]
    gestures: tuple[Gesture, ...]


class Policy(Protocol):
    def next(self, seen: Seen) -> Gesture | str: ...


@dataclass
class Random:
    """Any gesture of what is seen, or BACK, all with equal chance; outside the app it is started anew."""

    inside: frozenset[str]
    seed: int
    _numbers: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = random.Random(self.seed)

    def next(self, seen: Seen) -> Gesture | str:
        if seen.surface.package not in self.inside:
            return LAUNCH
        return self._numbers.choice([*seen.gestures, BACK])


@dataclass
class Greedy:
    """DroidBot's greedy search, depth first. Its state is a digest of the activity and of the set of its views."""

    package: str
    seed: int
    restarts_limit: int = 5
    outside_back: int = 5
    outside_stop: int = 10
    _numbers: random.Random = field(init=False)
    _explored: set[tuple[str, str]] = field(default_factory=set)
    _edges: dict[str, dict[str, Gesture | str]] = field(default_factory=dict)
    _events: dict[str, list[Gesture | str]] = field(default_factory=dict)
    _inside: set[str] = field(default_factory=set)
    _missed: set[str] = field(default_factory=set)
    _target: tuple[str, int] | None = None
    _navigating: bool = False
    _last: tuple[str, Gesture | str] | None = None
    _trace: list[str] = field(default_factory=list)
    _restarts: int = 0
    _outside: int = 0
    _at_random: bool = False

    def __post_init__(self) -> None:
        self._numbers = random.Random(self.seed)

    def next(self, seen: Seen) -> Gesture | str:
        state = _digest(seen.surface)
        self._learn(state)
        event = self._choose(state, seen)
        self._last = (state, event)
        self._explored.add((state, _name(event)))
        return event

    def _learn(self, state: str) -> None:
        self._missed.discard(state)
        if self._last is not None and self._last[0] != state and self._last[1] != STOP:
            self._edges.setdefault(self._last[0], {})[state] = self._last[1]

    def _choose(self, state: str, seen: Seen) -> Gesture | str:
        depth = _depth(seen.surface, self.package)
        if depth < 0:
            if (event := self._start()) is not None:
                return event
        elif depth > 0:
            self._outside += 1
            if self._outside > self.outside_back:
                return self._say("navigate", STOP if self._outside > self.outside_stop else BACK)
        else:
            self._outside = 0
            self._inside.add(state)
        events = self._events.setdefault(state, [*_enumerated(seen), BACK])
        for event in events:
            if (state, _name(event)) not in self._explored:
                return self._say("explore", event)
        if (step := self._navigate(state)) is not None:
            return self._say("navigate", step)
        if self._at_random:
            return self._say("explore", self._numbers.choice(events))
        return self._say("stop", STOP)

    def _start(self) -> str | None:
        """The app is not there: start it, unless that was tried too often in a row without anything else."""
        again = self._trace[-1:] == ["start"] or self._trace[-2:] == ["start", "stop"]
        self._restarts = self._restarts + 1 if again else 0
        if self._trace[-1:] == ["start"]:
            return None
        if self._restarts > self.restarts_limit:
            self._at_random = True
            return None
        return self._say("start", LAUNCH)

    def _say(self, kind: str, event: Gesture | str) -> Gesture | str:
        self._trace.append(kind)
        self._navigating = kind == "navigate"
        return event

    def _navigate(self, state: str) -> Gesture | str | None:
        if self._target is not None and self._navigating:
            way = self._way(state, self._target[0])
            if way and len(way) <= self._target[1]:
                self._target = (self._target[0], len(way) - 1)
                return way[0]
            self._missed.add(self._target[0])
        self._target = None
        for target in self._reachable(state):
            left = any((target, _name(event)) not in self._explored for event in self._events.get(target, ()))
            if target in self._inside and target not in self._missed and left:
                way = self._way(state, target)
                self._target = (target, len(way) - 1)
                return way[0]
        return None

    def _reachable(self, state: str) -> list[str]:
        seen, queue = {state: None}, deque([state])
        while queue:
            for target in self._edges.get(queue.popleft(), {}):
                if target not in seen:
                    seen[target] = None
                    queue.append(target)
        return [each for each in seen if each != state]

    def _way(self, state: str, target: str) -> list[Gesture | str]:
        before: dict[str, tuple[str, Gesture | str]] = {}
        queue = deque([state])
        while queue and target not in before:
            source = queue.popleft()
            for each, event in self._edges.get(source, {}).items():
                if each not in before and each != state:
                    before[each] = (source, event)
                    queue.append(each)
        way: list[Gesture | str] = []
        while target in before:
            target, event = before[target]
            way.insert(0, event)
        return way


def explore(phone: Phone, policy: Policy, seed: int, actions: int, on_action: Callable[[int], None]) -> None:
    """Starts the app, which is the first action, then lets the policy go on. `on_action` gets each action's number."""
    phone.do(LAUNCH, seed)
    on_action(1)
    for number in range(2, actions + 1):
        phone.do(policy.next(phone.look()), seed)
        on_action(number)


def _digest(surface: Surface) -> str:
    return _digest_of(surface.activity, surface.hierarchy)


@lru_cache(maxsize=500)
def _digest_of(activity: str, hierarchy: str) -> str:
    """The activity and the set of the views: class, id, text of up to 50 characters, enabled, checked, selected."""
    views = set()
    for node in etree.fromstring(hierarchy.encode()).iter("node"):
        text = node.get("text", "")
        flags = [name for name in ("enabled", "checked", "selected") if node.get(name) == "true"]
        shown = text if len(text) <= 50 else ""
        views.add(f"{node.get('class')}|{node.get('resource-id')}|{shown}|{','.join(flags)}")
    return md5("\n".join((activity, *sorted(views))).encode()).hexdigest()


def _depth(surface: Surface, package: str) -> int:
    """How many activities of others lie above the app's topmost one; below 0 where it is not there at all."""
    packages = [each for each, _ in reversed(surface.task)]
    return packages.index(package) if package in packages else -1


def _enumerated(seen: Seen) -> list[Gesture]:
    """Taps in the order of the tree, then scrolling, long presses, texts."""

    def rank(gesture: Gesture) -> tuple[int, int, int]:
        kinds = {ActionType.CLICK: 0 if gesture.press == "TAP" else 2, ActionType.SCROLL: 1, ActionType.INPUT: 3}
        directions = ("UP", "DOWN", "LEFT", "RIGHT")
        way = directions.index(gesture.direction) if gesture.direction else 0
        return kinds[gesture.action_type], seen.places.get(gesture.element_hash or "", 9999), way

    return sorted(seen.gestures, key=rank)


def _name(event: Gesture | str) -> str:
    return event if isinstance(event, str) else event.gesture_id
