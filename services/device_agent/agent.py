"""The agent: attaches to every phone that is ready behind its adb server, and lets go of those that are lost.

Attached means: its events are written, its commands are read from its own durable, its log is followed for crashes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import topology
from contracts.device_agent import DeviceHeartbeat
from contracts.subjects import event_filter
from services.device_agent import decisions
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError
from services.device_agent.crash_watch import CrashWatch
from services.device_agent.decisions import (
    DEVICE,
    HEARTBEAT_EVERY_S,
    AppsFound,
    Device,
    Noticed,
    PhoneBeat,
    PhoneFound,
    PhoneGone,
    device_id_of,
)
from services.device_agent.effects import BEGUN, AdbTime, Attached, Begun, Driver
from services.device_agent.handling import PhoneHandler
from services.device_agent.lease.decisions import LEASE
from services.device_agent.lease.keeping import Keeper
from services.device_agent.phone import Identity, Phone
from services.device_agent.presence import Appeared, Lost, Ready
from services.device_agent.registry import Registry
from services.device_agent.settings import PhoneSettings
from services.runtime import telemetry
from services.runtime.consumer import INFRASTRUCTURE, Consumer
from services.runtime.effect import Effect, Performer
from services.runtime.provision import provision_durable
from services.runtime.reactor import Decider, Trigger
from services.runtime.service import Service

_MAX_PACKAGES = 300
_RETRY_S = 1.0


@dataclass
class _Hold:
    """What is running for one attached phone."""

    attached: Attached
    consumer: Consumer
    subscriber: Any
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Agent:
    """Holds the phones of one adb server for one service process."""

    def __init__(self, service: Service, host: str, port: int, settings: PhoneSettings) -> None:
        self._service = service
        self._client = AdbClient(host, port, on_call=self._on_adb)
        self._holds: dict[str, _Hold] = {}
        self._times: dict[str, AdbTime] = {}
        self._begun: dict[str, Begun] = {}
        self._devices: Decider[Device] = service.decider("device-agent-device", DEVICE)
        leases = service.decider("device-agent-lease", LEASE)
        self._keeper = Keeper(service.log, service.clock, leases, settings)
        driver = Driver(service.objects, service.clock, self._keeper, self.attached)
        self._effect = Effect(
            name="device-agent-action",
            aggregate=decisions.ACTION,
            triggers=decisions.ACTION_TRIGGERS,
            begin=decisions.begin_action(service.instance, self.holds),
            pending=decisions.is_pending,
            perform=driver.perform,
            finish=decisions.finish_action,
        )
        self._actions = service.decider(self._effect.name, self._effect.aggregate)

    def attached(self, serial: str) -> Attached | None:
        hold = self._holds.get(serial)
        return None if hold is None else hold.attached

    def holds(self, serial: str) -> bool:
        return serial in self._holds

    async def run(self) -> None:
        """Until cancelled: phones come and go."""
        registry = Registry(self._client)
        try:
            async with contextlib.aclosing(registry.changes()) as changes:
                async for change in changes:
                    match change:
                        case Ready(serial):
                            await self._attach_safely(serial)
                        case Lost(serial, reason):
                            await self._detach(serial)
                            await self._notice(PhoneGone(serial, f"{reason}: {change.advice}"))
                        case Appeared(serial):
                            telemetry.log.info("phone appeared", serial=serial)
        finally:
            for serial in list(self._holds):
                await self._detach(serial)

    async def _attach_safely(self, serial: str) -> None:
        for attempt in range(5):
            try:
                await self._attach(serial)
            except (AdbError, *INFRASTRUCTURE) as error:
                telemetry.log.warning("phone cannot be attached", serial=serial, attempt=attempt, error=repr(error))
                await asyncio.sleep(_RETRY_S * (attempt + 1))
            else:
                return

    async def _attach(self, serial: str) -> None:
        if serial in self._holds:
            return
        self._times[serial] = AdbTime()
        phone = await Phone.open(self._client, serial)
        durable = topology.device_reader(device_id_of(serial))
        await provision_durable(self._service.js, durable)
        watched_until = await self._watched_until(device_id_of(serial))
        await self._keeper.restore_left_over(phone, device_id_of(serial))
        await self._notice(_found(phone.identity))
        attached = Attached(phone, self._times[serial], begun=self._begun.setdefault(serial, Begun(maxlen=BEGUN)))
        performer = Performer(self._effect, self._actions)
        handler = PhoneHandler(
            durable.name, performer, self._keeper, lambda: self.attached(serial), self._service.sealer
        )
        consumer = Consumer(
            durable.stream, durable.name, handler, self._service.dead_letters, self._service.clock, fetch=1
        )
        hold = _Hold(attached, consumer, consumer.subscribe(self._service.broker))
        self._holds[serial] = hold
        await hold.subscriber.start()
        hold.tasks = [
            asyncio.create_task(consumer.keep_alive(self._service.js), name=f"keep-alive {serial}"),
            asyncio.create_task(self._watch_crashes(serial, attached, watched_until), name=f"crashes {serial}"),
            asyncio.create_task(self._tend(serial, attached), name=f"tend {serial}"),
        ]
        telemetry.log.info("phone attached", serial=serial, model=phone.identity.model)

    async def _detach(self, serial: str) -> None:
        hold = self._holds.pop(serial, None)
        if hold is None:
            return
        await hold.subscriber.stop()
        for task in hold.tasks:
            task.cancel()
        await asyncio.gather(*hold.tasks, return_exceptions=True)
        await hold.consumer.close()

    async def _tend(self, serial: str, attached: Attached) -> None:
        """Installed apps at once and then with each heartbeat of the log."""
        while True:
            try:
                names = (await attached.phone.user_packages())[:_MAX_PACKAGES]
                versions = [await attached.phone.app_version(name) for name in names]
                attached.versions.update({v.package: v for v in versions if v is not None})
                await self._notice(AppsFound(serial, tuple(v for v in versions if v is not None)))
                health = await attached.phone.health()
                await self._notice(PhoneBeat(serial, health.battery_percent, health.temperature_c))
            except (AdbError, *INFRASTRUCTURE) as error:
                telemetry.log.info("phone not read", serial=serial, error=repr(error))
            await asyncio.sleep(HEARTBEAT_EVERY_S)

    async def _watch_crashes(self, serial: str, attached: Attached, since: datetime | None) -> None:
        device_id, service = device_id_of(serial), self._service
        await CrashWatch(self._client, service.log, service.objects, service.clock, attached, device_id, since).run()

    async def _watched_until(self, device_id: UUID) -> datetime | None:
        """When an agent heard of the phone last; None: none ever did."""
        while True:
            try:
                last = await self._service.log.last(event_filter(DeviceHeartbeat, key=device_id))
            except INFRASTRUCTURE as error:
                telemetry.log.info("last heartbeat not read", device_id=str(device_id), error=repr(error))
                await asyncio.sleep(_RETRY_S)
            else:
                return None if last is None else last.time

    async def _notice(self, what: Noticed) -> None:
        now = self._service.clock.now()
        trigger: Trigger[Noticed] = Trigger(self._service.clock.new_id(), what, now)
        await self._devices.decide(device_id_of(what.serial), trigger, decisions.decide_device, once=False)

    def _on_adb(self, serial: str, _name: str, started_s: float, ended_s: float, _ok: bool) -> None:
        if (adb_time := self._times.get(serial)) is not None:
            adb_time.add(started_s, ended_s)


def _found(identity: Identity) -> PhoneFound:
    resolution = None if identity.resolution is None else f"{identity.resolution[0]}x{identity.resolution[1]}"
    return PhoneFound(
        serial=identity.serial,
        model=identity.model,
        os_version=identity.os_version,
        api_level=identity.api,
        device_type=identity.device_type,
        resolution=resolution,
        tags=identity.named_tags,
    )
