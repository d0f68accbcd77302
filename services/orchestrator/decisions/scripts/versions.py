"""Versions of a script: what is kept of each, and how its replays went. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.orchestrator import ScriptRecorded, ScriptReplayed, ScriptSwitched
from contracts.scripts import FORMAT, ScriptData
from contracts.subjects import derived_id

SCRIPT_BYTES = 180_000
"""So long is a script at most with the values of its parameters, as its events hold it: those are 256 KB at most."""
VERSIONS_KEPT = 200
"""Versions that can be replayed; older ones stay in the log and in the table."""


class Version(BaseModel):
    """What is known of one version. `seq`: where its `ScriptRecorded` lies in the log."""

    model_config = ConfigDict(frozen=True)

    number: int
    seq: int
    checksum: str
    active: bool = True
    replays: int = 0
    successes: int = 0
    successful_ms: int = 0


class Versions(BaseModel):
    """A script: its last versions, oldest first."""

    model_config = ConfigDict(frozen=True)

    kept: tuple[Version, ...] = ()

    @property
    def last(self) -> int:
        return self.kept[-1].number if self.kept else 0

    def get(self, number: int) -> Version | None:
        return next((version for version in self.kept if version.number == number), None)

    @property
    def newest_active(self) -> Version | None:
        return next((version for version in reversed(self.kept) if version.active), None)

    def alike(self, checksum: str) -> Version | None:
        """The newest version with this very data."""
        return next((version for version in reversed(self.kept) if version.checksum == checksum), None)

    def forgotten(self, seq: int) -> bool:
        """Whether what lies at this place of the log was decided on before the oldest version that is kept."""
        return len(self.kept) >= VERSIONS_KEPT and 0 < seq < self.kept[0].seq

    def recorded(self, event: ScriptRecorded, seq: int) -> Versions:
        version = Version(number=event.version, seq=seq, checksum=event.checksum)
        return Versions(kept=(*self.kept, version)[-VERSIONS_KEPT:])

    def replayed(self, event: ScriptReplayed) -> Versions:
        known = self.get(event.version)
        if known is None:
            return self
        took_ms = known.successful_ms + (event.duration_ms if event.succeeded else 0)
        changes = {"replays": event.replays, "successes": event.successes, "successful_ms": took_ms}
        return self._with(known.model_copy(update=changes))

    def switched(self, event: ScriptSwitched) -> Versions:
        known = self.get(event.version)
        return self if known is None else self._with(known.model_copy(update={"active": event.active}))

    def _with(self, changed: Version) -> Versions:
        return Versions(kept=tuple(changed if one.number == changed.number else one for one in self.kept))


def canonical(data: ScriptData) -> bytes:
    """The JSON of a script, the same for the same script: fields sorted, those that are none left out, no spaces,
    UTF-8."""
    plain = data.model_dump(mode="json", exclude_none=True)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def size_of(data: ScriptData, values: Mapping[str, str]) -> int:
    """How many bytes of an event a script takes; what is sealed is a third longer."""
    sealed = json.dumps(dict(values), ensure_ascii=False).encode()
    return len(data.model_dump_json().encode()) + len(sealed) * 4 // 3


def checksum_of(data: ScriptData) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()


def described(data: ScriptData) -> dict[str, Any]:
    """What the metadata of a version tells of its data."""
    return {"format": FORMAT, "steps": len(data.steps), "parameters": [p.name for p in data.parameters]}


def script_id_of(user: str, name: str) -> UUID:
    """A script is known by its user and its name: what is recorded or imported under the same name is a version of
    it."""
    return derived_id("script", user, name)


def version_id_of(script_id: UUID, version: int) -> UUID:
    return derived_id("script-version", script_id, version)
