"""A model that does not answer: the task waits, says so, tries again, and ends with its time."""

from __future__ import annotations

import pytest

from contracts.orchestrator import ModelAwaited, RunPaused, RunResumed, TurnRequested
from contracts.requests import Limits
from contracts.values import Observe, RunStatus
from services.orchestrator.decisions.tasking.away import LONGEST_PAUSE_S, REFUSALS, pause_s
from tests.orchestrator.tasks import TaskStory, tap_on

LONG = Limits(max_duration_s=86_400)


@pytest.mark.parametrize(
    "code", ["TIMEOUT", "UNAVAILABLE", "RATE_LIMITED", "UNCONFIGURED", "UNKNOWN_OUTCOME", "EXPIRED"]
)
def test_a_model_that_is_away_pauses_the_task_and_says_so(code: str):
    story = TaskStory.on()
    story.is_away(code)
    assert story.turn.verdict == "AWAY"
    assert (story.last(RunPaused).by, story.state.waiting) == ("waymark", "MODEL")
    assert "tried again" in story.last(RunPaused).reason
    assert (story.last(ModelAwaited).until - story.now).total_seconds() == 5


def test_it_is_asked_again_after_a_fresh_look_and_the_task_goes_on():
    story = TaskStory.on()
    story.is_away()
    story.timer(story.last(ModelAwaited))
    assert story.asked.action == Observe()
    story.sees("home")
    assert (story.question.turn, story.all(RunResumed)) == (2, [])
    story.wants(tap_on("A"))
    assert story.last(RunResumed).by == "waymark"
    assert story.state.task.tries == 0
    story.sees("a")
    assert [note.turn for note in story.context.history] == [2], "what did not answer has done nothing"


def test_pauses_grow_up_to_five_minutes():
    assert [pause_s(n) for n in (1, 2, 3, 6, 7, 100)] == [5, 10, 20, 160, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    story = TaskStory.on(limits=LONG)
    pauses = []
    for _ in range(3):
        story.is_away()
        awaited = story.last(ModelAwaited)
        pauses.append((awaited.tries, (awaited.until - story.now).total_seconds()))
        story.timer(awaited)
        story.sees("home")
    assert pauses == [(1, 5), (2, 10), (3, 20)]
    assert len(story.all(RunPaused)) == 1, "it is told once"


def test_resume_tries_at_once():
    story = TaskStory.on()
    story.is_away()
    story.resumes()
    assert story.asked.action == Observe()
    story.sees("home")
    story.is_away()
    assert story.last(ModelAwaited).tries == 2
    assert len(story.all(RunPaused)) == 2


def test_the_tasks_time_ends_it_with_the_reason():
    story = TaskStory.on(limits=Limits(max_duration_s=60))
    while not story.is_over:
        if story.state.task.asked is not None:
            story.is_away("RATE_LIMITED")
        elif story.state.action is not None:
            story.sees("home")
        else:
            story.timer(story.state.task.away)
    assert (story.end.status, story.end.failure_code) == (RunStatus.FAILED, "MODEL_AWAY")
    assert "takes no more requests" in story.end.failure_reason


def test_a_question_of_which_nothing_is_heard_counts_as_unanswered():
    story = TaskStory.on()
    story.timer(story.question)
    assert (story.turn.verdict, story.state.waiting) == ("AWAY", "MODEL")


def test_what_was_to_be_told_is_told_when_the_model_is_back():
    story = TaskStory.on()
    story.mumbles("no action in it")
    story.sees("home")
    story.is_away()
    story.timer(story.last(ModelAwaited))
    story.sees("home")
    assert "no action in it" in story.told


def test_an_endpoint_that_goes_on_refusing_ends_the_task():
    story = TaskStory.on(limits=LONG)
    for _ in range(REFUSALS - 1):
        story.is_away("REFUSED")
        story.timer(story.last(ModelAwaited))
        story.sees("home")
    story.is_away("REFUSED")
    assert story.end.failure_code == "MODEL_REFUSED"


def test_turns_without_an_answer_are_no_steps_of_the_task():
    story = TaskStory.on(limits=Limits(max_steps=8, max_duration_s=86_400))
    for _ in range(3):
        story.is_away()
        story.timer(story.last(ModelAwaited))
        story.sees("home")
    story.finishes()
    assert (story.end.status, story.end.usage.turns) == (RunStatus.SUCCEEDED, 1)
    assert len({asked.call_id for asked in story.all(TurnRequested)}) == 4


def test_a_task_can_be_stopped_and_taken_over_while_the_model_is_away():
    story = TaskStory.on()
    story.is_away()
    awaited = story.last(ModelAwaited)
    story.says("takeover")
    assert story.state.waiting == "PERSON"
    story.timer(awaited)
    assert story.state.action is None, "the phone is somebody's"
    story.resumes()
    assert story.asked.action == Observe()
    story.stop()
    story.sees("home")
    assert story.end.status is RunStatus.CANCELLED
