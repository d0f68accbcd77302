"""Crashes made to happen again: the way that is found, the fewest steps that do, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import Event
from contracts.orchestrator import ActionRequested, CrashAwaited, CrashTraced, RunFinished
from contracts.requests import Limits
from contracts.sealed import Sealed
from contracts.values import Input, Navigate, ObjectRef, Point, RunStatus
from deploy.simulator.apps import catalog
from deploy.simulator.apps.demo.common import PACKAGE
from services.orchestrator.decisions.shrinking import shrink
from services.orchestrator.decisions.trail import words
from tests.orchestrator.runs import LAUNCHER, RunStory, field_gesture, tap
from tests.orchestrator.walking import Walk

EXPORT = [("Export orders", "com.waymark.demo:id/tile_export"), ("Export as PDF", "com.waymark.demo:id/export_pdf")]
SYNC = [("Synchronise", "com.waymark.demo:id/tile_sync"), ("Synchronise now", "com.waymark.demo:id/sync_now")]


def walked(version: str = "1", *, late: bool = False, **limits: int) -> Walk:
    given_limits = Limits(max_steps=3000, max_duration_s=86_400, **limits)
    world = catalog.load("demo", version, 0)
    walk = Walk(world, PACKAGE, crashes=True, crashes_late=late, limits=given_limits)
    walk.go()
    return walk


def final(events: list[Event]) -> dict[str, CrashTraced]:
    """The last word about each crash, by its kind: each app of these tests has one of a kind."""
    return {event.kind: event for event in events if isinstance(event, CrashTraced) and event.final}


@pytest.mark.system
@pytest.mark.parametrize("version", ["1", "2"])
def test_crash_and_anr_of_the_demo_app_are_made_to_happen_again_by_exactly_their_two_steps(version: str):
    walk = walked(version)
    traced = final(walk.events)
    assert {kind: [(s.label, s.resource_id) for s in traced[kind].way] for kind in traced} == {
        "CRASH": EXPORT,
        "ANR": SYNC,
    }
    assert {(event.verdict, event.minimal) for event in traced.values()} == {("REPRODUCED", True)}
    assert walk.finished is not None
    assert walk.finished.status is RunStatus.SUCCEEDED
    used = [asked for asked in walk.actions if asked.purpose == "REPRODUCE"]
    assert len(used) == sum(event.steps for event in traced.values()) <= 20


@pytest.mark.system
def test_a_crash_that_is_told_late_is_waited_for():
    traced = final(walked(late=True).events)
    assert all(event.verdict == "REPRODUCED" for event in traced.values())


@pytest.mark.system
def test_without_a_budget_the_way_is_told_and_nothing_is_tried():
    walk = walked(reproduce_steps=0)
    told = [event for event in walk.events if isinstance(event, CrashTraced)]
    assert {event.verdict for event in told} == {"NOT_TRIED"}
    assert all(event.way for event in told)
    assert not [asked for asked in walk.actions if asked.purpose == "REPRODUCE"]


# --- an app told step by step -----------------------------------------------------------------------------------------

BUTTONS = ("a", "b", "c", "d")


class App:
    """One screen with buttons, all of which seem to do nothing. `crashes` says what the buttons pressed since the start
    lead to."""

    def __init__(self, crashes: Callable[[list[str]], bool], **changes) -> None:
        self.crashes, self.pressed, self.count = crashes, [], 0
        self.story = RunStory.go(**changes)
        self.home = [tap(name, 60 - at) for at, name in enumerate(BUTTONS)]
        self.story.begin()

    def live(self) -> list[Event]:
        """Until the run is over."""
        while not self.story.all(RunFinished):
            self.step()
        return self.story.events

    def step(self) -> None:
        story = self.story
        if story.state.action is None:
            story.timer(story.last(CrashAwaited))
            return
        asked = story.asked
        if isinstance(asked.action, Navigate) and asked.action.to in {"LAUNCH", "HOME"}:
            self.pressed = []
            outside = asked.action.to == "HOME"
        else:
            self.pressed += [asked.gesture_id] if asked.gesture_id in BUTTONS else []
            outside = self.crashes(self.pressed)
        picture = ObjectRef(key=f"aa/{asked.sequence}.png", sha256="aa", size_bytes=1)
        if outside:
            story.shows("desk", package=LAUNCHER, screenshot=picture)
        else:
            story.shows("home", *self.home, screenshot=picture)
        if self.pressed and outside:
            self.pressed, self.count = [], self.count + 1
            story.crashes(number=self.count)


def test_what_the_graph_does_not_know_is_found_by_leaving_out_steps_of_what_was_done():
    """Pressing d crashes only after b; the graph knows one state and says: press d."""
    traced = final(App(lambda pressed: pressed[-1:] == ["d"] and "b" in pressed).live())["CRASH"]

    assert (traced.verdict, traced.minimal, traced.source) == ("REPRODUCED", True, "TRAIL")
    assert [step.label for step in traced.way] == ["b", "d"]


def test_a_crash_that_comes_once_is_not_reproduced_and_the_tries_are_counted():
    came: list[bool] = []

    def once(pressed: list[str]) -> bool:
        crashed = pressed[-1:] == ["c"] and not came
        came.extend([True] * crashed)
        return crashed

    traced = final(App(once).live())["CRASH"]
    assert (traced.verdict, traced.tries) == ("NOT_REPRODUCED", 4)
    assert traced.reason == "it did not come again in 4 tries"


def test_tries_end_with_their_budget():
    limits = Limits(reproduce_steps=7)
    app = App(lambda pressed: pressed[-1:] == ["d"] and "b" in pressed, limits=limits)
    traced = final(app.live())["CRASH"]

    used = [asked for asked in app.story.all(ActionRequested) if asked.purpose == "REPRODUCE"]
    assert len(used) <= 7
    assert traced.verdict == "NOT_REPRODUCED"


def test_the_last_five_pictures_show_where_the_finger_came_down():
    app = App(lambda pressed: pressed[-1:] == ["d"])
    app.live()
    (first, *_) = app.story.all(CrashTraced)

    assert [picture.sequence for picture in first.pictures] == [1, 2, 3, 4, 5]
    assert [picture.screenshot and picture.screenshot.key for picture in first.pictures] == [
        None, "aa/1.png", "aa/2.png", "aa/3.png", "aa/4.png",
    ]  # fmt: skip
    assert first.pictures[-1].point == Point(x=60, y=40)


def test_a_run_that_is_stopped_in_a_try_tries_no_more():
    app = App(lambda pressed: pressed[-1:] == ["d"])
    while not any(asked.purpose == "REPRODUCE" for asked in app.story.all(ActionRequested)):
        app.step()
    app.story.stop()
    events = app.live()

    assert [asked.purpose for asked in app.story.all(ActionRequested)].count("REPRODUCE") == 1
    assert final(events) == {}


def test_a_crash_of_another_app_is_not_traced():
    app = App(lambda _: False)
    app.story.crashes("com.other")
    assert app.story.all(CrashTraced) == []


def test_the_crash_belongs_to_the_action_that_the_phone_names():
    story = RunStory.go()
    story.begin()
    story.shows("home", tap("a"), tap("b"))
    first = story.asked
    story.shows("desk", package=LAUNCHER)
    story.shows("home", tap("a"), tap("b"))
    story.crashes(action_id=first.action_id)

    (traced,) = story.all(CrashTraced)
    assert traced.crashed_by == first.sequence
    assert [step.gesture_id for step in traced.way] == [first.gesture_id]


def test_words_of_a_step_never_tell_what_was_typed():
    field = field_gesture("mail")
    action = Input(point=Point(x=60, y=40), text=Sealed[str].of("me@example.com"))

    assert words(action, field, "登录") == "type into “mail” at 60,40 on 登录"


# --- leaving out ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 24), st.sets(st.integers(0, 23)), st.integers(0, 3))
def test_shrinking_ends_with_what_it_takes_and_nothing_else(length: int, wanted: set[int], either: int):
    """`wanted` are needed; `either`: with any of them one of two more, so that what it takes is not one set."""
    needed = {at for at in wanted if at < length}

    def does(kept: tuple[int, ...]) -> bool:
        return needed <= set(kept) and (either == 0 or length < 3 or 0 in kept or either in kept)

    best, known, asked = tuple(range(length)), {}, 0
    while (answer := shrink(best, known)).ask is not None:
        assert answer.ask not in known
        known[answer.ask] = does(answer.ask)
        asked += 1
    assert does(answer.best)
    assert not any(does(answer.best[:at] + answer.best[at + 1 :]) for at in range(len(answer.best)))
    assert asked <= length * length + 4 * length
