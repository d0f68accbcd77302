"""What a report shows, as plain immutable values. Boxes and points are pixels of the screen they are on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Box:
    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot, small, as a data URI; `absent` says in words why there is none. Size is that of the screen."""

    width: int
    height: int
    uri: str | None = None
    absent: str = ""


@dataclass(frozen=True, slots=True)
class LocatorView:
    """A locator with its verdict. Rates are percent; `checks` and `passes` count this app version's whole history."""

    strategy: str
    value: str
    score: float
    rank: int
    is_primary: bool
    success_rate: float | None = None
    last_verified_at: datetime | None = None
    last_status: str | None = None
    checks: int = 0
    passes: int = 0
    flags: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`good`, `flaky`, `broken`, or `unchecked`."""
        if self.success_rate is None:
            return "unchecked"
        if self.success_rate >= 100:
            return "good"
        return "broken" if self.success_rate <= 0 else "flaky"


@dataclass(frozen=True, slots=True)
class ElementView:
    number: int
    label: str
    kind: str
    resource_id: str | None
    text: str | None
    description: str | None
    xpath: str | None
    box: Box
    interactable: bool
    visibility: str
    locators: tuple[LocatorView, ...] = ()

    @property
    def primary(self) -> LocatorView | None:
        return next((one for one in self.locators if one.is_primary), self.locators[0] if self.locators else None)


@dataclass(frozen=True, slots=True)
class ScreenView:
    """A screen that the run saw. `inside`: it belongs to the app under test. `first_step`: 0 where none led there."""

    screen_id: UUID
    number: int
    name: str
    package: str
    activity: str | None
    inside: bool
    picture: Picture
    states: int
    first_step: int
    is_new: bool
    elements: tuple[ElementView, ...] = ()

    @property
    def locators(self) -> tuple[LocatorView, ...]:
        return tuple(locator for element in self.elements for locator in element.locators)


@dataclass(frozen=True, slots=True)
class Edge:
    """Gestures that led from one screen to another. `first_step` made it known; `discovers`: that screen was new."""

    source: int
    target: int
    labels: tuple[str, ...]
    count: int
    first_step: int
    discovers: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: what was done where, and what came of it. `screen` and `to` are numbers of screens."""

    number: int
    at: datetime
    purpose: str
    action: str
    target: str
    screen: int | None
    to: int | None
    outcome: str
    duration_ms: int
    start: tuple[int, int] | None = None
    end: tuple[int, int] | None = None
    error: str | None = None
    typed: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """What the phone showed before a step, and where that step touched it."""

    step: int
    screen: str
    picture: Picture
    point: tuple[int, int] | None = None
    end: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class CrashView:
    """A crash with what is known of it. `way` are the steps that lead to it, `verdict` says whether they were tried;
    `papers` are the phone's own words: a heading and a text each."""

    at: datetime
    kind: str
    package: str
    exception: str
    message: str
    stack: str
    step: int | None
    count: int = 1
    verdict: str = ""
    way: tuple[str, ...] = ()
    shots: tuple[Shot, ...] = ()
    papers: tuple[tuple[str, str], ...] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class AlertView:
    severity: str
    kind: str
    status: str
    message: str
    triggered_at: datetime
    screen: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """An element that was added, removed or changed. `was` and `now`: its boxes on the two pictures."""

    kind: str
    label: str
    was: Box | None
    now: Box | None
    fields: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FateView:
    risk: str
    strategy: str
    value: str
    is_primary: bool
    why: str


@dataclass(frozen=True, slots=True)
class ScreenChange:
    """One screen in two versions."""

    name: str
    before: Picture
    after: Picture
    marks: tuple[Mark, ...]
    fates: tuple[FateView, ...]

    @property
    def broken(self) -> int:
        return sum(fate.risk == "BROKEN" for fate in self.fates)


@dataclass(frozen=True, slots=True)
class DiffView:
    base_version: str
    target_version: str
    pairs: int
    dropped: tuple[tuple[str, Picture | None], ...]
    added: tuple[tuple[str, Picture | None], ...]
    changes: tuple[ScreenChange, ...]
    broken: int
    at_risk: int


@dataclass(frozen=True, slots=True)
class RunView:
    run_id: UUID
    task_name: str
    user: str | None
    package: str
    app_name: str
    version: str
    version_code: int | None
    profile: str
    status: str
    reason: str | None
    started_at: datetime
    ended_at: datetime | None
    serial: str
    model: str
    android: str
    resolution: str | None
    actions: int
    successful: int
    states: int
    activities_reached: tuple[str, ...]
    activities_declared: tuple[str, ...]
    locators_checked: int
    """Locators that this run tried on the phone."""
    locators_passed: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows; drawing it needs nothing else."""

    run: RunView
    screens: tuple[ScreenView, ...]
    edges: tuple[Edge, ...]
    steps: tuple[StepView, ...]
    crashes: tuple[CrashView, ...] = ()
    alerts: tuple[AlertView, ...] = ()
    diff: DiffView | None = None
    written_at: datetime | None = field(default=None)
