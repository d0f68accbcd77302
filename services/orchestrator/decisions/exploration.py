"""Exploration without a model: systematic, per state. What promises most for the fewest actions comes first.

The graph that the run has seen is searched for the state and gesture whose promise, divided by the way there, is the
greatest; starting the app anew is one of the ways. Where nothing that can be reached promises anything, it is complete.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

from contracts.values import Gesture
from services.orchestrator.decisions.graph import BACK, END_CALL, WAIT, UiState
from services.orchestrator.decisions.interruptions import TRANSIENT_PACKAGES, answer_to
from services.orchestrator.decisions.promise import is_wanted, promises, tie
from services.orchestrator.decisions.run_state import Run
from services.orchestrator.decisions.trouble import SPLIT_SCREEN

_LAUNCH = "launch"
_KNOWN_WAY = 1.0
_LIKELY_WAY = 1.5
_LAUNCH_WAY = 5.0
"""Costs of one step: a gesture that was made in this very state, one that was made on its screen, a fresh start."""
_TRUSTED_MISSES = 2
_OUTSIDE_BACKS = 2
_FRUITLESS_RESTARTS = 2
_BLIND_STEPS = 2
"""Steps in a row after which nothing was seen: then the app is started anew, which also wakes and unlocks the phone."""


@dataclass(frozen=True)
class Choice:
    """What to do next: a gesture of the current state, a key, a start of the app; or nothing is left (END)."""

    kind: Literal["GESTURE", "BACK", "WAIT", "END_CALL", "LAUNCH", "END"]
    gesture: Gesture | None = None
    why: str = ""


def choose(run: Run) -> Choice:
    """The next thing to do in this run. Raises nothing; END says why it is over."""
    here = run.here
    if here is None:
        return Choice("LAUNCH", why="nothing was seen yet")
    if (obstacle := _out_of_the_way(run, here)) is not None:
        return obstacle
    if not is_explorable(here):
        return _back_inside(run, here)
    if here.takes_nothing and WAIT not in here.tried:
        return Choice("WAIT", why="there is nothing to touch: perhaps it is loading")
    if (hint := _hinted(run, here)) is not None:
        return Choice("GESTURE", hint, why="a model named it where nothing else was left")
    found = _best(run, here)
    if found is not None:
        return _as_choice(here, found)
    is_left = any(_most(run, state) is not None for state in run.states.values() if is_explorable(state))
    if is_left and run.fruitless_restarts < _FRUITLESS_RESTARTS and here.state_id != run.entry:
        return Choice("LAUNCH", why="what is left cannot be reached from here")
    return Choice("END", why="everything that can be reached was tried")


def _out_of_the_way(run: Run, here: UiState) -> Choice | None:
    """What comes before everything else: the app has to be seen again, alone on the screen."""
    if run.unseen and run.trouble is not None and run.trouble.code == SPLIT_SCREEN:
        return Choice("LAUNCH", why="the app has only a part of the screen")
    if run.unseen >= _BLIND_STEPS:
        return Choice("LAUNCH", why=f"nothing was seen in {run.unseen} steps")
    answer = answer_to(here)
    if answer == END_CALL:
        return Choice("END_CALL", why="a call is in front of the app")
    if answer is not None:
        return Choice("GESTURE", answer, why="the system asks, and the app waits behind it")
    return None


def is_explorable(state: UiState) -> bool:
    return state.inside or state.package in TRANSIENT_PACKAGES


def _back_inside(run: Run, here: UiState) -> Choice:
    """Back, unless it is known not to lead inside; then the app is started anew."""
    target = run.states.get(here.targets.get(BACK, ""))
    leads_out = target is not None and not is_explorable(target)
    if leads_out or run.outside > _OUTSIDE_BACKS or here.tried.get(BACK, 0) > _OUTSIDE_BACKS:
        return Choice("LAUNCH", why=f"{here.package} is outside the app, and back does not lead out of it")
    return Choice("BACK", why=f"{here.package} is outside the app")


def _hinted(run: Run, here: UiState) -> Gesture | None:
    """The next gesture that a model named for this screen: tried before or not, but never one that is not wanted."""
    if not run.hints or here.screen_id != run.hinted_screen:
        return None
    wanted = {g.gesture_id: g for g in here.gestures if is_wanted(run, here, g)}
    return next((wanted[gesture_id] for gesture_id in run.hints if gesture_id in wanted), None)


def _best(run: Run, here: UiState) -> Gesture | str | None:
    """What promises most for the actions that it takes: itself where it is here, else the first step of the way."""
    best: tuple[float, Gesture | str] | None = None
    order = count()
    queue: list[tuple[float, int, UiState, str | None]] = [(0.0, next(order), here, None)]
    done: set[str] = set()
    most = run.most_promising
    while queue:
        cost, _, state, first = heapq.heappop(queue)
        if best is not None and most / (1 + cost) <= best[0]:
            break
        if state.state_id in done:
            continue
        done.add(state.state_id)
        found = _most(run, state)
        if found is not None and (best is None or found[0] / (1 + cost) > best[0]):
            best = (found[0] / (1 + cost), found[1] if first is None else first)
        for way, gesture_id, target in _ways(run, state):
            if target.state_id not in done:
                heapq.heappush(queue, (cost + way, next(order), target, first or gesture_id))
    return None if best is None else best[1]


def _most(run: Run, state: UiState) -> tuple[float, Gesture | str] | None:
    """What promises most in a state. A dialog that has its answer promises nothing: it is never looked for."""
    if answer_to(state) is not None:
        return None
    best: tuple[float, bytes, Gesture | str] | None = None
    seed = run.spec_started.spec.seed
    for promise, found in promises(run, state):
        if best is None or promise > best[0] or (promise == best[0] and tie(seed, found) > best[1]):
            best = (promise, tie(seed, found), found)
    return None if best is None else (best[0], best[2])


def _ways(run: Run, state: UiState) -> Iterator[tuple[float, str, UiState]]:
    """Ways out of a state to others that can be explored: cost, gesture, target."""
    for gesture_id, target_id in state.targets.items():
        if state.misses.get(gesture_id, 0) <= _TRUSTED_MISSES and (found := _target(run, state, gesture_id, target_id)):
            yield _KNOWN_WAY, gesture_id, found
    places = run.graph.places.get(state.screen_id, {})
    for gesture_id in (*(g.gesture_id for g in state.gestures), BACK):
        place = places.get(gesture_id)
        likely = state.came_from if gesture_id == BACK else None
        if place is not None and place.last is not None:
            likely = place.last
        if likely is not None and gesture_id not in state.tried and (found := _target(run, state, gesture_id, likely)):
            yield _LIKELY_WAY, gesture_id, found
    if run.entry is not None and run.entry in run.states:
        yield _LAUNCH_WAY, _LAUNCH, run.states[run.entry]


def _target(run: Run, state: UiState, gesture_id: str, target_id: str) -> UiState | None:
    target = run.states.get(target_id)
    if target is None or target_id == state.state_id or not is_explorable(target):
        return None
    return None if (state.state_id, gesture_id) in run.crashing else target


def _as_choice(here: UiState, found: Gesture | str) -> Choice:
    if isinstance(found, Gesture):
        return Choice("GESTURE", found)
    if found == BACK:
        return Choice("BACK", why="back shows more, or leads to where more is left")
    if found == WAIT:
        return Choice("WAIT", why="time may change it")
    if found == _LAUNCH:
        return Choice("LAUNCH", why="what is left is nearest from the start")
    return Choice("GESTURE", next(g for g in here.gestures if g.gesture_id == found))
