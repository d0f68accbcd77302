"""What people publish: bare JSON on `waymark.request.<kind>.<user>`, no envelope. The last token is the user.

`waymark.request.task.<user>` starts work, `.control.` steers it, `.alert.` answers alerts, `.config.` changes the
configuration, `.fleet.` (`contracts.fleet_requests`) says what becomes of phones and test accounts. A request that
does not fit is answered with a reason, see `contracts.rejection`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from contracts.values import ConfigType, CoverageProfile, SelectorText

Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$", max_length=200)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
SecretRef = Annotated[str, StringConstraints(pattern=r"^(none|env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$")]
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
    """Explore `app` (a package). Without `version` it is what the granted phone has installed."""

    kind: Literal["explore"]
    app: Package
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


TaskRequest = Annotated[ExploreRequest, Field(discriminator="kind")]
"""Requests that start work, by their `kind`."""


class ControlRequest(Request):
    """Steers a task by its id: `stop` ends it, `pause` holds it after the action under way (in the queue as long as it
    has no phone), `resume` goes on."""

    kind: Literal["stop", "pause", "resume"]
    task: UUID
    reason: Short | None = None


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


TASK_REQUEST: TypeAdapter[ExploreRequest] = TypeAdapter(TaskRequest)

REQUEST_KINDS = ("task", "control", "alert", "config", "fleet")
