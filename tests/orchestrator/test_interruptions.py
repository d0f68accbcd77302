"""What comes over an app, and what a phone cannot do: how a run goes on, or how it ends and what it says then."""

from __future__ import annotations

import pytest

from contracts.orchestrator import ActionRequested, RunFinished, StepFinished
from contracts.values import ActionStatus, ActionType, Click, Input, Navigate, RunStatus
from deploy.simulator.interruptions.languages import LANGUAGES
from tests.orchestrator.runs import APP, RunStory, tap

A, B, C = tap("a"), tap("b", 50), tap("c", 40)
RESTART = Navigate(to="LAUNCH", package=APP, restart=True)
IN_CALL = {"package": "com.android.dialer", "activity": "com.android.incallui.InCallActivity"}


def at_home(*gestures, **changes: object) -> RunStory:
    story = RunStory.go(**changes)
    story.begin()
    story.shows("home", *(gestures or (A, B, C)))
    return story


def dialog(package: str, *entries: str, labels: tuple[str, ...] | None = None):
    """Buttons by their resource entries, in the order in which they stand on the screen."""
    ids = [entry if ":" in entry else f"{package}:id/{entry}" for entry in entries]
    names = labels or entries
    return [tap(f"g-{i}", 90, resource_id=i, label=name) for i, name in zip(ids, names, strict=True)]


# --- dialogs of the system --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("package", "entries", "taken"),
    [
        (
            "com.android.packageinstaller",
            ("permission_deny_button", "permission_allow_button"),
            "permission_allow_button",
        ),
        (
            "com.google.android.permissioncontroller",
            ("permission_deny_button", "permission_allow_one_time_button", "permission_allow_foreground_only_button"),
            "permission_allow_foreground_only_button",
        ),
    ],
)
def test_a_permission_is_allowed_by_the_id_of_its_button_whatever_it_says(language, package, entries, taken):
    said = LANGUAGES[language]
    labels = (said.deny, said.allow, said.allow_foreground)[: len(entries)]
    story = at_home()
    story.shows("asks", *dialog(package, *entries, labels=labels), package=package)
    assert story.asked.gesture_id == f"g-{package}:id/{taken}"
    assert isinstance(story.asked.action, Click)
    story.shows("home")
    assert story.asked.gesture_id == "b"


def test_an_app_that_does_not_answer_is_closed_by_the_id_of_the_button():
    story = at_home()
    buttons = dialog("android", "android:id/aerr_wait", "android:id/aerr_close", labels=("等待", "关闭应用"))
    story.shows("anr", *buttons, package="android")
    assert story.asked.gesture_id == "g-android:id/aerr_close"


def test_permissions_that_look_the_same_are_allowed_however_many_they_are():
    story = at_home(*(tap(name) for name in "abcdef"))
    allow = dialog("com.android.permissioncontroller", "permission_deny_button", "permission_allow_button")
    for _ in range(6):
        story.shows("asks", *allow, package="com.android.permissioncontroller")
        assert story.asked.gesture_id == "g-com.android.permissioncontroller:id/permission_allow_button"
        story.shows("home")


def test_an_answer_that_does_not_help_is_given_three_times_at_most():
    story = at_home()
    close = dialog("android", "android:id/aerr_close")
    asked = []
    for _ in range(8):
        story.shows("anr", *close, package="android")
        asked.append(story.asked)
    assert sum(each.gesture_id == "g-android:id/aerr_close" for each in asked) == 3
    assert RESTART in [each.action for each in asked]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_call_is_declined_and_the_exploration_goes_on_in_the_app():
    story = at_home()
    story.shows("rings", A, B, **IN_CALL)
    assert (story.asked.action, story.asked.purpose) == (Navigate(to="END_CALL"), "RECOVER")
    story.shows("home")
    assert (story.asked.purpose, story.asked.state_id) == ("EXPLORE", "home")
    assert isinstance(story.asked.action, Click)


def test_a_gesture_that_a_call_cut_short_is_made_again():
    story = at_home(A)
    story.shows("rings", **IN_CALL)
    story.shows("home")
    assert story.asked.gesture_id == "a"
    story.shows("next")
    assert story.state.states["home"].targets == {"a": "next"}


def test_a_button_that_always_leads_to_a_call_is_not_pressed_for_ever():
    story = at_home(A)
    for _ in range(30):
        if story.state.ending is not None:
            break
        story.shows(
            *(("rings",) if story.asked.gesture_id == "a" else ("home",)),
            **(IN_CALL if story.asked.gesture_id == "a" else {}),
        )
    assert story.state.ending is not None
    assert sum(each.gesture_id == "a" for each in story.all(ActionRequested)) <= 6


def test_a_call_that_cannot_be_declined_is_left_by_starting_the_app():
    story = at_home()
    asked = []
    for _ in range(5):
        story.shows("rings", A, **IN_CALL)
        asked.append(story.asked.action)
    assert asked.count(Navigate(to="END_CALL")) == 3
    assert asked[-1] == RESTART
    assert not [action for action in asked if isinstance(action, Click)]


def test_the_call_screen_of_a_dialer_that_is_explored_itself_is_explored():
    story = at_home()
    story.shows("rings", A, package=APP, activity=f"{APP}.InCallActivity")
    assert isinstance(story.asked.action, Click)


