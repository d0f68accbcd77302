"""What people publish: bare JSON on `waymark.request.<kind>.<user>`, no envelope. The last token is the user.

`waymark.request.task.<user>` starts work, `.control.` steers it, `.alert.` answers alerts, `.config.` changes the
configuration, `.fleet.` (`contracts.fleet_requests`) says what becomes of phones and test accounts, `.script.` keeps
and retires scripts. A request that does not fit is answered with a reason, see `contracts.rejection`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from contracts.scripts import ScriptData
from contracts.steps import STEPS_LIMIT, Package, Step, Variables
from contracts.values import ANDROID, ConfigType, CoverageProfile, SecretRef, SelectorText

Short = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
ApkKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2}/[0-9a-f]{64}\.apk$")]
"""Key of an APK in the object store: the first two digits of its SHA-256, a slash, all of them, `.apk`."""
Abi = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Act = Literal["LAUNCH", "TAP", "TYPE", "SWIPE", "PRESS", "WAIT", "TAKE_OVER", "NOTE", "CALL_API", "ASK", "FINISH"]
"""What a model may want, as in `contracts.values.intents`."""
Rule = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Request(BaseModel):
    """A request as a person or a CI job writes it. An unknown field is most likely a typing error, so it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CoverageConfig(Request):
    """What a CUSTOM exploration leaves out and prefers. Rules are matched, ignoring case, against an element's label,
    resource id, screen name and activity; `*` stands for anything."""

    blacklist: tuple[Rule, ...] = Field(default=(), max_length=50)
    priorities: tuple[Rule, ...] = Field(default=(), max_length=50)
    packages: tuple[Package, ...] = Field(default=(), max_length=20)
    """Further packages that count as inside the app."""


class Limits(Request):
    max_steps: int = Field(default=1000, ge=1, le=20_000)
    max_duration_s: int = Field(default=3600, ge=5, le=86_400)
    step_timeout_s: int = Field(default=60, ge=2, le=600)
    max_wait_s: int = Field(default=86_400, ge=1, le=31_622_400)
    """How long it waits in the queue while no phone could take it. Waiting for a phone that is busy has no limit."""
    install_timeout_s: int = Field(default=600, ge=10, le=3600)
    """How long the installation of the app may take."""
    reproduce_steps: int = Field(default=60, ge=0, le=2_000)
    """Actions, on top of `max_steps`, for making crashes happen again near the end of the run. 0: none is repeated."""


class SplitRequest(Request):
    """A split of an app: its name within the app, and where it lies."""

    name: Short
    key: ApkKey


class InstallRequest(Request):
    """An app to install first. Its APKs lie in the object store already; `waymark run explore --apk` puts them there.

    `package`, `version` and `version_code` are those of the APK: the run fails where the phone tells otherwise after
    the installation. `min_api` and `abis` choose a phone that can run it.
    """

    package: Package
    version: Short
    version_code: int | None = Field(default=None, ge=0)
    apk: ApkKey
    splits: tuple[SplitRequest, ...] = Field(default=(), max_length=100)
    reset: Literal["none", "data"] = "none"
    """`data`: what the app stored on the phone is cleared."""
    grant_all: bool = False
    """With every permission that the app asks for."""
    keep: bool = True
    """False: the app is removed at the end, where the run had installed it."""
    min_api: int = Field(default=1, ge=1, le=10_000)
    abis: tuple[Abi, ...] = Field(default=(), max_length=10)


class Placement(Request):
    """On which phones a task is done, with what, and how often."""

    where: tuple[SelectorText, ...] = Field(default=(), max_length=20)
    """Only on phones whose tags meet all of these: `model=Pixel*`, `api>=33`, `pool!=lab`."""
    phones: Annotated[int, Field(ge=1, le=100)] | Literal["all"] | None = None
    """On so many different phones, or on all that are there when it is due: one task each, and this one is their
    group."""
    account: Short | None = None
    """Pool of test accounts, one of which the run gets together with its phone."""
    schedule: Short | None = None
    """When it is done again and again: minute, hour, day of the month, month, day of the week, as in cron."""
    zone: Short | None = None
    """Time zone of `schedule`, such as `Asia/Shanghai`; without one, UTC."""
    probe: bool = False
    """Tries a phone out (`serial`): it may be one in quarantine, and leaves it when the run passes."""


