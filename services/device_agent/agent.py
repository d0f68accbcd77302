"""The agent: attaches to every phone that is ready behind its adb server, and lets go of those that are lost.

Attached means: its events are written, its commands are read from its own durable, its log is followed for crashes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from contracts import topology
from contracts.device_agent import DeviceHeartbeat
from contracts.subjects import event_filter
from contracts.values import ANDROID, AppVersion
from services.device_agent import decisions
from services.device_agent.adb.bootstrap import AdbServer
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
    place_of,
    registered,
)
from services.device_agent.effects import BEGUN, AdbTime, Attached, Begun, Driver
from services.device_agent.handling import PhoneHandler
from services.device_agent.hierarchy_sources.preference import Preferences
from services.device_agent.holders import Holders, is_free
from services.device_agent.identity import known_as, way
from services.device_agent.lease.decisions import LEASE
from services.device_agent.lease.keeping import Keeper
from services.device_agent.phone import Identity, Phone, hardware_serial
from services.device_agent.phone_tags import PhoneTags
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
_AFTER_DEFECT_S = 10.0
_ORPHANS_AFTER_S = 10.0
"""Seconds until a phone that was here before the agent should have been seen again."""
_GRACE_S = 5.0
"""Seconds that an action in hand may take to end where the phone is let go of."""


@dataclass
class _Hold:
    """What is running for one attached phone. `adb_serial` is the way to it that is used now."""

    adb_serial: str
    attached: Attached
    consumer: Consumer
    subscriber: Any
    session: int
    """The phone's session here: who holds it in a later one has taken it."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Agent:
    """Holds the phones of one adb server for one service process.

    A phone has one serial in Waymark (`identity`), by which everything here knows it, and maybe several ways to it by
    adb: of those that are ready, the best one is used. A phone that an agent at another adb server holds is left alone
    until that one lets go of it (`holders`).
    """

    def __init__(
        self,
        service: Service,
        server: AdbServer,
        holders: Holders,
        settings: PhoneSettings,
        sources: Preferences | None = None,
    ) -> None:
        self._service, self._server, self._holders = service, server, holders
        self._sources = sources or Preferences()
        self._client = AdbClient.at(server.address, on_call=self._on_adb)
        self._registry = Registry(self._client, server.connect)
        self._tags = settings.configured_tags
        self._name = f"{service.instance}@{server.place}"
        self._names: dict[str, str] = {}
        """By adb serial, the serial in Waymark of each phone that is ready; those are held, or waited for."""
        self._holds: dict[str, _Hold] = {}
        self._moving = asyncio.Lock()
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
            begin=decisions.begin_action(self._name, self.holds),
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
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_holders(), name=f"holders {self._server.place}")
                async with contextlib.aclosing(self._registry.changes()) as changes:
                    async for change in changes:
                        async with self._moving:
                            await self._changed(change)
        finally:
            for serial in list(self._holds):
                await self._detach(serial)

    async def _changed(self, change: Appeared | Ready | Lost) -> None:
        match change:
            case Ready(adb_serial):
                await self._attach_safely(adb_serial)
            case Lost(adb_serial, reason):
                await self._lost(adb_serial, f"{reason}: {change.advice}")
            case Appeared(adb_serial):
                telemetry.log.info("phone appeared", serial=adb_serial, server=self._server.place)
            case _:
                assert_never(change)

    async def _lost(self, adb_serial: str, reason: str) -> None:
        """A way to a phone is gone. Where another one is ready, the phone is not lost."""
        serial = self._names.pop(adb_serial, adb_serial)
        self._times.pop(adb_serial, None)
        hold = self._holds.get(serial)
        if hold is not None and hold.adb_serial != adb_serial:
            return
        # It answers no more: waiting for it would only put off what others are to know, and other phones.
        await self._detach(serial, grace_s=0.0, reachable=False)
        for other in self._ways(serial):
            await self._attach_safely(other)
            if serial in self._holds:
                return
        await self._notice_surely(PhoneGone(serial, reason, self._name))

    def _ways(self, serial: str) -> list[str]:
        """The adb serials by which the phone is ready, best first."""
        ready = self._registry.ready
        return sorted((adb for adb, name in self._names.items() if name == serial and adb in ready), key=way)

    async def _watch_holders(self) -> None:
        """Lets go of phones that another place has taken; takes those that have become free, or could not be taken."""
        began_s, orphans = time.monotonic(), True
        while True:
            await asyncio.sleep(_RETRY_S)
            async with self._moving:
                # Phones are attached one after the other: those that wait for their turn are no orphans.
                is_told = self._registry.there <= self._names.keys()
                if orphans and is_told and time.monotonic() - began_s > _ORPHANS_AFTER_S:
                    orphans = False
                    await self._tell_orphans()
                for taken in [serial for serial, hold in self._holds.items() if self._is_elsewhere(serial, hold)]:
                    telemetry.log.info("phone is held at another place now", serial=taken)
                    await self._detach(taken, grace_s=0.0)
                for adb_serial in sorted(self._registry.ready, key=way):
                    serial = self._names.get(adb_serial)
                    if serial is None or (serial not in self._holds and self._is_free(serial, adb_serial)):
                        await self._attach_safely(adb_serial)

    async def _tell_orphans(self) -> None:
        """Phones that the log has here, and that left while no agent was there to tell."""
        ready = set(self._names.values())
        for phone in await self._holders.registered():
            held = self._holders.held(phone.serial)
            if phone.serial in ready or held is None or held.agent is None:
                continue
            if place_of(held.agent) == self._server.place:
                reason = "ABSENT: it was gone when the agent came back: check that it is on, and its cable or network"
                await self._notice_surely(PhoneGone(phone.serial, reason, self._name))

    def _is_elsewhere(self, serial: str, hold: _Hold) -> bool:
        held = self._holders.held(serial)
        if held is None or held.agent is None or place_of(held.agent) == self._server.place:
            return False
        return held.session > hold.session

    def _is_free(self, serial: str, adb_serial: str) -> bool:
        now = self._service.clock.now()
        return is_free(self._holders.held(serial), self._server.place, way(adb_serial), now)

    async def _attach_safely(self, adb_serial: str) -> None:
        try:
            await self._attach(adb_serial)
        except (AdbError, *INFRASTRUCTURE) as error:  # It is tried again, see `_watch_holders`.
            telemetry.log.warning("phone cannot be attached yet", serial=adb_serial, error=repr(error))

    async def _attach(self, adb_serial: str) -> None:
        """Takes the phone, unless it is held already by a better way or at another place."""
        self._times.setdefault(adb_serial, AdbTime())
        hardware = await hardware_serial(self._client, adb_serial)
        async with self._holders.naming:
            serial = known_as(adb_serial, hardware, self._server.name, await self._holders.registered())
            self._names[adb_serial] = serial
            hold = self._holds.get(serial)
            if hold is not None and way(hold.adb_serial) <= way(adb_serial):
                return
            if hold is None and not self._is_free(serial, adb_serial):
                telemetry.log.info("phone is held at another place, waiting for it", serial=serial)
                return
            await self._detach(serial)
            phone = await Phone.open(self._client, adb_serial, self._sources.of(serial))
            await provision_durable(self._service.js, topology.device_reader(device_id_of(serial)))
            await self._keeper.restore_left_over(phone, serial, device_id_of(serial))
            found = _found(phone.identity, self._tags, serial, self._name)
            await self._notice(found)
            self._holders.note(registered(found))
        await self._hold(serial, phone)

    async def _hold(self, serial: str, phone: Phone) -> None:
        """Reads the phone's commands, and follows it."""
        state = (await self._devices.states.get(device_id_of(serial))).state
        watched_until = await self._watched_until(device_id_of(serial))
        begun = self._begun.setdefault(serial, Begun(maxlen=BEGUN))
        attached = Attached(phone, self._times[phone.serial], begun=begun)
        durable = topology.device_reader(device_id_of(serial))
        performer = Performer(self._effect, self._actions)
        handler = PhoneHandler(
            durable.name, serial, performer, self._keeper, lambda: self.attached(serial), self._service.sealer
        )
        consumer = Consumer(
            durable.stream, durable.name, handler, self._service.dead_letters, self._service.clock, fetch=1
        )
        hold = _Hold(phone.serial, attached, consumer, consumer.subscribe(self._service.broker), state.session)
        self._holds[serial] = hold
        await hold.subscriber.start()
        hold.tasks = [
            asyncio.create_task(consumer.keep_alive(self._service.js), name=f"keep-alive {serial}"),
            asyncio.create_task(_kept_up(lambda: self._watch_crashes(serial, attached, watched_until), serial)),
            asyncio.create_task(_kept_up(lambda: self._tend(serial, attached), serial)),
        ]
        telemetry.log.info("phone attached", serial=serial, by=phone.serial, server=self._server.place)

    async def _detach(self, serial: str, grace_s: float = _GRACE_S, *, reachable: bool = True) -> None:
        hold = self._holds.pop(serial, None)
        if hold is None:
            return
        await hold.subscriber.stop()
        for task in hold.tasks:
            task.cancel()
        await asyncio.gather(*hold.tasks, return_exceptions=True)
        await hold.consumer.close(grace_s=grace_s)
        await hold.attached.phone.close(reachable=reachable)

    async def _tend(self, serial: str, attached: Attached) -> None:
        """Installed apps at once, when that changed, and with each heartbeat of the log."""
        while True:
            attached.apps_changed.clear()
            try:
                names = (await attached.phone.user_packages())[:_MAX_PACKAGES]
                versions = [await attached.phone.app_version(name) for name in names]
                found = (_android(attached.phone.identity), *(v for v in versions if v is not None))
                attached.versions.update({v.package: v for v in found})
                await self._notice(AppsFound(serial, found, self._name))
                health = await attached.phone.health()
                await self._notice(PhoneBeat(serial, health.battery_percent, health.temperature_c, self._name))
                await attached.phone.hierarchy.rest()
            except (AdbError, *INFRASTRUCTURE) as error:
                telemetry.log.info("phone not read", serial=serial, error=repr(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_EVERY_S):
                    await attached.apps_changed.wait()

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

    async def _notice_surely(self, what: PhoneGone) -> None:
        """Also after an outage of the log: nobody else tells that the phone has gone."""
        while True:
            try:
                await self._notice(what)
            except INFRASTRUCTURE as error:
                telemetry.log.warning("loss of a phone not told yet", serial=what.serial, error=repr(error))
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _on_adb(self, serial: str, _name: str, started_s: float, ended_s: float, _ok: bool) -> None:
        if (adb_time := self._times.get(serial)) is not None:
            adb_time.add(started_s, ended_s)


async def _kept_up(work: Callable[[], Coroutine[None, None, None]], serial: str) -> None:
    """Work for a phone that never ends by itself. A defect in it is told, and costs neither the other phones nor for
    ever this one's crashes and heartbeats."""
    while True:
        try:
            await work()
        except Exception as defect:  # noqa: BLE001 - whatever it is, it is told with its stack
            telemetry.log.error("work for a phone failed, it begins anew", serial=serial, exc_info=defect)
            await asyncio.sleep(_AFTER_DEFECT_S)


def _android(identity: Identity) -> AppVersion:
    """Android itself, as the app that a run is about which is about none."""
    return AppVersion(package=ANDROID, version_name=identity.os_version, version_code=identity.api, label="Android")


def _found(identity: Identity, configured: PhoneTags, serial: str, agent: str) -> PhoneFound:
    return PhoneFound(
        serial=serial,
        model=identity.model,
        os_version=identity.os_version,
        api_level=identity.api,
        device_type=identity.device_type,
        resolution=identity.tags.get("resolution"),
        tags={**configured.of(serial), **identity.tags},
        hardware_serial=identity.hardware_serial,
        agent=agent,
    )
