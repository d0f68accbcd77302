"""Actions that name an element: looked for on the phone right before, done once at most, told where."""

from __future__ import annotations

import asyncio

import pytest

from contracts.sealed import Sealed
from contracts.values import Await, Navigate, Place, PressKey, Swipe, Target, Touch, TypeInto
from services.device_agent.performing import Result
from tests.device_agent import worlds
from tests.device_agent.bench import until
from tests.device_agent.driving import DEMO
from tests.device_agent.worlds import TestWorld, playing

pytestmark = pytest.mark.system

SECRET = "geheim passwort%s 42"


async def test_logging_in_with_a_secret_that_appears_in_no_word(drive, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    async with drive("demo@1") as d:
        await d.do(Navigate(to="LAUNCH", package=DEMO))
        outcomes = [
            await d.do(TypeInto(target=Target(id="user"), text=Sealed.of("alice"))),
            await d.do(TypeInto(target=Target(id="password"), secret_ref="env:SHOP_PASSWORD")),
            await d.do(Touch(target=Target(text="Sign in"))),
            await d.do(Await(visible=Target(text="Checkout"), gone=Target(text="Sign in"), package=DEMO, wait_s=5)),
        ]

        assert [o.performed.result for o in outcomes] == [Result.DONE] * 4, [o.performed for o in outcomes]
        assert outcomes[2].sighting.bounds.centre == outcomes[2].sighting.point
        assert SECRET not in "".join(repr(o) for o in outcomes)
        assert "geheim%spasswort%" in await d.commands(), "the phone itself was typed to"


async def test_what_is_not_there_is_told_with_what_is_and_nothing_is_touched(drive):
    async with drive(playing(TestWorld)) as d:
        outcome = await d.do(Touch(target=Target(text="登录"), wait_s=0.5))

        assert outcome.performed.result is Result.NOT_FOUND
        assert "nothing matches text=登录" in outcome.performed.reason
        assert '"Go"' in outcome.performed.reason
        assert outcome.sighting.found is False
        assert outcome.capture.hierarchy is not None
        assert TestWorld.latest.gestures == []


async def test_what_appears_in_time_is_waited_for(drive):
    async with drive(playing(worlds.Loading)) as d:
        outcome = await d.do(Await(gone=Target(id="go"), wait_s=5))

        assert outcome.performed.result is Result.DONE
        assert outcome.capture.foreground.activity == worlds.SECOND


async def test_a_touch_that_was_made_is_not_repeated_although_its_target_is_there_again(drive):
    async with drive(playing(TestWorld)) as d:
        assert (await d.do(Touch(target=Target(text="Go")))).performed.result is Result.DONE
        again = await d.again()

        assert again.performed.result is Result.DUPLICATE
        assert TestWorld.latest.gestures == ["tap 540 680"]


async def test_a_touch_that_never_reached_the_phone_is_made_by_who_takes_over(drive):
    async with drive(playing(TestWorld)) as d:
        await d.do(Await(visible=Target(text="Go")))
        d.last.append(d.last[-1].model_copy(update={"sequence": 2, "action": Touch(target=Target(text="Go"))}))

        assert (await d.again()).performed.result is Result.DONE
        assert TestWorld.latest.gestures == ["tap 540 680"]


@pytest.mark.parametrize(
    ("action", "gesture"),
    [
        (Touch(target=Target(point=Place(x=10, y=20))), "tap 10 20"),
        (Touch(target=Target(point=Place(x=50, y=25, unit="PERCENT")), press="LONG"), "long 540 480"),
        (Touch(target=Target(id="go"), press="DOUBLE"), "double 540 680"),
        (Swipe(direction="UP"), "swipe 540 1536 540 384"),
        (Swipe(direction="LEFT", within=Target(id="go")), "swipe 840 680 240 680"),
        (Swipe(start=Place(x=1, y=2), end=Place(x=50, y=50, unit="PERCENT")), "swipe 1 2 540 960"),
        (PressKey(key="BACK"), "key BACK"),
    ],
)
async def test_each_gesture_lands_where_it_is_meant(drive, action, gesture):
    async with drive(playing(TestWorld)) as d:
        outcome = await d.do(action)

        assert outcome.performed.result is Result.DONE, outcome.performed
        assert TestWorld.latest.gestures[-1] == gesture


async def test_typing_without_a_field_needs_one_that_has_the_focus(drive):
    async with drive(playing(TestWorld)) as d:
        outcome = await d.do(TypeInto(text=Sealed.of("a"), wait_s=0))

        assert outcome.performed.result is Result.NOT_FOUND
        assert "no field has the focus" in outcome.performed.reason


async def test_what_is_there_already_is_not_scrolled_for(drive):
    async with drive(playing(TestWorld)) as d:
        there = await d.do(Swipe(direction="UP", until=Target(text="Go")))
        missing = await d.do(Swipe(direction="UP", until=Target(text="Stop")))

        assert (there.sighting.found, missing.sighting.found) == (True, False)
        assert TestWorld.latest.gestures == ["swipe 540 1536 540 384"]


@pytest.mark.parametrize("ref", ["env:WAYMARK_POSTGRES_DSN", "env:AWS_SECRET_ACCESS_KEY", "file:/etc/passwd",
                                 "file:/run/secrets/../../etc/passwd", "env:NOT_THERE"])  # fmt: skip
async def test_a_secret_that_must_not_or_cannot_be_typed_fails_with_its_place(drive, ref, monkeypatch):
    monkeypatch.setenv("WAYMARK_POSTGRES_DSN", "postgresql://u:p@h/d")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")
    async with drive(playing(TestWorld)) as d:
        outcome = await d.do(TypeInto(target=Target(id="name"), secret_ref=ref))

        assert outcome.performed.result is Result.IMPOSSIBLE
        assert ref.partition(":")[2] in outcome.performed.reason
        assert TestWorld.latest.gestures == []


async def test_a_phone_that_drops_while_it_is_looked_at_is_touched_once_when_it_is_back(drive):
    async with drive(playing(TestWorld)) as d:
        await d.bench.control.arm("drop_during", "dumpsys window")
        doing = asyncio.create_task(d.do(Touch(target=Target(text="Go"))))
        await until(lambda states: states.get(d.bench.serial) != "device", d.bench.client)
        await d.bench.back()
        done = await doing

        assert done.performed.result is Result.DONE, done.performed
        assert TestWorld.latest.gestures == ["tap 540 680"]
