"""Scripts that are replayed: step by step, with guards, and without a model unless a repair is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.llm_gateway import CallFinished
from contracts.orchestrator import (
    ActionRequested,
    AdviceRequested,
    PlanPending,
    ReplayOf,
    RunFinished,
    ScriptDrafted,
    StepFinished,
    TaskRules,
    TurnRequested,
    TurnTaken,
    WatchSet,
)
from contracts.requests import Limits
from contracts.screen_indexer import CaptureIndexed
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    ActionStatus,
    AnyIntent,
    Guard,
    LaunchApp,
    Navigate,
    Observe,
    Point,
    Press,
    PressKey,
    RunStatus,
    Sighting,
    Swipe,
    TakeOver,
    TapAt,
    Target,
    Touch,
    TurnRead,
    TypeInto,
)
from services.orchestrator.decisions.scripts.recording import Source, record
from services.orchestrator.decisions.scripts.versions import checksum_of, script_id_of
from tests.orchestrator.runs import APP, DIALOG, LAUNCHER, RunStory, tap
from tests.orchestrator.tasks_told import dragged, element, screen, tapped, turn, typed

RECORDING = record(
    [
        turn(1, LaunchApp(app=APP), "desk", "home", package=LAUNCHER, after_package=APP),
        turn(2, tapped("search", "搜索"), "home", "search"),
        turn(3, typed("雨伞"), "search", "search"),
        turn(4, dragged(), "search", "list"),
        turn(5, tapped("hit", "雨伞"), "list", "detail"),
        turn(6, Press(key="ENTER"), "detail", "done"),
    ],
    Source(goal="搜索雨伞", app=APP),
)
DATA = RECORDING.data.model_copy(
    update={"steps": tuple(step.model_copy(update={"wait_s": 10.0}) for step in RECORDING.data.steps)}
)
ID = script_id_of("alice", DATA.name)
MISSING = {"status": ActionStatus.FAILED, "found": False}


def replayed(
    *, repair: bool = False, model: bool = False, rules: TaskRules | None = None, **variables: str
) -> RunStory:
    data = DATA
    script = {
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in data.steps],
        "variables": {**RECORDING.defaults, **variables}, "secrets": {}, "defaults": RECORDING.defaults,
        "about": data.model_dump(mode="json", exclude={"steps"}),
    }  # fmt: skip
    replay = ReplayOf(
        script_id=ID, version=3, version_id=derived_id("script-version", ID, 3), checksum=checksum_of(data),
        name=data.name, repair=repair,
    )  # fmt: skip
    story = RunStory.go(
        kind="replay", replay=replay, script=Sealed[dict[str, Any]].of(script), model=model,
        rules=rules or TaskRules(token_budget=500), validate_locators=False, limits=Limits(max_steps=60),
    )  # fmt: skip
    story.begin()
    return story


def missing(story: RunStory, code: str = "NOT_FOUND", **changes: Any) -> None:
    story.shows("home", **{**MISSING, "error_code": code, "error_message": "nothing matches", **changes})


def answered(story: RunStory, intent: AnyIntent | None, **changes: Any) -> None:
    """The model's answer to what it was asked last."""
    asked = story.last(TurnRequested)
    read = TurnRead(intent=intent, screen=screen("home2"), misread=None if intent else "no action in it")
    base: dict[str, Any] = {
        "call_id": asked.call_id, "run_id": asked.run_id, "task_id": asked.task_id, "screen_id": None, "state_id": "",
        "model_name": "m", "prompt_tokens": 30, "completion_tokens": 5, "latency_ms": 70, "cost": "0.02",
        "request_payload": Sealed(), "response_payload": Sealed(), "attempts": 1,
        "turn": Sealed[dict[str, Any]].of(read.model_dump(mode="json")),
    }  # fmt: skip
    story.when(CallFinished(**{**base, **changes}))


