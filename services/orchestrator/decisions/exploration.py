"""Exploration without a model: systematic, per state. What nobody has tried on a screen comes first, the nearest first.

The graph that the run has seen is searched for the nearest state in which something is left to try; where none can be
reached, the app is started anew; where that does not help either, the exploration is complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from contracts.values import ActionType, CoverageProfile, Gesture
from services.orchestrator.decisions.run_state import BACK, WAIT, Run, UiState

TRANSIENT_PACKAGES = frozenset(
    {
        "android",
        "com.android.permissioncontroller",
        "com.google.android.permissioncontroller",
        "com.android.packageinstaller",
        "com.google.android.packageinstaller",
    }
)
"""Dialogs of the system above an app: they are answered like the app's own, and count for no coverage."""

_TRIES_ON_A_SCREEN = 5
_TRIES_OF_THE_IDLE = 3
_TRUSTED_MISSES = 2
_OUTSIDE_BACKS = 2
_FRUITLESS_RESTARTS = 2
_PRIORITY_BONUS = 1000


@dataclass(frozen=True)
class Choice:
    """What to do next: a gesture of the current state, a key, a start of the app; or nothing is left (END)."""

    kind: Literal["GESTURE", "BACK", "WAIT", "LAUNCH", "END"]
    gesture: Gesture | None = None
    why: str = ""


Left = Callable[[UiState], Gesture | str | None]
"""What a kind of candidates has left to try in a state: a gesture, one of the keys, or nothing."""


def choose(run: Run) -> Choice:
    """The next thing to do in this run. Raises nothing; END says why it is over."""
    here = run.here
    if here is None:
        return Choice("LAUNCH", why="nothing was seen yet")
    if not is_explorable(here):
        return _back_inside(run, here)
    if not here.gestures and WAIT not in here.tried:
        return Choice("WAIT", why="there is nothing to touch: perhaps it is loading")
    for left, reach in _tiers(run):
        found = _nearest(run, here, left) if reach else left(here)
        if found is not None:
            return _as_choice(found)
    if run.fruitless_restarts < _FRUITLESS_RESTARTS and here.state_id != run.entry:
        return Choice("LAUNCH", why="nothing new can be reached from here")
    return Choice("END", why="everything that can be reached was tried")


def is_explorable(state: UiState) -> bool:
    return state.inside or state.package in TRANSIENT_PACKAGES


def _back_inside(run: Run, here: UiState) -> Choice:
    if run.outside <= _OUTSIDE_BACKS and here.tried.get(BACK, 0) <= _OUTSIDE_BACKS:
        return Choice("BACK", why=f"{here.package} is outside the app")
    return Choice("LAUNCH", why=f"{here.package} is outside the app, and back does not lead out of it")


def _tiers(run: Run) -> Iterator[tuple[Left, bool]]:
    """Kinds of candidates, best first, each with whether to go elsewhere for it."""

    def fresh(state: UiState) -> Gesture | None:
        return _best(run, state, tries_below=1)

    def revived(state: UiState) -> Gesture | None:
        return _idle_elsewhere(run, state)

    if run.spec_started.spec.profile is CoverageProfile.SMOKE:
        yield fresh, True
        return
    yield fresh, False
    yield revived, False
    yield fresh, True

    def stale(state: UiState) -> Gesture | None:
        return _best(run, state, tries_below=_TRIES_ON_A_SCREEN)

    def back(state: UiState) -> str | None:
        return BACK if BACK not in state.tried else None

    def wait(state: UiState) -> str | None:
        return WAIT if WAIT not in state.tried else None

    def again(state: UiState) -> Gesture | None:
        return _moving_once(run, state)

    yield stale, False
    yield back, False
    yield stale, True
    yield back, True
    yield again, True
    yield wait, True


