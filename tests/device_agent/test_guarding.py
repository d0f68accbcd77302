"""What a guard says of what was seen, without a phone."""

from __future__ import annotations

import pytest

from contracts.values import Bounds, Foreground, Guard, WindowSeen
from services.device_agent.capture import Capture, Latency
from services.device_agent.guarding import Held, Refused, hold
from services.device_agent.parsers.hierarchy_dump import Absence
from services.device_agent.performing import Result
from services.device_agent.reading import Source
from services.hierarchy.knowing import element_seen, screen_seen
from services.hierarchy.parse import parse
from services.hierarchy.targets import Miss, Screen
from tests.screen_indexer.screens import PACKAGE, n, xml

PAGE = xml(
    n("frame", n("button", id="send", text="Send", at=(0, 1500, 1080, 1600)), n("edit", id="to", at=(0, 0, 999, 99)))
)
SCREEN = Screen.of(parse(PAGE), 1080, 2000)
GUARD = Guard(
    screen=screen_seen(SCREEN, PACKAGE, None),
    element=element_seen(SCREEN, next(node for node in SCREEN.tree if node.id_name == "send")),
)
APP = WindowSeen(type="APP", package=PACKAGE, title="Main", bounds=Bounds(x=0, y=0, width=1080, height=2000))


def seen(*windows: WindowSeen, package: str = PACKAGE, hierarchy: str | None = PAGE) -> Capture:
    return Capture(
        png=None, picture_absent_reason=None, hierarchy_xml=None if hierarchy is None else hierarchy.encode(),
        hierarchy_absent_reason=Absence.NOT_IDLE if hierarchy is None else None, hierarchy_said="",
        source=Source.DUMP, windows=(*windows, APP), foreground=Foreground(package=package, activity=None),
        width=1080, height=2000, rotation=0, stable=True, volatile=None, screenshots_taken=2, latency=Latency(0, 0, 0),
    )  # fmt: skip


def over(kind: str, top: int, bottom: int) -> WindowSeen:
    box = Bounds(x=0, y=top, width=1080, height=bottom - top)
    return WindowSeen(type=kind, package="com.ime", title="InputMethod", bounds=box)


def test_what_is_there_as_it_was_holds_with_its_likeness():
    held = hold(GUARD, None, seen(), SCREEN)
    assert isinstance(held, Held)
    assert held.score == "1.000"


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (over("KEYBOARD", 1200, 2000), 'the keyboard lies over "Send"'),
        (over("SYSTEM", 1500, 1700), 'a window of the system (InputMethod) lies over "Send"'),
    ],
)
def test_what_a_hierarchy_does_not_tell_of_and_lies_over_the_place_is_a_refusal(window: WindowSeen, words: str):
    refused = hold(GUARD, None, seen(window), SCREEN)
    assert isinstance(refused, Refused)
    assert (refused.result, refused.reason) == (Result.GUARD, words)


@pytest.mark.parametrize("window", [over("KEYBOARD", 1700, 2000), over("SYSTEM", 0, 2000), over("SYSTEM", 0, 60)])
def test_windows_that_leave_the_place_free_or_let_touches_through_are_none(window: WindowSeen):
    assert isinstance(hold(GUARD, None, seen(window), SCREEN), Held)


def test_another_app_in_front_is_a_refusal_although_the_hierarchy_is_the_same():
    refused = hold(GUARD, None, seen(package="com.other"), SCREEN)
    assert isinstance(refused, Refused)
    assert refused.reason.endswith("com.other is in front, not com.example")


def test_without_a_hierarchy_only_a_guard_that_expects_nothing_holds():
    blind = seen(hierarchy=None)
    assert isinstance(hold(Guard(), None, blind, Miss("the phone gave no hierarchy")), Held)
    refused = hold(GUARD, None, blind, Miss("the phone gave no hierarchy"))
    assert isinstance(refused, Refused)
    assert (refused.result, refused.reason) == (
        Result.GUARD, "it cannot be told what is there: the phone gave no hierarchy",
    )  # fmt: skip