def test_a_recorded_script_is_done_again_one_action_a_step_each_with_its_guard():
    story = replayed()
    assert story.asked.action == Navigate(to="LAUNCH", package=APP, restart=True)
    story.shows("home", tap("a"))
    touch = story.asked.action
    assert (touch.target, touch.wait_s) == (Target(text="搜索"), 5)
    assert (touch.guard.screen, touch.guard.element.text) == (screen("home"), "搜索")
    story.shows("search", tap("b"), found=True)
    typing = story.asked.action
    assert isinstance(typing, TypeInto)
    assert (typing.text.clear, typing.guard.screen) == ("雨伞", screen("search"))
    story.shows("search2", found=True)
    assert story.asked.action == Swipe(direction="UP", until=Target(text="雨伞"), guard=Guard(screen=screen("search")))
    story.shows("list", found=True)
    assert story.asked.action.guard.element.text == "雨伞"
    story.shows("detail", found=True)
    assert story.asked.action == PressKey(key="ENTER", guard=Guard(screen=screen("detail")), wait_s=5)
    finished = story.shows("done")[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.total_actions, finished.kind) == (RunStatus.SUCCEEDED, 6, "replay")
    assert (finished.replayed.script_id, finished.replayed.version, finished.usage) == (ID, 3, None)
    assert {a.purpose for a in story.all(ActionRequested)} == {"STEP"}
    for kind in (TurnRequested, AdviceRequested, PlanPending, ScriptDrafted):
        assert story.all(kind) == [], "neither a model nor a further look"


def test_its_values_go_into_texts_locators_and_guards_and_stay_out_of_what_is_told():
    story = replayed(query="耳机")
    story.shows("home")
    story.shows("search", found=True)
    assert story.asked.action.text.clear == "耳机"
    story.shows("search", found=True)
    assert story.asked.action.until == Target(text="耳机")
    story.shows("list", found=True)
    assert (story.asked.action.target, story.asked.action.guard.element.text) == (Target(text="耳机"), "耳机")
    assert all("耳机" not in step.step.words for step in story.all(StepFinished))


@pytest.mark.parametrize("code", ["NOT_FOUND", "GUARD"])
def test_a_guard_that_does_not_hold_is_waited_for_and_then_the_run_fails_closed(code: str):
    story = replayed()
    story.shows("home")
    missing(story, code)
    assert isinstance(story.asked.action, Touch), "it may be loading"
    missing(story, code)
    finished = story.last(RunFinished)
    assert finished.failure_reason == "step 2 of 6 (turn 2): not within 10 s: nothing matches"
    assert (finished.status, finished.failure_code, finished.total_actions) == (RunStatus.FAILED, code, 3)
    assert story.all(TurnRequested) == []
    assert story.all(ScriptDrafted) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"package": DIALOG}, "a dialog that asks for a permission is in front (com.android.permissioncontroller)"),
        ({"package": "com.dialer", "activity": "com.dialer.InCallActivity"}, "a call is in front"),
        ({"package": "com.android.systemui"}, "the lock screen, or another window of the system, is in front"),
        ({"package": "android"}, "a dialog of the system is in front"),
    ],
)
@pytest.mark.parametrize("repair", [False, True])
def test_what_came_over_the_app_ends_the_replay_with_that_reason(changes: dict[str, Any], says: str, repair: bool):
    story = replayed(repair=repair, model=True)
    story.shows("home")
    for _ in range(2):
        story.shows("over", **MISSING, error_code="GUARD", error_message="another screen", **changes)
    reason = story.last(RunFinished).failure_reason
    assert reason.startswith(f"step 2 of 6 (turn 2): {says}")
    assert reason.endswith("another screen")
    assert story.all(TurnRequested) == []


def test_a_step_of_which_nobody_knows_is_not_repeated():
    story = replayed()
    story.shows("home")
    finished = story.fails("OUTCOME_UNKNOWN")[-1]
    assert "not known whether it was done" in finished.failure_reason


def finish(story: RunStory) -> RunFinished:
    """The steps that are left succeed."""
    while story.state.finished is None:
        story.shows(f"s{story.asked.sequence}", found=True)
    return story.last(RunFinished)


