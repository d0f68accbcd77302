"""Whatever phone, model, people and timers do in whatever order: a task never raises, never hangs, does nothing twice,
does nothing sensitive without a yes, and does nothing while a person is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.event import Event
from contracts.orchestrator import (
    ActionRequested,
    ApiCallRequested,
    ModelAwaited,
    PersonAnswered,
    PersonAsked,
    RunEnding,
    RunFinished,
    RunStarted,
    TaskRules,
    TurnRequested,
    TurnTaken,
    WatchSet,
)
from contracts.requests import Limits
from contracts.values import (
    ActionStatus,
    ApiName,
    AskPerson,
    CallApi,
    Finish,
    LaunchApp,
    Observe,
    Press,
    RunStatus,
    TakeNote,
    TakeOver,
    TurnRead,
    WaitFor,
)
from services.orchestrator.decisions.run import RUN
from tests.orchestrator.runs import APP, LAUNCHER
from tests.orchestrator.stories import recorded
from tests.orchestrator.tasks import TaskStory, tap_on, type_into

SENSITIVE = ("发送", "Delete")
_intents = st.sampled_from(
    [
        *(tap_on(label) for label in ("A", "B", "C", *SENSITIVE)), type_into("Name", "你好"),
        type_into("Password", "x", password=True), LaunchApp(app="微信"), Press(key="BACK"), WaitFor(seconds=12),
        TakeNote(text="n"), TakeOver(message="m"), AskPerson(question="q"), CallApi(call=ApiName(name="c")),
        Finish(message="done"), Finish(message="no", succeeded=False),
    ]
)  # fmt: skip
_errors = st.sampled_from(
    ["MALFORMED", "TIMEOUT", "UNAVAILABLE", "REFUSED", "UNKNOWN_OUTCOME", "RATE_LIMITED", "BUDGET"]
)
TIMED = RunStarted | WatchSet | TurnRequested | ApiCallRequested | PersonAsked | ModelAwaited


class Tasks(RuleBasedStateMachine):
    story: TaskStory

    @initialize(
        steps=st.integers(5, 60), confirm=st.sampled_from(["ASK", "ALLOW", "DENY"]), denied=st.booleans(),
    )  # fmt: skip
    def start(self, steps: int, confirm: str, denied: bool) -> None:
        rules = TaskRules(confirm=confirm, deny_actions=("LAUNCH",) if denied else (), person_wait_s=60)
        limits = Limits(max_steps=steps, max_duration_s=900, step_timeout_s=20)
        self.confirm = confirm
        self.story = TaskStory.on("s1", rules=rules, limits=limits)
        self.old: list[Event] = []

    @precondition(lambda self: self.story.state.action is not None)
    @rule(state=st.sampled_from(["s1", "s2", "s3"]), package=st.sampled_from([APP, APP, LAUNCHER]), ok=st.booleans(),
          found=st.sampled_from([None, True, False]))  # fmt: skip
    def shows(self, state: str, package: str, ok: bool, found: bool | None) -> None:
        status = ActionStatus.SUCCESS if ok else ActionStatus.FAILED
        capture = self.story.capture(f"{package}{state}", package=package, status=status, found=found)
        self.old.append(capture)
        self.story.when(capture)

    @precondition(lambda self: self.story.state.action is not None)
    @rule(blind=st.booleans())
    def sees_nothing(self, blind: bool) -> None:
        if blind:
            self.story.shows_nothing()
        else:
            self.story.fails()

    @precondition(lambda self: self.story.state.task.asked is not None)
    @rule(intent=_intents)
    def wants(self, intent) -> None:
        self.story.wants(intent)

    @precondition(lambda self: self.story.all(TurnRequested))
    @rule(error=_errors, sure=st.integers(0, 2))
    def does_not_answer(self, error: str, sure: int) -> None:
        """A finish in an answer that is an error is no finish."""
        if error != "BUDGET" or sure == 0:
            asked = self.story.last(TurnRequested)
            self.story.answers(TurnRead(intent=Finish(message="all done")), error, asked=asked)

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def is_told_again(self, data: st.DataObject) -> None:
        self.story.when(data.draw(st.sampled_from(self.old)))

    @precondition(lambda self: self.story.all(ApiCallRequested))
    @rule()
    def calls_back(self) -> None:
        self.story.calls_back("42")

    @rule(kind=st.sampled_from(["confirm", "deny", "answer", "takeover"]), by=st.sampled_from(["bob", "carol"]))
    def somebody_says(self, kind: str, by: str) -> None:
        self.story.says(kind, "text" if kind == "answer" else None, by=by)

    @rule(on=st.booleans())
    def pauses(self, on: bool) -> None:
        self.story.pause(on=on)

    @rule(sure=st.integers(0, 9))
    def stops(self, sure: int) -> None:
        if sure == 0:
            self.story.stop()

    @rule(number=st.integers(1, 3))
    def crashes(self, number: int) -> None:
        self.story.crashes(APP, number)

    @rule(data=st.data(), late_s=st.sampled_from([0.0, 0.0, 1.0, 30.0]))
    def fires(self, data: st.DataObject, late_s: float) -> None:
        timed = [e for e in self.story.events if isinstance(e, TIMED)]
        self.story.timer(data.draw(st.sampled_from(timed[-4:])), late_s=late_s)

    @rule(seconds=st.integers(0, 30))
    def time_passes(self, seconds: int) -> None:
        self.story.now += timedelta(seconds=seconds)

    @invariant()
    def something_is_awaited(self) -> None:
        run = self.story.state
        assert run.task is not None
        stuck = run.waiting == "NOTHING" and not run.paused and run.finished is None
        assert not stuck, "nothing is awaited, so nothing would ever happen again"
        assert [run.action, run.task.asked, run.task.api].count(None) >= 2

    @invariant()
    def turns_are_numbered_and_every_answer_counts_once(self) -> None:
        asked, taken = self.story.all(TurnRequested), self.story.all(TurnTaken)
        assert [event.turn for event in asked] == list(range(1, len(asked) + 1))
        assert [event.turn for event in taken] == list(range(1, len(taken) + 1))
        assert len(asked) - len(taken) in {0, 1}
        acted = [event.turn for event in self.story.all(ActionRequested) if event.turn is not None]
        assert acted == sorted(acted)

    @invariant()
    def nothing_is_begun_while_a_person_is_asked(self) -> None:
        asked: PersonAsked | None = None
        for event in self.story.events:
            match event:
                case PersonAsked():
                    assert asked is None, "two questions at once"
                    asked = event
                case PersonAnswered():
                    assert asked is not None
                    assert event.ask_id == asked.ask_id
                    asked = None
                case RunEnding():
                    assert asked is None, "a question outlives the run"
                case ActionRequested() | TurnRequested() | ApiCallRequested():
                    assert asked is None, f"{event.NAME} while {asked}"

    @invariant()
    def what_is_sensitive_has_a_yes(self) -> None:
        if self.confirm == "ALLOW":
            return
        yes = {event.ask_id: event for event in self.story.all(PersonAnswered) if event.verdict == "CONFIRMED"}
        agreed = {event.turn for event in self.story.all(PersonAsked) if event.ask_id in yes}
        turns = {turn.taken.turn: turn for turn in self.story.state.task.turns}
        for event in self.story.all(ActionRequested):
            if event.turn is None or isinstance(event.action, Observe):
                continue
            words = turns[event.turn].taken.words
            if any(f'"{label}"' in words for label in SENSITIVE):
                assert event.turn in agreed
            assert "Password" not in words

    @invariant()
    def only_the_models_word_is_a_success(self) -> None:
        for event in self.story.all(RunFinished):
            if event.status is RunStatus.SUCCEEDED:
                assert self.story.turn.verdict == "FINISH"

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


Tasks.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestTasks = pytest.mark.thorough(Tasks.TestCase)


def test_a_task_that_nobody_answers_ends_by_its_timers():
    """Model and people are gone: the task gives up by itself, in bounded time and events."""
    story = TaskStory.on(limits=Limits(max_duration_s=3600, step_timeout_s=20))
    while story.state.finished is None:
        assert len(story.events) < 800
        if story.state.action is not None:
            story.sees("home")
            continue
        due = [e for e in story.events if isinstance(e, TIMED) and e.due_at is not None and e.due_at > story.now]
        story.timer(min(due, key=lambda e: e.due_at))
    assert story.end.failure_code == "MODEL_AWAY"
