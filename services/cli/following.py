"""A run as it goes on, folded from the log: what a person who watches wants to know. Pure but for `events_of_run`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from nats.js import JetStreamContext

from contracts.alerter import AlertRaised, AlertRepeated
from contracts.device_agent import CrashSeen
from contracts.event import Event
from contracts.locator_validator import LocatorChecked
from contracts.orchestrator import (
    ActionRequested,
    RunEnding,
    RunFinished,
    RunNoted,
    RunPaused,
    RunResumed,
    RunStarted,
    StateAdded,
    StepFinished,
    TaskAccepted,
    TaskBlocked,
    TaskDropped,
    TaskHeld,
    TaskQueued,
    TaskReleased,
    TaskSpec,
    TaskUnblocked,
    TaskWaiting,
)
from contracts.subjects import derived_id, event_filter
from contracts.values import ANDROID, RunStatus, Strategy, ValidationStatus
from services.cli import turns
from services.cli.errors import CliError, ExitCode
from services.cli.output import clean, duration
from services.cli.turns import Turns
from services.runtime.catch_up import read_batches
from services.runtime.log import Log, Recorded
from services.runtime.sealing import Sealer

FOLLOWED: tuple[type[Event], ...] = (
    TaskWaiting, TaskQueued, TaskBlocked, TaskUnblocked, TaskDropped, TaskHeld, TaskReleased, RunStarted, StateAdded,
    StepFinished, RunNoted, RunEnding, RunPaused, RunResumed, RunFinished, LocatorChecked, AlertRaised, AlertRepeated,
    CrashSeen, ActionRequested, *turns.TOLD,
)  # fmt: skip
_TAIL = 8
_INSTALLATION = frozenset({"installing", "installed"})
"""What the notes about the app that a run brings along are called."""
_FRESH_S = 0.25


@dataclass(frozen=True)
class Progress:
    """A run so far. `status`: WAITING and QUEUED before it has a phone, then those of runs; PAUSED in either."""

    task_id: UUID
    run_id: UUID
    status: str = "QUEUED"
    started: RunStarted | None = None
    finished: RunFinished | None = None
    failure: str | None = None
    steps: int = 0
    succeeded: int = 0
    screens: tuple[str, ...] = ()
    states: int = 0
    locators: dict[UUID, bool] = field(default_factory=dict)
    alerts: dict[UUID, str] = field(default_factory=dict)
    crashes: int = 0
    installing: str | None = None
    """The app that is being installed now."""
    turns: Turns | None = None
    """What a task in plain language or a replay is made of; none for other runs."""
    updated_at: datetime | None = None
    tail: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self.finished is not None or self.failure is not None

    @property
    def verified(self) -> int:
        return sum(self.locators.values())


def concerns(progress: Progress, event: Event) -> bool:
    match event:
        case TaskWaiting() | TaskQueued():
            return event.spec.task_id == progress.task_id
        case TaskDropped() | TaskHeld() | TaskReleased() | TaskBlocked() | TaskUnblocked():
            return event.task_id == progress.task_id
        case _:
            return getattr(event, "run_id", None) == progress.run_id


def evolve(progress: Progress, recorded: Recorded[Event]) -> Progress:
    """The progress after an event of the run; one of another run changes nothing."""
    if not concerns(progress, recorded.event):
        return progress
    after = _evolved(progress, recorded.event)
    if after.turns is not None:
        after = replace(after, turns=turns.evolve(after.turns, recorded.event))
    line = told(recorded, progress)
    tail = after.tail if line is None else (*after.tail, line)[-_TAIL:]
    return replace(after, updated_at=recorded.time, tail=tail)


def _evolved(progress: Progress, event: Event) -> Progress:
    match event:
        case TaskWaiting():
            return replace(progress, status="WAITING")
        case TaskQueued():
            return replace(progress, status="PAUSED" if event.held else "QUEUED")
        case TaskHeld():
            return replace(progress, status="PAUSED")
        case TaskReleased():
            return replace(progress, status="QUEUED")
        case TaskDropped():
            return replace(progress, status="FAILED" if event.failed else "CANCELLED", failure=event.reason)
        case RunStarted():
            return replace(progress, status="RUNNING", started=event, turns=turns.begun(event))
        case StateAdded():
            new = event.inside and event.screen_name not in progress.screens
            screens = (*progress.screens, event.screen_name) if new else progress.screens
            return replace(progress, states=progress.states + 1, screens=screens)
        case StepFinished():
            return replace(progress, steps=event.sequence, succeeded=event.successful)
        case RunNoted() if event.detail.get("what") in _INSTALLATION:
            shown = _app(event.detail) if event.detail["what"] == "installing" else None
            return replace(progress, installing=shown)
        case RunEnding():
            return replace(progress, installing=None)
        case RunPaused():
            return replace(progress, status="PAUSED")
        case RunResumed():
            return replace(progress, status="RUNNING")
        case RunFinished():
            return replace(progress, status=event.status.value, finished=event, steps=event.total_actions)
        case LocatorChecked() if event.status in {ValidationStatus.PASSED, ValidationStatus.FAILED}:
            passed = event.status is ValidationStatus.PASSED
            return replace(progress, locators={**progress.locators, event.candidate_id: passed})
        case AlertRaised() | AlertRepeated():
            return replace(progress, alerts={**progress.alerts, event.alert_id: event.message})
        case CrashSeen():
            return replace(progress, crashes=progress.crashes + 1)
        case _:
            return progress


def told(recorded: Recorded[Event], before: Progress) -> str | None:
    """A line about an event, for those who cannot see the live view; None for what is only counted.

    `before`: the progress that the event has not changed yet."""
    at, event = recorded.time.astimezone().strftime("%H:%M:%S"), recorded.event
    if before.turns is not None:
        line = turns.told(event, before.turns)
        if line is not None or turns.is_silent(event):
            return None if line is None else f"{at} {line}"
    match event:
        case TaskWaiting():
            return f"{at} {_awaited(event.spec)}"
        case TaskQueued():
            return f"{at} queued: {event.app.package} {event.app.version_name}"
        case TaskDropped():
            return f"{at} dropped: {clean(event.reason)}"
        case TaskHeld():
            return f"{at} held before it has a phone, by {clean(event.by)}: {clean(event.reason)}"
        case TaskReleased():
            return f"{at} released by {clean(event.by)}"
        case TaskBlocked():
            until = event.give_up_at.astimezone().strftime("%d.%m. %H:%M")
            return f"{at} waits, until {until} at most: {clean(event.reason)}"
        case TaskUnblocked():
            return f"{at} there is a phone again that could take it"
        case RunStarted():
            return f"{at} started on {event.serial}: {event.app.package} {event.app.version_name}"
        case StateAdded() if event.inside and event.screen_name not in before.screens:
            return f"{at} screen {len(before.screens) + 1}: {clean(event.screen_name)}"
        case StepFinished(step=step) if step is not None:
            came = "" if event.succeeded else f": {clean(event.error_message or event.outcome.lower())}"
            return f"{at} step {step.number} of {step.of}: {clean(step.words)}{came}"
        case RunNoted() if event.detail.get("what") == "installing":
            return f"{at} installing {_app(event.detail)}"
        case RunNoted() if event.detail.get("what") == "installed":
            files = event.detail["files"]
            has = f"{files['package']} {files['version_name']}"
            if files["was_there"]:
                return f"{at} {clean(has)} was installed already, the very same files"
            return f"{at} installed {clean(has)} in {duration(event.detail['took_ms'] / 1000)}"
        case RunNoted() if event.detail.get("what") == "not removed":
            return f"{at} {clean(event.detail['package'])} could not be removed: {clean(event.detail['why'])}"
        case StepFinished() if event.outcome in {"CRASHED", "FAILED", "UNSEEN"} or event.sequence % 25 == 0:
            outcome = event.outcome.replace("_", " ").lower()
            why = event.error_message or event.error_code
            because = "" if why is None else f": {clean(why)[:200]}"
            return f"{at} step {event.sequence}: {event.action_type.lower()}, {outcome}{because}"
        case LocatorChecked() if event.status is ValidationStatus.FAILED:
            name = "UiSelector" if event.strategy is Strategy.CUSTOM else event.strategy.value
            return f"{at} locator failed: {name} {clean(event.locator_value)}"
        case CrashSeen():
            return (
                f"{at} {event.kind.lower()} of {event.package}: {clean(event.exception)}: {clean(event.message)[:200]}"
            )
        case AlertRaised():
            return f"{at} alert {event.severity}: {clean(event.message)}"
        case RunPaused():
            return f"{at} paused by {clean(event.by)}: {clean(event.reason)}"
        case RunResumed():
            return f"{at} resumed by {clean(event.by)}"
        case RunFinished():
            return f"{at} {event.status.lower()}" + (f": {clean(event.failure_reason)}" if event.failure_reason else "")
        case _:
            return None


def succeeded(progress: Progress) -> bool:
    return progress.finished is not None and progress.finished.status is RunStatus.SUCCEEDED


async def begun(log: Log, task_id: UUID) -> tuple[Progress, int]:
    """A run from its very beginning, and behind which sequence its events are. Raises `CliError`."""
    accepted = await log.last(event_filter(TaskAccepted, key=task_id))
    if accepted is None:
        raise CliError(
            f"there is no task {task_id} in the log; `waymark tasks` lists those there are", ExitCode.NOT_FOUND
        )
    return Progress(task_id, derived_id("run", task_id)), accepted.seq


async def spec_of(log: Log, task_id: UUID) -> TaskSpec | None:
    """What was asked for; None where the task is not in the log."""
    accepted = await log.last(event_filter(TaskAccepted, key=task_id))
    return accepted.event.spec if accepted is not None and isinstance(accepted.event, TaskAccepted) else None


async def events_of_run(
    js: JetStreamContext, sealer: Sealer, progress: Progress, after: int
) -> AsyncGenerator[Recorded[Event] | None, None]:
    """What concerns the run, opened, behind sequence `after`, for ever; None whenever nothing came for a moment."""
    async with aclosing(read_batches(js, FOLLOWED, after, patience_s=_FRESH_S)) as stream:
        async for batch, _ in stream:
            for recorded in batch:
                if concerns(progress, recorded.event):
                    yield replace(recorded, event=await sealer.open(recorded.event))
            yield None


def _awaited(spec: TaskSpec) -> str:
    """Which phone a task waits for that none can tell its app of."""
    phone = "a phone" if spec.serial is None else f"phone {clean(spec.serial)}"
    has = "" if spec.package == ANDROID else f" that has {spec.package} installed"
    return f"waiting for {phone}{has}: `waymark devices list` has those there are"


def _app(detail: dict[str, Any]) -> str:
    apks = f" ({detail['apks']} APKs)" if detail["apks"] > 1 else ""
    return f"{clean(detail['package'])} {clean(detail['version'])}{apks}"
