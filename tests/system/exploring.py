"""Starting runs on a platform and waiting for what comes of them, always with a limit."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from contracts import topology
from contracts.catalogue import OWNERS
from contracts.device_agent import ActionFinished
from contracts.event import Event
from contracts.orchestrator import RunFinished
from contracts.subjects import STREAM, event_filter
from contracts.values import ObjectRef
from deploy.embedded.platform import Platform, projections
from services.device_agent.decisions import device_id_of
from services.runtime.catch_up import behind, read_batches
from services.runtime.log import Recorded
from services.runtime.objects import Objects, StoreAddress

E = TypeVar("E", bound=Event)
PACKAGE = "com.waymark.demo"

assert OWNERS


async def until(
    what: str, condition: Callable[[], Awaitable[bool]], *, limit_s: float = 60.0, left: Sequence[str] = ()
) -> None:
    """Waits for a condition; fails with its name, and with what was `left` by the last look at it, when it does not
    come true within the limit."""
    deadline_s = time.monotonic() + limit_s
    while not await condition():
        assert time.monotonic() < deadline_s, f"{what} did not happen within {limit_s:.0f} s: {', '.join(left)}"
        await asyncio.sleep(0.05)


async def start(platform: Platform, serial: str | None = None, *, user: str = "tester", **fields: Any) -> None:
    """Publishes a task event, for the demo app unless `app` names another, as a user would."""
    limits = {"max_steps": fields.pop("max_steps", 40), **fields.pop("limits", {})}
    task = {"kind": "explore", "app": PACKAGE, "limits": limits, **fields}
    if serial is not None:
        task["serial"] = serial
    await platform.request(f"waymark.request.task.{user}", task)


async def events(platform: Platform, *kinds: type[E]) -> list[Recorded[E]]:
    """Everything of these kinds in the log, in order."""
    found: list[Any] = []
    js = platform.nats.jetstream(timeout=10)
    async for batch, _ in read_batches(js, kinds, 0, until_end=True):
        found += batch
    return found


async def next_event(platform: Platform, kind: type[E], *, count: int = 1, limit_s: float = 90.0) -> list[E]:
    """The first `count` events of a kind, waiting for those that are not there yet."""
    return await matching(platform, kind, lambda _: True, count=count, limit_s=limit_s)


async def matching(
    platform: Platform, kind: type[E], matches: Callable[[E], bool], *, count: int = 1, limit_s: float = 90.0
) -> list[E]:
    """The first `count` events of a kind that match, waiting for those that are not there yet."""
    js = platform.nats.jetstream(timeout=10)
    config = ConsumerConfig(
        filter_subjects=[event_filter(kind)],
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=30,
    )
    subscription = await js.pull_subscribe("", stream=STREAM, config=config)
    found: list[E] = []
    deadline_s = time.monotonic() + limit_s
    try:
        while len(found) < count:
            dead = platform.dead()
            assert not dead, f"{dead} ended: {[platform.log_of(d).read_text()[-3000:] for d in dead]}"
            assert time.monotonic() < deadline_s, f"{len(found)} of {count} {kind.NAME} within {limit_s:.0f} s"
            try:
                messages = await subscription.fetch(100, timeout=0.5)
            except TimeoutError:
                continue
            for message in messages:
                from services.runtime.log import decode

                event: E = (await decode(0, message.data, None)).event  # type: ignore[assignment]
                if matches(event):
                    found.append(event)
    finally:
        await subscription.unsubscribe()
    return found[:count]


async def finished(platform: Platform, *, count: int = 1, limit_s: float = 120.0) -> list[RunFinished]:
    return await next_event(platform, RunFinished, count=count, limit_s=limit_s)


async def caught_up(platform: Platform, *, limit_s: float = 60.0) -> None:
    """Until every projection has every event."""
    assert platform.stack is not None
    js, dsn = platform.nats.jetstream(timeout=10), platform.stack.postgres_dsn

    async def all_there() -> bool:
        return not [p.name for p in projections(platform.services) if await behind(js, dsn, p)]

    await until("the projections catching up", all_there, limit_s=limit_s)


async def quiet(platform: Platform, *, limit_s: float = 60.0) -> None:
    """Until every durable consumer has handled everything."""
    js = platform.nats.jetstream(timeout=10)

    async def idle() -> bool:
        for durable in all_durables(platform):
            info = await js.consumer_info(durable.stream, durable.name)
            if info.num_pending or info.num_ack_pending:
                return False
        return True

    await until("all consumers becoming idle", idle, limit_s=limit_s)


def all_durables(platform: Platform) -> Sequence[topology.Durable]:
    return (*topology.durables(), *(topology.device_reader(device_id_of(serial)) for serial in platform.serials))


async def rows(platform: Platform, sql: str, *arguments: Any) -> list[asyncpg.Record]:
    assert platform.stack is not None
    connection = await asyncpg.connect(platform.stack.postgres_dsn, timeout=10)
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def taps_in_tables(platform: Platform, run_id: UUID) -> list[tuple[int, int]]:
    """Where a run tapped, in order, as the tables tell: typing taps its field first, so INPUT actions are taps too."""
    found = await rows(
        platform,
        "SELECT (params::jsonb->'point'->>'x')::int AS x, (params::jsonb->'point'->>'y')::int AS y"
        " FROM device_agent.task_actions WHERE task_run_id = $1 AND status <> 'SKIPPED'"
        " AND (action_type = 'INPUT' OR params::jsonb->>'press' = 'TAP') ORDER BY sequence",
        run_id,
    )
    return [(row["x"], row["y"]) for row in found]


async def captured(platform: Platform) -> list[ObjectRef]:
    """What the log says of every screenshot and hierarchy that was stored, in order; equal ones as often as they were
    seen."""
    captures = [r.event.capture for r in await events(platform, ActionFinished) if r.event.capture is not None]
    return [ref for capture in captures for ref in (capture.screenshot, capture.hierarchy) if ref is not None]


@asynccontextmanager
async def store(platform: Platform) -> AsyncIterator[Objects]:
    assert platform.stack is not None
    s3 = platform.stack.s3
    async with Objects(StoreAddress(s3.endpoint, s3.access_key, s3.secret_key, s3.bucket)) as objects:
        yield objects


async def verify(platform: Platform) -> tuple[int | None, str]:
    """The exit code of `waymark verify`, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        "verify",
        env={**os.environ, **platform.client_environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, said.decode(errors="replace")
