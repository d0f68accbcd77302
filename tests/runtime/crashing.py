"""Processes that die: each boundary between a program and the world is a named point at which one can be killed.

A process is a group of tasks with a connection of its own and a memory of its own. To kill it is to cut its connection
and end its tasks; what it had not sent is lost, and at every later point it finds itself dead.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts.event import Event
from contracts.topology import Durable
from services.runtime.catch_up import CatchUp
from services.runtime.clock import SystemClock
from services.runtime.consumer import Consumer, Handler
from services.runtime.dead_letters import DeadLetters
from services.runtime.effect import Performer
from services.runtime.handlers import EffectHandler, ReactorHandler
from services.runtime.log import Cause, Log, Recorded, Write
from services.runtime.projection import Projection
from services.runtime.provision import KEY_BUCKET
from services.runtime.reactor import Decider, Reactor, Trigger
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.tables import Tables
from services.runtime.timers import TimerSetter
from tests.runtime import shop

Point = tuple[str, int]
"""A boundary's name, and the how manyth time it is crossed."""

_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Killed(BaseException):
    """No `except Exception` may go on after this, as none does after SIGKILL."""


@dataclass
class Plan:
    """Where to crash. `crossed` counts the points over all lives of a shop, in the order in which they came."""

    crashes: frozenset[Point] = frozenset()
    crossed: Counter[str] = field(default_factory=Counter)
    history: list[Point] = field(default_factory=list)
    happened: set[Point] = field(default_factory=set)

    def cross(self, name: str) -> bool:
        """Whether this is where to crash."""
        self.crossed[name] += 1
        point = (name, self.crossed[name])
        self.history.append(point)
        if point not in self.crashes:
            return False
        self.happened.add(point)
        return True

    def is_next(self, name: str) -> bool:
        return (name, self.crossed[name] + 1) in self.crashes


@contextmanager
def tasks_known_by_process() -> Iterator[None]:
    """While this is open, every task belongs to the process that made it."""

    def make(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        if (process := _PROCESS.get()) is not None:
            process.tasks.add(task)
        return task

    loop = asyncio.get_running_loop()
    loop.set_task_factory(make)  # type: ignore[arg-type]
    try:
        yield
    finally:
        loop.set_task_factory(None)


@dataclass(eq=False)
class Process:
    """One life of the shop's program."""

    url: str
    dsn: str
    durables: dict[str, Durable]
    projection: Projection
    plan: Plan
    world: shop.World
    instance: str
    dead: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: weakref.WeakSet[asyncio.Task[Any]] = field(default_factory=weakref.WeakSet)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    client: Client = field(init=False)
    consumers: list[Consumer] = field(default_factory=list)

    def start(self) -> None:
        context = contextvars.copy_context()
        context.run(_PROCESS.set, self)
        self.tasks.add(asyncio.get_running_loop().create_task(self._run(), context=context))

    async def point(self, name: str) -> None:
        if self.dead.is_set():
            raise Killed
        if self.plan.cross(name):
            self.dead.set()
            raise Killed

    async def kill(self) -> None:
        """Cuts the connection, then ends every task of this process."""
        await self.connected.wait()
        self.dead.set()
        self.client.options["allow_reconnect"] = False
        self.client._transport._io_writer.transport.abort()
        for _ in range(50):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                return
            for consumer in self.consumers:
                consumer._subscriber.running = False
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=0.2)
        raise AssertionError(f"tasks that do not end: {left}")

    async def _run(self) -> None:
        broker = NatsBroker(self.url, logger=None, apply_types=False)
        self.client = client = await broker.connect()
        self.connected.set()
        js = client.jetstream(timeout=5)
        sealer = Sealer(BucketKeyStore(await js.key_value(KEY_BUCKET)))
        log = CrashingLog(client, sealer)
        log.process = self
        letters = DeadLetters(js, f"shop_{self.projection.schema}")
        for name, handler in self._handlers(log, sealer, js).items():
            durable = self.durables[name]
            acking = Acking(durable.name, handler, self, name)
            consumer = Consumer(durable.stream, durable.name, acking, letters, SystemClock())
            consumer.subscribe(broker)
            self.consumers.append(consumer)
        await broker.start()
        catch_up = CatchUp(self.projection, js, self.dsn, self.projection.schema)
        catch_up.tables = CrashingTables(self.projection, process=self)
        alive = [asyncio.create_task(consumer.keep_alive(js)) for consumer in self.consumers]
        await asyncio.gather(catch_up.run(), *alive, *(consumer.queue.failed for consumer in self.consumers))

    def _handlers(self, log: Log, sealer: Sealer, js: JetStreamContext) -> dict[str, Handler]:
        def react(reactor: Reactor[Any]) -> Handler:
            decider = Decider(reactor.name, reactor.aggregate, log, SystemClock())
            return ReactorHandler(reactor.name, reactor, decider, sealer)

        effect = shop.work(self.instance, self._touch)
        performer = Performer(effect, Decider(effect.name, effect.aggregate, log, SystemClock()))
        return {
            "intake": react(shop.INTAKE),
            "booking": react(shop.BOOKING),
            "settling": react(shop.SETTLING),
            "closing": react(shop.CLOSING),
            "reminding": react(shop.REMINDING),
            "work": EffectHandler(effect.name, performer, sealer),
            "deadlines": CrashingTimers("shop-deadlines", js, process=self),
        }

    async def _touch(self, job_id: UUID) -> str:
        await self.point("effect before")
        result = self.world.touch(job_id)
        await self.point("effect after")
        return result


class CrashingLog(Log):
    process: Process

    async def append(self, writes: Sequence[Write], cause: Cause, now: datetime) -> list[Recorded[Event]]:
        name = next((type(event).__name__ for write in writes for event in write.events), "nothing")
        await self.process.point(f"append {name} before")
        appended = await super().append(writes, cause, now)
        await self.process.point(f"append {name} after")
        return appended


@dataclass
class CrashingTimers(TimerSetter):
    process: Process = field(kw_only=True)

    async def handle(self, trigger: Trigger[Any]) -> None:
        await self.process.point("timer before")
        await super().handle(trigger)
        await self.process.point("timer after")


@dataclass
class CrashingTables(Tables):
    process: Process = field(kw_only=True)

    async def apply(self, connection: asyncpg.Connection, batch: Sequence[Recorded[Event]], checkpoint: int) -> None:
        await super().apply(connection, batch, checkpoint)
        await self.process.point("commit after")

    async def _move(self, connection: asyncpg.Connection, old: int, last: Recorded[Event]) -> None:
        await super()._move(connection, old, last)
        await self.process.point("commit before")


@dataclass
class Acking:
    """A handler whose messages are acknowledged at points."""

    name: str
    handler: Handler
    process: Process
    place: str

    async def decode(self, message: Msg) -> Trigger[Any]:
        message.ack = self._at_points(message.ack)  # type: ignore[method-assign]
        return await self.handler.decode(message)

    def key_of(self, trigger: Trigger[Any]) -> Any:
        return self.handler.key_of(trigger)

    async def handle(self, trigger: Trigger[Any]) -> None:
        await self.handler.handle(trigger)

    def _at_points(self, ack: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def acknowledge() -> None:
            await self.process.point(f"ack {self.place} before")
            await ack()
            if self.process.plan.is_next(f"ack {self.place} after"):
                await self.process.client.flush()  # So that the server has it before the connection is cut.
            await self.process.point(f"ack {self.place} after")

        return acknowledge
