"""The agent: attaches to every phone that is ready behind its adb server, and lets go of those that are lost.

Attached means: its events are written, its commands are read from its own durable, its log is followed for crashes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from contracts import topology
from services.device_agent import decisions, logcat
from services.device_agent.adb.client import AdbClient
from services.device_agent.adb.errors import AdbError
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
from services.device_agent.effects import AdbTime, Attached, Driver, crash_event
from services.device_agent.hierarchy_sources.preference import Preferences
from services.device_agent.phone import Identity, Phone
from services.device_agent.presence import Appeared, Lost, Ready
from services.device_agent.registry import Registry
from services.runtime import telemetry
from services.runtime.consumer import INFRASTRUCTURE, Consumer
from services.runtime.effect import Effect, Performer
from services.runtime.handlers import EffectHandler
from services.runtime.log import Cause, ConflictError, Write
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

    def __init__(self, service: Service, host: str, port: int, preferences: Preferences | None = None) -> None:
        self._service = service
        self._preferences = preferences or Preferences()
        self._client = AdbClient(host, port, on_call=self._on_adb)
        self._holds: dict[str, _Hold] = {}
        self._times: dict[str, AdbTime] = {}
        self._devices: Decider[Device] = service.decider("device-agent-device", DEVICE)
        driver = Driver(service.objects, service.clock, self.attached)
        self._effect = Effect(
            name="device-agent-action",
            aggregate=decisions.ACTION,
            triggers=decisions.TRIGGERS,
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
        phone = await Phone.open(self._client, serial, self._preferences.of(serial))
        durable = topology.device_reader(device_id_of(serial))
        await provision_durable(self._service.js, durable)
        await self._notice(_found(phone.identity))
        attached = Attached(phone, self._times[serial])
        performer = Performer(self._effect, self._actions)
        handler = EffectHandler(durable.name, performer, self._service.sealer)
        consumer = Consumer(
            durable.stream, durable.name, handler, self._service.dead_letters, self._service.clock, fetch=1
        )
        hold = _Hold(attached, consumer, consumer.subscribe(self._service.broker))
        self._holds[serial] = hold
        await hold.subscriber.start()
        hold.tasks = [
            asyncio.create_task(consumer.keep_alive(self._service.js), name=f"keep-alive {serial}"),
            asyncio.create_task(self._follow_log(serial, attached), name=f"log {serial}"),
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
        await hold.attached.phone.close()

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
                await attached.phone.hierarchy.rest()
            except (AdbError, *INFRASTRUCTURE) as error:
                telemetry.log.info("phone not read", serial=serial, error=repr(error))
            await asyncio.sleep(HEARTBEAT_EVERY_S)

    async def _follow_log(self, serial: str, attached: Attached) -> None:
        device_id = device_id_of(serial)
        async with contextlib.aclosing(logcat.crashes(self._client, serial)) as crashes:
            async for crash in crashes:
                event = crash_event(attached, device_id, crash, self._service.clock.now())
                step = None if attached.run is None else attached.run.sequence
                cause = Cause(event.occurrence_id, "device-agent-crash", event.run_id, None, step)
                while True:
                    try:
                        await self._service.log.append(
                            [Write(event.OWNER, event.key, 0, (event,))], cause, self._service.clock.now()
                        )
                    except ConflictError:
                        break  # Another agent, or this one before a restart, told of this very crash.
                    except INFRASTRUCTURE as error:
                        telemetry.log.warning("crash not told yet", serial=serial, error=repr(error))
                        await asyncio.sleep(_RETRY_S)
                    else:
                        break

    async def _notice(self, what: Noticed) -> None:
        now = self._service.clock.now()
        trigger: Trigger[Noticed] = Trigger(self._service.clock.new_id(), what, now)
        await self._devices.decide(device_id_of(what.serial), trigger, decisions.decide_device, once=False)

    def _on_adb(self, serial: str, _name: str, started_s: float, ended_s: float, _ok: bool) -> None:
        if (adb_time := self._times.get(serial)) is not None:
            adb_time.add(started_s, ended_s)


def _found(identity: Identity) -> PhoneFound:
    resolution = None if identity.resolution is None else f"{identity.resolution[0]}x{identity.resolution[1]}"
    tags = dict(tag.split(":", 1) for tag in identity.tags if ":" in tag)
    return PhoneFound(
        serial=identity.serial,
        model=identity.model,
        os_version=identity.os_version,
        api_level=identity.api,
        device_type=identity.device_type,
        resolution=resolution,
        tags={**tags, "manufacturer": identity.manufacturer},
    )
