"""Doing an action on a phone: through the fence, then a capture, its bytes stored, locators tried on what is seen."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts import device_agent as events
from contracts.orchestrator import ActionRequested
from contracts.subjects import derived_id
from contracts.values import (
    Addressed,
    AppVersion,
    Await,
    Install,
    Navigate,
    ObjectRef,
    Observe,
    PressKey,
    StartApp,
    Uninstall,
)
from services.device_agent import capture as capturing
from services.device_agent.adb.errors import AdbError
from services.device_agent.aiming import aim
from services.device_agent.apps.labels import Labels
from services.device_agent.apps.starting import launch_of
from services.device_agent.checks import Seen, check_all
from services.device_agent.decisions import Action, Outcome
from services.device_agent.installing import Installer, Lease
from services.device_agent.lease.keeping import Keeper
from services.device_agent.performing import Performed, Result
from services.device_agent.phone import Phone
from services.device_agent.sending import Done, read_back, send, sighting, was_attempted
from services.runtime.clock import Clock
from services.runtime.objects import MissingObjectError, Objects
from services.runtime.reactor import Trigger

_PACKAGE = re.compile(rb' package="([A-Za-z][\w.]{0,200})"')
_SYSTEM_UI = b"com.android.systemui"
_MAX_PACKAGES = 8
_TO_TELL_S = 3.0
"""What an installation leaves of its time, so that its end is known before the run stops waiting for it."""
_TO_LAUNCH_S = 15.0
"""What looking for an app leaves of the action's time for its launch and a capture."""
KNOWN_S = 0.5
"""So long a screen that was seen at rest counts as seen right before an action: a capture itself takes longer."""
BEGUN = 100
DRIVEN = timedelta(minutes=10)
"""So long after an action began, what happens on the phone may still be its doing."""
_PAUSES_S = (0.1, 0.3, 0.6, 1.0, 2.0, 4.0)
"""Waits for a phone that has just left: adb brings it back within a second or two, or the registry tells it lost."""

Begun = deque[tuple[datetime, ActionRequested]]


@dataclass
class AdbTime:
    """Milliseconds in which at least one adb call of a phone was open, since `start`."""

    _open: int = 0
    _since_s: float = 0.0
    _total_s: float = 0.0

    def add(self, started_s: float, ended_s: float) -> None:
        """Calls of one action follow each other, but for a heartbeat in between; overlaps count once."""
        begin_s = max(started_s, self._since_s)
        if ended_s > begin_s:
            self._total_s += ended_s - begin_s
            self._since_s = ended_s

    def take_ms(self) -> int:
        total_ms = int(self._total_s * 1000)
        self._total_s = 0.0
        return total_ms


@dataclass(frozen=True)
class Ended:
    """What an action ended with, seen `at_s` of the monotonic clock, under which lease."""

    token: int
    seen: capturing.Capture
    at_s: float


