"""A real adb server with simulated phones, and this service's client on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from deploy.simulator.control import Control
from deploy.simulator.farm import Farm
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbRefused
from services.device_agent.hierarchy_sources.preference import Preference
from services.device_agent.phone import Phone


@dataclass
class Bench:
    control: Control
    client: AdbClient
    serials: list[str]
    calls: list[tuple[str, str, float, float, bool]]
    """What the client measured: serial, name, beginning, end, whether it succeeded."""

    preference: Preference = Preference.AUTO
    opened: list[Phone] = field(default_factory=list)

    async def phone(self, preference: Preference | None = None) -> Phone:
        """The first phone; what it started to be looked at is ended with the bench."""
        self.opened.append(await Phone.open(self.client, self.serial, preference or self.preference))
        return self.opened[-1]

    async def back(self) -> None:
        """Waits until the phone is there again after it dropped. Once is not enough: the server may answer that it is
        connected already while it still forgets the connection that ended."""
        async with asyncio.timeout(10):
            while True:
                await self.client.disconnect(self.serial)
                with contextlib.suppress(AdbRefused):
                    await self.client.connect(self.serial)
                if (await self.client.devices()).get(self.serial) == "device":
                    return
                await asyncio.sleep(0.05)

    @property
    def serial(self) -> str:
        return self.serials[0]

    def names(self) -> list[str]:
        """What the measured calls were called, in order of their ends."""
        return [name for _, name, *_ in self.calls]


@contextlib.asynccontextmanager
async def bench(port: int, spec: str, *, phones: int = 1, api: int = 33, latency: str = "zero",
                source: str = "auto") -> AsyncIterator[Bench]:  # fmt: skip
    """Phones that play `spec`, connected to the adb server at `port`; all of it gone afterwards."""
    calls: list[tuple[str, str, float, float, bool]] = []
    client = AdbClient("127.0.0.1", port, on_call=lambda *call: calls.append(call))
    farm = Farm(phones, spec=spec, apis=(api,), latency=latency)
    ready = await farm.start()
    serials = [phone["address"] for phone in ready["phones"]]
    try:
        async with Control(ready["control_port"]) as control:
            for serial in serials:
                await client.connect(serial)
            await until_listed(client, serials)
            calls.clear()
            made = Bench(control, client, serials, calls, Preference(source))
            yield made
            for phone in made.opened:
                await phone.close()
    finally:
        for serial in serials:
            await client.disconnect(serial)
        await farm.close()


async def until_listed(client: AdbClient, serials: list[str], state: str = "device") -> None:
    await until(lambda states: all(states.get(serial) == state for serial in serials), client)


async def until(holds: Callable[[dict[str, str]], bool], client: AdbClient, limit_s: float = 10.0) -> None:
    async with asyncio.timeout(limit_s):
        while not holds(await client.devices()):
            await asyncio.sleep(0.02)
