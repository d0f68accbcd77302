"""Events about tasks, before and beside their runs; people, configuration, app versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.requests import CoverageConfig, Limits
from contracts.sealed import Sealed
from contracts.values import (
    AppInstall,
    ConfigType,
    CoverageProfile,
    ResolvedApp,
    Value,
)


class TaskRules(Value):
    """What a task in plain language may do, and spend. Names of packages may have `*` in them.

    `confirm`: what becomes of what is sensitive (paying, deleting, sending, granting, passwords): a person is asked,
    or it is done, or never done. `person_wait_s`: how long a person is waited for.
    """

    model: str | None = None
    """Name of its model configuration; none: the one in force."""
    token_budget: int | None = None
    cost_budget: str | None = None
    allow_packages: tuple[str, ...] = ()
    """Only these may be touched; empty: all that are not denied."""
    deny_packages: tuple[str, ...] = ()
    allow_actions: tuple[str, ...] = ()
    """Only these (`TAP`, `TYPE`, .., as in `contracts.values.intents`); empty: all that are not denied."""
    deny_actions: tuple[str, ...] = ()
    confirm: Literal["ASK", "ALLOW", "DENY"] = "ASK"
    person_wait_s: int = 600
    record: bool = True
    """Whether a script is recorded when it has succeeded."""


class ReplayOf(Value):
    """The script that a task replays. `repair`: where a step's element is gone, a model may be asked for that step."""

    script_id: UUID
    version: int
    version_id: UUID
    checksum: str
    name: str
    repair: bool = False


class TaskSpec(Value):
    """What is to be done, as it was accepted. Pinned in every event that needs it."""

    task_id: UUID
    name: str
    user: str
    user_id: UUID
    kind: Literal["explore", "steps", "task", "replay"]
    package: str
    version: str | None = None
    profile: CoverageProfile
    coverage: CoverageConfig
    priority: int
    schedule_at: datetime | None = None
    serial: str | None = None
    limits: Limits
    validate_locators: bool = True
    seed: int = 0
    script: Sealed[dict[str, Any]] | None = None
    """The steps of the task, or those that set its run up, with its variables: `{"steps": [..], "variables": {..}}`.
    Sealed: they hold what is typed."""
    quiet: bool = False
    """Nobody is alerted where it fails."""
    install: AppInstall | None = None
    """What the run installs first; none: the app is on the phone already."""
    retries: UUID | None = None
    """The task that this one does again."""
    accepted_at: datetime
    where: tuple[str, ...] = ()
    """Selectors that a phone must meet, all of them (`contracts.values.selectors`)."""
    phones: int | Literal["all"] | None = None
    """On how many phones: such a task is the group of those that it becomes."""
    group: UUID | None = None
    """The task for many phones that this one is a part of."""
    account: str | None = None
    """Pool of test accounts, one of which it needs."""
    schedule: str | None = None
    """Cron expression: such a task is done again and again, each time as a task of its own."""
    zone: str | None = None
    """Time zone of `schedule`; none: UTC."""
    scheduled_by: UUID | None = None
    """The schedule that this task follows from."""
    probe: bool = False
    """It tries a phone out, which may be in quarantine."""
    goal: Sealed[str] | None = None
    """What a task in plain language is to reach."""
    rules: TaskRules | None = None
    """Of a task in plain language, and of a replay that may ask the model."""
    replay: ReplayOf | None = None
    """What is replayed; its steps (`ScriptStep`) and values lie in `script`."""


class TaskAccepted(Event, owner=OWNER, key="task_id"):
    task_id: UUID
    spec: TaskSpec


class TaskRejected(Event, owner=OWNER, key="task_id"):
    """A request was refused. `code` is for programs, `reason` for the person who sent it."""

    task_id: UUID
    user: str
    code: str
    reason: str


class TaskStopAsked(Event, owner=OWNER, key="task_id"):
    """Somebody wants a task ended, queued or running."""

    task_id: UUID
    user: str
    reason: str


class TaskPauseAsked(Event, owner=OWNER, key="task_id"):
    """Somebody wants a task held, or to go on. The fleet decides: it alone knows whether the task has a run."""

    task_id: UUID
    user: str
    pause: bool
    """True: pause; False: go on."""
    reason: str


class BudgetCrossed(Event, owner=OWNER, key="crossing_id"):
    """A task used `percent` of a budget. Its key is derived from run, budget and percent: each is crossed once."""

    crossing_id: UUID
    task_id: UUID
    run_id: UUID
    budget: Literal["TOKENS", "COST"]
    percent: int
    used: str
    limit: str


class UserSeen(Event, owner=OWNER, key="user_id"):
    user_id: UUID
    account: str
    display_name: str
    roles: tuple[str, ...] = ("QA",)


class ConfigChanged(Event, owner=OWNER, key="config_id"):
    """One named configuration, whole. The last one counts; a run pins the one that it began with by `version`."""

    config_id: UUID
    version: int
    config_type: ConfigType
    name: str
    secret_ref: str
    config: dict[str, Any]
    enabled: bool
    changed_by: str


class AppVersionSeen(Event, owner=OWNER, key="app_version_id"):
    app_version_id: UUID
    app: ResolvedApp
