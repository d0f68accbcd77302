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
from services.orchestrator.decisions.graph import BACK, NOT_TRIED, WAIT, Kind, Luck, Place, UiState, kin_of, kind_of
from services.orchestrator.decisions.run_state import Run

LEAST = 0.02
"""A promise below this is not worth an action: where nothing else is left, the exploration is complete."""

_LEAST_OF_A_FIRST_TRY = 0.06
_LEAST_IN_SMOKE = 0.05
_PRIORITY = 100.0
_LIKES_LIMIT = 12
"""So many of a list's rows in a row that brought no new screen are enough: a feed has no end."""
_HARMLESS, _ORDINARY = 15, 0.36
"""As long as each row of a list leads to a screen of its own, no row repeats the row before: it promises what an
ordinary button does, unless its weight says that it destroys something."""
_PRIORS: dict[Kind, tuple[float, float]] = {
    "BACK": (1.0, 15.0),
    "WAIT": (0.3, 8.0),
    "MOVED": (1.0, 10.0),
    "IDLE": (8.0, 10.0),
    "WOKEN": (2.0, 5.0),
}
"""News and tries that count as made before a run begins, so that its own experience takes over soon."""
_MANY_TARGETS = 0.4
_AGAIN_HERE = 0.15
"""For a gesture of which several targets are known: in a state where it was not tried, and where it was."""
_MANY_TRIES = 6
_FADING = 0.9
_AGAIN_POWER = 0.6
"""How a repetition's promise falls with each try on the screen, and with a lower weight."""
_PERFORMABLE = frozenset({ActionType.CLICK, ActionType.INPUT, ActionType.SCROLL})


def promises(run: Run, state: UiState) -> Iterator[tuple[float, Gesture | str]]:
    """Everything that can be tried in a state and promises enough, in the order of its screen."""
    places = run.graph.places.get(state.screen_id, {})
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
    base = _weight(run, gesture)
    here = state.tried.get(gesture.gesture_id, 0)
    if not here and place.tries == 0:
        return _of_a_first_try(run, state, gesture, base)
    if _is_quick(run) or place.tries >= _MANY_TRIES:
        return 0.0
    if here:
        moved = state.targets.get(gesture.gesture_id, state.state_id) != state.state_id
        return base * _AGAIN_HERE if here == 1 and moved and len(place.screens) > 1 else 0.0
    if len(place.screens) > 1:
        return base * _MANY_TARGETS
    rate = _rate(run, state, gesture.gesture_id, place)
    return float(base**_AGAIN_POWER) * rate * _FADING ** (place.tries - 1)


def _of_a_first_try(run: Run, state: UiState, gesture: Gesture, base: float) -> float:
    """Everything is worth one try on its screen, but for long lists; what the task prefers comes before all else."""
    if any(_matches(rule, state, gesture) for rule in run.spec_started.spec.coverage.priorities):
        return base + _PRIORITY
    rows = run.graph.rows.get((state.screen_id, gesture.group or ""))
    if rows is not None and rows.is_menu and gesture.weight >= _HARMLESS:
        return max(base, _ORDINARY)
    likes = run.graph.barren.get((state.screen_id, kin_of(gesture)), 0)
    if likes >= _LIKES_LIMIT:
        return 0.0
    return max(base / (1 + likes / 2), 0.0 if _is_quick(run) else _LEAST_OF_A_FIRST_TRY)


def _rate(run: Run, state: UiState, gesture_id: str, place: Place) -> float:
    """How often repetitions of this kind showed something new in this run."""
    kind = kind_of(state, gesture_id, place)
    assert kind is not None
    luck, (news, tries) = run.graph.luck.get(kind, Luck()), _PRIORS[kind]
    return (luck.news + news) / (luck.tries + tries)


def _weight(run: Run, gesture: Gesture) -> float:
    """What a model found worth trying comes in its order, before what it did not name."""
    preferred = run.preferred.get(gesture.gesture_id, 0)
    weight = 100 + 10 * preferred if preferred else max(gesture.weight, 0)
    return (weight / 100) ** 2


def _is_quick(run: Run) -> bool:
    return run.spec_started.spec.profile is CoverageProfile.SMOKE


def _matches(rule: str, state: UiState, gesture: Gesture) -> bool:
    pattern = rule.lower()
    entry = (gesture.resource_id or "").rpartition("/")[2]
    names = (gesture.label, gesture.resource_id, entry, state.screen_name, state.activity)
    return any(fnmatchcase(name.lower(), pattern) for name in names if name)
