"""Tasks that go round in circles: the model is told first, then a person is asked, then the task ends."""

from __future__ import annotations

import pytest

from contracts.orchestrator import PersonAsked, TaskRules
from contracts.requests import Limits
from contracts.values import ActionStatus, LaunchApp, Point, Press, RunStatus, SwipeTo, TakeNote, WaitFor
from services.orchestrator.decisions.tasking import loops
from tests.orchestrator.tasks import TaskStory, tap_on, type_into

LONG = Limits(max_steps=1000)
UP = SwipeTo(start=Point(x=5, y=90), end=Point(x=5, y=10), direction="UP")


def warned(story: TaskStory) -> bool:
    return "getting nowhere" in story.told


def until_asked(story: TaskStory, *moves, limit: int = 60) -> int:
    """The model goes on with these (an intent, then what is shown) until a person is asked. How many turns it took."""
    for count in range(limit):
        if story.state.waiting == "PERSON":
            return count
        intent, shown = moves[count % len(moves)]
        story.wants(intent)
        shown(story)
    return limit


def same(story: TaskStory) -> None:
    if story.state.action is not None:
        story.sees("home")


def to(state: str):
    return lambda story: story.sees(state)


def test_a_tap_that_does_nothing_is_told_then_a_person_is_asked():
    story = TaskStory.on(limits=LONG)
    for _ in range(2):
        story.wants(tap_on("A"))
        story.sees("home")
        assert not warned(story)
    story.wants(tap_on("A"))
    story.sees("home")
    assert warned(story)
    assert 'tap "A"' in story.told
    assert until_asked(story, (tap_on("A"), same)) == loops.SAME_ASKED - 3
    assert story.open.question == "STUCK"


def test_without_a_person_it_ends_with_the_reason():
    story = TaskStory.on(limits=LONG, rules=TaskRules(person_wait_s=30))
    until_asked(story, (tap_on("A"), same))
    story.timer(story.open)
    assert (story.end.status, story.end.failure_code) == (RunStatus.FAILED, "STUCK")
    assert "times the same was done on the same screen" in story.end.failure_reason


def test_a_person_helps_and_the_count_begins_anew():
    story = TaskStory.on(limits=LONG)
    until_asked(story, (tap_on("A"), same))
    story.says("answer", "scroll down first")
    story.sees("home")
    assert "scroll down first" in story.told
    assert not warned(story)
    story.wants(tap_on("A"))
    story.sees("home")
    assert not warned(story)


def test_a_person_may_give_it_up():
    story = TaskStory.on(limits=LONG)
    until_asked(story, (tap_on("A"), same))
    story.says("deny")
    assert (story.end.failure_code, "gave it up" in story.end.failure_reason) == ("STUCK", True)


def test_different_taps_that_all_do_nothing_are_noticed():
    story = TaskStory.on(limits=LONG)
    moves = [(tap_on(f"B{n}"), same) for n in range(20)]
    assert until_asked(story, *moves) == loops.FRUITLESS_ASKED
    assert "actions in a row did nothing" in story.open.words
    assert 'tap "B' in story.open.words


def test_what_the_phone_does_not_do_is_fruitless():
    story = TaskStory.on(limits=LONG)

    def fails(told: TaskStory) -> None:
        told.sees("home", status=ActionStatus.FAILED, error_code="NOT_FOUND", error_message="no such app")

    moves = [(LaunchApp(app=f"app {n}"), fails) for n in range(20)]
    assert until_asked(story, *moves) == loops.FRUITLESS_ASKED


def test_going_to_and_fro_is_noticed():
    story = TaskStory.on("a", limits=LONG)
    count = until_asked(story, (tap_on("Next"), to("b")), (Press(key="BACK"), to("a")))
    assert count == 2 * loops.CYCLES_ASKED
    assert 'the same round was made: tap "Next", press BACK' in story.open.words


def test_a_round_of_three_is_noticed():
    story = TaskStory.on("a", limits=LONG)
    moves = ((tap_on("X"), to("b")), (tap_on("Y"), to("c")), (Press(key="HOME"), to("a")))
    assert until_asked(story, *moves) == 3 * loops.CYCLES_ASKED


def test_a_list_that_is_gone_through_is_no_circle():
    story = TaskStory.on("list", limits=LONG)
    for number in range(20):
        story.wants(tap_on(f"row {number}"))
        story.sees("detail", content=f"detail {number}")
        assert not warned(story)
        story.wants(Press(key="BACK"))
        story.sees("list", content=f"list {number}")
        assert not warned(story)


def test_scrolling_a_long_list_is_no_circle_but_at_its_end_it_is():
    story = TaskStory.on("list", limits=LONG)
    for number in range(20):
        story.wants(UP)
        story.sees("list", content=f"part {number}")
        assert not warned(story)
    for _ in range(3):
        story.wants(UP)
        story.sees("list", content="part 19")
    assert warned(story)


def test_counting_up_is_no_circle_for_a_while():
    story = TaskStory.on(limits=LONG)
    for number in range(loops.ALIKE_TOLD - 1):
        story.wants(tap_on("+"))
        story.sees("home", content=f"{number}")
        assert not warned(story)
    story.wants(tap_on("+"))
    story.sees("home", content="many")
    assert warned(story)
    assert story.state.waiting != "PERSON"


def test_answers_that_nobody_understands_end_at_a_person():
    story = TaskStory.on(limits=LONG)
    for _ in range(loops.MISREADS_ASKED):
        assert not story.all(PersonAsked)
        story.mumbles()
        story.sees("home")
    assert (story.open.question, "could not be understood" in story.open.words) == ("STUCK", True)


def test_waiting_for_ever_is_noticed():
    story = TaskStory.on(limits=LONG)
    assert until_asked(story, (WaitFor(seconds=1), same)) == loops.WAITS_ASKED
    assert "8 waits in a row" in story.open.words


def test_wanting_what_is_forbidden_three_times_in_a_row_ends_at_a_person():
    story = TaskStory.on(limits=LONG, rules=TaskRules(deny_actions=("TYPE",)))
    moves = [(type_into("Name", f"{n}"), same) for n in range(9)]
    assert until_asked(story, *moves) == loops.REFUSALS_ASKED
    assert "not allowed" in story.open.words
    story.timer(story.open)
    assert story.end.failure_code == "STUCK"


def test_only_taking_notes_is_noticed():
    story = TaskStory.on(limits=LONG)
    assert until_asked(story, (TakeNote(text="x"), same)) == loops.IDLE_ASKED


@pytest.mark.parametrize("kind", ["a", "b"])
def test_doing_different_things_is_never_noticed(kind: str):
    story = TaskStory.on(limits=LONG)
    for number in range(30):
        story.wants(tap_on(f"{kind}{number}"))
        story.sees(f"{kind}{number}")
        assert not warned(story)