class ExploreRequest(Placement):
    """Explore `app` (a package). Without `version` it is what the granted phone has installed.

    With `install` the app is put on the phone first; `app` and `version` are then those of the APK, and not needed.
    """

    kind: Literal["explore"]
    app: Package | None = None
    version: Short | None = None
    id: Short | None = None
    """The caller's own id: publishing it twice starts one task."""
    name: Short | None = None
    profile: CoverageProfile = CoverageProfile.FULL
    coverage: CoverageConfig = CoverageConfig()
    priority: int = Field(default=3, ge=1, le=5)
    schedule_at: datetime | None = None
    serial: Short | None = None
    """Run on this phone only."""
    limits: Limits = Limits()
    validate_locators: bool = True
    seed: int = Field(default=0, ge=0)
    setup: tuple[Step, ...] = Field(default=(), max_length=STEPS_LIMIT)
    """Steps that are done once before the exploration: log in, accept terms."""
    variables: Variables = Field(default_factory=dict)
    """Texts that `{{name}}` stands for in the steps."""
    install: InstallRequest | None = None

    @model_validator(mode="after")
    def _is_about_one_app(self) -> Self:
        install = self.install
        if install is None:
            if self.app is None:
                raise ValueError("app is missing: name its package, or give `install`")
            return self
        if self.app not in {None, install.package}:
            raise ValueError(f"app is {self.app}, but the APK is of {install.package}: leave app out")
        if self.version not in {None, install.version}:
            raise ValueError(f"version is {self.version}, but the APK is version {install.version}: leave version out")
        return self

    @property
    def package(self) -> str:
        """The app that it is about."""
        package = self.app if self.install is None else self.install.package
        assert package is not None
        return package


class StepsRequest(Placement):
    """Do these steps on a phone, and end. Without `app` they are about the phone itself."""

    kind: Literal["steps"]
    steps: tuple[Step, ...] = Field(min_length=1, max_length=STEPS_LIMIT)
    variables: Variables = Field(default_factory=dict)
    app: Package | None = None
    version: Short | None = None
    id: Short | None = None
    name: Short | None = None
    priority: int = Field(default=3, ge=1, le=5)
    schedule_at: datetime | None = None
    serial: Short | None = None
    limits: Limits = Limits()
    quiet: bool = False
    """No alert where it fails: whoever asked sits in front of it."""

    @property
    def package(self) -> str:
        """The app that it is about; Android's own package where it is about the phone itself."""
        return self.app or ANDROID


class Rules(Request):
    """What a task in plain language may do, and spend. See `contracts.orchestrator.TaskRules`."""

    model: Short | None = None
    token_budget: int | None = Field(default=None, ge=0, le=1_000_000_000)
    cost_budget: Decimal | None = Field(default=None, ge=0, le=100_000, max_digits=11, decimal_places=6)
    allow_packages: tuple[Rule, ...] = Field(default=(), max_length=50)
    deny_packages: tuple[Rule, ...] = Field(default=(), max_length=50)
    allow_actions: tuple[Act, ...] = ()
    deny_actions: tuple[Act, ...] = ()
    confirm: Literal["ask", "allow", "deny"] = "ask"
    person_wait_s: int = Field(default=600, ge=1, le=86_400)
    record: bool = True


