"""How soon an exploration sees what can be seen of two recorded apps, and that it is never later than two policies.

The states to visit are those of the generated files (`tests/recorded`). The launcher is one of them; it is left out
where policies are compared, because leaving the app early is no merit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from statistics import median

import pytest

from contracts.requests import CoverageConfig
from deploy.simulator import recordings
from services.orchestrator.decisions.exploration import TRANSIENT_PACKAGES
from tests.orchestrator.policies import Greedy, Phone, Policy, Random, explore
from tests.orchestrator.walking import PAUSE, Walk
from tests.recorded import ALBUM, APPS, YELP, App, needs_corpus

SEEDS = range(1, 11)
NEVER = 10_000

pytestmark = [pytest.mark.system, needs_corpus]

First = dict[str, int]
"""The number of the action after which each state was seen for the first time."""


@cache
def waymark(app: App, seed: int, pause: timedelta = PAUSE) -> First:
    world = recordings.RecordedWorld(app.recording, seed)
    first: First = {}
    coverage = CoverageConfig(packages=app.further)
    walk = Walk(world, app.recording.package, seed=seed, max_steps=2000, coverage=coverage, pause=pause)
    walk.on_step = lambda _asked: first.setdefault(world.state, len(walk.actions))
    walk.go()
    return first


@cache
def reference(app: App, name: str, seed: int) -> First:
    recording = app.recording
    world = recordings.RecordedWorld(recording, seed)
    inside = frozenset({recording.package, *app.further, *TRANSIENT_PACKAGES})
    policy: Policy = Greedy(recording.package, seed) if name == "greedy" else Random(inside, seed)
    first: First = {}
    explore(Phone(world, recording.package), policy, seed, app.pairs, lambda n: first.setdefault(world.state, n))
    return first


def share(app: App, first: First) -> float:
    """What part of the states was seen within as many actions as there are gestures."""
    return sum(1 for state, at in first.items() if state in app.reachable and at <= app.pairs) / len(app.reachable)


def curve(app: App, explore_with: Callable[[int], First]) -> list[float]:
    """The median number of actions until 1, 2, 3 .. states of the app were seen."""
    wanted = app.reachable - {app.recording.home}
    runs = [sorted(at for state, at in explore_with(seed).items() if state in wanted) for seed in SEEDS]
    return [median(run[k] if k < len(run) else NEVER for run in runs) for k in range(len(wanted))]


@pytest.mark.parametrize("app", APPS)
def test_nine_tenths_of_the_states_are_visited_within_the_number_of_gestures(app: App):
    shares = [share(app, waymark(app, seed)) for seed in SEEDS]
    rounded = [round(each, 2) for each in shares]
    sys.stdout.write(f"\n{app.package}: {app.pairs} pairs, {len(app.reachable)} states, shares {rounded}\n")
    assert median(shares) >= 0.9


def test_a_phone_that_is_faster_than_the_app_hides_nothing_behind_what_loads():
    """Most of Yelp lies behind a screen that loads for a second."""
    assert median(share(YELP, waymark(YELP, seed, pause=timedelta(milliseconds=20))) for seed in SEEDS) >= 0.9


@pytest.mark.parametrize("app", APPS)
def test_no_number_of_states_is_reached_later_than_by_other_policies(app: App):
    ours = curve(app, lambda seed: waymark(app, seed))
    others = {name: curve(app, lambda seed, name=name: reference(app, name, seed)) for name in ("random", "greedy")}
    sys.stdout.write(_table(app, {"waymark": ours, **others}))
    late = [
        f"{k + 1} states: {ours[k]} actions, {name} {theirs[k]}"
        for name, theirs in others.items()
        for k in range(len(ours))
        if ours[k] > theirs[k]
    ]
    assert late == []


def test_ten_seeds_explore_in_different_orders():
    orders = {tuple(sorted(waymark(ALBUM, seed).items())) for seed in SEEDS}
    assert len(orders) >= 8


def test_the_same_seed_explores_in_the_same_order():
    once, again = ({**waymark.__wrapped__(YELP, 3)} for _ in range(2))
    assert once == again


def _table(app: App, curves: dict[str, list[float]]) -> str:
    lines = [
        f"\n{app.package}: median actions until so many states were seen",
        "states  " + "".join(map("{:>9}".format, curves)),
    ]
    for k in range(len(curves["waymark"])):
        cells = ["-" if each[k] >= NEVER / 2 else f"{each[k]:g}" for each in curves.values()]
        lines.append(f"{k + 1:>6}  " + "".join(f"{cell:>9}" for cell in cells))
    return "\n".join(lines)
