"""A task in plain language told as it goes on: turns, what they cost, who is asked and how to answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rich.console import Console

from contracts.event import Event
from contracts.orchestrator import ActionRequested, RunPaused, StepFinished
from contracts.sealed import Sealed
from contracts.values import AskPerson, Guard, Point, SwipeTo, Target, Touch, TypeText
from services.cli import following, showing
from services.cli.following import Progress
from services.cli.live import spotlight
from services.cli.live.spotlight import Spotlight
from services.cli.people import ways_to_answer
from tests.orchestrator import task_runs as told
from tests.orchestrator.stories import BEGIN, recorded


def lines(*events: Event) -> list[str]:
    """What is told of these events, without the time of day."""
    progress, found = Progress(told.TASK_ID, told.RUN_ID), []
    for seq, event in enumerate(events, 1):
        one = recorded(event, seq, BEGIN)
        if following.concerns(progress, event):
            line = following.told(one, progress)
            found += [] if line is None else [line.partition(" ")[2]]
        progress = following.evolve(progress, one)
    return found


def after(*events: Event) -> Progress:
    progress = Progress(told.TASK_ID, told.RUN_ID)
    for seq, event in enumerate(events, 1):
        progress = following.evolve(progress, recorded(event, seq, BEGIN + timedelta(seconds=seq)))
    return progress


def test_each_turn_is_told_with_its_thinking_what_it_costs_and_what_came_of_it() -> None:
    said = lines(
        told.started(), told.took(1, told.TAP_SEARCH, "先点\n搜索框。"), told.finished(1, turn=1),
        told.took(2, told.TAP_SEARCH), told.finished(2, turn=2, succeeded=False, outcome="FAILED",
                                                     error_message="it is covered"),
    )  # fmt: skip
    assert said[1:] == [
        "turn 1: turn 1  (先点 搜索框。)  [1050 tokens, 1050 so far, cost 0.0105]",
        "turn 1: new screen",
        "turn 2: turn 2  [1050 tokens, 2100 so far, cost 0.0210]",
        "turn 2: failed: it is covered",
    ]


def test_what_could_not_be_understood_or_is_forbidden_says_why() -> None:
    said = lines(
        told.started(), told.took(1, verdict="MISREAD", reason="no action in it"),
        told.took(2, told.TAP_SEARCH, verdict="REFUSE", reason="com.bank.app is not to be touched"),
    )  # fmt: skip
    assert "not understood: turn 1: no action in it" in said[1]
    assert "refused: turn 2: com.bank.app is not to be touched" in said[2]


@pytest.mark.parametrize(
    ("question", "command"),
    [("CONFIRM", "waymark confirm"), ("TAKE_OVER", "waymark resume"), ("CHOOSE", "waymark answer"),
     ("STUCK", "waymark takeover")],
)  # fmt: skip
def test_who_is_asked_is_told_loudly_with_the_command_to_type_until_it_is_answered(question, command: str) -> None:
    asked = told.person_asked(3, question)
    (line,) = lines(asked) if question == "" else lines(told.started(), asked)[1:]
    assert line.startswith(">>> A PERSON IS ASKED")
    assert f"{command} {told.TASK_ID}" in line
    assert ways_to_answer(question, told.TASK_ID) in line
    waiting = after(told.started(), asked)
    assert waiting.turns is not None
    assert waiting.turns.asked == asked
    assert showing.as_json(waiting)["answer_with"] == ways_to_answer(question, told.TASK_ID)
    answered = after(told.started(), asked, told.person_answered(3))
    assert answered.turns is not None
    assert answered.turns.asked is None
    assert lines(told.started(), asked, told.person_answered(3, "TIMED_OUT", by=None))[2] == "timed out by nobody"


def test_a_question_is_told_whole_but_for_passwords() -> None:
    choice = told.took(1, AskPerson(question="哪一个？"), verdict="ASK")
    assert (
        "which one: 哪一个？ >>>" in lines(told.started(), choice, told.person_asked(1, "CHOOSE", words="which one"))[2]
    )
    word = told.took(1, TypeText(text="你好", element=told.element("消息")), verdict="ASK")
    assert "send: 你好 >>>" in lines(told.started(), word, told.person_asked(1, words="send"))[2]
    secret = told.took(1, TypeText(text=told.PASSWORD, element=told.PASSWORD_FIELD), verdict="ASK")
    detail = Sealed[str].of(told.PASSWORD)
    said = lines(told.started(), secret, told.person_asked(1, "TAKE_OVER", words="log in", detail=detail))
    assert "log in: [hidden] >>>" in said[2]


def test_that_a_task_is_held_is_not_told_twice() -> None:
    held = RunPaused(run_id=told.RUN_ID, task_id=told.TASK_ID, reason="a person is asked", by="waymark")
    by_bob = held.model_copy(update={"by": "bob"})
    assert len(lines(told.started(), held)) == 1
    assert lines(told.started(), by_bob)[1] == "paused by bob: a person is asked"
    assert after(told.started(), held).status == "PAUSED"


def test_a_model_that_is_away_is_told_until_it_answers() -> None:
    away = next(event for event in told.whole_task() if type(event).__name__ == "ModelAwaited")
    assert "THE MODEL IS AWAY (try 1): connection refused" in lines(told.started(), away)[1]
    gone, back = after(told.started(), away), after(told.started(), away, told.took(4, told.TAP_SEARCH))
    assert gone.turns is not None
    assert back.turns is not None
    assert (gone.turns.away, back.turns.away) == (away, None)


def test_the_whole_task_adds_up() -> None:
    progress = after(*told.whole_task())
    assert progress.turns is not None
    assert following.succeeded(progress)
    assert (progress.turns.taken, progress.turns.notes, progress.turns.result) == (6, 1, "订好了")
    assert progress.turns.tokens == 6 * 1050
    shown = showing.summary(progress)
    assert "Result: 订好了" in shown
    assert f"Script:  waymark run replay {told.SCRIPT_ID}" in shown
    assert all(told.PASSWORD not in line for line in lines(*told.whole_task()))
    assert told.PASSWORD not in str(showing.as_json(progress))


def test_the_live_view_has_the_goal_the_turn_its_thinking_and_the_question() -> None:
    progress = after(told.started(), told.took(1, told.TAP_SEARCH, "先点搜索框。"), told.person_asked(1))
    out = Console(width=120, record=True)
    with out.capture() as captured:
        out.print(showing.panel(progress, BEGIN + timedelta(seconds=9)))
    for text in (told.GOAL, "先点搜索框。", "1050", "waymark confirm"):
        assert text in captured.get()
    assert "locators" not in captured.get()


def test_a_replay_is_told_step_by_step() -> None:
    said = lines(*told.whole_replay())
    assert "step 1 of 2: tap id=search" in said[1]
    assert "step 2 of 2: tap id=search: the screen is another one" in said[2]
    replay = after(*told.whole_replay())
    assert replay.turns is not None
    assert replay.turns.goal == "replay of order a tent"


def test_the_picture_has_the_point_that_the_model_means_until_the_action_is_over() -> None:
    shown = Spotlight()
    turn = told.took(1, told.TAP_SEARCH, screenshot=told.picture("a"), point=Point(x=150, y=240))
    shown = spotlight.evolve(shown, turn)
    assert (shown.picture, shown.point, shown.doing) == (told.picture("a"), Point(x=150, y=240), "turn 1")
    asked = told.asked(2, Touch(target=Target(text="搜索")), turn=1)
    assert isinstance(asked, ActionRequested)
    shown = spotlight.evolve(shown, asked)
    assert (shown.step, shown.point) == (2, Point(x=150, y=240))
    done = told.finished(2, turn=1)
    assert isinstance(done, StepFinished)
    shown = spotlight.evolve(shown, done)
    assert (shown.picture, shown.point) == (done.screenshot, None)


def test_a_swipe_is_drawn_to_its_end_and_a_replayed_step_where_its_element_was() -> None:
    swipe = SwipeTo(start=Point(x=5, y=9), end=Point(x=5, y=1), direction="UP")
    shown = spotlight.evolve(Spotlight(), told.took(1, swipe))
    assert (shown.point, shown.end) == (Point(x=5, y=9), Point(x=5, y=1))
    step = Touch(target=Target(id="go"), guard=Guard(element=told.element("去")))
    shown = spotlight.evolve(Spotlight(), told.asked(1, step, "STEP"))
    assert shown.point == told.element("去").bounds.centre