def test_another_locator_that_found_it_becomes_the_step_s_own_in_a_new_version():
    story = replayed(query="耳机")
    story.shows("home")
    by_id = Target(id=f"{APP}:id/search")
    story.shows("search", sighting=Sighting(found=True, healed_by=by_id), found=True)
    story.shows("search", found=True)
    story.shows("list", found=True)
    filled = story.asked.action.guard.element.targets
    story.shows("detail", sighting=Sighting(found=True, healed_by=filled[1]), found=True)
    finish(story)
    draft = story.last(ScriptDrafted)
    assert (draft.origin, draft.script_id, draft.base.version, draft.user) == ("REPAIRED", ID, 3, "alice")
    assert draft.repairs == (
        f"step 2 of 6 (turn 2): found as id={APP}:id/search instead",
        f"step 5 of 6 (turn 5): found as id={APP}:id/hit instead",
    )  # fmt: skip
    before, after = DATA.steps[1], draft.data.steps[1]
    assert after.step.tap.element == by_id
    assert after.guard.element.targets == (by_id, before.guard.element.targets[0])
    assert draft.data.steps[4].guard.element.targets[1] == Target(text="{{query}}")
    others = [(n, s) for n, s in enumerate(draft.data.steps) if n not in {1, 4}]
    assert others == [(n, s) for n, s in enumerate(DATA.steps) if n not in {1, 4}]
    assert draft.defaults.clear == {"query": "雨伞"}, "the values of this replay are its own"


def test_nothing_is_left_of_a_replay_that_did_not_get_through():
    story = replayed()
    story.shows("home")
    story.shows("search", sighting=Sighting(found=True, healed_by=Target(id=f"{APP}:id/search")), found=True)
    missing(story)
    missing(story)
    assert story.last(RunFinished).status is RunStatus.FAILED
    assert story.all(ScriptDrafted) == []


def test_a_scroll_that_does_not_see_the_text_leaves_it_to_the_next_step_and_its_other_locators():
    story = replayed()
    for state in ("home", "search", "search2"):
        story.shows(state, found=True)
    guards = []
    for _ in range(5):
        assert isinstance(story.asked.action, Swipe)
        guards.append(story.asked.action.guard)
        story.shows("list", found=False)
    assert isinstance(story.asked.action, Touch)
    assert guards == [Guard(screen=screen("search")), None, None, None, None], "a list that moved is another screen"


def stuck(**changes: Any) -> RunStory:
    story = replayed(repair=True, model=True, **changes)
    story.shows("home")
    missing(story)
    missing(story, width=1080, height=2400)
    return story


FOUND = TapAt(point=Point(x=9, y=9), element=element("find", "查找"))


def test_where_it_is_allowed_the_model_is_asked_for_the_one_step_and_what_it_found_is_done_and_kept():
    story = stuck()
    asked = story.last(TurnRequested)
    assert (asked.purpose, asked.turn, asked.token_budget) == ("REPAIR", 1, 500)
    assert (asked.screen.package, asked.screen.width, asked.config_version) == (APP, 1080, 3)
    assert "turn 2" in asked.goal.clear
    assert "搜索{{query}}" in asked.goal.clear
    assert asked.context.clear["told"] == ["Why it was not found: not within 10 s: nothing matches"]
    answered(story, FOUND)
    action = story.asked
    assert action.action == Touch(
        target=Target(text="查找"), wait_s=0, guard=Guard(screen=screen("home2"), element=FOUND.element)
    )
    assert (action.turn, action.step.number, action.purpose) == (1, "2", "STEP")
    story.shows("search", found=True)
    finished = finish(story)
    assert finished.status is RunStatus.SUCCEEDED
    assert (finished.usage.turns, finished.usage.prompt_tokens, finished.usage.cost) == (1, 30, "0.02")
    assert len(story.all(TurnRequested)) == 1
    draft = story.last(ScriptDrafted)
    assert draft.repairs == ("step 2 of 6 (turn 2): a model found it as text=查找",)
    mended = draft.data.steps[1]
    assert (mended.step.tap.element, mended.guard.screen, draft.model_name) == (
        Target(text="查找"),
        screen("home2"),
        "m",
    )


def test_what_is_typed_is_the_script_s_wherever_the_model_finds_the_field():
    story = replayed(repair=True, model=True)
    story.shows("home")
    story.shows("search", found=True)
    missing(story)
    missing(story)
    answered(story, typed("something else", "q2", targets=(Target(id="q2"),)))
    typing = story.asked.action
    assert (typing.target, typing.text.clear) == (Target(id="q2"), "雨伞")
    story.shows("search2", found=True)
    finish(story)
    step = story.last(ScriptDrafted).data.steps[2].step
    assert (step.type.into, step.type.text) == (Target(id="q2"), "{{query}}")