class GoalRequest(Placement):
    """Reach a goal that is given in plain language. Without `app` it is about the phone itself."""

    kind: Literal["task"]
    goal: Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True)]
    rules: Rules = Rules()
    setup: tuple[Step, ...] = Field(default=(), max_length=STEPS_LIMIT)
    """Steps that are done once before it."""
    variables: Variables = Field(default_factory=dict)
    app: Package | None = None
    version: Short | None = None
    id: Short | None = None
    name: Short | None = None
    priority: int = Field(default=3, ge=1, le=5)
    schedule_at: datetime | None = None
    serial: Short | None = None
    limits: Limits = Limits(max_steps=100)
    quiet: bool = False

    @property
    def package(self) -> str:
        """The app that it is about; Android's own package where it is about the phone itself."""
        return self.app or ANDROID


class ReplayRequest(Placement):
    """Replay a recorded script: no model is asked, unless `repair` allows it for steps whose element is gone."""

    kind: Literal["replay"]
    script: Short
    """Its id, or its name among the caller's own scripts."""
    script_version: int | None = Field(default=None, ge=1)
    """Without one, the newest that is active."""
    variables: Variables = Field(default_factory=dict)
    """Values of its parameters; one that is left out keeps the value that was recorded."""
    repair: bool = False
    rules: Rules = Rules()
    """For a repair."""
    version: Short | None = None
    id: Short | None = None
    name: Short | None = None
    priority: int = Field(default=3, ge=1, le=5)
    schedule_at: datetime | None = None
    serial: Short | None = None
    limits: Limits = Limits()
    quiet: bool = False


class ScriptImport(Request):
    """Keeps a script that was written or exported elsewhere. `name`: none, and it is the script's own. A script of this
    name gets a new version."""

    kind: Literal["import"]
    script: ScriptData
    defaults: Variables = Field(default_factory=dict)
    name: Short | None = None
    id: Short | None = None


class ScriptSwitch(Request):
    """Uses a version of a script no more (`retire`), or again (`activate`)."""

    kind: Literal["retire", "activate"]
    script: UUID
    version: int = Field(ge=1)
    reason: Short | None = None
    id: Short | None = None
    """The caller's own id: the answer lies under it."""


SCRIPT_REQUEST: TypeAdapter[ScriptImport | ScriptSwitch] = TypeAdapter(
    Annotated[ScriptImport | ScriptSwitch, Field(discriminator="kind")]
)

TaskRequest = Annotated[ExploreRequest | StepsRequest | GoalRequest | ReplayRequest, Field(discriminator="kind")]
"""Requests that start work, by their `kind`."""


class ControlRequest(Request):
    """Steers a task by its id: `stop` ends it, `pause` holds it after the action under way (in the queue as long as it
    has no phone), `resume` goes on. `retry` does the same again as a new task, at once, for whoever asks.

    `confirm` and `deny` answer what a task asks before something sensitive, `answer` (with `text`) what it asks to
    choose; `takeover` holds it so that a person can use the phone, until `resume`. `ask` names the question that is
    meant, where a later one must not be answered by mistake.
    """

    kind: Literal["stop", "pause", "resume", "retry", "confirm", "deny", "answer", "takeover"]
    task: UUID
    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | None = None
    ask: UUID | None = None
    reason: Short | None = None
    id: Short | None = None
    """The caller's own id of the new task of a `retry`: sent twice, it starts one."""


class AlertRequest(Request):
    """A person's answer to an alert: seen (`ack`), done (`resolve`), or not wanted again (`suppress`)."""

    kind: Literal["ack", "resolve", "suppress"]
    alert: UUID
    note: Short | None = None


class ConfigRequest(Request):
    """Sets one named configuration. A secret is never in `config`: `secret_ref` says where it lies (`env:NAME`,
    `file:/path`, `none`)."""

    kind: Literal["set"]
    config_type: ConfigType
    name: Short
    secret_ref: SecretRef = "none"  # noqa: S105 - says that there is no secret
    config: dict[str, Any]
    enabled: bool = True


TASK_REQUEST: TypeAdapter[ExploreRequest | StepsRequest | GoalRequest | ReplayRequest] = TypeAdapter(TaskRequest)

REQUEST_KINDS = ("task", "control", "alert", "config", "fleet", "script")
