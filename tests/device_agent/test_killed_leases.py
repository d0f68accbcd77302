"""The agent is killed at random moments of many leases: afterwards every phone is as it was before.

A real agent process (`kill -9`, then started again) on a real log, a real adb server and simulated phones. The test is
the fleet and the runs. Each round is one lease on every phone at once, begun at moments of their own, so that one kill
meets them all at different places. A lease counts where the kill came between its first request and the word that the
phone was restored.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from contracts.device_agent import ActionFinished, ActionStarted, PhonePrepared
from contracts.sealed import Sealed
from contracts.values import Action, Click, Input, Navigate, Point
from deploy.embedded.stack import Stack
from deploy.simulator.profiles import LatencyProfile
from services.device_agent.decisions import device_id_of
from services.device_agent.lease.note import LOCK_DIRECTORY, NOTE_FILE
from tests.device_agent.leases import Leases, values
from tests.device_agent.worlds import FIELD, PACKAGE

pytestmark = pytest.mark.system

LATENCY = LatencyProfile("lease", screencap_s=0.01, dump_s=0.02, input_s=0.02, other_s=0.01)
"""Commands take a little, so that a kill meets the middle of a preparation, too."""


def actions(token: int) -> list[Action]:
    """What a run does: an app is started, tapped at a place that no other lease taps, and typed into in Chinese, for
    which the keyboard is changed."""
    field = Point(x=(FIELD[0] + FIELD[2]) // 2, y=(FIELD[1] + FIELD[3]) // 2)
    return [
        Navigate(to="LAUNCH", package=PACKAGE),
        Click(point=Point(x=500, y=800 + token)),
        Input(point=field, text=Sealed[str].of("你好")),
    ]


async def lease(leases: Leases, serial: str, token: int, begin_after_s: float, under_way: set[str]) -> None:
    """One lease from its beginning to the end: each action is asked for when the one before has ended."""
    await asyncio.sleep(begin_after_s)
    under_way.add(serial)
    for number, action in enumerate(actions(token), 1):
        await leases.act(serial, token, number, action)
    await leases.restored(serial, token)
    under_way.discard(serial)


async def phase(leases: Leases, serial: str, token: int) -> str:
    """How far a lease that is under way has come, by the log."""
    device_id = device_id_of(serial)
    told = await leases.service.events(ActionStarted, ActionFinished, PhonePrepared)
    mine = [r.event for r in told if r.event.device_id == device_id]
    begun = [e.action_id for e in mine if isinstance(e, ActionStarted) and e.lease_token == token]
    ended = {e.action_id for e in mine if isinstance(e, ActionFinished)}
    if len(ended & set(begun)) == len(actions(token)):
        return "restoring"
    if not begun or begun[-1] in ended:
        return "between actions"
    prepared = any(isinstance(e, PhonePrepared) and e.lease_token == token for e in mine)
    return f"in action {len(begun)}" if prepared else "preparing"


async def killed_leases(
    count: int, wanted: int, stack: Stack, database: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    say(capsys, f"seed {seed}")
    chance = random.Random(seed)
    phases: Counter[str] = Counter()
    token, began_s = 0, time.monotonic()
    async with Leases.on(count, stack, database, folder, chance=chance, latency=LATENCY) as leases:
        while phases.total() < wanted:
            token += 1
            under_way: set[str] = set()
            begins = {serial: chance.uniform(0.0, 0.6) for serial in leases.phones}
            running = [asyncio.create_task(lease(leases, s, token, begins[s], under_way)) for s in leases.phones]
            await asyncio.sleep(chance.uniform(0.2, 1.6))
            leases.service.platform.kill_service("device_agent")
            phases += Counter([await phase(leases, serial, token) for serial in sorted(under_way)])
            leases.service.platform.start_service("device_agent")
            await asyncio.gather(*running)
            for serial, phone in leases.phones.items():
                assert values(phone) == leases.own[serial], f"seed {seed}, lease {token}"
                assert phone.files.stat(NOTE_FILE) is None
                assert phone.files.stat(LOCK_DIRECTORY) is None
        for phone in leases.phones.values():
            taps = Counter((e.data["x"], e.data["y"]) for e in phone.trace.since(0, ["touch"]) if e.detail == "tap")
            assert max(count for (_, y), count in taps.items() if y > 800) == 1, "a tap was made twice"
        assert all(event.found == leases.own[event.serial] for event in await leases.prepared()), f"seed {seed}"
    say(
        capsys,
        f"{token * count} leases on {count} phones, {token} kills that met {phases.total()} of them under way "
        f"({', '.join(f'{name}: {number}' for name, number in sorted(phases.items()))}), "
        f"{time.monotonic() - began_s:.0f} s",
    )


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n  {text}", flush=True)  # noqa: T201 - the figures of the test


async def test_phones_are_as_before_after_an_agent_was_killed_in_twenty_leases(stack, database, tmp_path, capsys):
    await killed_leases(8, 20, stack, database, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_phones_are_as_before_after_an_agent_was_killed_in_two_hundred_leases(stack, database, tmp_path, capsys):
    await killed_leases(10, 200, stack, database, tmp_path, capsys)
