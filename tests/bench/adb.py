"""Commands a second through a real adb server, with the device-agent's own client and phones without latency."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from deploy.embedded.platform import Platform
from services.device_agent.adb.client import AdbClient
from tests.bench.own_time import percentile
from tests.bench.report import Figure
from tests.bench.steps import folder_for_servers

_PHONES = 20
_COMMANDS = 300
_TIMEOUT_S = 10.0


async def measure() -> list[Figure]:
    with folder_for_servers() as folder:
        async with Platform(folder, phones=["demo@1"] * _PHONES, services=()) as platform:
            client = AdbClient("127.0.0.1", int(platform.client_environ["ANDROID_ADB_SERVER_PORT"]))
            await _timed(client, platform.serials[:1], "echo warm", 20)
            one_ms = await _timed(client, platform.serials[:1], "echo waymark", _COMMANDS)
            return [
                Figure("1 phone: echo, median", median(one_ms), "ms"),
                Figure("1 phone: echo, p95", percentile(one_ms, 95), "ms"),
                Figure(f"{_PHONES} phones: echo", await _rate(client, platform.serials, "echo waymark"), "commands/s"),
                Figure(f"{_PHONES} phones: screencap", await _rate(client, platform.serials, "screencap -p"), "1/s"),
                Figure(
                    f"{_PHONES} phones: hierarchy",
                    await _rate(
                        client, platform.serials, "uiautomator dump /sdcard/b.xml >/dev/null && cat /sdcard/b.xml"
                    ),
                    "1/s",
                ),
            ]


async def _rate(client: AdbClient, serials: list[str], command: str) -> float:
    each = _COMMANDS // 10
    await _timed(client, serials, command, 1)
    began_s = time.perf_counter()
    times = await asyncio.gather(*(_timed(client, [serial], command, each) for serial in serials))
    return sum(map(len, times)) / (time.perf_counter() - began_s)


async def _timed(client: AdbClient, serials: list[str], command: str, count: int) -> list[float]:
    """Milliseconds of each of `count` commands a phone, one after the other."""
    took_ms: list[float] = []
    for serial in serials:
        for _ in range(count):
            began_s = time.perf_counter()
            answer = await client.shell(serial, command, _TIMEOUT_S, "bench")
            assert answer.rc == 0, answer
            took_ms.append((time.perf_counter() - began_s) * 1e3)
    return took_ms
