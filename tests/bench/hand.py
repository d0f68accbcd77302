"""How long a person at the command line waits for one step by hand, on a phone without latency.

From the request to its answer: intake, lease, run, action, capture, index and the run's end, each through the log.
Starting Python and connecting are not counted.
"""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

from deploy.embedded.platform import Platform
from services.cli import by_hand
from services.cli.connection import Session
from services.runtime.clock import SystemClock
from services.runtime.settings import Settings
from tests.bench.own_time import percentile
from tests.bench.report import Figure, at_most
from tests.bench.steps import folder_for_servers, settled

_REPEATS = 30
_STEPS: dict[str, Any] = {
    "tap a point": {"tap": [5, 5]},
    "press a key": {"press": "home"},
    "look": {"wait": {"stable": True, "timeout_s": 0}},
}


async def measure() -> list[Figure]:
    figures: list[Figure] = []
    with folder_for_servers() as folder:
        async with Platform(folder, phones=["demo@1"]) as platform:
            await settled(platform)
            assert platform.stack is not None
            told = {name.removeprefix("WAYMARK_").lower(): value for name, value in platform.stack.environ().items()}
            session = Session(Settings(**told), "hand", SystemClock())
            try:
                await _ready(session, platform.serials[0])
                for name, step in _STEPS.items():
                    took = [await _once(session, platform.serials[0], step) for _ in range(_REPEATS)]
                    figures += [
                        at_most(f"{name}: request to answer, median", median(took) * 1e3, "ms", 500.0),
                        Figure(f"{name}: request to answer, p95", percentile(took, 95) * 1e3, "ms"),
                    ]
            finally:
                await session.close()
    return figures


async def _ready(session: Session, serial: str) -> None:
    """The first task waits until the fleet knows what the phone has installed."""
    async with asyncio.timeout(60):
        await by_hand.carry_out(session, serial, [{"press": "home"}], "bench", wait_s=50)


async def _once(session: Session, serial: str, step: dict[str, Any]) -> float:
    done = await by_hand.carry_out(session, serial, [step], "bench", wait_s=30)
    assert done.succeeded, done.finished.failure_reason
    return done.took_s
