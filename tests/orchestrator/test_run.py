"""A run, trigger by trigger: what it tells, what it asks for next, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.llm_gateway import BudgetMark, CallFinished
from contracts.orchestrator import (
    ActionRequested,
    AdviceRequested,
    AdviceTaken,
    BudgetCrossed,
    PlanPending,
    RunEnding,
    RunFinished,
    RunNoted,
    RunPaused,
    StateAdded,
    StepFinished,
    TaskStopAsked,
    WatchSet,
)
from contracts.requests import CoverageConfig, Limits
from contracts.sealed import Cipher, Sealed
from contracts.values import (
    ActionStatus,
    ActionType,
    Click,
    CoverageProfile,
    Input,
    Navigate,
    ObjectRef,
    Observe,
    RunStatus,
)
from services.orchestrator.decisions.fleet import resolved_app
from services.orchestrator.decisions.run import RUN, decide_run
from tests.orchestrator.runs import APP, DIALOG, LAUNCHER, TASK_ID, RunStory, check, field_gesture, screen_id, tap
from tests.orchestrator.stories import Story, names

A, B, C = tap("a"), tap("b", 50), tap("c", 40)


def begun(**changes: object) -> RunStory:
    story = RunStory.go(**changes)
    story.begin()
    return story


def at_home(*gestures, **changes: object) -> RunStory:
    """The app is started and shows its first screen."""
    story = begun(**changes)
    story.shows("home", *(gestures or (A, B, C)))
    return story


# --- beginning, steps -------------------------------------------------------------------------------------------------


def test_the_first_step_starts_the_app_anew():
    noted, asked = RunStory.go().begin()
    assert noted.detail["state_to"] == "RUNNING"
    assert asked.action == Navigate(to="LAUNCH", package=APP, restart=True)
    assert (asked.purpose, asked.sequence) == ("LAUNCH", 1)


def test_a_new_screen_is_added_and_its_best_gesture_is_tried():
    added, step, asked = begun().shows("home", B, A)
    assert isinstance(added, StateAdded)
    assert (added.state_id, added.inside, added.gestures) == ("home", True, (B, A))
    assert (step.outcome, step.screens, step.states, step.successful) == ("NEW_SCREEN", 1, 1, 1)
    assert asked.gesture_id == "a"
    assert asked.action == Click(point=A.bounds.centre)


@pytest.mark.parametrize(
    ("state", "screen", "outcome"),
    [("next", "next", "NEW_SCREEN"), ("home2", "home", "NEW_STATE"), ("home", "home", "NOTHING")],
)
def test_a_step_says_what_it_showed(state: str, screen: str, outcome: str):
    story = at_home()
    story.shows(state, A, screen=screen)
    step = story.last(StepFinished)
    assert step.outcome == outcome
    assert (step.from_state, step.gesture_id, step.to_state) == ("home", "a", state)
    assert (step.from_screen_id, step.element_hash) == (screen_id("home"), "hash-a")


def test_a_state_is_described_once():
    story = at_home()
    story.shows("next", tap("up", 30))
    story.shows("home", A, B, C)
    assert [event.state_id for event in story.all(StateAdded)] == ["home", "next"]


def test_an_app_that_comes_to_the_front_is_told_with_its_version():
    browser = resolved_app("com.browser", "9", 9)
    events = at_home().shows("page", package="com.browser", app=browser)
    assert names(events)[-1] == "AppVersionSeen"
    assert events[-1].app == browser


def test_text_fields_get_values_of_their_kind():
    story = at_home(field_gesture("mail"), A)
    action = story.asked.action
    assert isinstance(action, Input)
    assert "@" in action.text.reveal()


@pytest.mark.parametrize(
    "odd", [tap("x", 90, bounds=None), tap("x", 90, ActionType.NAVIGATE), tap("x", 90, ActionType.CUSTOM)]
)
def test_a_gesture_that_no_finger_can_make_is_left_out(odd):
    assert at_home(odd, A).asked.gesture_id == "a"


def test_every_gesture_of_a_screen_is_tried_and_then_the_run_ends():
    story = at_home()
    tried = []
    while story.state.action is not None and story.asked.purpose == "EXPLORE":
        tried.append(story.asked.gesture_id)
        story.shows("home", A, B, C)
    assert tried[:3] == ["a", "b", "c"]
    assert tried.count("a") == 1
    assert story.asked.action == Navigate(to="HOME")
    finished = story.shows("desk", package=LAUNCHER)[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.failure_reason) == (RunStatus.SUCCEEDED, None)


def test_what_seems_to_load_is_waited_for_once_before_anything_else():
    loading = tap("Signing up…", 10, guess=True)
    story = at_home(loading)
    assert story.asked.action == Observe(patience_s=5.0)
    story.shows("home", loading)
    assert not isinstance(story.asked.action, Observe)


def test_waiting_for_what_loads_leaves_a_short_step_time_to_end():
    story = at_home(tap("Signing up…", 10, guess=True), limits=Limits(step_timeout_s=8))
    assert story.asked.action == Observe(patience_s=2.0)


def test_a_screen_with_something_to_touch_is_looked_at_again_without_patience():
    story = at_home()
    looks = []
    while story.asked.purpose == "EXPLORE":
        looks += [story.asked.action] if isinstance(story.asked.action, Observe) else []
        story.shows("home", A, B, C)
    assert looks == [Observe()]


def test_what_belongs_to_another_action_is_ignored():
    story = at_home()
    late = story.capture("home")
    story.shows("next", A)
    before = story.state
    assert story.when(late) == []
    assert story.when(late.model_copy(update={"action_id": screen_id("x")})) == []
    assert story.state == before


def test_nothing_happens_before_the_start_and_after_the_end():
    story = at_home()
    capture = story.capture("home", A)
    assert Story(RUN, decide_run).when(capture) == []
    story.stop()
    story.shows("home", A)
    story.shows("desk", package=LAUNCHER)
    assert story.state.finished is not None
    for what in (capture, story.started, TaskStopAsked(task_id=TASK_ID, user="b", reason="r")):
        assert story.when(what) == []
    assert story.timer(story.started) == []


# --- plans ------------------------------------------------------------------------------------------------------------


def planned() -> RunStory:
    return at_home(validate_locators=True)


def test_a_new_screen_waits_for_its_plan():
    story = planned()
    assert names(story.events)[-3:] == ["StateAdded", "StepFinished", "PlanPending"]
    assert story.last(PlanPending).screen_id == screen_id("home")
    assert story.state.waiting == "PLAN"


def test_a_plan_with_checks_becomes_an_action_that_only_looks():
    story = planned()
    (asked,) = story.plans(check("one"), check("two"))
    assert asked.purpose == "VALIDATE"
    assert asked.action == Observe(checks=(check("one"), check("two")))
    assert asked.plan_id == story.last(PlanPending).plan_id
    assert names(story.shows("home", A, B, C)) == ["StepFinished", "ActionRequested"]


def test_an_empty_plan_lets_the_run_go_on():
    assert names(planned().plans()) == ["RunNoted", "ActionRequested"]


def test_a_screen_is_checked_once_a_run():
    story = planned()
    story.plans()
    story.shows("home2", A, screen="home")
    assert len(story.all(PlanPending)) == 1


def test_foreign_and_late_plans_are_ignored():
    story = planned()
    assert story.plans(check(), plan_id=screen_id("other")) == []
    story.plans()
    assert story.plans(check()) == []


def test_a_plan_that_does_not_come_is_waited_for_until_its_time_is_up():
    story = planned()
    assert names(story.timer(story.last(PlanPending))) == ["RunNoted", "ActionRequested"]


def test_screens_outside_the_app_are_not_checked():
    story = planned()
    story.plans()
    story.shows("page", package="com.browser")
    assert len(story.all(PlanPending)) == 1


# --- losing sight -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fails", "shows_nothing"])
def test_a_phone_that_shows_nothing_fails_the_run_with_a_reason(how: str):
    story = at_home()
    for _ in range(4):
        getattr(story, how)()
    finished = story.last(RunFinished)
    assert finished.status is RunStatus.FAILED
    assert "nothing could be seen" in finished.failure_reason


def test_a_run_that_cannot_see_says_what_the_phone_said_last():
    held = "UIAUTOMATION_HELD: UiAutomation is held by Appium (pid 4711, io.appium.uiautomator2.server)"
    story = at_home()
    for reason in ("EMPTY", held, held, held):
        story.shows_nothing(reason)
    assert story.last(RunFinished).failure_reason.endswith(f"in 4 steps in a row: {held.partition(': ')[2]}")


def test_a_phone_that_is_not_fit_ends_the_run_with_what_to_do():
    story = begun()
    told = story.fails("NOT_FIT", "its battery has 4 %, less than 15 %: charge it")

    assert names(told) == ["StepFinished", "RunEnding", "RunFinished"]
    assert story.last(RunFinished).status is RunStatus.FAILED
    assert "charge it" in str(story.last(RunFinished).failure_reason)
    assert story.started.serial in str(story.last(RunFinished).failure_reason)
    assert story.last(RunFinished).failure_code == "NOT_FIT"


def test_a_phone_that_locks_itself_for_good_ends_a_run_that_is_under_way():
    story = at_home()
    story.fails("NOT_FIT", "its screen is locked with a secret")

    assert story.last(RunFinished).status is RunStatus.FAILED
    assert "locked with a secret" in str(story.last(RunFinished).failure_reason)


def test_one_look_that_fails_is_got_over():
    story = at_home()
    story.fails()
    assert story.asked.gesture_id == "b"
    story.shows("next", A)
    assert story.state.unseen == 0


def test_an_app_that_does_not_start_fails_the_run():
    story = begun()
    for _ in range(12):
        if story.state.action is None:
            break
        story.shows("desk", package=LAUNCHER)
    finished = story.last(RunFinished)
    assert finished.status is RunStatus.FAILED
    assert f"{APP} 1.0 did not start" in finished.failure_reason


def test_an_app_that_does_not_come_back_fails_the_run():
    story = at_home()
    for _ in range(12):
        if story.state.action is None:
            break
        story.shows("desk", package=LAUNCHER)
    assert "could not be brought to the front again" in story.last(RunFinished).failure_reason


def test_leaving_the_app_is_answered_with_back_and_then_with_a_start():
    story = at_home()
    step, asked = story.shows("page", package="com.browser")[-2:]
    assert step.outcome == "LEFT_APP"
    assert (asked.purpose, asked.action) == ("RECOVER", Navigate(to="BACK"))
    story.shows("page", package="com.browser")
    assert story.asked.purpose == "LAUNCH"


def test_back_that_leads_inside_needs_no_start():
    story = at_home()
    story.shows("page", package="com.browser")
    story.shows("home", A, B, C)
    assert story.asked.gesture_id == "b"
    story.shows("page", package="com.browser")
    assert story.asked.action == Navigate(to="BACK")


def test_a_permission_dialog_is_answered_like_the_apps_own():
    story = at_home()
    step, asked = story.shows("ask", tap("allow", 90), tap("deny", 60), package=DIALOG)[-2:]
    assert step.outcome == "NEW_STATE"
    assert step.screens == 1
    assert asked.gesture_id == "allow"


def test_packages_that_the_task_names_count_as_inside():
    story = at_home(coverage=CoverageConfig(packages=("com.camera.app",)))
    story.shows("camera", A, package="com.camera.app")
    assert story.last(StepFinished).outcome == "NEW_SCREEN"


# --- crashes ----------------------------------------------------------------------------------------------------------


def test_a_crash_is_noted_and_its_gesture_is_not_repeated():
    story = at_home()
    note, *_ = story.crashes()
    assert (note.detail["what"], note.detail["gesture_id"], note.detail["sequence"]) == ("crash", "a", 2)
    story.shows("desk", package=LAUNCHER)
    assert story.last(StepFinished).outcome == "CRASHED"
    while story.state.action is not None and story.asked.purpose in {"RECOVER", "LAUNCH"}:
        story.shows(*(("home", A, B, C) if story.asked.purpose == "LAUNCH" else ("desk",)),
                    package=APP if story.asked.purpose == "LAUNCH" else LAUNCHER)  # fmt: skip
    seen = []
    while story.state.action is not None and story.asked.purpose == "EXPLORE":
        seen.append(story.asked.gesture_id)
        story.shows("home", A, B, C)
    assert "a" not in seen
    assert story.state.crashes == 1


def test_a_crash_that_is_told_after_its_step_belongs_to_that_step():
    story = at_home()
    story.shows("desk", package=LAUNCHER)
    note, *_ = story.crashes()
    assert (note.detail["gesture_id"], note.detail["sequence"]) == ("a", 2)


def test_a_crash_of_another_app_blames_no_gesture():
    story = at_home()
    story.crashes("com.other")
    assert story.state.crashes == 0
    assert story.state.crashing == frozenset()


def test_two_crashes_are_two_notes():
    story = at_home()
    story.crashes(number=1)
    story.crashes(number=2)
    assert [note.detail.get("what") for note in story.all(RunNoted)].count("crash") == 2


# --- pause, stop, limits ----------------------------------------------------------------------------------------------


def test_a_pause_holds_after_the_action_under_way_and_resume_goes_on():
    story = at_home()
    assert names(story.pause()) == ["RunPaused"]
    assert names(story.shows("next", A)) == ["StateAdded", "StepFinished"]
    assert story.state.waiting == "NOTHING"
    assert names(story.pause(on=False)) == ["RunResumed", "ActionRequested"]


def test_pausing_twice_is_pausing_once():
    story = at_home()
    story.pause()
    assert story.pause() == []
    assert len(story.all(RunPaused)) == 1


def test_a_run_can_be_paused_before_its_first_step():
    story = RunStory.go()
    story.pause()
    assert names(story.begin()) == ["RunNoted"]
    assert names(story.pause(on=False)) == ["RunResumed", "ActionRequested"]


def _ends_cancelled(story: RunStory) -> None:
    assert story.asked.action == Navigate(to="HOME")
    assert story.asked.purpose == "RESTORE"
    finished = story.shows("desk", package=LAUNCHER)[-1]
    assert (finished.status, finished.failure_reason) == (RunStatus.CANCELLED, "enough")


def test_a_stop_while_acting_waits_for_the_action_and_goes_home():
    story = at_home()
    assert names(story.stop()) == ["RunEnding"]
    story.shows("next", A)
    _ends_cancelled(story)


def test_a_stop_while_a_plan_is_waited_for_goes_home_at_once():
    story = planned()
    story.stop()
    _ends_cancelled(story)


def test_a_stop_while_the_model_thinks_goes_home_at_once():
    story = at_home(model=True)
    story.stop()
    _ends_cancelled(story)


def test_a_stop_while_paused_goes_home_at_once():
    story = at_home()
    story.pause()
    story.shows("next", A)
    story.stop()
    _ends_cancelled(story)


def test_a_stop_before_anything_was_seen_ends_at_once():
    story = RunStory.go()
    assert names(story.stop()) == ["RunEnding", "RunFinished"]


def test_a_second_stop_changes_nothing():
    story = at_home()
    story.stop()
    assert story.stop() == []
    assert len(story.all(RunEnding)) == 1


def test_a_stop_that_overtakes_the_start_of_its_run_is_not_lost():
    started = RunStory.go()
    story = Story(RUN, decide_run)
    story.when(TaskStopAsked(task_id=TASK_ID, user="bob", reason="enough"))
    assert len(story.later) == 1
    story.given(started.started)
    assert names(story.again()) == ["RunEnding", "RunFinished"]


def test_a_stop_of_a_task_without_a_run_is_given_up():
    story = Story(RUN, decide_run)
    story.when(TaskStopAsked(task_id=TASK_ID, user="bob", reason="enough"))
    story.again(after_s=11.0)
    assert story.later == []


def test_a_phone_that_stays_in_the_app_is_sent_home_once():
    story = at_home()
    story.stop()
    story.shows("next", A)
    assert isinstance(story.shows("next", A)[-1], RunFinished)


def test_the_limit_of_steps_ends_the_run_as_done():
    story = at_home(limits=Limits(max_steps=3))
    story.shows("two", A)
    story.shows("three", A)
    finished = story.shows("desk", package=LAUNCHER)[-1]
    assert finished.status is RunStatus.SUCCEEDED
    assert "limit of 3 steps" in finished.metrics["note"]
    assert len(story.all(ActionRequested)) == 4


# --- time -------------------------------------------------------------------------------------------------------------


def test_the_time_limit_ends_the_run_after_the_action_under_way():
    story = at_home(limits=Limits(max_duration_s=30, step_timeout_s=60))
    story.now += timedelta(seconds=30)
    watch = story.started
    while not story.all(RunEnding):
        assert story.timer(watch)
        watch = story.last(WatchSet)
    assert story.last(RunEnding).reason == "its time was up"
    assert names(story.shows("next", A))[-1] == "ActionRequested"
    assert story.shows("desk", package=LAUNCHER)[-1].status is RunStatus.SUCCEEDED


def test_an_action_that_nobody_hears_of_ends_as_unseen():
    story = at_home()
    silent = story.asked
    watch = story.started
    for _ in range(4):
        story.timer(watch)
        if story.last(StepFinished).action_id == silent.action_id:
            break
        watch = story.last(WatchSet)
    assert story.last(StepFinished).outcome == "UNSEEN"
    assert story.now - silent.expires_at < timedelta(seconds=10)
    assert story.asked.sequence == silent.sequence + 1


def test_an_action_that_is_not_overdue_is_left_alone_by_its_watch():
    story = at_home()
    story.now += timedelta(seconds=60)
    story.shows("next", A)
    assert names(story.timer(story.started)) == ["WatchSet"]
    assert story.last(WatchSet).watch_at > story.asked.expires_at


def test_a_timer_that_was_held_up_grants_its_grace_again():
    story = at_home()
    silent = story.asked
    assert names(story.timer(story.started, late_s=300)) == ["WatchSet"]
    assert story.asked == silent
    assert story.last(WatchSet).watch_at - story.now >= timedelta(seconds=5)
    assert names(story.timer(story.last(WatchSet)))[0] == "StepFinished"


def test_a_plan_whose_timer_was_held_up_is_waited_for_again():
    story = planned()
    assert names(story.timer(story.last(PlanPending), late_s=300)) == ["WatchSet"]
    assert names(story.timer(story.last(WatchSet))) == ["RunNoted", "WatchSet", "ActionRequested"]


def test_a_watch_that_was_replaced_does_nothing():
    story = at_home()
    story.timer(story.started)
    assert story.timer(story.started) == []


def test_while_a_run_ends_it_is_not_looked_after_every_second():
    story = at_home(limits=Limits(max_duration_s=5))
    watch = story.started
    while not story.all(RunEnding):
        story.timer(watch)
        watch = story.last(WatchSet)
    before = len(story.all(WatchSet))
    while story.state.finished is None:
        story.timer(story.last(WatchSet))
    assert len(story.all(WatchSet)) - before <= 4


def test_rows_that_lead_to_a_screen_each_are_tried_like_buttons():
    rows = tuple(tap(f"row{n}", weight, group="menu") for n, weight in enumerate((60, 30, 30)))
    story = at_home(*rows, tap("other", 50))
    for number in range(3):
        assert story.asked.gesture_id == f"row{number}"
        story.shows(f"page{number}")
        story.shows(f"page{number}")
        story.shows("home", *rows, tap("other", 50))
    assert story.asked.gesture_id == "other"


def test_rows_that_lead_to_the_same_screen_wait_for_what_is_different():
    rows = tuple(tap(f"row{n}", weight, group="products") for n, weight in enumerate((60, 30, 30)))
    story = at_home(*rows, tap("other", 50))
    for number in range(2):
        assert story.asked.gesture_id == f"row{number}"
        story.shows(f"product{number}", screen="product")
        story.shows(f"product{number}", screen="product")
        story.shows("home", *rows, tap("other", 50))
    assert story.asked.gesture_id == "other"


# --- advice -----------------------------------------------------------------------------------------------------------


def test_a_model_is_asked_once_a_screen():
    story = at_home(model=True)
    asked = story.last(AdviceRequested)
    assert (asked.question, asked.screen_id, asked.gestures) == ("SCREEN", screen_id("home"), (A, B, C))
    assert (asked.config_version, asked.config_id) == (3, story.started.llm_config_id)
    story.advises()
    story.shows("home2", A, screen="home")
    assert len(story.all(AdviceRequested)) == 1


def test_without_a_model_nobody_is_asked():
    assert at_home().all(AdviceRequested) == []


def test_the_order_and_the_texts_of_an_advice_are_used():
    mail = field_gesture("mail")
    story = at_home(A, B, mail, model=True)
    taken, asked = story.advises("b", "mail", texts={"mail": "ada@corp.example"})
    assert isinstance(taken, AdviceTaken)
    assert taken.tokens == 15
    assert asked.gesture_id == "b"
    story.shows("home", A, B, mail)
    assert story.asked.action.text.reveal() == "ada@corp.example"


def test_an_advice_that_does_not_come_is_waited_for_until_it_expires():
    story = at_home(model=True)
    question = story.last(AdviceRequested)
    taken, asked = story.timer(question)
    assert (taken.order, taken.tokens) == ((), 0)
    assert isinstance(asked, ActionRequested)
    assert story.advises("b") == []


def stuck(story: RunStory, *gestures) -> AdviceRequested:
    """The phone shows the same, whatever is done, until help is asked for."""
    for _ in range(60):
        if story.state.call is not None:
            return story.state.call
        story.shows("home", *gestures)
    raise AssertionError("help was never asked for")


def test_help_is_asked_for_before_the_exploration_ends_and_done_step_by_step():
    mail = field_gesture("mail")
    story = at_home(A, mail, model=True)
    story.advises("a")
    question = stuck(story, A, mail)
    assert (question.question, question.tried["a"], question.tried["mail"]) == ("STUCK", 1, 1)
    _, asked = story.advises("a", texts={"mail": "ada@corp.example"})
    assert (asked.gesture_id, asked.action.text.reveal()) == ("mail", "ada@corp.example")
    story.shows("home", A, mail)
    assert story.asked.gesture_id == "a"
    *_, ending, restore = story.shows("home", A, mail)
    assert (ending.status, ending.reason, restore.purpose) == (RunStatus.SUCCEEDED, None, "RESTORE")


def test_help_that_says_nothing_ends_the_exploration():
    story = at_home(A, model=True)
    story.advises()
    stuck(story, A)
    _, ending, _ = story.advises()
    assert ending.status is RunStatus.SUCCEEDED


def test_what_the_task_leaves_out_is_not_done_because_a_model_says_so():
    story = at_home(A, tap("logout"), model=True, coverage=CoverageConfig(blacklist=("logout",)))
    story.advises()
    stuck(story, A, tap("logout"))
    _, ending, _ = story.advises("logout")
    assert ending.status is RunStatus.SUCCEEDED


def test_help_for_one_screen_is_forgotten_on_another():
    story = at_home(A, B, model=True)
    story.advises()
    stuck(story, A, B)
    _, asked = story.advises("a", "b")
    assert asked.gesture_id == "a"
    story.shows("next", C)
    story.advises()
    assert story.state.hints == ()


def test_thirty_steps_without_news_are_reason_enough_to_ask():
    many = tuple(tap(f"t{number}", 60) for number in range(50))
    story = at_home(*many, model=True)
    story.advises()
    question = stuck(story, *many)
    assert question.question == "STUCK"
    assert len([step for step in story.all(StepFinished) if step.purpose == "EXPLORE"]) == 30


def test_a_question_carries_the_picture_of_its_state():
    picture = ObjectRef(key="9f/x.png", sha256="9f", size_bytes=3)
    story = begun(model=True)
    story.shows("home", A, screenshot=picture)
    assert story.last(AdviceRequested).screenshot == picture


def test_texts_that_cannot_be_opened_any_more_are_made_up_by_the_run():
    mail = field_gesture("mail")
    story = at_home(mail, model=True)
    question = story.last(AdviceRequested)
    sealed = Sealed(cipher=Cipher(key_id="erased", text="AAAA"))
    taken = AdviceTaken(run_id=question.run_id, call_id=question.call_id, state_id="home", texts=sealed)
    story.given(taken)
    assert story.state.texts == {}


def test_foreign_advice_is_ignored():
    assert at_home(model=True).advises("b", call_id=screen_id("other")) == []


def test_crossed_budgets_are_told_even_when_the_answer_is_late():
    story = at_home(model=True)
    story.timer(story.last(AdviceRequested))
    call = _late_call(story)
    (event,) = story.when(call)
    assert isinstance(event, BudgetCrossed)
    assert (event.budget, event.percent, event.task_id) == ("TOKENS", 80, TASK_ID)


def _late_call(story: RunStory):
    asked = story.last(AdviceRequested)
    return CallFinished(
        call_id=asked.call_id, run_id=asked.run_id, task_id=asked.task_id, screen_id=asked.screen_id,
        state_id=asked.state_id, model_name="m", prompt_tokens=1, completion_tokens=1, latency_ms=1, cost="0",
        request_payload=Sealed(), response_payload=Sealed(),
        budgets_crossed=(BudgetMark(budget="TOKENS", percent=80, used="8", limit="10"),),
    )  # fmt: skip


# --- profiles ---------------------------------------------------------------------------------------------------------


def test_what_is_on_the_blacklist_is_not_tried():
    story = at_home(tap("logout", 90), A, profile=CoverageProfile.CUSTOM, coverage=CoverageConfig(blacklist=("LOG*",)))
    assert story.asked.gesture_id == "a"


def test_what_has_priority_is_tried_first():
    story = at_home(A, C, profile=CoverageProfile.CUSTOM, coverage=CoverageConfig(priorities=("c",)))
    assert story.asked.gesture_id == "c"


def test_a_smoke_run_makes_no_long_presses():
    story = at_home(tap("hold", 90, press="LONG"), A, profile=CoverageProfile.SMOKE)
    assert story.asked.gesture_id == "a"


def test_an_action_that_failed_is_no_success():
    story = at_home()
    story.shows("home", A, status=ActionStatus.FAILED, error_code="TYPED_WRONG")
    step = story.last(StepFinished)
    assert (step.outcome, step.succeeded, step.successful) == ("FAILED", False, 1)
