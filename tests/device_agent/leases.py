"""The fleet and the runs of tests with a real agent process: they ask for actions and end leases as the orchestrator
does, and look at what is left on the phones."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from contracts.device_agent import ActionFinished, DeviceReady, PhonePrepared, PhoneRestored
from contracts.event import Event
from contracts.orchestrator import ActionRequested, LeaseEnded
from contracts.values import Action
from deploy.embedded.adb import AdbServer
from deploy.embedded.stack import Stack
from deploy.simulator.farm import Farm
from deploy.simulator.phone import Phone as SimulatedPhone
from deploy.simulator.profiles import LatencyProfile
from services.device_agent.decisions import device_id_of
from services.device_agent.lease.decisions import lease_id_of
from services.device_agent.lease.note import KEPT, WANTED
from tests.device_agent.worlds import PACKAGE, TestWorld, playing
from tests.one_service import OneService

E = TypeVar("E", bound=Event)

LIMIT_S = 60.0
CUSTOM_KEYBOARD = "com.sohu.inputmethod.sogou/.SogouIME"


def values(phone: SimulatedPhone) -> dict[str, str | None]:
    """Everything that a lease may change on a phone."""
    names = [name.partition("/") for name in (*WANTED, *KEPT)]
    return {f"{table}/{name}": phone.settings.tables[table].get(name) for table, _, name in names}


def make_its_own(phone: SimulatedPhone, chance: random.Random) -> None:
    """Settings that are not the defaults, some of them not set at all; a keyboard of its own."""
    for name in WANTED:
        table, _, key = name.partition("/")
        value = chance.choice([None, "1", "0.5", "2.0", "3"] if table == "global" else [None, "0", "1"])
        phone.settings.tables[table].pop(key, None)
        if value is not None:
            phone.settings.tables[table][key] = value
    phone.settings.keyboards.append(CUSTOM_KEYBOARD)
    phone.settings.enable(CUSTOM_KEYBOARD, on=True)
    phone.settings.select(CUSTOM_KEYBOARD)


@dataclass
class Leases:
    """`phones` by serial, `own` what each had at first, `runs` the run of each lease by serial and token."""

    service: OneService
    phones: dict[str, SimulatedPhone]
    own: dict[str, dict[str, str | None]]
    runs: dict[tuple[str, int], UUID] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def on(
        cls,
        count: int,
        stack: Stack,
        database: str,
        folder: Path,
        *,
        chance: random.Random | None = None,
        latency: LatencyProfile | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Leases]:
        """Simulated phones with settings of their own, and an agent that holds them."""
        farm = Farm(count, spec=playing(TestWorld))
        ready = await farm.start()
        for phone in farm.phones:
            phone.latency = latency or phone.latency
            make_its_own(phone, chance or random.Random(phone.port))
        try:
            async with AdbServer() as adb:
                serials = [await adb.connect(phone["address"]) for phone in ready["phones"]]
                told = {**adb.environment, **(environ or {})}
                async with OneService.running("device_agent", stack, database, folder, told) as service:
                    phones = dict(zip(serials, farm.phones, strict=True))
                    leases = cls(service, phones, {serial: values(phone) for serial, phone in phones.items()})
                    await service.wait_for(count, DeviceReady)
                    yield leases
        finally:
            await farm.close()

    @property
    def serial(self) -> str:
        return next(iter(self.phones))

    @property
    def phone(self) -> SimulatedPhone:
        return self.phones[self.serial]

    async def ask(self, serial: str, token: int, number: int, action: Action) -> UUID:
        """Asks for an action of a lease; its id."""
        run_id = self.runs.setdefault((serial, token), uuid4())
        now = datetime.now(UTC)
        asked = ActionRequested(
            run_id=run_id,
            task_id=run_id,
            device_id=device_id_of(serial),
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
        return asked.action_id

    async def act(self, serial: str, token: int, number: int, action: Action) -> ActionFinished:
        """An action from its request to its end."""
        return await self.told(await self.ask(serial, token, number, action), ActionFinished)

    async def end(self, serial: str, token: int) -> UUID:
        """Ends a lease; the id under which the agent tells of it."""
        device_id, run_id = device_id_of(serial), self.runs.setdefault((serial, token), uuid4())
        ids: dict[str, Any] = {"fleet_id": uuid4(), "task_id": run_id, "run_id": run_id, "device_id": device_id}
        await self.service.append(LeaseEnded(**ids, lease_token=token, reason="SUCCEEDED"))
        return lease_id_of(device_id, token)

    async def told(self, key: UUID, kind: type[E]) -> E:
        """The first event of this kind under the key, once it is there."""
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            found = [r.event for r in await self.service.log.read("device_agent", key)]
            if (event := next((e for e in found if isinstance(e, kind)), None)) is not None:
                return event
            assert time.monotonic() < deadline_s, f"no {kind.__name__} within {LIMIT_S} s, but {found}"
            await asyncio.sleep(0.02)

    async def restored(self, serial: str, token: int) -> PhoneRestored:
        """Ends a lease, and waits until the phone was restored."""
        return await self.told(await self.end(serial, token), PhoneRestored)

    async def prepared(self) -> list[PhonePrepared]:
        return [r.event for r in await self.service.events(PhonePrepared)]
