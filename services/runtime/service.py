"""A service process: connects, registers what its `__main__.py` lists, runs until told to stop.

async with Service.open("alerter") as service:
    service.react(ALERTS.name, alert_reactor())
    service.project(PROJECTION)
    await service.run()
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from prometheus_client import make_asgi_app

from contracts.event import Event
from contracts.subjects import STREAM
from contracts.topology import Durable, timer_reader, timer_setter
from services.runtime import telemetry
from services.runtime.aggregate import Aggregate
from services.runtime.catch_up import AWAY, CatchUp
from services.runtime.clock import Clock, SystemClock
from services.runtime.consumer import Consumer, Handler
from services.runtime.dead_letters import DeadLetters
from services.runtime.effect import Effect, Performer
from services.runtime.handlers import EffectHandler, ReactorHandler
from services.runtime.log import Log, Recorded
from services.runtime.migrations import ensure_extensions, migrate
from services.runtime.objects import Objects
from services.runtime.projection import Projection
from services.runtime.provision import key_bucket
from services.runtime.reactor import Decider, Reactor
from services.runtime.sealing import BucketKeyStore, Sealer
from services.runtime.settings import Settings
from services.runtime.timers import TimerSetter
from services.runtime.view import View

S = TypeVar("S")
Out = TypeVar("Out")

_BOOT_PATIENCE_S = 60.0
_STALE_FETCH_S = 60.0
_HTTP_GRACE_S = 5.0


class NotProvisionedError(Exception):
    """Streams or consumers are missing. Run `waymark provision` first."""


@dataclass
class Service:
    """What a service stands on, wired. Attributes are what effects and preparations are built from."""

    name: str
    settings: Settings
    instance: str
    nats: Client
    js: JetStreamContext
    broker: NatsBroker
    log: Log
    sealer: Sealer
    objects: Objects
    clock: Clock
    dead_letters: DeadLetters
    consumers: list[Consumer] = field(default_factory=list)
    catch_ups: list[CatchUp] = field(default_factory=list)
    _jobs: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str, settings: Settings | None = None) -> AsyncIterator[Service]:
        """Connects to everything and closes it afterwards. Waits for servers that are still booting."""
        settings = settings or Settings()
        clock = SystemClock()
        instance = settings.instance or f"{socket.gethostname()}-{clock.new_id().hex[-8:]}"
        telemetry.configure_logging(name, level=settings.log_level)
        tracing = telemetry.configure_tracing(name, settings.otlp_endpoint, instance=instance)
        broker = NatsBroker(
            settings.nats_url,
            name=f"{name}@{instance}",
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=5,
            logger=None,
            apply_types=False,  # Handlers get what was decoded, without a look at their signatures a message.
        )
        async with AsyncExitStack() as stack:
            nats: Client = await broker.connect()
            stack.push_async_callback(broker.stop)
            js = nats.jetstream(timeout=10)
            sealer = Sealer(BucketKeyStore(await _provisioned(js)))
            objects = await stack.enter_async_context(Objects(settings.store()))
            log = Log(nats, sealer)
            letters = DeadLetters(js, name)
            yield cls(name, settings, instance, nats, js, broker, log, sealer, objects, clock, letters)
        if tracing is not None:
            await asyncio.to_thread(tracing.shutdown)

    def decider(self, name: str, aggregate: Aggregate[S]) -> Decider[S]:
        return Decider(name, aggregate, self.log, self.clock)

    def react(
        self,
        reactor: Reactor[S],
        *durables: Durable,
        on_appended: Callable[[list[Recorded[Event]], S], None] | None = None,
    ) -> Decider[S]:
        """Feeds a reactor from durables; the decider, for others that decide about the same aggregates."""
        used = self.decider(reactor.name, reactor.aggregate)
        used.on_appended = on_appended
        for durable in durables:
            self.consume(durable, ReactorHandler(durable.name, reactor, used, self.sealer))
        return used

    def perform(self, effect: Effect[S, Out], *durables: Durable) -> None:
        performer = Performer(effect, self.decider(effect.name, effect.aggregate))
        for durable in durables:
            self.consume(durable, EffectHandler(durable.name, performer, self.sealer))

    def consume(self, durable: Durable, handler: Handler) -> Consumer:
        consumer = Consumer(durable.stream, durable.name, handler, self.dead_letters, self.clock)
        consumer.subscribe(self.broker)
        self.consumers.append(consumer)
        return consumer

    def set_timers(self, owner: str) -> None:
        """Schedules the deadlines in this owner's events. The fired ones are read with `timer_reader(owner)`."""
        durable = timer_setter(owner)
        assert durable is not None, f"{owner} has no event with a deadline"
        assert timer_reader(owner) is not None
        self.consume(durable, TimerSetter(durable.name, self.js))

    def project(self, projection: Projection, migrations: Path) -> None:
        """Keeps a projection's tables, once its migrations are there."""
        dsn = self.settings.postgres_dsn.get_secret_value()
        catch_up = CatchUp(projection, self.js, dsn, projection.schema)
        self.catch_ups.append(catch_up)

        async def job() -> None:
            await _migrated(dsn, projection.schema, migrations)
            await catch_up.run()

        self.background(f"projection {projection.name}", job)

    def view(self, view: View) -> View:
        self.background("view", view.follow)
        return view

    def background(self, name: str, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A job for the life of the process. When it ends or fails, the process ends, and says why."""
        self._jobs.append((name, job))

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, or until a background job fails (which is raised)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        server = _http_server(self)
        jobs = [asyncio.create_task(job(), name=name) for name, job in self._jobs]
        jobs += [asyncio.create_task(c.keep_alive(self.js), name=f"keep-alive {c.durable}") for c in self.consumers]
        http = asyncio.create_task(server.serve(), name="http")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        failures: list[asyncio.Future[None]] = [consumer.queue.failed for consumer in self.consumers]
        waited: list[asyncio.Future[Any]] = [*jobs, *failures, stopped, http]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel([*jobs, stopped])
            for consumer in self.consumers:
                await consumer.close()
            server.should_exit = True
            await asyncio.wait([http], timeout=_HTTP_GRACE_S)
        for ended in (*jobs, *failures, http):
            if ended.done() and not ended.cancelled() and (error := ended.exception()) is not None:
                raise error

    def live(self) -> bool:
        """Whether every consumer is there and was reached lately."""
        return all(time.monotonic() - consumer.last_seen_s < _STALE_FETCH_S for consumer in self.consumers)

    def ready(self) -> bool:
        return self.nats.is_connected


async def _provisioned(js: JetStreamContext) -> Any:
    deadline = time.monotonic() + _BOOT_PATIENCE_S
    while True:
        try:
            await js.stream_info(STREAM)
            return await key_bucket(js)
        except NotFoundError:
            if time.monotonic() > deadline:
                raise NotProvisionedError(
                    f"there is no stream {STREAM} on this NATS server: run `waymark provision` against it"
                ) from None
            await asyncio.sleep(0.1)


async def _migrated(dsn: str, schema: str, folder: Path) -> None:
    """Runs go on without PostgreSQL; so does this, until it is there."""
    while True:
        try:
            await ensure_extensions(dsn)
            await migrate(dsn, schema, folder)
        except AWAY as error:
            telemetry.log.warning("waiting for PostgreSQL", schema=schema, error=repr(error))
            await asyncio.sleep(1.0)
        else:
            return


def _http_server(service: Service) -> uvicorn.Server:
    app = AsgiFastStream(
        service.broker,
        asgi_routes=[
            ("/live", _probe(service.live)),
            ("/ready", _probe(service.ready)),
            ("/metrics", make_asgi_app()),
        ],
        logger=None,
    )
    config = uvicorn.Config(
        app,
        host=service.settings.http_host,
        port=service.settings.http_port,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # this process handles its signals
    return server


def _probe(check: Callable[[], bool]) -> Any:
    @get
    async def answer(_scope: Any) -> AsgiResponse:
        return AsgiResponse(b"ok", 200) if check() else AsgiResponse(b"no", 503)

    return answer


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main(run: Callable[[], Awaitable[None]]) -> None:
    """Runs a service's main coroutine on uvloop; its errors end the process with their words."""
    import uvloop

    uvloop.run(_as_coroutine(run))


async def _as_coroutine(run: Callable[[], Awaitable[None]]) -> None:
    await run()
