"""Whatever comes in whatever order: a run never raises, awaits one thing at a time, and is silent after its end."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.event import Event
from contracts.orchestrator import ActionRequested, AdviceRequested, PlanPending, RunFinished, RunStarted, WatchSet
from contracts.requests import Limits
from contracts.values import ActionStatus, ActionType, CoverageProfile
from services.orchestrator.decisions.run import RUN
from tests.orchestrator.runs import APP, DIALOG, LAUNCHER, RunStory, check, screen_id, tap
from tests.orchestrator.stories import recorded

GESTURES = (
    tap("a"), tap("b", 30), tap("c", 90, press="LONG"), tap("d", 75, ActionType.INPUT, input_kind="DATE"),
    tap("e", 40, ActionType.SCROLL, direction="DOWN"), tap("f", 99, bounds=None), tap("g", 99, ActionType.CUSTOM),
)  # fmt: skip
_gestures = st.lists(st.sampled_from(GESTURES), max_size=5, unique_by=lambda g: g.gesture_id).map(tuple)
_states = st.sampled_from(["s1", "s2", "s3", "s4", "s5"])
_packages = st.sampled_from([APP, APP, APP, APP, DIALOG, LAUNCHER, "com.browser"])


class Runs(RuleBasedStateMachine):
    """The phone, the indexer, people, timers and the model as hypothesis plays them."""

    story: RunStory

    @initialize(
        model=st.booleans(), locators=st.booleans(), profile=st.sampled_from(CoverageProfile),
        steps=st.integers(1, 40), seed=st.integers(0, 3),
    )  # fmt: skip
    def start(self, model: bool, locators: bool, profile: CoverageProfile, steps: int, seed: int) -> None:
        limits = Limits(max_steps=steps, max_duration_s=300, step_timeout_s=20)
        self.story = RunStory.go(model=model, validate_locators=locators, profile=profile, limits=limits, seed=seed)
        self.old: list[Event] = []
        self.over = 0

    @rule()
    def begins(self) -> None:
        self.story.begin()

    @precondition(lambda self: self.story.state.action is not None)
    @rule(state=_states, screen=st.sampled_from(["x", "y", "z"]), package=_packages, gestures=_gestures,
          ok=st.booleans())  # fmt: skip
    def shows(self, state: str, screen: str, package: str, gestures: tuple, ok: bool) -> None:
        status = ActionStatus.SUCCESS if ok else ActionStatus.FAILED
        capture = self.story.capture(
            f"{package}{screen}{state}", *gestures, screen=screen, package=package, status=status,
            declared_activities=("x.A",),
        )  # fmt: skip
        self.old.append(capture)
        self.story.when(capture)

    @precondition(lambda self: self.story.state.action is not None)
    @rule(blind=st.booleans())
    def sees_nothing(self, blind: bool) -> None:
        if blind:
            self.story.shows_nothing()
        else:
            self.story.fails()

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def is_told_again(self, data: st.DataObject) -> None:
        self.story.when(data.draw(st.sampled_from(self.old)))

    @precondition(lambda self: self.story.all(PlanPending))
    @rule(checks=st.integers(0, 2), foreign=st.booleans())
    def plans(self, checks: int, foreign: bool) -> None:
        self.story.plans(*(check(str(n)) for n in range(checks)), plan_id=screen_id("no") if foreign else None)

    @precondition(lambda self: self.story.all(AdviceRequested))
    @rule(order=st.lists(st.sampled_from("abcdez"), max_size=3), foreign=st.booleans())
    def advises(self, order: list[str], foreign: bool) -> None:
        self.story.advises(*order, texts={"d": "2026-01-01"}, call_id=screen_id("no") if foreign else None)

    @rule(package=_packages, number=st.integers(1, 3))
    def crashes(self, package: str, number: int) -> None:
        self.story.crashes(package, number)

    @rule(on=st.booleans())
    def pauses(self, on: bool) -> None:
        self.story.pause(on=on)

    @rule(sure=st.integers(0, 9))
    def stops(self, sure: int) -> None:
        if sure == 0:
            self.story.stop()

    @rule(data=st.data(), late_s=st.sampled_from([0.0, 0.0, 1.0, 30.0]))
    def fires(self, data: st.DataObject, late_s: float) -> None:
        """Any timer that was ever set, the replaced ones included."""
        timed = [e for e in self.story.events if isinstance(e, RunStarted | WatchSet | PlanPending | AdviceRequested)]
        self.story.timer(data.draw(st.sampled_from(timed[-4:])), late_s=late_s)

    @rule(seconds=st.integers(0, 60))
    def time_passes(self, seconds: int) -> None:
        self.story.now += timedelta(seconds=seconds)

    @invariant()
    def one_thing_at_a_time_is_awaited(self) -> None:
        run = self.story.state
        assert [run.action, run.plan, run.call].count(None) >= 2
        stuck = run.waiting == "NOTHING" and not run.paused and run.finished is None and run.sequence > 0
        assert not stuck, "nothing is awaited, so nothing would ever happen again"

    @invariant()
    def actions_are_numbered_and_never_two_at_once(self) -> None:
        under_way = None
        for number, event in enumerate(self.story.events):
            if isinstance(event, ActionRequested):
                assert under_way is None, f"two actions at event {number}"
                under_way = event.action_id
            elif event.NAME == "StepFinished":
                assert event.action_id == under_way
                under_way = None
        asked = self.story.all(ActionRequested)
        assert [event.sequence for event in asked] == list(range(1, len(asked) + 1))
        assert [event.purpose for event in asked].count("RESTORE") <= 1

    @invariant()
    def nothing_follows_the_end(self) -> None:
        ends = [at for at, event in enumerate(self.story.events) if isinstance(event, RunFinished)]
        assert len(ends) <= 1
        if ends:
            assert self.story.events[ends[0] + 1 :] == []

    def teardown(self) -> None:
        """Replaying the events gives the same state."""
        replayed = RUN.initial()
        for seq, event in enumerate(self.story.events, 1):
            replayed = RUN.evolve(replayed, recorded(event, seq))
        assert replayed == self.story.state


Runs.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestRuns = Runs.TestCase


def test_a_run_that_nobody_answers_ends_by_its_timers():
    """All services but the log are gone: the run gives up by itself, in bounded time and events."""
    story = RunStory.go(model=True, validate_locators=True, limits=Limits(max_duration_s=600, step_timeout_s=20))
    story.begin()
    while story.state.finished is None:
        assert len(story.events) < 200
        story.timer(story.last(WatchSet) if story.all(WatchSet) else story.started)
    assert "nothing could be seen" in story.last(RunFinished).failure_reason
