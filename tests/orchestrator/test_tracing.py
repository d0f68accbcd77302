"""Root spans of a run: one of a short run; of a long one a root for each hundred of steps, linked to those beside."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from contracts.event import Event
from services.orchestrator.tracing import roots
from services.runtime.telemetry import RootSpan, run_root_traceparent
from tests.orchestrator.runs import LAUNCHER, RunStory, tap
from tests.orchestrator.stories import recorded


class Told:
    """A run of so many steps, with the root spans that it told as it went on."""

    def __init__(self, steps: int) -> None:
        self.story = RunStory.go()
        self.roots: list[RootSpan] = []
        gestures = [tap(f"g{number}") for number in range(steps)]
        self.hear(self.story.begin())
        while self.story.asked.sequence < steps - 1:
            self.hear(self.story.shows("home", *gestures))
        self.hear(self.story.stop())
        self.hear(self.story.shows("home", *gestures))
        self.hear(self.story.shows("desk", package=LAUNCHER))
        assert self.story.state.finished is not None
        assert self.story.state.finished.total_actions == steps

    def hear(self, events: list[Event]) -> None:
        self.roots += roots([recorded(event) for event in events], self.story.state)


@pytest.mark.parametrize("steps", [5, 100])
def test_a_short_run_has_one_root_for_all_its_time(steps: int):
    told = Told(steps)
    (root,) = told.roots
    finished = told.story.state.finished
    assert root.traceparent == run_root_traceparent(finished.run_id)
    assert (root.name, root.links) == ("run com.example 1.0", ())
    assert (root.started_at, root.ended_at) == (finished.started_at, finished.ended_at)
    assert root.attributes["run_id"] == str(finished.run_id)
    assert (root.attributes["status"], root.attributes["actions"]) == ("CANCELLED", steps)


def test_a_long_run_has_a_root_for_each_hundred_of_steps():
    told = Told(203)
    run_id = told.story.started.run_id
    names = [run_root_traceparent(run_id, number) for number in range(3)]
    assert [root.traceparent for root in told.roots] == names
    assert [root.links for root in told.roots] == [(names[1],), (names[0], names[2]), (names[1],)]
    assert [(r.attributes["first_step"], r.attributes["last_step"]) for r in told.roots] == [
        (1, 100), (101, 200), (201, 203)]  # fmt: skip
    assert {r.attributes["run_id"] for r in told.roots} == {str(run_id)}
    assert ["status" in root.attributes for root in told.roots] == [False, False, True]
    assert told.roots[1].name == "run com.example 1.0, steps 101 to 200"


def test_the_roots_of_a_long_run_follow_each_other_without_a_gap():
    told = Told(203)
    finished = told.story.state.finished
    assert told.roots[0].started_at == finished.started_at
    assert told.roots[-1].ended_at == finished.ended_at
    for before, after in pairwise(told.roots):
        assert before.ended_at == after.started_at
        assert after.ended_at - after.started_at > timedelta(0)
