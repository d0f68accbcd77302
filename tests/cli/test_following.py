"""A run told from its events: progress, lines, the tree of causes, the walk over screens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.device_agent import CrashSeen
from contracts.event import Event
from contracts.locator_validator import LocatorChecked
from contracts.orchestrator import (
    ActionRequested,
    CrashTraced,
    RunFinished,
    RunNoted,
    StateAdded,
    StepFinished,
    StepRef,
    TaskBlocked,
    TaskDropped,
    TaskHeld,
    TaskReleased,
    TaskUnblocked,
    TaskWaiting,
)
from contracts.sealed import Sealed
from contracts.values import (
    ANDROID,
    ActionType,
    Bounds,
    Click,
    CoverageProfile,
    CrashStep,
    Gesture,
    Input,
    Navigate,
    Point,
    ResolvedApp,
    RunEventType,
    RunStatus,
    Strategy,
    ValidationStatus,
    ValidationType,
)
from services.cli.commands.tracing import titles, trace_ids, tree
from services.cli.following import Progress, evolve, succeeded, told
from services.cli.report.crashes import verdict, way
from services.cli.report.walk import walk
from services.cli.showing import panel, summary
from services.runtime.log import Recorded
from tests.orchestrator.task_runs import started

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TASK, RUN, FLEET, PHONE = (UUID(int=number) for number in range(1, 5))
OTHER = UUID(int=99)
APP = ResolvedApp(app_id=OTHER, app_version_id=OTHER, package="com.example.shop", name="Shop", version_name="2.0")


def recorded(event: Event, seq: int = 1, cause: UUID | None = None) -> Recorded[Event]:
    return Recorded(seq, uuid5(RUN, str(seq)), AT + timedelta(seconds=seq), cause, RUN, None, event)


def state(
    state_id: str, screen: int, name: str, *gestures: Gesture, run: UUID = RUN, inside: bool = True
) -> StateAdded:
    return StateAdded(
        run_id=run, state_id=state_id, screen_id=UUID(int=screen), screen_name=name, package="com.example.shop",
        activity=None, inside=inside, gestures=gestures,
    )  # fmt: skip


def requested(sequence: int, action: Click | Input | Navigate) -> ActionRequested:
    return ActionRequested(
        run_id=RUN, task_id=TASK, device_id=PHONE, serial="s", action_id=uuid5(RUN, f"action {sequence}"),
        sequence=sequence, lease_token=1, package="com.example.shop", purpose="EXPLORE", action=action,
        expires_at=AT, requested_at=AT,
    )  # fmt: skip


def step(sequence: int, source: str | None, target: str | None, gesture: str | None = None) -> StepFinished:
    return StepFinished(
        run_id=RUN, task_id=TASK, sequence=sequence, action_id=uuid5(RUN, f"action {sequence}"), purpose="EXPLORE",
        action_type=ActionType.CLICK, outcome="NEW_SCREEN", from_state=source, to_state=target, screen_id=None,
        gesture_id=gesture, succeeded=True, successful=sequence, duration_ms=5, screens=1, states=1,
    )  # fmt: skip


def checked(candidate: int, status: ValidationStatus) -> LocatorChecked:
    return LocatorChecked(
        candidate_id=UUID(int=candidate), element_id=OTHER, screen_id=OTHER, run_id=RUN, validation_id=OTHER,
        strategy=Strategy.CUSTOM, locator_value="new UiSelector()", validation_type=ValidationType.EXISTENCE,
        status=status, attempt_at=AT, attempts=1, passes=1, consecutive_failures=0, success_rate="100.00",
    )  # fmt: skip


def finished(status: RunStatus) -> RunFinished:
    return RunFinished(
        run_id=RUN, task_id=TASK, fleet_id=FLEET, device_id=PHONE, lease_token=1, app=APP,
        profile=CoverageProfile.FULL, status=status, failure_reason=None, total_actions=2, successful_actions=2,
        screens=(), states=2, activities_reached=("A", "Elsewhere"), activities_declared=("A", "B"), metrics={},
        started_at=AT, ended_at=AT + timedelta(seconds=90),
    )  # fmt: skip


def progress_after(*events: Event) -> Progress:
    progress = Progress(TASK, RUN)
    for seq, event in enumerate(events, 1):
        progress = evolve(progress, recorded(event, seq))
    return progress


def test_progress_counts_screens_by_name_locators_by_their_last_check_and_nothing_of_other_runs() -> None:
    progress = progress_after(
        state("a", 1, "Home"), state("b", 1, "Home"), state("c", 2, "Cart"), state("d", 3, "Launcher", inside=False),
        state("e", 4, "Elsewhere", run=OTHER), step(1, None, "a"), step(2, "a", "c"),
        checked(1, ValidationStatus.PASSED), checked(2, ValidationStatus.PASSED), checked(2, ValidationStatus.FAILED),
        checked(3, ValidationStatus.SKIPPED),
    )  # fmt: skip
    assert progress.screens == ("Home", "Cart")
    assert (progress.states, progress.steps, progress.verified, len(progress.locators)) == (4, 2, 1, 2)
    assert not progress.over


@pytest.mark.parametrize(
    ("status", "good"), [(RunStatus.SUCCEEDED, True), (RunStatus.FAILED, False), (RunStatus.CANCELLED, False)]
)
def test_the_outcome_is_the_runs(status: RunStatus, good: bool) -> None:
    progress = progress_after(finished(status))
    assert progress.over
    assert succeeded(progress) is good
    assert "1 of 2 declared activities reached" in summary(progress)


def test_a_dropped_task_is_over_and_did_not_succeed() -> None:
    progress = progress_after(TaskDropped(fleet_id=FLEET, task_id=TASK, reason="asked for by bob"))
    assert progress.over
    assert not succeeded(progress)
    assert "asked for by bob" in summary(progress)[0]


def test_a_held_task_is_paused_until_it_is_released() -> None:
    held = TaskHeld(fleet_id=FLEET, task_id=TASK, reason="lunch", by="bob")
    progress = progress_after(held)
    assert (progress.status, progress.over) == ("PAUSED", False)
    assert "by bob: lunch" in progress.tail[-1]
    assert progress_after(held, TaskReleased(fleet_id=FLEET, task_id=TASK, by="bob")).status == "QUEUED"


def test_a_task_that_no_phone_can_take_says_why_and_fails_when_it_is_given_up() -> None:
    blocked = TaskBlocked(fleet_id=FLEET, task_id=TASK, reason="no phone is connected", since=AT, give_up_at=AT)
    progress = progress_after(blocked)
    assert (progress.status, progress.over) == ("QUEUED", False)
    assert "no phone is connected" in progress.tail[-1]
    assert "again" in progress_after(blocked, TaskUnblocked(fleet_id=FLEET, task_id=TASK)).tail[-1]
    given_up = progress_after(
        blocked, TaskDropped(fleet_id=FLEET, task_id=TASK, reason="no phone for 24 h", failed=True)
    )
    assert given_up.status == "FAILED"
    assert "no phone for 24 h" in summary(given_up)[0]


def note(**detail: object) -> RunNoted:
    return RunNoted(run_id=RUN, event_type=RunEventType.NOTICE, detail=detail)


@pytest.mark.parametrize(
    ("package", "serial", "said"),
    [
        ("com.example.shop", None, "waiting for a phone that has com.example.shop installed"),
        ("com.example.shop", "R5", "waiting for phone R5 that has com.example.shop installed"),
        (ANDROID, "R5", "waiting for phone R5:"),
        (ANDROID, None, "waiting for a phone:"),
    ],
)
def test_a_task_that_waits_names_the_phone_and_the_app(package: str, serial: str | None, said: str) -> None:
    spec = started().spec.model_copy(update={"task_id": TASK, "package": package, "serial": serial})
    line = told(recorded(TaskWaiting(fleet_id=FLEET, spec=spec)), Progress(TASK, RUN))
    assert line is not None
    assert said in line
    assert "waymark devices list" in line


def test_an_installation_is_shown_while_it_goes_on_and_told_with_its_time() -> None:
    begun = note(what="installing", package="com.example.shop", version="2.0", apks=3)
    progress = progress_after(begun)
    assert progress.tail[-1].endswith("installing com.example.shop 2.0 (3 APKs)")
    console = Console(record=True, width=100)
    console.print(panel(progress, AT))
    assert "com.example.shop 2.0 (3 APKs)" in console.export_text()
    files = {"package": "com.example.shop", "version_name": "2.0", "was_there": False}
    done = progress_after(begun, note(what="installed", files=files, took_ms=12_300))
    assert done.installing is None
    assert done.tail[-1].endswith("installed com.example.shop 2.0 in 12.3 s")
    known = progress_after(note(what="installed", files=files | {"was_there": True}, took_ms=10))
    assert "was installed already" in known.tail[-1]
    kept = progress_after(note(what="not removed", package="com.example.shop", why="it belongs to the system"))
    assert "could not be removed: it belongs to the system" in kept.tail[-1]


def traced(verdict: str, steps: int = 2, **changes: object) -> CrashTraced:
    tap = CrashStep(action=Click(point=Point(x=5, y=6)), words="tap “导出” at 5,6 on 首页")
    return CrashTraced(
        run_id=RUN, occurrence_id=OTHER, crashed_by=4, package="com.example.shop", version_name="2.0", kind="CRASH",
        stack_key="k", verdict=verdict, way=(tap,) * steps, **changes,
    )  # fmt: skip


def test_a_report_says_by_which_steps_a_crash_comes_and_how_sure_that_is() -> None:
    assert way(traced("REPRODUCED")) == ("start com.example.shop anew", *["tap “导出” at 5,6 on 首页"] * 2)
    assert verdict(traced("REPRODUCED", minimal=True, tries=3)) == (
        "came again by these steps (3 tries); without any one of them it did not come"
    )
    assert verdict(traced("REPRODUCED", 0, minimal=True, tries=1)) == "came again by these steps (1 try)"
    assert verdict(traced("NOT_REPRODUCED", reason="it did not come again in 4 tries")).startswith("not reproduced: it")
    assert "it was not tried" in verdict(traced("NOT_TRIED"))


def test_the_last_word_about_a_crash_counts() -> None:
    words = [recorded(traced("NOT_TRIED"), 1), recorded(traced("REPRODUCED", final=True), 2)]
    assert walk(words).traced["k"].verdict == "REPRODUCED"


def test_a_screen_is_told_once_and_a_crash_without_control_characters() -> None:
    first = progress_after()
    line = told(recorded(state("a", 1, "Home")), first)
    assert line is not None
    assert line.endswith("screen 1: Home")
    assert told(recorded(state("b", 1, "Home")), progress_after(state("a", 1, "Home"))) is None
    crash = CrashSeen(
        occurrence_id=OTHER, device_id=PHONE, run_id=RUN, package="com.example.shop", kind="CRASH", process="p",
        exception="E", message="\x1b[2Jboom\nmore", stack="", stack_key="k", seen_at=AT,
    )  # fmt: skip
    line = told(recorded(crash), first)
    assert line is not None
    assert "boom more" in line
    assert "\x1b" not in line


def test_a_step_that_came_to_nothing_says_why() -> None:
    denied = step(3, "a", "a").model_copy(
        update={"outcome": "FAILED", "error_code": "INPUT_DENIED", "error_message": "the phone refuses input"}
    )
    line = told(recorded(denied), progress_after())
    assert line is not None
    assert line.endswith("step 3: click, failed: the phone refuses input")


@pytest.mark.parametrize(("last", "traces"), [(7, 1), (100, 1), (101, 2), (250, 3)])
def test_all_traces_of_a_run_are_named(last: int, traces: int) -> None:
    ids = trace_ids(RUN, [recorded(state("a", 1, "Home")), recorded(step(last, None, "a"))])
    assert ids[0] == RUN.hex
    assert len(set(ids)) == len(ids) == traces
    shown = list(titles(ids))
    assert all(trace_id in line for trace_id, line in zip(ids, shown, strict=True))
    assert ("steps" in shown[0]) is (traces > 1)


def test_the_live_view_has_what_was_found() -> None:
    progress = progress_after(state("a", 1, "Home"), step(1, None, "a"), checked(1, ValidationStatus.PASSED))
    out = Console(width=100, record=True, file=None, quiet=False)
    with out.capture() as captured:
        out.print(panel(progress, AT))
    for text in ("screens", "1 verified", "screen 1: Home"):
        assert text in captured.get()


def test_a_walk_numbers_screens_names_gestures_and_joins_transitions() -> None:
    buy = Gesture(
        gesture_id="g1", action_type=ActionType.CLICK, label="Buy 购买", bounds=Bounds(x=0, y=0, width=2, height=2)
    )
    typing = Gesture(gesture_id="g2", action_type=ActionType.INPUT, label="Name")
    tap = Click(point=Point(x=1, y=2))
    found = walk([
        recorded(event, seq)
        for seq, event in enumerate([
            requested(1, Navigate(to="LAUNCH", package="com.example.shop")),
            state("a", 11, "Home", buy, typing), step(1, None, "a"),
            requested(2, tap), state("b", 12, "Cart"), step(2, "a", "b", "g1"),
            requested(3, Navigate(to="BACK")), step(3, "b", "a"),
            requested(4, tap), step(4, "a", "b", "g1"),
            requested(5, Input(point=Point(x=3, y=4), text=Sealed[str].of("secret word"))), step(5, "a", "a", "g2"),
        ], 1)
    ])  # fmt: skip
    assert [(seen.number, seen.first_step, seen.states) for seen in found.screens.values()] == [(1, 1, 1), (2, 2, 1)]
    assert [(one.action, one.target, one.start) for one in found.steps] == [
        ("launch", "com.example.shop", None), ("tap", "Buy 购买", (1, 2)), ("back", "", None),
        ("tap", "Buy 购买", (1, 2)), ("type into", "Name", (3, 4)),
    ]  # fmt: skip
    there, back = found.edges[1, 2], found.edges[2, 1]
    assert (there.labels, there.count, there.discovers, there.first_step) == (("tap Buy 购买",), 2, True, 2)
    assert (back.labels, back.discovers) == (("back",), False)
    assert all("secret word" not in repr(one) for one in found.steps)


@given(st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=40))
def test_the_tree_has_every_event_once_behind_its_cause(causes: list[int]) -> None:
    """Event n is caused by event causes[n], where that came before it; else it begins something."""
    events = [
        recorded(step(number, None, None), number, uuid5(RUN, str(cause)) if cause < number else None)
        for number, cause in enumerate(causes, 1)
    ]
    lines = list(tree(events))
    place = {line.recorded.id: at for at, line in enumerate(lines)}
    assert sorted(place) == sorted(one.id for one in events)
    for one in events:
        if one.causation_id in place:
            assert place[one.causation_id] < place[one.id]


def test_a_long_run_stays_readable_as_a_tree() -> None:
    chain = [recorded(step(n, None, None), n, uuid5(RUN, str(n - 1)) if n > 1 else None) for n in range(1, 500)]
    assert max(line.depth for line in tree(chain)) <= 2


def test_each_step_of_a_script_is_told_with_its_words_and_why_it_failed() -> None:
    ref = StepRef(number="2", of=3, words="tap text=登录")
    done = step(1, None, "a").model_copy(update={"step": ref})
    failed = done.model_copy(update={"succeeded": False, "error_message": "nothing matches text=登录"})
    lines = [told(recorded(event, 1), Progress(TASK, RUN)) for event in (done, failed)]
    assert [line.partition(" ")[2] for line in lines if line] == [
        "step 2 of 3: tap text=登录", "step 2 of 3: tap text=登录: nothing matches text=登录"
    ]  # fmt: skip
