"""Faults in the middle of runs: each ends in a recovery, or in a run that fails soon and says what to do. Nothing is
done twice, nothing is left changed on the phone.

To extend: a resident server that is killed, an install that is cut off.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from contracts.device_agent import ActionFinished, CrashSeen, DeviceLost, DeviceReady
from contracts.orchestrator import (
    ActionRequested,
    FleetAnswered,
    PhoneQuarantined,
    RunFinished,
    StateAdded,
    StepFinished,
)
from contracts.values import Action, Navigate, RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import PACKAGE, events, finished, next_event, start, until
from tests.system.outside import ENVIRON, Outside
from tests.system.referee import assert_sound

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LIMITS = {"step_timeout_s": 12, "max_duration_s": 100, "reproduce_steps": 0}
"""What a fault makes the app do does not come again by taps: see `test_reproducing.py` for what does."""
Operation = tuple[str, dict[str, Any]]


async def settings(platform: Platform) -> dict[str, Any]:
    """What a phone has set."""
    tables: dict[str, Any] = await platform.control.do("settings")
    return tables


async def as_before(platform: Platform, before: dict[str, Any]) -> None:
    """Until the phone has everything set as it was: the end of a lease puts it back."""

    async def holds() -> bool:
        return await settings(platform) == before

    await until("the phone being as it was", holds, limit_s=30)


async def step_on(platform: Platform, steps: int = 6) -> None:
    """So many steps more than there are now."""
    now = len(await events(platform, StepFinished))
    await next_event(platform, StepFinished, count=now + steps)


async def told(platform: Platform, code: str) -> None:
    """Until a step ended with this code."""

    async def there() -> bool:
        return code in {r.event.error_code for r in await events(platform, StepFinished)}

    await until(f"a step with {code}", there)


async def play(platform: Platform, operations: Iterable[Operation]) -> None:
    """One after the other, with a few steps of the run between them."""
    for name, arguments in operations:
        await step_on(platform)
        await platform.control.do(name, **arguments)


def comes(name: str, **options: Any) -> Operation:
    """An interruption right after the next touch: one that comes between a look and its touch is answered by chance."""
    return "later", {"then": "interrupt", "touches": 1, "name": name, **options}


async def interrupted(platform: Platform) -> list[tuple[str, str]]:
    found = await platform.control.do("interruptions")
    assert found["up"] == []
    return [(each["name"], each["outcome"]) for each in found["ended"]]


async def test_what_comes_over_the_app_is_answered_and_the_run_goes_on(tmp_path: Path) -> None:
    raised: list[Operation] = [
        comes("permission", language="zh-CN", package=PACKAGE),
        comes("call", rings_s=600),
        comes("permission", language="de", package=PACKAGE),
        comes("anr", language="zh-CN", package=PACKAGE),
        comes("permission", language="ja", package=PACKAGE),
        comes("call_heads_up", rings_s=5),
        comes("permission", language="ar", package=PACKAGE),
    ]
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        await outside.configure(platform)
        before = await settings(platform)
        await start(platform, max_steps=75, limits=LIMITS)
        await play(platform, raised)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        ended = await interrupted(platform)
        assert [each for each in ended if each[0] == "permission"] == [("permission", "allowed")] * 4
        assert ("call", "declined") in ended
        assert ("anr", "closed") in ended
        assert await gestures_in(platform, "com.android.dialer") == []
        await as_before(platform, before)
        log = await assert_sound(platform, outside)
        assert "ANR" in {r.event.kind for r in log if isinstance(r.event, CrashSeen) and r.event.package == PACKAGE}


async def gestures_in(platform: Platform, package: str) -> list[Action]:
    """What the run did while another app was in front, keys and starts of its own app left out."""
    states = {r.event.state_id for r in await events(platform, StateAdded) if r.event.package == package}
    assert states, f"{package} was never seen"
    asked = [r.event for r in await events(platform, ActionRequested) if r.event.state_id in states]
    return [each.action for each in asked if not isinstance(each.action, Navigate)]


BY_DUMP = {**ENVIRON, "WAYMARK_HIERARCHY_SOURCE": "dump"}
"""A screen that never rests hides its hierarchy from the dump only: the resident server does not wait for idle."""


async def test_what_happens_to_the_screen_is_got_over_and_the_run_goes_on(tmp_path: Path) -> None:
    happens: list[Operation] = [
        ("rotate", {"quarter_turns": 1}),
        ("rotate", {"quarter_turns": 0}),
        ("shown", {"secure": True}),
        ("shown", {"secure": False}),
        ("split", {}),
        ("lock", {"awake": False}),
        ("lock", {"awake": True}),
        ("interrupt", {"name": "anr", "language": "de", "package": PACKAGE}),
    ]
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=BY_DUMP) as platform:
        await outside.configure(platform)
        await platform.control.do("keyboard", installed=False)
        before = await settings(platform)
        await start(platform, max_steps=90, seed=2, limits=LIMITS)
        await play(platform, happens)
        await step_on(platform)
        await platform.control.do("shown", restless=True)
        await told(platform, "NOT_IDLE")
        await platform.control.do("later", then="shown", matches="force-stop", restless=False)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        steps = [r.event for r in await events(platform, StepFinished)]
        assert {"SPLIT_SCREEN", "NOT_IDLE"} <= {step.error_code for step in steps}
        finished_actions = [r.event for r in await events(platform, ActionFinished)]
        captures = [each.capture for each in finished_actions if each.capture is not None]
        assert {(c.width, c.height) for c in captures} >= {(1080, 1920), (1920, 1080)}
        secure = [c for c in captures if c.screenshot_absent == "SECURE"]
        assert secure
        assert all(c.hierarchy is not None for c in secure)
        await as_before(platform, before)
        await assert_sound(platform, outside)


async def fails(platform: Platform, number: int, words: str, fault: Operation | None = None) -> RunFinished:
    """The next run fails within its limits, in a few steps, and says why in these words. `fault` comes when it is under
    way; none: it is there already."""
    await start(platform, max_steps=60, limits=LIMITS)
    if fault is not None:
        await step_on(platform, 3)
        await platform.control.do(fault[0], **fault[1])
    run = (await finished(platform, count=number))[-1]
    assert run.status is RunStatus.FAILED
    assert words in (run.failure_reason or "")
    assert run.total_actions <= 20
    return run


async def set_free(platform: Platform) -> None:
    """A phone that was not fit for three runs waits for somebody who has seen to it and says so."""
    (quarantined,) = await next_event(platform, PhoneQuarantined)
    assert "not fit for 3 runs" in quarantined.why
    await platform.request("waymark.request.fleet.tester", {"kind": "unquarantine", "serial": quarantined.serial})
    (answer,) = await next_event(platform, FleetAnswered)
    assert answer.done, answer.text


async def test_what_a_phone_cannot_do_ends_its_run_soon_and_says_what_to_do(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=BY_DUMP) as platform:
        await outside.configure(platform)
        before = await settings(platform)
        await platform.control.arm("inject_denied", "input (tap|swipe|text|keyevent [^2])", times=None)
        await fails(platform, 1, "USB debugging (Security settings)")
        await platform.control.clear()

        await platform.control.arm("storage_full", "/data/", times=None)
        await fails(platform, 2, "free space")
        await platform.control.clear()

        await fails(platform, 3, "lock screen", ("lock", {"pin": "1234"}))
        await platform.control.do("lock", locked=False)
        await set_free(platform)

        await fails(platform, 4, "never comes to rest", ("shown", {"restless": True}))
        await platform.control.do("shown", restless=False)

        await start(platform, max_steps=25, limits=LIMITS)
        run = (await finished(platform, count=5))[-1]
        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        await as_before(platform, before)
        await assert_sound(platform, outside)


async def test_a_phone_and_a_server_that_go_and_come_back_do_not_end_the_run(tmp_path: Path) -> None:
    async with Outside() as outside, Platform(tmp_path, phones=["demo@1"], environ=ENVIRON) as platform:
        await outside.configure(platform)
        before = await settings(platform)
        await start(platform, max_steps=80, limits=LIMITS)
        # People are told of it; a restart of the phone while it happens would take it away.
        await next_event(platform, CrashSeen)
        await platform.control.do("reboot")
        await step_on(platform)
        await platform.adb.restart()
        await step_on(platform)
        await platform.control.do("freeze", on=True)
        lost = len(await events(platform, DeviceLost))
        await next_event(platform, DeviceLost, count=lost + 1)
        await platform.control.do("freeze", on=False)
        await step_on(platform)
        await platform.control.do("later", then="drop", touches=1)
        run = (await finished(platform))[0]

        assert run.status is RunStatus.SUCCEEDED, run.failure_reason
        assert len(await events(platform, DeviceReady)) >= 2
        await as_before(platform, before)
        await assert_sound(platform, outside)