@pytest.mark.parametrize(
    ("intent", "says"),
    [
        (None, "no action in it"),
        (TakeOver(message="log in"), "wants TAKE_OVER"),
        (typed("x"), "another gesture (TYPE)"),
        (FOUND.model_copy(update={"press": "LONG"}), "another gesture (TAP)"),
        (TapAt(point=Point(x=1, y=1)), "no element that can be found again"),
        (FOUND.model_copy(update={"sensitive": "it pays"}), "needs consent: it pays"),
    ],
)
def test_an_answer_that_does_not_say_where_the_step_s_element_is_fails_the_replay(intent: Any, says: str):
    story = stuck()
    answered(story, intent)
    finished = story.last(RunFinished)
    assert (finished.status, finished.failure_code) == (RunStatus.FAILED, "NOT_FOUND")
    assert finished.failure_reason.startswith("step 2 of 6 (turn 2): not within 10 s: nothing matches; the model")
    assert says in finished.failure_reason
    assert len(story.all(TurnRequested)) == 1
    assert story.last(TurnTaken).verdict in {"REFUSE", "MISREAD"}


@pytest.mark.parametrize(
    ("found", "rules", "says"),
    [
        (element("buy", "立即支付"), {}, "pay"),
        (FOUND.element, {"deny_packages": (APP,)}, f"forbid the app {APP}"),
        (FOUND.element, {"deny_actions": ("TAP",)}, "forbid TAP"),
    ],
)
def test_the_platform_has_the_last_word_on_what_the_model_found(found: Any, rules: dict[str, Any], says: str):
    story = stuck(rules=TaskRules(**rules))
    answered(story, TapAt(point=Point(x=1, y=1), element=found))
    assert story.last(TurnTaken).verdict == "REFUSE"
    assert says in story.last(RunFinished).failure_reason
    allowed = stuck(rules=TaskRules(confirm="ALLOW"))
    answered(allowed, TapAt(point=Point(x=1, y=1), element=found))
    assert isinstance(allowed.asked.action, Touch)


def test_a_model_that_is_away_fails_the_replay():
    story = stuck()
    answered(story, None, error_code="UNAVAILABLE", turn=None)
    assert story.last(RunFinished).failure_reason.endswith("the model did not help: it gave no answer (UNAVAILABLE)")
    late = stuck()
    late.timer(late.last(TurnRequested))
    assert late.last(RunFinished).failure_reason.endswith("it did not answer in time")
    late_answer = len(late.events)
    answered(late, FOUND)
    assert len(late.events) == late_answer, "an answer that comes later is nothing any more"


def test_what_the_model_found_and_was_not_there_either_fails_the_replay():
    story = stuck()
    answered(story, FOUND)
    missing(story, "GUARD", error_message="another element")
    reason = story.last(RunFinished).failure_reason
    assert reason.endswith("nothing matches; what the model found instead was not done: another element")


def test_a_repair_without_a_model_is_none():
    story = replayed(repair=True)
    story.shows("home")
    missing(story)
    missing(story)
    assert story.last(RunFinished).failure_reason.endswith("it may be repaired, but no model is configured")


def test_a_repair_that_was_paused_looks_again_before_the_model_is_asked():
    story = replayed(repair=True, model=True)
    story.shows("home")
    missing(story)
    story.pause()
    missing(story)
    assert story.all(TurnRequested) == []
    story.pause(on=False)
    assert (story.asked.action, story.asked.purpose, story.asked.step) == (Observe(), "TURN", None)
    story.shows("home")
    assert story.last(TurnRequested).purpose == "REPAIR"


def test_a_replay_that_is_stopped_while_the_model_is_asked_ends():
    story = stuck()
    story.stop()
    assert story.last(RunFinished).status is RunStatus.CANCELLED


def test_a_model_that_is_asked_is_waited_for_whatever_is_told_meanwhile():
    story = stuck()
    actions = len(story.all(ActionRequested))
    story.crashes("com.example.other")
    story.pause()
    story.pause(on=False)
    story.timer(story.started)
    assert (len(story.all(ActionRequested)), len(story.all(TurnRequested))) == (actions, 1)
    assert story.state.waiting == "CALL"


