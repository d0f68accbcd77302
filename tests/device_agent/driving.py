"""A simulated phone with the driver of an agent: actions in, outcomes out, without the log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contracts.orchestrator import ActionRequested
from contracts.subjects import derived_id
from deploy.embedded.stack import Stack
from services.device_agent.decisions import Action, Outcome
from services.device_agent.effects import AdbTime, Attached, Driver
from services.runtime.clock import SystemClock
from services.runtime.objects import Objects, StoreAddress
from services.runtime.reactor import Trigger
from tests.device_agent import bench

DEMO = "com.waymark.demo"
CLOCK = SystemClock()


@dataclass
class Driven:
    """A phone with the driver of an agent; each action has the next number of one lease."""

    driver: Driver
    attached: Attached
    bench: Any
    number: int = 0
    last: list[ActionRequested] = field(default_factory=list)

    async def do(self, action: Any) -> Outcome:
        self.number += 1
        now, run = CLOCK.now(), derived_id("run", "driven")
        asked = ActionRequested(
            run_id=run, task_id=run, device_id=run, serial=self.attached.phone.serial,
            action_id=derived_id("action", self.number), sequence=self.number, lease_token=1, package=DEMO,
            purpose="STEP", action=action, expires_at=now + timedelta(seconds=60), requested_at=now,
        )  # fmt: skip
        self.last.append(asked)
        return await self.again(fresh=True)

    async def again(self, *, fresh: bool = False) -> Outcome:
        asked = self.last[-1]
        return await self.driver.perform(Action(), Trigger(asked.action_id, asked, CLOCK.now()), fresh)

    async def commands(self) -> str:
        return json.dumps(await self.bench.control.trace())


@asynccontextmanager
async def driven(port: int, stack: Stack, spec: str, api: int = 33) -> AsyncIterator[Driven]:
    """A phone that plays `spec`. It counts as prepared for its lease; preparing has tests of its own."""
    s3 = stack.s3
    store = StoreAddress(s3.endpoint, s3.access_key, s3.secret_key, s3.bucket)
    async with bench.bench(port, spec, api=api) as b, Objects(store) as objects:
        attached = Attached(await b.phone(), AdbTime(), prepared=1)
        yield Driven(Driver(objects, CLOCK, None, lambda _serial: attached), attached, b)
