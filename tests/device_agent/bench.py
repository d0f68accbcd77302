"""A real adb server with simulated phones, and this service's client on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from deploy.simulator.control import Control
from deploy.simulator.farm import Farm
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbRefused
from services.device_agent.phone import Phone


@dataclass
class Bench:
    control: Control
    client: AdbClient
    serials: list[str]
    calls: list[tuple[str, str, float, float, bool]]
    """What the client measured: serial, name, beginning, end, whether it succeeded."""

    @property
    def serial(self) -> str:
        return self.serials[0]

    async def phone(self) -> Phone:
        return await Phone.open(self.client, self.serial)

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

    def names(self) -> list[str]:
        """What the measured calls were called, in order of their ends."""
        return [name for _, name, *_ in self.calls]


@contextlib.asynccontextmanager
async def bench(port: int, spec: str, *, phones: int = 1, api: int = 33, latency: str = "zero") -> AsyncIterator[Bench]:
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
            yield Bench(control, client, serials, calls)
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
