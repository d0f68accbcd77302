"""Events of scripts: recorded from a run, repaired by one, imported; and what came of replaying them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.event import Event
from contracts.orchestrator.owner import OWNER
from contracts.scripts import ScriptData
from contracts.sealed import Sealed
from contracts.values import Value

Origin = Literal["RECORDED", "REPAIRED", "IMPORTED"]


class ScriptRef(Value):
    """One version of a script. `checksum`: SHA-256 of its data as canonical JSON."""

    script_id: UUID
    version: int
    checksum: str


class ScriptDrafted(Event, owner=OWNER, key="run_id"):
    """A run that is over leaves a script: of what it did (RECORDED), or of what it repaired. Its version is given by
    the script's own history. `defaults` are the parameters' values in this run."""

    run_id: UUID
    task_id: UUID
    script_id: UUID
    origin: Origin
    base: ScriptRef | None = None
    """The version that was repaired."""
    user: str
    data: ScriptData
    defaults: Sealed[dict[str, str]] | None = None
    repairs: tuple[str, ...] = ()
    """What was repaired, a sentence each."""
    serial: str | None = None
    model_name: str | None = None
    duration_ms: int = 0
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What else is known of it: whether it waits for a person (`needs_person`), what it leaves out (`left_out`)."""


class ScriptRecorded(Event, owner=OWNER, key="script_id"):
    """A version of a script. The last one counts, unless it was retired."""

    script_id: UUID
    version: int
    version_id: UUID
    """Of the row in `scripts`: derived from script and version."""
    checksum: str
    origin: Origin
    name: str
    user: str
    task_id: UUID | None = None
    run_id: UUID | None = None
    data: ScriptData
    defaults: Sealed[dict[str, str]] | None = None
    repairs: tuple[str, ...] = ()
    serial: str | None = None
    model_name: str | None = None
    duration_ms: int = 0
    metadata: dict[str, Any]


class ScriptReplayed(Event, owner=OWNER, key="script_id"):
    """A run of a version is over. Replays, rate and time are cumulative for this version; the rate is in percent, the
    mean time of the successful ones in seconds, both decimals as text with two places."""

    script_id: UUID
    version: int
    version_id: UUID
    task_id: UUID
    run_id: UUID
    succeeded: bool
    reason: str | None = None
    duration_ms: int
    replays: int
    successes: int
    success_rate: str
    execution_time_s: str


class ScriptSwitched(Event, owner=OWNER, key="script_id"):
    """A version is used no more, or again."""

    script_id: UUID
    version: int
    version_id: UUID
    active: bool
    by: str
    reason: str | None = None


class ScriptAnswered(Event, owner=OWNER, key="request_id"):
    """The answer to a request about scripts."""

    request_id: UUID
    user: str
    done: bool
    code: str
    text: str
    script: ScriptRef | None = None