def test_a_step_that_fails_while_the_run_is_paused_is_no_success_when_its_time_is_up():
    story = replayed()
    story.shows("home")
    missing(story)
    story.pause()
    missing(story)
    assert story.all(RunFinished) == []
    story.now = story.started.ends_at
    story.timer(story.started)
    story.timer(story.last(WatchSet))  # The first one fired late, so that the grace begins again.
    finished = story.last(RunFinished)
    assert finished.status is RunStatus.FAILED
    assert "its time was up after a step had failed: not within 10 s: nothing matches" in finished.failure_reason


def with_secret(**changes: Any) -> RunStory:
    """A replay of one step that types a secret."""
    typing = DATA.steps[2].model_dump(mode="json")
    typing["step"]["type"]["text"] = "{{pw}}"
    script = {"steps": [typing], "variables": {}, "secrets": {"pw": "env:PW"}, "defaults": {},
              "about": DATA.model_dump(mode="json", exclude={"steps"})}  # fmt: skip
    replay = ReplayOf(script_id=ID, version=1, version_id=ID, checksum="c", name="x", repair=True)
    story = RunStory.go(
        kind="replay", replay=replay, script=Sealed[dict[str, Any]].of(script), rules=TaskRules(), model=True, **changes
    )
    story.begin()
    return story


def test_a_secret_is_read_by_the_phone_s_agent():
    story = with_secret()
    assert (story.asked.action.text, story.asked.action.secret_ref) == (None, "env:PW")


@pytest.mark.parametrize("password", [True, False])
def test_a_model_cannot_have_a_secret_typed_where_it_can_be_read(password: bool):
    story = with_secret()
    missing(story)
    missing(story)
    answered(story, typed("", "q2", password=password, targets=(Target(id="q2"),)))
    if password:
        assert (story.asked.action.target, story.asked.action.secret_ref) == (Target(id="q2"), "env:PW")
    else:
        assert "into a password field only" in story.last(RunFinished).failure_reason


def test_the_app_of_another_screen_is_no_interruption():
    story = replayed()
    story.shows("home")
    for _ in range(2):
        story.shows("web", **MISSING, error_code="GUARD", error_message="another screen", package="com.browser")
    assert story.last(RunFinished).failure_reason.endswith("not within 10 s: another screen")


ANSWERS = [
    "ok",
    "healed",
    "missing",
    "NOT_FOUND",
    "GUARD",
    "OUTCOME_UNKNOWN",
    "EXPIRED",
    "over",
    "find",
    "misread",
    "away",
]


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(st.booleans(), st.lists(st.sampled_from(ANSWERS), min_size=40, max_size=40))
def test_whatever_comes_a_replay_ends_and_only_one_that_did_every_step_succeeds(repair: bool, answers: list[str]):
    story = replayed(repair=repair, model=True)
    for how in answers:
        if story.state.finished is not None:
            break
        if story.state.repair.asked is not None:
            answered(story, FOUND if how in {"ok", "find"} else None)
            continue
        match how:
            case "ok" | "find" | "misread":
                story.shows("one", found=True)
            case "healed":
                story.shows("one", found=True, sighting=Sighting(found=True, healed_by=Target(id="other")))
            case "missing":
                story.shows("one", found=False)
            case "over":
                story.shows("over", **MISSING, error_code="GUARD", package=DIALOG)
            case "NOT_FOUND" | "GUARD":
                missing(story, how)
            case code:
                story.fails(code)
    for _ in range(40):
        if story.state.finished is not None:
            break
        if story.state.repair.asked is not None:
            answered(story, None)
        else:
            missing(story)
    finished = story.last(RunFinished)
    progress = story.state.script
    assert (finished.status is RunStatus.SUCCEEDED) == (progress.failure is None and progress.current is None)
    assert repair or story.all(TurnRequested) == []
    assert len(story.all(ScriptDrafted)) <= int(finished.status is RunStatus.SUCCEEDED)


def test_a_capture_of_another_action_is_nothing():
    story = stuck()
    count = len(story.events)
    other = CaptureIndexed(
        capture_id=derived_id("capture", "x"), run_id=story.started.run_id, action_id=derived_id("action", "x"),
        sequence=1, status=ActionStatus.SUCCESS, duration_ms=1, adb_ms=1, package=APP,
    )  # fmt: skip
    story.when(other)
    assert len(story.events) == count
