"""Guarded actions: done where the screen and the element are what is expected, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contracts.sealed import Sealed
from contracts.values import Await, Guard, Navigate, PressKey, Swipe, Target, Touch, TypeInto
from services.device_agent import effects
from services.device_agent.capture import Capture
from services.device_agent.decisions import Outcome
from services.device_agent.performing import Result
from services.hierarchy.knowing import element_seen, screen_seen
from services.hierarchy.node import Node
from services.hierarchy.parse import parse
from services.hierarchy.targets import Match, Screen, find
from tests.device_agent import worlds
from tests.device_agent.driving import DEMO, Driven
from tests.device_agent.worlds import TestWorld, playing

pytestmark = pytest.mark.system


async def seen(d: Driven) -> tuple[Outcome, Capture]:
    """What is in front, by an action that touches nothing."""
    outcome = await d.do(Await(wait_s=0))
    assert d.attached.ended is not None
    return outcome, d.attached.ended.seen


def shown(capture: Capture) -> Screen:
    return Screen.of(parse(capture.hierarchy_xml), capture.width, capture.height)


def the(screen: Screen, target: Target) -> Node:
    found = find(screen, target)
    assert isinstance(found, Match), found
    assert found.node is not None
    return found.node


def guard(capture: Capture, target: Target | None = None) -> Guard:
    """As it would be recorded: the screen, and an element of it."""
    screen = shown(capture)
    front = capture.foreground
    return Guard(
        screen=screen_seen(screen, front.package, front.activity),
        element=None if target is None else element_seen(screen, the(screen, target)),
    )


async def looks(d: Driven) -> int:
    """How often the phone was asked for its hierarchy so far."""
    return sum("hierarchy" in name or "dump" in name for name in d.bench.names())


async def test_what_is_as_it_was_is_touched_and_told_with_its_likeness(drive):
    async with drive(playing(TestWorld)) as d:
        _, capture = await seen(d)
        outcome = await d.do(Touch(target=Target(id="go"), guard=guard(capture, Target(id="go"))))

        assert outcome.performed.result is Result.DONE, outcome.performed
        assert (outcome.sighting.score, outcome.sighting.healed_by) == ("1.000", None)
        assert TestWorld.latest.gestures == ["tap 540 680"]


async def test_an_element_whose_first_target_is_gone_is_found_by_another(drive):
    async with drive(playing(TestWorld)) as d:
        _, capture = await seen(d)
        known = guard(capture, Target(id="go"))
        outcome = await d.do(Touch(target=Target(id="gone_with_the_release"), guard=known))

        assert outcome.performed.result is Result.DONE, outcome.performed
        assert outcome.sighting.healed_by == known.element.targets[0]


async def test_what_says_something_else_is_not_touched_although_the_id_is_the_same(drive):
    async with drive(playing(worlds.Relabelled)) as d:
        _, capture = await seen(d)
        known = Guard(element=guard(capture, Target(id="go")).element)
        d.attached.ended = None
        outcome = await d.do(Touch(target=Target(id="go"), guard=known, wait_s=0.3))

        assert outcome.performed.result is Result.GUARD
        assert 'it says "delete", not "go"' in outcome.performed.reason
        assert '"Delete"' in outcome.performed.reason, "what is on the screen instead"
        assert outcome.sighting.found is False
        assert outcome.capture.hierarchy is not None
        assert TestWorld.latest.gestures == []


async def test_an_element_that_is_gone_by_all_its_targets_is_not_found(drive):
    async with drive("demo@1") as d:
        await d.do(Navigate(to="LAUNCH", package=DEMO))
        await d.do(Await(visible=Target(id="sign_in"), wait_s=5))
        _, capture = await seen(d)
        element = guard(capture, Target(id="sign_in")).element
        await sign_in(d)
        outcome = await d.do(Touch(target=Target(id="sign_in"), guard=Guard(element=element), wait_s=0))

        assert outcome.performed.result is Result.NOT_FOUND, outcome.performed


async def test_another_screen_of_the_app_is_left_alone_and_named(drive):
    async with drive("demo@1") as d:
        await sign_in(d)
        _, home = await seen(d)
        known = guard(home, Target(id="tab_products"))
        await d.do(Touch(target=Target(id="tile_checkout")))
        await d.do(Await(gone=Target(id="tile_checkout"), wait_s=5))
        refused = await d.do(Touch(target=Target(id="tab_products"), guard=known, wait_s=0.3))
        typed = await d.do(TypeInto(text=Sealed.of("x"), guard=known, wait_s=0))
        swiped = await d.do(Swipe(direction="UP", guard=Guard(screen=known.screen), wait_s=0))
        pressed = await d.do(PressKey(key="HOME", guard=Guard(screen=known.screen)))

        assert [o.performed.result for o in (refused, typed, swiped, pressed)] == [Result.GUARD] * 4
        assert "not the screen that is expected" in refused.performed.reason
        assert float(refused.sighting.score) < 0.7
        assert "on the screen (com.waymark.demo)" in pressed.performed.reason
        assert (await seen(d))[1].foreground.package == DEMO, "HOME was not pressed"


async def test_every_kind_of_guarded_action_is_done_on_the_right_screen(drive):
    async with drive("demo@1") as d:
        await d.do(Navigate(to="LAUNCH", package=DEMO))
        await d.do(Await(visible=Target(id="user"), wait_s=5))
        _, login = await seen(d)
        outcomes = [
            await d.do(TypeInto(target=Target(id="user"), text=Sealed.of("li"), guard=guard(login, Target(id="user")))),
            await d.do(TypeInto(target=None, text=Sealed.of("secret"), guard=guard(login, Target(id="password")))),
            await d.do(Touch(target=Target(text="Sign in"), guard=guard(login, Target(id="sign_in")))),
        ]
        await d.do(Await(visible=Target(id="tile_checkout"), wait_s=5))
        _, home = await seen(d)
        outcomes += [
            await d.do(Swipe(direction="UP", guard=guard(home))),
            await d.do(PressKey(key="BACK", guard=guard(home))),
        ]

        assert [o.performed.result for o in outcomes] == [Result.DONE] * 5, [o.performed for o in outcomes]
        assert all(float(o.sighting.score) >= 0.7 for o in outcomes), [o.sighting for o in outcomes]


async def test_a_screen_that_comes_in_time_is_waited_for(drive):
    async with drive("demo@1") as d:
        await sign_in(d)
        _, home = await seen(d)
        await d.do(Navigate(to="STOP", package=DEMO))
        await d.do(Navigate(to="LAUNCH", package=DEMO))
        known = guard(home, Target(id="tile_checkout"))
        outcome = await d.do(Touch(target=Target(id="tile_checkout"), guard=known, wait_s=5))

        assert outcome.performed.result is Result.DONE, outcome.performed


async def test_after_a_crash_the_fence_is_asked_before_the_guard(drive):
    async with drive(playing(worlds.Relabelled)) as d:
        _, capture = await seen(d)
        assert (await d.do(touch(capture))).performed.result is Result.DONE
        again = await d.again()

        assert again.performed.result is Result.DUPLICATE, "its guard does not hold any more, because it was done"
        assert TestWorld.latest.gestures == ["tap 540 680"]


def touch(capture: Capture) -> Touch:
    return Touch(target=Target(id="go"), guard=guard(capture, Target(id="go")), wait_s=0)


async def test_what_was_seen_at_rest_a_moment_ago_is_not_looked_at_again(drive):
    async with drive(playing(TestWorld)) as d:
        _, capture = await seen(d)
        before = await looks(d)
        assert (await d.do(touch(capture))).performed.result is Result.DONE

        assert await looks(d) == before + 1, "only the capture that the action ends with"


@pytest.mark.parametrize("why", ["it is long ago", "another lease drove", "the phone was made ready anew", "restless"])
async def test_what_was_seen_is_looked_at_again_where_it_may_have_changed(drive, monkeypatch, why):
    async with drive(playing(worlds.Ticking if why == "restless" else TestWorld)) as d:
        _, capture = await seen(d)
        before = await looks(d)
        await _spoil(d, monkeypatch, why)
        assert (await d.do(touch(capture))).performed.result in {Result.DONE, Result.NOT_ATTEMPTED}

        assert await looks(d) >= before + 2


async def _spoil(d: Driven, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    match why:
        case "it is long ago":
            monkeypatch.setattr(effects, "KNOWN_S", -1.0)
        case "another lease drove":
            ended = d.attached.ended
            d.attached.ended = effects.Ended(ended.token + 1, ended.seen, ended.at_s)
        case "the phone was made ready anew":
            d.attached.prepared = None
            d.driver.keeper = _Ready()


class _Ready:
    """Makes a phone ready by touching nothing."""

    async def prepare(self, _phone: Any, _trigger: Any) -> None:
        await asyncio.sleep(0)


async def sign_in(d: Driven) -> None:
    await d.do(Navigate(to="LAUNCH", package=DEMO))
    for action in (
        TypeInto(target=Target(id="user"), text=Sealed.of("li")),
        TypeInto(target=Target(id="password"), text=Sealed.of("secret")),
        Touch(target=Target(id="sign_in")),
        Await(visible=Target(id="tile_checkout"), wait_s=5),
    ):
        outcome = await d.do(action)
        assert outcome.performed.result is Result.DONE, outcome.performed
