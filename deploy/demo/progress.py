"""What a run looks like while it goes on: counts folded from the events of the log, as they come by."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contracts.alerter import AlertRaised
from contracts.event import Event
from contracts.locator_validator import LocatorChecked
from contracts.notifier import NotificationSent
from contracts.orchestrator import RunFinished, RunStarted, StateAdded, StepFinished
from contracts.screen_indexer import VersionsCompared
from contracts.values import ValidationStatus

_NEWEST_ALERTS = 4


@dataclass
class RunProgress:
    """One run, so far."""

    version: str
    serial: str
    screens: set[UUID] = field(default_factory=set)
    steps: int = 0
    checked: dict[UUID, bool] = field(default_factory=dict)
    """Locators by their latest verdict."""
    last_screen: str = ""
    finished: RunFinished | None = None

    @property
    def verified(self) -> int:
        return sum(self.checked.values())


@dataclass
class Progress:
    """All runs of the demonstration. Feed it every event; it may see one twice."""

    runs: dict[UUID, RunProgress] = field(default_factory=dict)
    alerts: dict[UUID, AlertRaised] = field(default_factory=dict)
    sent: set[UUID] = field(default_factory=set)
    compared: VersionsCompared | None = None

    def take(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.runs.setdefault(event.run_id, RunProgress(event.app.version_name, event.serial))
            case StateAdded() if event.inside and event.run_id in self.runs:
                self.runs[event.run_id].screens.add(event.screen_id)
                self.runs[event.run_id].last_screen = event.screen_name
            case StepFinished() if event.run_id in self.runs:
                self.runs[event.run_id].steps = event.sequence
            case LocatorChecked() if event.run_id in self.runs:
                self.runs[event.run_id].checked[event.candidate_id] = event.status is ValidationStatus.PASSED
            case RunFinished() if event.run_id in self.runs:
                self.runs[event.run_id].finished = event
            case AlertRaised():
                self.alerts[event.alert_id] = event
            case NotificationSent():
                self.sent.add(event.notification_id)
            case VersionsCompared():
                self.compared = event
            case _:
                pass

    def finished(self, runs: int) -> bool:
        return len(self.runs) == runs and all(run.finished is not None for run in self.runs.values())

    def show(self, elapsed_s: float) -> RenderableType:
        """The live table, the newest alerts below it."""
        table = Table(title=f"Exploring · {elapsed_s:.0f} s", title_justify="left", expand=False)
        for heading in ("Version", "Phone"):
            table.add_column(heading)
        for heading in ("Screens", "Actions", "Locators verified"):
            table.add_column(heading, justify="right")
        table.add_column("Now on")
        for run in sorted(self.runs.values(), key=lambda r: r.version):
            state = "done" if run.finished else run.last_screen
            verified = f"{run.verified} of {len(run.checked)}"
            table.add_row(run.version, run.serial, str(len(run.screens)), str(run.steps), verified, state)
        alerts = [
            Text(f"{alert.severity} {alert.alert_type}: {alert.message}"[:150], style="yellow")
            for alert in list(self.alerts.values())[-_NEWEST_ALERTS:]
        ]
        return Group(table, *alerts)

    def line(self) -> str:
        """The same in one line, for output that is no terminal."""
        parts = [
            f"{run.version}: {len(run.screens)} screens, {run.steps} actions, {run.verified} locators verified"
            for run in sorted(self.runs.values(), key=lambda r: r.version)
        ]
        return " | ".join([*parts, f"{len(self.alerts)} alerts"])