def _best(run: Run, state: UiState, *, tries_below: int) -> Gesture | None:
    """The best gesture that was not tried in this state, and fewer than `tries_below` times on its screen."""
    best: tuple[int, Gesture] | None = None
    for gesture in state.gestures:
        tries = run.screen_tries.get((state.screen_id, gesture.gesture_id), 0)
        if gesture.gesture_id in state.tried or tries >= tries_below or not is_wanted(run, state, gesture):
            continue
        score = weight(run, state, gesture)
        if best is None or score > best[0]:
            best = (score, gesture)
    return None if best is None else best[1]


def _idle_elsewhere(run: Run, state: UiState) -> Gesture | None:
    """A gesture that did nothing so far on this screen, and was not tried in this state: a button may have woken up."""
    for gesture in state.gestures:
        place = (state.screen_id, gesture.gesture_id)
        idle = place in run.idle and run.screen_tries.get(place, 0) < _TRIES_OF_THE_IDLE
        if idle and gesture.gesture_id not in state.tried and is_wanted(run, state, gesture):
            return gesture
    return None


def _moving_once(run: Run, state: UiState) -> Gesture | None:
    """A gesture that led to another state, tried once only: the same gesture may lead to several."""
    for gesture in state.gestures:
        moved = state.targets.get(gesture.gesture_id, state.state_id) != state.state_id
        if moved and state.tried.get(gesture.gesture_id) == 1 and is_wanted(run, state, gesture):
            return gesture
    return None


def is_wanted(run: Run, state: UiState, gesture: Gesture) -> bool:
    """Not what crashed the app, not what is on the black-list, and in a SMOKE run only what is quick."""
    if (state.state_id, gesture.gesture_id) in run.crashing:
        return False
    spec = run.spec_started.spec
    if spec.profile is CoverageProfile.SMOKE and (gesture.press == "LONG" or gesture.action_type is ActionType.SCROLL):
        return False
    return not any(_matches(rule, state, gesture) for rule in spec.coverage.blacklist)


def weight(run: Run, state: UiState, gesture: Gesture) -> int:
    bonus = run.preferred.get(gesture.gesture_id, 0) * 10
    if any(_matches(rule, state, gesture) for rule in run.spec_started.spec.coverage.priorities):
        bonus += _PRIORITY_BONUS
    return gesture.weight + bonus


def _matches(rule: str, state: UiState, gesture: Gesture) -> bool:
    pattern = rule.lower()
    names = (gesture.label, gesture.resource_id, state.screen_name, state.activity)
    return any(fnmatchcase(name.lower(), pattern) for name in names if name)


def _nearest(run: Run, here: UiState, left: Left) -> Gesture | str | None:
    """What is left here; else the first gesture of the shortest known way to a state where something is left."""
    if (found := left(here)) is not None:
        return found
    seen = {here.state_id}
    queue: deque[tuple[UiState, str]] = deque()
    for gesture_id, target in _edges(run, here):
        if target.state_id not in seen:
            seen.add(target.state_id)
            queue.append((target, gesture_id))
    while queue:
        state, first = queue.popleft()
        if left(state) is not None:
            return first if first in {BACK, WAIT} else _gesture(here, first)
        for _, target in _edges(run, state):
            if target.state_id not in seen:
                seen.add(target.state_id)
                queue.append((target, first))
    return None


def _edges(run: Run, state: UiState) -> Iterator[tuple[str, UiState]]:
    """Ways out of a state that can be relied on, to states that can be explored."""
    for gesture_id, target_id in state.targets.items():
        target = run.states.get(target_id)
        trusted = state.misses.get(gesture_id, 0) <= _TRUSTED_MISSES
        if target is None or not trusted or target_id == state.state_id or not is_explorable(target):
            continue
        if (state.state_id, gesture_id) not in run.crashing:
            yield gesture_id, target


def _gesture(state: UiState, gesture_id: str) -> Gesture | None:
    return next((g for g in state.gestures if g.gesture_id == gesture_id), None)


def _as_choice(found: Gesture | str) -> Choice:
    if isinstance(found, Gesture):
        return Choice("GESTURE", found)
    return Choice("BACK", why="back was not tried here") if found == BACK else Choice("WAIT", why="time may change it")