@dataclass
class Attached:
    """A phone that this agent holds, with what it keeps of it: versions of apps, what was done on it."""

    phone: Phone
    adb_time: AdbTime
    versions: dict[str, AppVersion | None] = field(default_factory=dict)
    apps_changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an app was installed or removed: what is installed is read anew then."""
    prepared: int | None = None
    """Token of the lease for which the phone was made ready on this attachment."""
    ended: Ended | None = None
    """What the last action ended with; none while one is under way, and after what shows nothing."""
    begun: Begun = field(default_factory=lambda: deque(maxlen=BEGUN))
    """The last actions, each with the time at which it began; kept while a phone is away for a moment."""

    def last_before(self, moment: datetime) -> ActionRequested | None:
        """The action that was the last to begin before a moment; none where that is long ago: nobody drove it then."""
        return next((asked for at, asked in reversed(self.begun) if at <= moment < at + DRIVEN), None)

    def take_known(self, token: int, now_s: float) -> capturing.Capture | None:
        """What is on the phone, seen a moment ago and at rest, where nothing was done since; only once."""
        ended, self.ended = self.ended, None
        if ended is None or ended.token != token or now_s - ended.at_s > KNOWN_S:
            return None
        return ended.seen if ended.seen.stable and ended.seen.volatile is None else None


@dataclass
class Driver:
    """Performs actions. `attached` finds the phone of a serial; None where it has gone."""

    objects: Objects
    clock: Clock
    keeper: Keeper
    attached: Callable[[str], Attached | None]
    installer: Installer = field(init=False)
    labels: Labels = field(default_factory=Labels)

    def __post_init__(self) -> None:
        self.installer = Installer(self.objects)

    async def perform(self, _state: Action, trigger: Trigger[ActionRequested], fresh: bool) -> Outcome:
        """At most once: the phone's fence refuses what it has seen, and then the outcome is unknown."""
        asked = trigger.what
        started_at = self.clock.now()
        held = self.attached(asked.serial)
        if held is None:
            gone = Performed(Result.UNKNOWN if not fresh else Result.NOT_ATTEMPTED, "the phone has gone")
            return Outcome(gone, None, (), (), started_at, 0, not fresh)
        held.begun.append((started_at, asked))
        held.adb_time.take_ms()
        known = held.take_known(asked.lease_token, time.monotonic()) if held.prepared == asked.lease_token else None
        if isinstance(asked.action, Install | Uninstall):
            return await self._change_apps(held, trigger, asked.action, started_at, fresh)
        done = await self._do(held, trigger, fresh, known)
        seen, capture, checks = await self._look(held, asked, done)
        if done.performed.result is Result.UNKNOWN or _shows_no_app(seen):
            held.prepared = None  # It left, went dark or locked itself: before the next action it is made ready again.
        return Outcome(
            performed=done.performed if seen is None else read_back(done, seen),
            capture=capture,
            checks=checks,
            declared_activities=await self._declared(held, done.action),
            started_at=started_at,
            adb_ms=held.adb_time.take_ms(),
            resolved=not fresh,
            sighting=sighting(asked, done, seen),
        )

    async def _change_apps(
        self,
        held: Attached,
        trigger: Trigger[ActionRequested],
        action: Install | Uninstall,
        started_at: datetime,
        fresh: bool,
    ) -> Outcome:
        """Installing and removing show nothing on the screen that a run needs to see, so there is no capture."""
        asked, files = trigger.what, None
        if (refusal := await self._prepare_patiently(held, trigger)) is not None:
            return Outcome(refusal, None, (), (), started_at, held.adb_time.take_ms(), not fresh)
        lease = Lease(asked.lease_token, asked.sequence)
        left_s = (asked.expires_at - self.clock.now()).total_seconds() - _TO_TELL_S
        if isinstance(action, Install):
            performed, files = await self.installer.install(held.phone, action.app, lease, left_s)
            held.versions.pop(action.app.package, None)
        else:
            performed = await self.installer.uninstall(held.phone, action.package, lease, max(left_s, 1.0))
            held.versions.pop(action.package, None)
        held.apps_changed.set()
        return Outcome(performed, None, (), (), started_at, held.adb_time.take_ms(), not fresh, installed=files)

    async def _prepare_patiently(self, held: Attached, trigger: Trigger[ActionRequested]) -> Performed | None:
        """As `_prepare`, again while the phone is away for a moment."""
        for pause_s in _PAUSES_S:
            refusal = await self._prepare(held, trigger)
            if refusal is None or refusal.result is not Result.NOT_ATTEMPTED:
                return refusal
            await asyncio.sleep(pause_s)
        return await self._prepare(held, trigger)

    async def _do(
        self, held: Attached, trigger: Trigger[ActionRequested], fresh: bool, known: capturing.Capture | None
    ) -> Done:
        """Does the action; while the phone surely was not touched, again, until it is back or patience ends."""
        asked = trigger.what
        tries = iter(_PAUSES_S)
        while True:
            refusal = await self._prepare(held, trigger)
            done = await self._attempt(held, asked, fresh, known) if refusal is None else Done(refusal, asked.action)
            known = None
            pause_s = next(tries, None)
            if done.performed.result is not Result.NOT_ATTEMPTED or pause_s is None:
                return done
            await asyncio.sleep(pause_s)

    async def _attempt(
        self, held: Attached, asked: ActionRequested, fresh: bool, known: capturing.Capture | None
    ) -> Done:
        action = asked.action
        if not isinstance(action, Addressed | Await | PressKey | StartApp):
            return await send(held.phone, asked, Done(Performed(Result.DONE), action))
        try:
            if not fresh and await was_attempted(held.phone, asked):
                # Where its target is now proves nothing: it may have gone because it was touched.
                return Done(Performed(Result.DUPLICATE, "attempted before, by somebody who did not tell"), action)
            if isinstance(action, StartApp):
                return await self._start(held, asked, action)
            aimed = await aim(action, lambda: self._captured(held), time.monotonic, known)
        except AdbError as error:
            return Done(Performed(Result.NOT_ATTEMPTED, str(error)), action)
        done = Done(aimed.performed, aimed.action or action, aimed.sighting, aimed.seen)
        return done if aimed.action is None else await send(held.phone, asked, done)

    async def _start(self, held: Attached, asked: ActionRequested, action: StartApp) -> Done:
        """Launches the app that is called so. Raises `AdbError` where the phone cannot be asked which that is."""
        left_s = (asked.expires_at - self.clock.now()).total_seconds() - _TO_LAUNCH_S
        launch = await launch_of(self.labels, held.phone, action, left_s)
        if isinstance(launch, Performed):
            return Done(launch, action)
        return await send(held.phone, asked, Done(Performed(Result.DONE), launch))

    async def _captured(self, held: Attached) -> capturing.Capture:
        """What is on the phone now, its bytes stored while the phone is still being read."""

        async def keep_picture(png: bytes) -> None:
            await self.objects.put(png, "png")

        async def keep_hierarchy(xml: bytes) -> None:
            await self.objects.put(xml, "xml")

        return await capturing.capture(held.phone, keep_picture, on_hierarchy=keep_hierarchy)

    async def _prepare(self, held: Attached, trigger: Trigger[ActionRequested]) -> Performed | None:
        """Makes the phone ready for the lease, once an attachment; None where it is, else why it is not."""
        token = trigger.what.lease_token
        if held.prepared == token:
            return None
        try:
            refusal = await self.keeper.prepare(held.phone, trigger)
        except AdbError as error:
            return Performed(Result.NOT_ATTEMPTED, str(error))
        held.prepared = token if refusal is None else None
        return refusal

    async def _capture(self, held: Attached, action: Any) -> capturing.Capture:
        """What is on the phone now; a phone that has just left is waited for. Raises `AdbError` when it stays away."""
        before = held.phone.last_shown

        async def look() -> capturing.Capture:
            if isinstance(action, Observe) and action.patience_s > 0:
                return await capturing.capture_next(held.phone, before, action.patience_s)
            return await self._captured(held)

        for pause_s in _PAUSES_S:
            try:
                return await look()
            except AdbError:
                await asyncio.sleep(pause_s)
        return await look()

    async def _look(
        self, held: Attached, asked: ActionRequested, done: Done
    ) -> tuple[capturing.Capture | None, events.Capture | None, tuple[events.CheckResult, ...]]:
        """What is in front now; where nothing was sent, what was looked at for that."""
        if done.performed.result in {Result.STALE, Result.NOT_FIT}:
            return None, None, ()
        try:
            seen = done.seen or await self._capture(held, asked.action)
            held.ended = Ended(asked.lease_token, seen, time.monotonic())
            versions = await self._versions(held, seen)
        except AdbError:
            return None, None, ()
        screenshot = None if seen.png is None else await self.objects.put(seen.png, "png")
        hierarchy = None if seen.hierarchy_xml is None else await self.objects.put(seen.hierarchy_xml, "xml")
        captured = events.Capture(
            capture_id=derived_id("capture", asked.action_id),
            screenshot=screenshot,
            screenshot_absent=None if seen.picture_absent_reason is None else seen.picture_absent_reason.name,
            hierarchy=hierarchy,
            hierarchy_absent=None if seen.hierarchy_absent_reason is None else seen.hierarchy_absent_reason.name,
            hierarchy_said=None if seen.hierarchy_absent_reason is None else seen.hierarchy_said[:500],
            source=seen.source.value,
            windows=seen.windows,
            split_screen=seen.split_screen,
            foreground=seen.foreground,
            versions=versions,
            width=seen.width or 0,
            height=seen.height or 0,
            rotation=seen.rotation or 0,
            stable=seen.stable,
            captured_at=self.clock.now(),
        )
        return seen, captured, await self._check(asked, seen)

    async def _check(self, asked: ActionRequested, seen: capturing.Capture) -> tuple[events.CheckResult, ...]:
        if not isinstance(asked.action, Observe) or not asked.action.checks:
            return ()
        checks = asked.action.checks
        templates = {c.candidate_id: await self._template(c.template) for c in checks if c.template is not None}
        found = {key: png for key, png in templates.items() if png is not None}
        results = await asyncio.to_thread(
            check_all,
            checks,
            Seen(
                seen.hierarchy_xml,
                seen.png,
                seen.width,
                seen.height,
                "" if seen.hierarchy_absent_reason is None else seen.hierarchy_absent_reason.name,
                "" if seen.picture_absent_reason is None else seen.picture_absent_reason.name,
            ),
            found,
        )
        return tuple(
            [
                events.CheckResult(
                    check=check,
                    status=result.status,
                    latency_ms=round(result.latency_ms),
                    found=result.bounds,
                    screenshot=None if result.picture is None else await self.objects.put(result.picture, "png"),
                    notes=result.note or None,
                )
                for check, result in zip(checks, results, strict=True)
            ]
        )

    async def _template(self, ref: ObjectRef) -> bytes | None:
        try:
            return await self.objects.get(ref.key)
        except MissingObjectError:
            return None

    async def _versions(self, held: Attached, seen: capturing.Capture) -> tuple[AppVersion, ...]:
        """Versions of the apps on the screen, each asked of the phone once a connection."""
        packages = {p.decode() for p in _PACKAGE.findall(seen.hierarchy_xml or b"")} | {seen.foreground.package or ""}
        for package in sorted(packages - held.versions.keys() - {""})[:_MAX_PACKAGES]:
            held.versions[package] = await held.phone.app_version(package)
        found = [held.versions.get(package) for package in sorted(packages)]
        return tuple(version for version in found if version is not None)

    async def _declared(self, held: Attached, action: Any) -> tuple[str, ...]:
        if not isinstance(action, Navigate) or action.to != "LAUNCH" or action.package is None:
            return ()
        try:
            found = await held.phone.package(action.package)
        except AdbError:
            return ()
        return () if found is None else tuple(found.activities[:500])


def _shows_no_app(seen: capturing.Capture | None) -> bool:
    """Whether nothing can be seen, or only the system's own windows: a dark screen, the lock screen, the shade."""
    if seen is None or seen.hierarchy_xml is None:
        return seen is None or seen.png is None
    return set(_PACKAGE.findall(seen.hierarchy_xml)) == {_SYSTEM_UI}
