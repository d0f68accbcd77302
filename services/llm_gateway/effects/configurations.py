"""The model configuration that a run pinned: an earlier version too, after somebody has changed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import ValidationError

from contracts.configs import LlmConfig
from contracts.orchestrator import AdviceRequested, ApiCallRequested, ConfigChanged, TurnRequested
from contracts.values import ConfigType
from services.runtime.clock import Clock
from services.runtime.log import Log
from services.runtime.reactor import LaterError
from services.runtime.view import View

Pinning = AdviceRequested | TurnRequested | ApiCallRequested
"""Events that name a configuration and its version."""

_PATIENCE_S = 3.0
_AGAIN_S = 0.2
_KEPT = 100


@dataclass(frozen=True)
class Pinned:
    """A configuration with the place of its key; without one, `problem` says why and what to do."""

    config: LlmConfig | None
    secret_ref: str = "none"  # noqa: S105 - a reference, and to nothing
    problem: str = ""


@dataclass
class Configurations:
    """Looks configurations up in a view of the last ones, and earlier versions in the log."""

    view: View
    log: Log
    clock: Clock
    _versions: dict[tuple[UUID, int], ConfigChanged] = field(default_factory=dict)

    async def pinned(self, asked: Pinning, asked_at: datetime) -> Pinned:
        """Raises `LaterError` while the view may not have seen what the run has seen."""
        found = await self._find(asked)
        if found is None:
            if not self.view.ready.is_set() or self.clock.now() - asked_at < timedelta(seconds=_PATIENCE_S):
                raise LaterError(f"version {asked.config_version} of the configuration was not seen yet", _AGAIN_S)
            return Pinned(None, problem=f"there is no model configuration of version {asked.config_version}")
        if not found.enabled:
            return Pinned(None, problem=f"model configuration {found.name} is switched off")
        try:
            return Pinned(LlmConfig.model_validate(found.config), found.secret_ref)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            return Pinned(None, problem=f"model configuration {found.name} is not valid: {wrong}")

    async def _find(self, asked: Pinning) -> ConfigChanged | None:
        """The last change that had this version: of the named configuration, or of any where none is named."""
        for last in reversed(self.view.all(ConfigChanged)):
            if not isinstance(last, ConfigChanged) or last.config_type is not ConfigType.LLM:
                continue
            if asked.config_id in {None, last.config_id} and last.version >= asked.config_version:
                found = await self._version(last, asked.config_version)
                if found is not None:
                    return found
        return None

    async def _version(self, last: ConfigChanged, version: int) -> ConfigChanged | None:
        if last.version == version:
            return last
        place = (last.config_id, version)
        if place not in self._versions:
            recorded = await self.log.read(ConfigChanged.OWNER, last.config_id)
            changes = [r.event for r in recorded if isinstance(r.event, ConfigChanged)]
            match = next((change for change in changes if change.version == version), None)
            if match is None:
                return None
            while len(self._versions) >= _KEPT:
                self._versions.pop(next(iter(self._versions)))
            self._versions[place] = match
        return self._versions[place]
