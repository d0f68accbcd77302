"""Looks up the script that a request wants replayed, before it is decided on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from contracts.orchestrator import ScriptRecorded
from services.orchestrator.decisions.scripts.asking import ScriptFound, wanted
from services.orchestrator.decisions.scripts.keeping import SCRIPT
from services.orchestrator.decisions.scripts.versions import Versions
from services.runtime.aggregate import Aggregates
from services.runtime.handlers import RawRequest
from services.runtime.log import Log
from services.runtime.reactor import Trigger

SCRIPTS_KEPT = 200
"""Scripts whose versions are kept in memory."""


@dataclass
class ScriptReader:
    """Reads from the log's leader, so that a script is found as soon as it is recorded: its last snapshot and what
    came after it, then the one event that holds the version's data."""

    log: Log
    states: Aggregates[Versions] = field(init=False)

    def __post_init__(self) -> None:
        self.states = Aggregates(SCRIPT, self.log, limit=SCRIPTS_KEPT)

    async def prepare(self, trigger: Trigger[Any]) -> Trigger[Any]:
        """The request with its script, where it wants one replayed; any other as it is."""
        raw: RawRequest = trigger.what
        if (script := wanted(raw)) is None:
            return trigger
        versions = (await self.states.refresh(script.script_id)).state
        version = script.of(versions)
        found = None if version is None else await self.log.at(version.seq)
        recorded = found.event if found is not None and isinstance(found.event, ScriptRecorded) else None
        return replace(trigger, what=ScriptFound(raw, script.script_id, versions, recorded))
