"""How soon an exploration finds every screen of the demo app, how soon it ends, and what its profiles leave out."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from functools import cache

import pytest

from contracts.requests import CoverageConfig
from contracts.values import ActionType, CoverageProfile
from deploy.simulator.apps import catalog, truth
from deploy.simulator.apps.demo.common import PACKAGE
from tests.orchestrator.performing import look
from tests.orchestrator.walking import Walk

pytestmark = pytest.mark.system


class Exploration:
    """A walk over one version. `found` holds the action after which each screen was seen first."""

    def __init__(self, version: str, profile=CoverageProfile.FULL, seed: int = 0, **coverage):
        self.world = catalog.load("demo", version, 0)
        self.screens = truth.reachable_screens(version)
        self.found: dict[str, int] = {}
        config = CoverageConfig(**coverage)
        self.walk = Walk(self.world, PACKAGE, seed=seed, max_steps=3000, profile=profile, coverage=config)
        self.walk.on_step = self._note
        self.finished = self.walk.go()

    def _note(self, _asked) -> None:
        _, indexed = look(self.world, self.walk.now_s)
        shown = [] if indexed is None else indexed.tree.nodes
        ids = {node.resource_id for node in shown}
        texts = {text for node in shown for text in (node.text, node.content_desc)}
        for screen in self.screens:
            if screen.mark in (ids if screen.by == "id" else texts):
                self.found.setdefault(screen.name, len(self.walk.actions))

    @property
    def missing(self) -> set[str]:
        return {screen.name for screen in self.screens} - set(self.found)

    @property
    def touched(self) -> list[tuple[str, str, str]]:
        """Label, resource id and screen of each gesture that was made."""
        made = []
        for asked in self.walk.actions:
            state = self.walk.run.states.get(asked.state_id or "")
            gesture = next((g for g in state.gestures if g.gesture_id == asked.gesture_id), None) if state else None
            if gesture is not None:
                made.append((gesture.label, gesture.resource_id or "", state.screen_name))
        return made


@cache
def full(version: str, seed: int = 0) -> Exploration:
    return Exploration(version, seed=seed)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_screen_is_found_and_the_run_ends_soon_after(version: str, seed: int):
    exploration = full(version, seed)
    curve = sorted(exploration.found.values())
    sys.stdout.write(f"\ndemo {version}, seed {seed}: {curve}, {exploration.finished.total_actions} actions\n")
    assert exploration.missing == set()
    assert curve[len(curve) // 2] <= 75
    assert curve[-1] <= 320
    assert exploration.finished.total_actions <= 450


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_smoke_run_sees_most_screens_in_half_the_actions(version: str):
    whole, smoke = full(version), Exploration(version, CoverageProfile.SMOKE)
    assert len(smoke.found) >= 0.8 * len(whole.found)
    assert smoke.finished.total_actions <= 0.6 * whole.finished.total_actions
    actions = [asked.action for asked in smoke.walk.actions]
    assert not any(a.type is ActionType.SCROLL or getattr(a, "press", "") == "LONG" for a in actions)


def test_what_is_on_the_blacklist_is_never_touched():
    rules = ("*sign out*", "*checkout*", "open_camera", "*:id/tile_sync")
    exploration = Exploration("1", CoverageProfile.CUSTOM, blacklist=rules)
    touched = [
        (rule, name)
        for names in exploration.touched
        for name in names
        for rule in rules
        if fnmatchcase(name.lower(), rule)
    ]
    assert touched == []
    assert exploration.missing >= {"scanner", "sync", "sign_out", "payment"}
    assert len(exploration.found) >= 15


def test_what_has_priority_comes_first():
    plain, urgent = full("1"), Exploration("1", CoverageProfile.CUSTOM, priorities=("tile_export*", "*export*"))
    assert urgent.found["export"] < plain.found["export"]
    assert urgent.found["export"] <= 6
    assert urgent.missing == set()
