"""Explorations without services: the run's decisions drive a phone's world directly, thousands of steps a minute.

The same decisions, the same indexing, the same worlds as in a real run; what is left out is the wire between them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from contracts.device_agent import CrashSeen
from contracts.event import Event
from contracts.orchestrator import ActionRequested, CrashAwaited, RunFinished, RunStarted, TaskSpec
from contracts.requests import CoverageConfig, Limits
from contracts.screen_indexer import CaptureIndexed
from contracts.subjects import derived_id
from contracts.values import ActionStatus, CoverageProfile, Observe
from deploy.simulator.world import World
from services.device_agent.crashes import find
from services.device_agent.parsers.logcat import LogLine
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, resolved_app
from services.orchestrator.decisions.run import decide_run
from services.orchestrator.decisions.run_state import Run, apply
from services.runtime.reactor import Trigger
from services.runtime.timers import TimerFired
from tests.orchestrator.performing import do, look

BEGIN = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PAUSE = timedelta(seconds=2)


@dataclass
class Walk:
    """One exploration. `pause` is how long the phone takes to act, and then until it is looked at."""

    world: World
    package: str
    version: str = "1.0"
    seed: int = 0
    max_steps: int = 1000
    profile: CoverageProfile = CoverageProfile.FULL
    coverage: CoverageConfig = field(default_factory=CoverageConfig)
    pause: timedelta = PAUSE
    crashes: bool = False
    """Whether the phone's log is read for crashes."""
    crashes_late: bool = False
    """Whether it is read only where the run waits for it."""
    limits: Limits | None = None
    on_step: Callable[[ActionRequested], None] | None = None
    run: Run = field(default_factory=Run)
    now: datetime = BEGIN
    events: list[Event] = field(default_factory=list)
    actions: list[ActionRequested] = field(default_factory=list)
    _count: int = 0
    _read_s: float = 0.0

    @property
    def now_s(self) -> float:
        return (self.now - BEGIN).total_seconds()

    @property
    def finished(self) -> RunFinished | None:
        return self.run.finished

    def go(self) -> RunFinished:
        """Explores until the run is over."""
        told: deque[Event | TimerFired] = deque([self._start()])
        while told:
            told.extend(self._step(told.popleft()))
        assert self.run.finished is not None
        return self.run.finished

    def _start(self) -> Event:
        task_id = derived_id("task", "test", self.seed)
        spec = TaskSpec(
            task_id=task_id,
            name="test",
            user="test",
            user_id=derived_id("user", "test"),
            kind="explore",
            package=self.package,
            profile=self.profile,
            coverage=self.coverage,
            priority=3,
            limits=self.limits or Limits(max_steps=self.max_steps, max_duration_s=86_400),
            validate_locators=False,
            seed=self.seed,
            accepted_at=self.now,
        )
        started = RunStarted(
            run_id=derived_id("run", task_id),
            task_id=task_id,
            fleet_id=DEFAULT_FLEET,
            device_id=derived_id("device", "test"),
            serial="test",
            lease_token=1,
            spec=spec,
            app=resolved_app(self.package, self.version, 1),
            orchestrator_version="test",
            started_at=self.now,
            ends_at=self.now + timedelta(days=1),
            watch_at=self.now + timedelta(days=1),
        )
        self.run = apply(self.run, started)
        return started

    def _step(self, trigger: Event | TimerFired) -> list[Event | TimerFired]:
        """What follows from it: the phone's word of a crash after its picture, a timer where nothing else comes."""
        decision = decide_run(self.run, Trigger(self._id(), trigger, self.now), self.now)
        asked: ActionRequested | None = None
        awaited: CrashAwaited | None = None
        for event in decision.events:
            self.events.append(event)
            self.run = apply(self.run, event)
            if isinstance(event, ActionRequested):
                asked = event
            if isinstance(event, CrashAwaited):
                awaited = event
        if asked is None:
            return [] if awaited is None else self._waited(awaited)
        self.actions.append(asked)
        self._perform(asked)
        if self.on_step is not None:
            self.on_step(asked)
        return [self._look(asked), *([] if self.crashes_late else self._crashes(asked))]

    def _waited(self, awaited: CrashAwaited) -> list[Event | TimerFired]:
        """The phone's word where it has one yet, else the timer fires."""
        if told := self._crashes(self.actions[-1]):
            return list(told)
        self.now = awaited.until
        epoch, kind = derived_id("epoch", awaited.until), awaited.type_name()
        key = awaited.run_id
        return [TimerFired(owner="orchestrator", key=key, epoch=epoch, due_at=awaited.until, event_type=kind)]

    def _crashes(self, asked: ActionRequested) -> list[CrashSeen]:
        """Crashes and ANRs that the world's log tells of since it was read last."""
        if not self.crashes:
            return []
        fresh = self.world.log(self._read_s)
        self._read_s = max((line.at_s for line in fresh), default=self._read_s)
        lines = [
            LogLine("01-01 00:00:00.000", line.pid, line.pid, line.priority, line.tag, line.message) for line in fresh
        ]
        return [
            CrashSeen(
                occurrence_id=self._id(),
                device_id=asked.device_id,
                run_id=asked.run_id,
                package=crash.package,
                version_name=self.version,
                kind=crash.kind.value,
                process=crash.process,
                exception=crash.exception,
                message=crash.message,
                stack="\n".join(crash.stack),
                stack_key=crash.key,
                seen_at=self.now,
                action_id=asked.action_id,
            )
            for crash in find(lines)
        ]

    def _id(self) -> UUID:
        self._count += 1
        return uuid5(DEFAULT_FLEET, str(self._count))

    def _perform(self, asked: ActionRequested) -> None:
        self.now += self.pause
        do(self.world, asked.action, self.now_s)
        self.now += self.pause
        if isinstance(asked.action, Observe):
            self.now += timedelta(seconds=asked.action.patience_s)

    def _look(self, asked: ActionRequested) -> CaptureIndexed:
        surface, indexed = look(self.world, self.now_s)
        common = {
            "capture_id": derived_id("capture", asked.action_id),
            "run_id": asked.run_id,
            "action_id": asked.action_id,
            "sequence": asked.sequence,
            "status": ActionStatus.SUCCESS,
            "duration_ms": 1,
            "adb_ms": 1,
        }
        if indexed is None:
            return CaptureIndexed(**common, package=surface.package, reason="empty")
        return CaptureIndexed(
            **common,
            package=indexed.package,
            activity=indexed.activity,
            screen_id=derived_id("screen", indexed.package, indexed.screen_signature),
            screen_name=indexed.name,
            state_id=indexed.state_signature,
            gestures=indexed.gestures,
        )
