"""A run told as a story: what its phone, the indexer and the others would answer, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.device_agent import ActionFinished, CrashSeen
from contracts.event import Event
from contracts.llm_gateway import CallFinished
from contracts.locator_validator import ValidationPlanned
from contracts.orchestrator import (
    ActionRequested,
    AdviceRequested,
    PlanPending,
    RunPauseAsked,
    RunStarted,
    TaskSpec,
    TaskStopAsked,
)
from contracts.requests import CoverageConfig, Limits
from contracts.screen_indexer import CaptureIndexed
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    ActionStatus,
    ActionType,
    Bounds,
    CoverageProfile,
    Gesture,
    LocatorCheck,
    Strategy,
    ValidationType,
)
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, resolved_app, run_of
from services.orchestrator.decisions.run import RUN, decide_run
from services.runtime.timers import TimerFired
from tests.orchestrator.stories import BEGIN, Story

APP, LAUNCHER, DIALOG = "com.example", "com.android.launcher", "com.android.permissioncontroller"
TASK_ID = derived_id("task", "told")


def tap(name: str, weight: int = 60, kind: ActionType = ActionType.CLICK, **changes: Any) -> Gesture:
    box = Bounds(x=10, y=20, width=100, height=40)
    return Gesture(gesture_id=name, action_type=kind, element_hash=f"hash-{name}", weight=weight,
                   **{"bounds": box, "label": name, **changes})  # fmt: skip


def field_gesture(name: str) -> Gesture:
    return tap(name, 75, ActionType.INPUT, input_kind="EMAIL")


def screen_id(name: str) -> UUID:
    return derived_id("screen", name)


@dataclass
class RunStory(Story[Any]):
    """`go` begins it. What is asked for is answered by the methods below."""

    aggregate: Any = RUN
    decide: Any = decide_run
    started: RunStarted = field(init=False)

    @classmethod
    def go(cls, *, model: bool = False, **changes: Any) -> RunStory:
        limits, account = changes.pop("limits", Limits()), changes.pop("account", None)
        spec = TaskSpec(
            task_id=TASK_ID, name="told", user="alice", user_id=derived_id("user", "alice"),
            kind=changes.pop("kind", "explore"), package=APP, profile=changes.pop("profile", CoverageProfile.FULL),
            coverage=changes.pop("coverage", CoverageConfig()), priority=3, limits=limits, accepted_at=BEGIN,
            validate_locators=changes.pop("validate_locators", False), **changes,
        )  # fmt: skip
        story = cls()
        story.started = RunStarted(
            run_id=run_of(TASK_ID), task_id=TASK_ID, fleet_id=DEFAULT_FLEET, device_id=derived_id("device", "p1"),
            serial="p1", lease_token=1, spec=spec, app=resolved_app(APP, "1.0", 1), orchestrator_version="1",
            account=account, llm_config_version=3 if model else None,
            llm_config_id=derived_id("config", "m") if model else None,
            started_at=BEGIN, ends_at=BEGIN + timedelta(seconds=limits.max_duration_s),
            watch_at=BEGIN + timedelta(seconds=limits.step_timeout_s + 5),
        )  # fmt: skip
        story.given(story.started)
        return story

    def begin(self) -> list[Event]:
        return self.when(self.started)

    @property
    def asked(self) -> ActionRequested:
        """The action under way."""
        assert self.state.action is not None, f"nothing is under way; the run waits for {self.state.waiting}"
        return self.state.action

    def shows(self, state: str, *gestures: Gesture, screen: str | None = None, package: str = APP, **changes: Any):
        """The phone did what was asked, and shows this."""
        return self.when(self.capture(state, *gestures, screen=screen, package=package, **changes))

    def capture(
        self, state: str, *gestures: Gesture, screen: str | None = None, package: str = APP, **changes: Any
    ) -> CaptureIndexed:
        name = screen or state
        base: dict[str, Any] = {
            "capture_id": derived_id("capture", self.asked.action_id), "run_id": self.started.run_id,
            "action_id": self.asked.action_id, "sequence": self.asked.sequence, "status": ActionStatus.SUCCESS,
            "duration_ms": 5, "adb_ms": 3, "package": package, "activity": f"{package}.{name}",
            "screen_id": screen_id(name), "screen_name": name, "state_id": state, "gestures": gestures,
        }  # fmt: skip
        return CaptureIndexed(**{**base, **changes})

    def shows_nothing(self, reason: str = "EMPTY") -> list[Event]:
        """There was a capture, but nothing on it."""
        return self.when(self.capture("", screen_id=None, state_id=None, reason=reason))

    def fails(self, code: str = "EXPIRED", message: str | None = None) -> list[Event]:
        """The phone could not be asked: there is not even a capture."""
        asked = self.asked
        return self.when(
            ActionFinished(
                action_id=asked.action_id,
                run_id=asked.run_id,
                device_id=asked.device_id,
                sequence=asked.sequence,
                action_type=asked.action.type,
                status=ActionStatus.FAILED,
                error_code=code,
                error_message=message,
                started_at=self.now,
                completed_at=self.now,
                duration_ms=1,
                adb_ms=1,
            )
        )

    def plans(self, *checks: LocatorCheck, plan_id: UUID | None = None) -> list[Event]:
        pending = self.last(PlanPending)
        return self.when(
            ValidationPlanned(
                plan_id=plan_id or pending.plan_id, run_id=pending.run_id, screen_id=pending.screen_id, checks=checks
            )
        )

    def advises(self, *order: str, texts: dict[str, str] | None = None, call_id: UUID | None = None) -> list[Event]:
        asked = self.last(AdviceRequested)
        return self.when(
            CallFinished(
                call_id=call_id or asked.call_id,
                run_id=asked.run_id,
                task_id=asked.task_id,
                screen_id=asked.screen_id,
                state_id=asked.state_id,
                model_name="m",
                prompt_tokens=10,
                completion_tokens=5,
                latency_ms=1,
                cost="0.1",
                request_payload=Sealed(),
                response_payload=Sealed(),
                order=order,
                texts=None if texts is None else Sealed[dict[str, str]].of(texts),
            )
        )

    def crashes(self, package: str = APP, number: int = 1, action_id: UUID | None = None) -> list[Event]:
        return self.when(
            CrashSeen(
                occurrence_id=derived_id("crash", number),
                device_id=self.started.device_id,
                run_id=self.started.run_id,
                package=package,
                kind="CRASH",
                process=package,
                exception="java.lang.IllegalStateException",
                message="no",
                stack="at x",
                stack_key="k",
                seen_at=self.now,
                action_id=action_id,
            )
        )

    def stop(self) -> list[Event]:
        return self.when(TaskStopAsked(task_id=TASK_ID, user="bob", reason="enough"))

    def pause(self, *, on: bool = True) -> list[Event]:
        return self.when(
            RunPauseAsked(
                fleet_id=DEFAULT_FLEET, task_id=TASK_ID, run_id=run_of(TASK_ID), user="bob", pause=on, reason="lunch"
            )
        )

    def timer(self, event: Event, *, late_s: float = 0.0) -> list[Event]:
        """The timer of an event fires, so much later than it should."""
        assert event.due_at is not None
        fired = TimerFired(
            owner="orchestrator", key=event.key, epoch=derived_id("epoch", event.due_at), due_at=event.due_at,
            event_type=event.type_name(),
        )  # fmt: skip
        self.now = max(self.now, event.due_at + timedelta(seconds=late_s))
        return self.when(fired, after_s=0.0)


def check(name: str = "c") -> LocatorCheck:
    return LocatorCheck(
        candidate_id=name, strategy=Strategy.ID, locator_value=name, validation_type=ValidationType.EXISTENCE,
        expected=Bounds(x=0, y=0, width=1, height=1),
    )  # fmt: skip
