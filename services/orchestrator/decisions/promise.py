"""What a gesture promises: how likely it is, in this state, to show something that the run has not seen yet.

A number from 0 (nothing is expected of it) to about 1; only its order and its ratio to a distance count. It falls with
what the same gesture, and its likes in the rows of a list, brought on the same screen. Its figures were set on recorded
and described apps: they are where new screens came early and runs ended soon after the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from hashlib import blake2b

from contracts.values import ActionType, CoverageProfile, Gesture
from services.orchestrator.decisions.run_state import BACK, NOT_TRIED, WAIT, Kind, Luck, Place, Run, UiState, kin_of, kind_of

LEAST = 0.02
"""A promise below this is not worth an action: where nothing else is left, the exploration is complete."""

_LEAST_OF_A_FIRST_TRY = 0.03
_LEAST_IN_SMOKE = 0.05
_PRIORS: dict[Kind, tuple[float, float]] = {
    "BACK": (1.0, 15.0),
    "WAIT": (0.3, 8.0),
    "MOVED": (1.0, 10.0),
    "IDLE": (8.0, 10.0),
    "WOKEN": (2.0, 5.0),
}
"""News and tries that count as made before a run begins, so that its own experience takes over soon."""

_MANY_TARGETS = 0.4
_MANY_TRIES = 6
_AGAIN_HERE = 0.15
_FADING = 0.9
_POWER = 0.6
_SCALE = 1.0
_PRIORITY = 100.0
_LIKES_LIMIT = 12
_PERFORMABLE = frozenset({ActionType.CLICK, ActionType.INPUT, ActionType.SCROLL})


def promises(run: Run, state: UiState) -> Iterator[tuple[float, Gesture | str]]:
    """Everything that can be tried in a state and promises enough, in the order of its screen."""
    places = run.places.get(state.screen_id, {})
    least = _LEAST_IN_SMOKE if _is_quick(run) else LEAST
    for gesture in state.gestures:
        promise = _promise(run, state, gesture, places.get(gesture.gesture_id, NOT_TRIED))
        if promise >= least and is_wanted(run, state, gesture):
            yield promise, gesture
    if _is_quick(run):
        return
    for key in (BACK, WAIT):
        place = places.get(key, NOT_TRIED)
        is_open = place.tries == 0 or (place.news > 0 and place.tries < _MANY_TRIES)
        if key not in state.tried and is_open and (promise := _rate(run, state, key, place)) >= least:
            yield promise, key


def is_wanted(run: Run, state: UiState, gesture: Gesture) -> bool:
    """Something that a finger can do, that did not crash the app, and that the task does not leave out."""
    if gesture.bounds is None or gesture.action_type not in _PERFORMABLE:
        return False
    if (state.state_id, gesture.gesture_id) in run.crashing:
        return False
    if _is_quick(run) and (gesture.press == "LONG" or gesture.action_type is ActionType.SCROLL):
        return False
    return not any(_matches(rule, state, gesture) for rule in run.spec_started.spec.coverage.blacklist)


def tie(seed: int, gesture: Gesture | str) -> bytes:
    """Order of what promises the same: that of the screen, or another one for each seed above 0."""
    if seed == 0:
        return b""
    name = gesture if isinstance(gesture, str) else gesture.gesture_id
    return blake2b(f"{seed}|{name}".encode(), digest_size=8).digest()


def _promise(run: Run, state: UiState, gesture: Gesture, place: Place) -> float:
    base = _weight(run, state, gesture)
    here = state.tried.get(gesture.gesture_id, 0)
    if here:
        moved = state.targets.get(gesture.gesture_id, state.state_id) != state.state_id
        return base * _AGAIN_HERE if here == 1 and moved and len(place.screens) > 1 else 0.0
    if place.tries == 0:
        likes = run.barren.get((state.screen_id, kin_of(gesture)), 0)
        return 0.0 if likes >= _LIKES_LIMIT else max(base / (1 + likes / 2), _LEAST_OF_A_FIRST_TRY)
    if place.tries >= _MANY_TRIES:
        return 0.0
    if len(place.screens) > 1:
        return base * _MANY_TARGETS
    return _SCALE * base**_POWER * _rate(run, state, gesture.gesture_id, place) * _FADING ** (place.tries - 1)


def _rate(run: Run, state: UiState, gesture_id: str, place: Place) -> float:
    """How often repetitions of this kind showed something new in this run."""
    kind = kind_of(state, gesture_id, place)
    assert kind is not None
    luck, (news, tries) = run.luck.get(kind, Luck()), _PRIORS[kind]
    return (luck.news + news) / (luck.tries + tries)


def _weight(run: Run, state: UiState, gesture: Gesture) -> float:
    weight = gesture.weight + 10 * run.preferred.get(gesture.gesture_id, 0)
    promise = (max(weight, 0) / 100) ** 2
    if any(_matches(rule, state, gesture) for rule in run.spec_started.spec.coverage.priorities):
        return promise + _PRIORITY
    return promise


def _is_quick(run: Run) -> bool:
    return run.spec_started.spec.profile is CoverageProfile.SMOKE


def _matches(rule: str, state: UiState, gesture: Gesture) -> bool:
    pattern = rule.lower()
    names = (gesture.label, gesture.resource_id, state.screen_name, state.activity)
    return any(fnmatchcase(name.lower(), pattern) for name in names if name)
