"""The agent is killed at random moments of many leases: afterwards every phone is as it was before.

A real agent process (`kill -9`, then started again) on a real log, a real adb server and simulated phones. The test is
the fleet and the runs: it asks for actions, and ends leases, as the orchestrator does. Each round is one lease on every
phone at once, begun at moments of their own, so that one kill meets them all at different places. A lease counts where
the kill came between its first request and the word that the phone was restored.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contracts.device_agent import ActionFinished, ActionStarted, DeviceReady, PhonePrepared, PhoneRestored
from contracts.orchestrator import ActionRequested, LeaseEnded
from contracts.sealed import Sealed
from contracts.values import Action, Click, Input, Navigate, Point
from deploy.embedded.adb import AdbServer
from deploy.embedded.stack import Stack
from deploy.simulator.farm import Farm
from deploy.simulator.phone import Phone as SimulatedPhone
from deploy.simulator.profiles import LatencyProfile
from services.device_agent.decisions import device_id_of
from services.device_agent.lease.decisions import lease_id_of
from services.device_agent.lease.note import KEPT, LOCK_DIRECTORY, NOTE_FILE, WANTED
from tests.device_agent.worlds import FIELD, PACKAGE, TestWorld, playing
from tests.one_service import OneService

pytestmark = pytest.mark.system

LIMIT_S = 60.0
LATENCY = LatencyProfile("lease", screencap_s=0.01, dump_s=0.02, input_s=0.02, other_s=0.01)
"""Commands take a little, so that a kill meets the middle of a preparation, too."""
CUSTOM_KEYBOARD = "com.sohu.inputmethod.sogou/.SogouIME"


def values(phone: SimulatedPhone) -> dict[str, str | None]:
    """Everything that a lease may change on a phone."""
    names = [name.partition("/") for name in (*WANTED, *KEPT)]
    return {f"{table}/{name}": phone.settings.tables[table].get(name) for table, _, name in names}


def make_its_own(phone: SimulatedPhone, chance: random.Random) -> None:
    """Settings that are not the defaults, some of them not set at all; a keyboard of its own."""
    for name in WANTED:
        table, _, key = name.partition("/")
        value = chance.choice([None, "1", "0.5", "2.0", "3"] if "scale" in key or "stay" in key else [None, "0", "1"])
        phone.settings.tables[table].pop(key, None)
        if value is not None:
            phone.settings.tables[table][key] = value
    phone.settings.keyboards.append(CUSTOM_KEYBOARD)
    phone.settings.enable(CUSTOM_KEYBOARD, on=True)
    phone.settings.select(CUSTOM_KEYBOARD)


def actions(token: int) -> list[Action]:
    """What a run does: an app is started, tapped at a place that no other lease taps, and typed into in Chinese, for
    which the keyboard is changed."""
    field = Point(x=(FIELD[0] + FIELD[2]) // 2, y=(FIELD[1] + FIELD[3]) // 2)
    return [
        Navigate(to="LAUNCH", package=PACKAGE),
        Click(point=Point(x=500, y=800 + token)),
        Input(point=field, text=Sealed[str].of("你好")),
    ]


@dataclass
class Leases:
    """The fleet and the runs of this test."""

    service: OneService
    phones: dict[str, SimulatedPhone]
    chance: random.Random
    open: set[str] = field(default_factory=set)
    """Serials of the phones whose lease is under way."""

    @classmethod
    @asynccontextmanager
    async def on(
        cls, count: int, stack: Stack, database: str, folder: Path, chance: random.Random
    ) -> AsyncIterator[Leases]:
        farm = Farm(count, spec=playing(TestWorld))
        ready = await farm.start()
        for phone in farm.phones:
            phone.latency = LATENCY
        try:
            async with AdbServer() as adb:
                serials = [await adb.connect(phone["address"]) for phone in ready["phones"]]
                running = OneService.running("device_agent", stack, database, folder, adb.environment)
                async with running as service:
                    yield cls(service, dict(zip(serials, farm.phones, strict=True)), chance)
        finally:
            await farm.close()

    async def lease(self, serial: str, token: int) -> None:
        """One lease from its beginning to the end: each action is asked for when the one before has ended."""
        run_id, device_id = uuid4(), device_id_of(serial)
        await asyncio.sleep(self.chance.uniform(0.0, 0.6))
        self.open.add(serial)
        for number, action in enumerate(actions(token), 1):
            now = datetime.now(UTC)
            asked = ActionRequested(
                run_id=run_id,
                task_id=run_id,
                device_id=device_id,
                serial=serial,
                action_id=uuid4(),
                sequence=number,
                lease_token=token,
                package=PACKAGE,
                purpose="EXPLORE",
                action=action,
                expires_at=now + timedelta(seconds=LIMIT_S),
                requested_at=now,
            )
            await self.service.append(asked)
            await self.until_told(asked.action_id, ActionFinished)
        ended = LeaseEnded(
            fleet_id=uuid4(), task_id=run_id, run_id=run_id, device_id=device_id, lease_token=token, reason="SUCCEEDED"
        )
        await self.service.append(ended)
        await self.until_told(lease_id_of(device_id, token), PhoneRestored)
        self.open.discard(serial)

    async def until_told(self, key: UUID, kind: type) -> None:
        deadline_s = time.monotonic() + LIMIT_S
        while not any(isinstance(r.event, kind) for r in await self.service.log.read("device_agent", key)):
            assert time.monotonic() < deadline_s, f"no {kind.__name__} within {LIMIT_S} s"
            await asyncio.sleep(0.02)

    async def phase(self, serial: str, token: int) -> str:
        """How far a lease that is under way has come, by the log."""
        device_id = device_id_of(serial)
        told = await self.service.events(ActionStarted, ActionFinished, PhonePrepared)
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
    phones: int, wanted: int, stack: Stack, database: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    say(capsys, f"seed {seed}")
    chance = random.Random(seed)
    phases: Counter[str] = Counter()
    token, began_s = 0, time.monotonic()
    async with Leases.on(phones, stack, database, folder, chance) as leases:
        for phone in leases.phones.values():
            make_its_own(phone, chance)
        own = {serial: values(phone) for serial, phone in leases.phones.items()}
        await leases.service.wait_for(phones, DeviceReady)
        while phases.total() < wanted:
            token += 1
            running = [asyncio.create_task(leases.lease(serial, token)) for serial in leases.phones]
            await asyncio.sleep(chance.uniform(0.2, 2.0))
            leases.service.platform.kill_service("device_agent")
            phases += Counter([await leases.phase(serial, token) for serial in sorted(leases.open)])
            leases.service.platform.start_service("device_agent")
            await asyncio.gather(*running)
            for serial, phone in leases.phones.items():
                assert values(phone) == own[serial], f"seed {seed}, lease {token}"
                assert phone.files.stat(NOTE_FILE) is None
                assert phone.files.stat(LOCK_DIRECTORY) is None
        for phone in leases.phones.values():
            taps = Counter((e.data["x"], e.data["y"]) for e in phone.trace.since(0, ["touch"]) if e.detail == "tap")
            assert max(count for (_, y), count in taps.items() if y > 800) == 1, "a tap was made twice"
        prepared = [r.event for r in await leases.service.events(PhonePrepared)]
        assert all(event.found == own[event.serial] for event in prepared), f"seed {seed}"
    say(
        capsys,
        f"{token * phones} leases on {phones} phones, {token} kills that met {phases.total()} of them under way "
        f"({', '.join(f'{name}: {count}' for name, count in sorted(phases.items()))}), "
        f"{time.monotonic() - began_s:.0f} s",
    )


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n  {text}", flush=True)  # noqa: T201 - the figures of the test


async def test_phones_are_as_before_after_an_agent_was_killed_in_twenty_leases(stack, database, tmp_path, capsys):
    await killed_leases(5, 20, stack, database, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_phones_are_as_before_after_an_agent_was_killed_in_two_hundred_leases(stack, database, tmp_path, capsys):
    await killed_leases(10, 200, stack, database, tmp_path, capsys)
