"""People in a task: what they are asked, what follows from their answer, and who decides where nobody does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.orchestrator import (
    ActionRequested,
    ApiCallRequested,
    PersonAnswered,
    PersonAsked,
    PersonSaid,
    RunPaused,
    RunResumed,
    TaskRejected,
    TaskRules,
    TurnRequested,
)
from contracts.requests import Limits
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    ActionStatus,
    ApiName,
    AskPerson,
    CallApi,
    Guard,
    Observe,
    Place,
    Point,
    RunStatus,
    TakeOver,
    TapAt,
    Target,
    Touch,
    TurnRead,
)
from services.orchestrator.decisions.tasking.loops import REFUSALS_ASKED
from services.runtime.reactor import Trigger
from tests.orchestrator.runs import TASK_ID
from tests.orchestrator.stories import names
from tests.orchestrator.tasks import TaskStory, tap_on, type_into

SEND = tap_on("发送")


def asking(**changes) -> TaskStory:
    story = TaskStory.on("chat", **changes)
    story.wants(SEND)
    return story


def paused(story: TaskStory) -> bool:
    """As `tasks.status` has it."""
    moves = [e for e in story.events if isinstance(e, RunPaused | RunResumed)]
    return bool(moves) and isinstance(moves[-1], RunPaused)


def test_what_is_sensitive_is_not_done_before_a_person_agrees():
    story = asking()
    asked = story.open
    assert (asked.question, asked.otherwise, asked.turn) == ("CONFIRM", "DENIED", 1)
    assert asked.words == 'tap "发送": it sends or publishes something'
    assert (asked.screenshot, asked.point.x) == (story.state.task.screen.screenshot, 140)
    assert story.turn.verdict == "ASK"
    assert story.state.action is None
    assert paused(story)
    assert story.last(RunPaused).by == "waymark"


def test_what_a_person_agrees_to_is_done_on_that_element_and_that_screen_only():
    story = asking()
    story.says("confirm")
    action = story.asked.action
    assert isinstance(action, Touch)
    assert action.target == Target(text="发送")
    assert action.guard == Guard(screen=story.turn.guard.screen, element=SEND.element)
    assert (story.asked.turn, paused(story)) == (1, False)
    assert story.last(PersonAnswered).by == "bob"
    story.sees("sent")
    assert story.question.turn == 2
    assert story.context.history[-1].did == 'tap "发送"'
    story.wants(SEND)
    assert story.open.turn == 2, "an agreement holds once"


def test_where_the_screen_is_another_one_by_then_the_model_is_told():
    story = asking()
    story.says("confirm")
    story.sees("other", status=ActionStatus.FAILED, error_code="NOT_FOUND", error_message="another screen is in front")
    assert story.context.history[-1].came == "it failed: another screen is in front"


def test_what_a_person_denies_is_not_done_and_not_asked_again():
    story = asking()
    story.says("deny", "not to him")
    assert (story.asked.action, story.asked.turn) == (Observe(), None)
    story.sees("chat")
    assert "did not agree" in story.told
    assert "not to him" in story.told
    story.wants(SEND)
    assert (story.turn.verdict, story.turn.rule) == ("REFUSE", "DENIED")
    assert len(story.all(PersonAsked)) == 1


def test_instead_of_yes_or_no_a_person_may_say_what_else_is_wanted():
    story = asking()
    story.says("answer", "write 您好 instead")
    assert story.asked.action == Observe()
    story.sees("chat")
    assert "write 您好 instead" in story.told
    story.wants(SEND)
    assert story.open.question == "CONFIRM", "that was no refusal for ever"


def test_nobody_answers_and_the_timer_says_no():
    story = asking()
    story.timer(story.open)
    assert (story.last(PersonAnswered).verdict, story.last(PersonAnswered).by) == ("DENIED", None)
    story.sees("chat")
    assert "not done" in story.told
    story.wants(SEND)
    assert story.open.question == "CONFIRM", "nobody has said no"


def test_a_model_that_wants_the_same_again_while_nobody_answers_gets_nowhere_and_ends():
    story = asking()
    for asked in range(1, REFUSALS_ASKED + 1):
        assert (story.open.question, len(story.all(PersonAsked))) == ("CONFIRM", asked)
        story.timer(story.open)
        story.sees("chat")
        if story.state.task.person is None:
            story.wants(SEND)
    assert story.open.question == "STUCK"
    story.timer(story.open)
    assert story.end.failure_code == "STUCK"
    assert not [action for action in story.all(ActionRequested) if not isinstance(action.action, Observe)]


@pytest.mark.parametrize(
    ("intent", "question", "code"),
    [
        (TakeOver(message="solve the captcha"), "TAKE_OVER", "NOBODY"),
        (AskPerson(question="which?"), "CHOOSE", "NOBODY"),
    ],
)
def test_without_the_person_a_task_cannot_go_on_and_fails(intent, question: str, code: str):
    story = TaskStory.on()
    story.wants(intent)
    assert (story.open.question, story.open.otherwise) == (question, "TIMED_OUT")
    assert story.open.detail.reveal() in {"solve the captcha", "which?"}
    story.timer(story.open)
    assert (story.end.status, story.end.failure_code) == (RunStatus.FAILED, code)
    assert story.end.failure_reason.startswith("nobody answered")


def test_a_person_is_waited_for_as_long_as_the_rules_say_and_never_past_the_end():
    story = asking(rules=TaskRules(person_wait_s=40))
    assert story.open.until == story.now + timedelta(seconds=40)
    story = asking(rules=TaskRules(person_wait_s=4000), limits=Limits(max_duration_s=100))
    assert story.open.until == story.started.ends_at


def test_a_timer_that_was_held_up_gives_people_their_time_again():
    story = asking()
    story.timer(story.open, late_s=600)
    assert story.open.question == "CONFIRM"
    story.now = story.state.watch_at
    story.timer(story.started.model_copy(update={"watch_at": story.state.watch_at}))
    assert story.last(PersonAnswered).verdict == "DENIED"


def test_an_answer_to_a_choice_is_told():
    story = TaskStory.on()
    story.wants(AskPerson(question="which?"))
    story.says("answer", "the second one")
    story.sees("home")
    assert 'A person answers "the second one"' in story.told


def test_a_takeover_ends_with_resume_and_a_fresh_look():
    story = TaskStory.on()
    story.wants(TakeOver(message="log in"))
    assert paused(story)
    story.resumes()
    assert (story.last(PersonAnswered).verdict, paused(story)) == ("DONE", False)
    assert story.asked.action == Observe()
    story.sees("logged in")
    assert "A person had the phone" in story.told


def test_a_takeover_nobody_asked_for_waits_for_the_action_under_way_and_keeps_the_phone_from_the_model():
    story = TaskStory.on()
    story.wants(tap_on("A"))
    story.says("takeover", by="carol")
    assert (story.open.by, story.open.until) == ("carol", story.started.ends_at)
    assert story.state.action is not None
    story.sees("a")
    assert story.state.action is None
    assert len(story.all(TurnRequested)) == 1
    story.resumes()
    assert story.asked.action == Observe()
    story.sees("b")
    assert story.question.screen.state_id == "b"


def test_what_the_model_says_while_a_person_has_the_phone_is_not_done():
    story = TaskStory.on()
    story.says("takeover")
    story.wants(tap_on("A"))
    assert (story.turn.verdict, story.turn.rule) == ("REFUSE", "PAUSED")
    assert [a.action for a in story.all(ActionRequested)] == [Observe()]
    assert story.open.by == "bob"


def test_a_takeover_instead_of_an_answer_closes_the_question():
    story = asking()
    story.says("takeover", by="carol")
    assert (story.open.question, story.open.by) == ("TAKE_OVER", "carol")
    assert [a.verdict for a in story.all(PersonAnswered)] == ["ANSWERED"]
    story.says("takeover", by="dave")
    assert "carol has the phone" in story.last(TaskRejected).reason
    story.resumes()
    story.sees("chat")
    assert "I do it myself" in story.told


@pytest.mark.parametrize(("kind", "text"), [("confirm", None), ("deny", None), ("answer", "x")])
def test_an_answer_that_nobody_asked_for_changes_nothing_and_says_so(kind: str, text: str | None):
    story = TaskStory.on()
    before = story.question
    events = story.says(kind, text)
    assert names(events) == ["RunNoted", "TaskRejected"]
    assert (events[1].code, events[1].user) == ("NOT_ASKED", "bob")
    assert "does not ask anything" in events[1].reason
    assert story.question == before


def test_late_double_and_foreign_answers_change_nothing():
    story = asking()
    first = story.open
    story.says("confirm")
    assert names(story.says("confirm")) == ["RunNoted", "TaskRejected"]
    story.sees("sent")
    story.wants(tap_on("删除"))
    assert names(story.says("confirm", ask_id=first.ask_id)) == ["RunNoted", "TaskRejected"]
    assert names(story.says("confirm", ask_id=derived_id("ask", "of another"))) == ["RunNoted", "TaskRejected"]
    assert story.open.question == "CONFIRM"
    assert [a for a in story.all(ActionRequested) if isinstance(a.action, Touch)] == [
        a for a in story.all(ActionRequested) if a.turn == 1
    ]
    story.stop()
    assert story.says("confirm")[0].reason == "the task is over"


def test_an_answer_that_was_given_before_the_question_is_not_to_it():
    story = asking()
    early = story.open.asked_at - timedelta(seconds=30)
    said = PersonSaid(task_id=TASK_ID, user="bob", kind="confirm", answer_id=derived_id("a", 1))
    story.deliver(Trigger(derived_id("trigger", 1), said, early))
    assert "earlier question" in story.last(TaskRejected).reason
    assert story.state.action is None


def test_a_resume_is_no_yes():
    story = asking()
    story.resumes()
    assert story.open.question == "CONFIRM"
    assert story.state.action is None


def test_a_pause_outlasts_the_answer_of_a_person():
    story = asking()
    story.pause()
    story.says("confirm")
    assert story.state.action is None
    assert paused(story)
    assert story.last(RunPaused).by == "bob"
    story.resumes()
    assert isinstance(story.asked.action, Touch), "what was agreed to is done, where its screen is still there"


def test_a_resume_that_ends_a_pause_leaves_the_question_open():
    story = asking()
    story.pause()
    story.resumes()
    assert story.open.question == "CONFIRM"
    assert paused(story)


def test_passwords_are_typed_by_a_person():
    story = TaskStory.on()
    story.wants(type_into("Password", "hunter2", password=True))
    assert story.open.question == "TAKE_OVER"
    assert "hunter2" not in story.open.words
    assert story.all(ActionRequested)[-1].action == Observe()
    story.resumes()
    assert story.asked.action == Observe()


def test_what_cannot_be_found_again_is_done_by_a_person():
    story = TaskStory.on()
    story.wants(tap_on("发送", targets=()))
    assert story.open.question == "TAKE_OVER"


def test_a_point_that_nobody_can_name_is_touched_where_the_screen_is_still_there():
    story = TaskStory.on()
    story.wants(TapAt(point=Point(x=3, y=4)))
    story.says("confirm")
    assert story.asked.action.target == Target(point=Place(x=3, y=4))
    assert story.asked.action.guard.screen is not None


def test_a_call_that_needs_a_yes_is_made_after_it():
    story = with_calls("order")
    story.wants(CallApi(call=ApiName(name="order", parameters={"what": "tea"}), instruction="order it"))
    assert (story.open.question, story.open.detail.reveal()) == ("CONFIRM", "order(what=tea); order it")
    assert story.all(ApiCallRequested) == []
    story.says("confirm")
    assert story.last(ApiCallRequested).call.parameters == {"what": "tea"}
    story.calls_back("ok")
    story.sees("home")
    assert 'order answered: "ok"' in story.told


def test_rules_may_allow_or_forbid_what_is_sensitive():
    story = TaskStory.on(rules=TaskRules(confirm="ALLOW"))
    story.wants(SEND)
    assert story.turn.verdict == "ACT"
    story = TaskStory.on(rules=TaskRules(confirm="DENY"))
    story.wants(SEND)
    assert (story.turn.verdict, story.turn.rule) == ("REFUSE", "SENSITIVE")
    assert "may not do" in story.told


def test_the_task_ends_while_a_person_is_waited_for():
    story = asking()
    story.stop()
    assert story.end.status is RunStatus.CANCELLED
    assert story.last(PersonAnswered).verdict == "TIMED_OUT", "nobody is asked any more"
    story = asking(limits=Limits(max_duration_s=60))
    story.now = story.started.ends_at
    story.timer(story.open)
    assert "while a person was waited for" in story.end.failure_reason
    assert story.end.failure_code == "TIME"


def test_something_said_before_the_run_began_comes_again_and_then_says_so():
    story = TaskStory()
    assert story.says("takeover") == []
    assert len(story.later) == 1
    assert "no run yet" in story.again(after_s=11)[0].reason


@pytest.mark.parametrize("how", ["takeover", "pause"])
def test_an_answer_about_a_screen_that_somebody_may_have_changed_since_is_not_done(how: str):
    task = TaskStory.on("home")
    asked = task.question
    task.says("takeover") if how == "takeover" else task.pause()
    task.resumes()
    task.answers(TurnRead(intent=tap_on("Search")), asked=asked)
    assert (task.turn.verdict, task.turn.rule) == ("REFUSE", "PAUSED")
    assert isinstance(task.asked.action, Observe), "the screen is looked at anew"
    task.sees("elsewhere")
    assert "somebody may have used the phone since the screen was looked at" in task.told


def with_calls(*names: str) -> TaskStory:
    """A task whose registered calls all need a yes."""
    story = TaskStory.go(model=True, kind="task", goal=Sealed[str].of("x"), rules=TaskRules())
    started = story.started.model_copy(update={"confirmed_apis": names})
    story = TaskStory()
    story.started = started
    story.given(started)
    story.begin()
    story.sees("home")
    return story


def test_a_no_to_one_call_is_none_to_another_and_stays_one_to_the_same():
    task = with_calls("order", "cancel")
    task.wants(CallApi(call=ApiName(name="order"), instruction="order it"))
    task.says("deny")
    task.sees("home")
    task.wants(CallApi(call=ApiName(name="cancel")))
    assert task.open.question == "CONFIRM"
    task.says("deny")
    task.sees("home")
    task.wants(CallApi(call=ApiName(name="order"), instruction="in other words"))
    assert (task.turn.verdict, task.turn.rule) == ("REFUSE", "DENIED")