# --- the screen -------------------------------------------------------------------------------------------------------


def unreadable(story: RunStory, reason: str):
    return story.when(story.capture("", screen_id=None, state_id=None, reason=reason))


def test_an_app_that_shares_the_screen_is_started_anew_at_once_and_teaches_nothing():
    story = at_home()
    unreadable(story, "SPLIT_SCREEN")
    assert story.asked.action == RESTART
    assert list(story.state.states) == ["home"]
    story.shows("home")
    assert story.state.unseen == 0
    assert isinstance(story.asked.action, Click)


def test_a_screen_that_never_rests_is_left_by_starting_the_app_anew():
    story = at_home()
    unreadable(story, "NOT_IDLE")
    assert isinstance(story.asked.action, Click)
    unreadable(story, "NOT_IDLE")
    assert story.asked.action == RESTART
    story.shows("home")
    assert story.asked.gesture_id == "c"


@pytest.mark.parametrize(
    ("reason", "words"),
    [("NOT_IDLE", "never comes to rest"), ("SPLIT_SCREEN", "end the split screen"), ("TIMEOUT", "does not end")],
)
def test_a_run_that_sees_nothing_any_more_says_why(reason, words):
    story = at_home()
    for _ in range(4):
        unreadable(story, reason)
    finished = story.last(RunFinished)
    assert finished.status is RunStatus.FAILED
    assert "nothing could be seen" in finished.failure_reason
    assert words in finished.failure_reason


def test_a_phone_that_is_locked_is_unlocked_by_the_start_of_the_app():
    story = at_home()
    keyguard = {"package": "com.android.systemui", "activity": "NotificationShade"}
    story.shows("locked", **keyguard)
    story.shows("locked", **keyguard)
    assert story.asked.action == RESTART
    story.shows("home")
    assert isinstance(story.asked.action, Click)


def test_a_phone_that_stays_locked_fails_the_run_with_the_reason():
    story = at_home()
    for _ in range(12):
        if story.state.finished is not None or story.state.ending is not None:
            break
        story.shows("locked", package="com.android.systemui", activity="NotificationShade")
    assert story.state.ending is not None
    assert story.state.ending.status is RunStatus.FAILED
    assert "lock screen" in story.state.ending.reason
    assert story.state.sequence <= 10


# --- what the phone does not do ---------------------------------------------------------------------------------------


DENIED = {
    "status": ActionStatus.FAILED,
    "error_code": "INPUT_DENIED",
    "error_message": "the phone refuses input: allow `USB debugging (Security settings)`",
}


def test_a_phone_that_denies_input_fails_the_run_after_two_touches_with_what_to_switch_on():
    story = at_home()
    story.shows("home", **DENIED)
    story.shows("home", **DENIED)
    assert story.state.ending.status is RunStatus.FAILED
    assert "USB debugging (Security settings)" in story.state.ending.reason
    assert story.state.ending.code == "NOT_FIT"


def test_looks_and_starts_of_the_app_do_not_hide_that_input_is_denied():
    story = at_home()
    story.shows("home", **DENIED)
    story.when(story.capture("", screen_id=None, state_id=None, reason="EMPTY"))
    story.shows("home", **DENIED)
    assert story.state.ending.status is RunStatus.FAILED


def test_a_touch_that_is_done_ends_the_row_of_those_that_were_not():
    story = at_home(A, B, C, tap("d", 30))
    story.shows("home", **DENIED)
    story.shows("next")
    assert story.state.refused == 0


def test_actions_that_fail_for_another_reason_end_the_run_later():
    story = at_home(*(tap(name) for name in "abcdefgh"))
    for _ in range(3):
        story.shows("home", status=ActionStatus.FAILED, error_code="REFUSED", error_message="check its free space")
        assert story.state.ending is None
    story.shows("home", status=ActionStatus.FAILED, error_code="REFUSED", error_message="check its free space")
    assert "check its free space" in story.state.ending.reason


def test_fields_that_make_something_else_of_a_text_are_no_reason_to_end():
    fields = [tap(name, 75, ActionType.INPUT, input_kind="PHONE") for name in "abcdefgh"]
    story = at_home(*fields)
    for _ in range(6):
        story.shows("home", status=ActionStatus.FAILED, error_code="NOT_SHOWN", error_message="shows something else")
    assert story.state.ending is None


def test_without_a_keyboard_for_it_the_same_field_gets_ascii_and_the_run_goes_on():
    field = tap("name", 75, ActionType.INPUT, input_kind="TEXT")
    story = at_home(field, B, seed=2)
    assert isinstance(story.asked.action, Input)
    assert not story.asked.action.text.reveal().isascii()
    missing = {"error_code": "KEYBOARD_MISSING", "error_message": "ADBKeyboard is not on the phone: install it"}
    story.shows("home", status=ActionStatus.FAILED, **missing)
    step = story.last(StepFinished)
    assert (step.outcome, step.error_code, step.error_message) == ("FAILED", *missing.values())
    assert story.asked.gesture_id == "name"
    assert story.asked.action.text.reveal().isascii()
    story.shows("home")
    assert (story.asked.gesture_id, story.state.refused) == ("b", 0)
