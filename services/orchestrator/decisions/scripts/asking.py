"""A request to replay a script, and what was found of the script: what becomes of it, or why it is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.orchestrator import ReplayOf, ScriptRecorded
from contracts.requests import ReplayRequest
from contracts.scripts import ScriptData
from contracts.sealed import Sealed
from contracts.steps import variables_in
from contracts.values import ANDROID
from services.orchestrator.decisions.scripts.requested import no_version
from services.orchestrator.decisions.scripts.versions import SCRIPT_BYTES, Version, Versions, script_id_of
from services.runtime.handlers import RawRequest
from services.runtime.reactor import LaterError
from services.runtime.request_json import RejectedError, read_object

REPLAY_BYTES = SCRIPT_BYTES
"""The events that hold a task hold the script that it replays too, sealed. What can be kept can be replayed."""
RACE = timedelta(seconds=3)
"""A run that is over has left its script a moment later: for so long, one that is not there is looked for again."""
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+")


@dataclass(frozen=True)
class ScriptFound:
    """A request to replay, with what the log has of the script that it names. `recorded`: the version that it means;
    none: there is none, or it cannot be replayed."""

    raw: RawRequest
    script_id: UUID
    versions: Versions
    recorded: ScriptRecorded | None = None


@dataclass(frozen=True)
class Wanted:
    """Which script a request names, and which version of it; none: the newest that is active."""

    script_id: UUID
    version: int | None

    def of(self, versions: Versions) -> Version | None:
        return versions.newest_active if self.version is None else versions.get(self.version)


def wanted(raw: RawRequest) -> Wanted | None:
    """None: it is no request to replay a script, or one that cannot be read."""
    if raw.kind != "task":
        return None
    try:
        fields = read_object(raw.body)
    except RejectedError:
        return None
    script, version = fields.get("script"), fields.get("script_version")
    if fields.get("kind") != "replay" or not isinstance(script, str):
        return None
    return Wanted(_script_id(raw.user, script.strip()), version if isinstance(version, int) else None)


def _script_id(user: str, script: str) -> UUID:
    try:
        return UUID(script)
    except ValueError:
        return script_id_of(user, script)


def replayed(found: ScriptFound, request: ReplayRequest, asked_at: datetime, now: datetime) -> dict[str, Any]:
    """The fields of a task that come from its script. Raises `RejectedError`, and `LaterError` where the script may be
    there in a moment."""
    recorded = _version(found, request, asked_at, now)
    data = recorded.data
    defaults = None if recorded.defaults is None else recorded.defaults.clear
    values, secrets = _values(data, {} if defaults is None else defaults, request, unread=_unread(recorded))
    used = variables_in([step.model_dump(mode="json") for step in data.steps])
    if any(name.startswith("account.") for name in used) and request.account is None:
        raise RejectedError("INVALID", "account: the script types fields of a test account; name its pool")
    script = {
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in data.steps],
        "variables": values,
        "secrets": secrets,
        "defaults": defaults or {},
        "about": data.model_dump(mode="json", exclude={"steps"}),
    }
    size = len(json.dumps(script, ensure_ascii=False, separators=(",", ":")).encode())
    if size > REPLAY_BYTES:
        raise RejectedError("TOO_LARGE", f"the script and its values are {size} bytes long; {REPLAY_BYTES} is the most")
    return {
        "package": data.app or ANDROID,
        "name": request.name or f"replay {data.name}"[:200],
        "script": Sealed[dict[str, Any]].of(script),
        "replay": ReplayOf(
            script_id=recorded.script_id,
            version=recorded.version,
            version_id=recorded.version_id,
            checksum=recorded.checksum,
            name=recorded.name,
            repair=request.repair,
        ),
    }


def _version(found: ScriptFound, request: ReplayRequest, asked_at: datetime, now: datetime) -> ScriptRecorded:
    versions, number = found.versions, request.script_version
    known = versions.newest_active if number is None else versions.get(number)
    is_early = not versions.kept or (known is None and number is not None and number > versions.last)
    if is_early and now - asked_at < RACE:
        raise LaterError(f"there is no script {request.script} yet", delay_s=0.5)
    if not versions.kept:
        raise RejectedError(
            "UNKNOWN_SCRIPT",
            f"there is no script {request.script}: name one of yours, or give the id of any;"
            " `waymark scripts list` has them",
        )
    if known is None and number is not None:
        raise RejectedError("UNKNOWN_VERSION", f"{no_version(versions, number)} of {request.script}")
    if known is None:
        raise RejectedError("RETIRED", f"every version of {request.script} is retired: `waymark scripts activate` one")
    if not known.active:
        raise RejectedError(
            "RETIRED",
            f"version {known.number} of {request.script} is retired:"
            " `waymark scripts activate` it, or leave script_version out",
        )
    if found.recorded is None:
        raise RejectedError("UNKNOWN_VERSION", f"version {known.number} of {request.script} is not in the log any more")
    return found.recorded


def _unread(recorded: ScriptRecorded) -> bool:
    return recorded.defaults is not None and recorded.defaults.clear is None


def _values(
    data: ScriptData, defaults: Mapping[str, str], request: ReplayRequest, *, unread: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of the parameters by name, and the references of those that are secret. Raises `RejectedError`."""
    given = request.variables
    parameters = {parameter.name: parameter for parameter in data.parameters}
    if unknown := sorted(given.keys() - parameters.keys()):
        known = ", ".join(parameters) or "none"
        raise RejectedError("INVALID", f"variables: the script has no parameter {', '.join(unknown)}; it has: {known}")
    missing = [
        f"{name}{' (a secret: env:NAME or file:/path)' if parameter.secret else ''}"
        for name, parameter in parameters.items()
        if name not in given and (parameter.required or parameter.secret or name not in defaults)
    ]
    if missing:
        why = "; the values that were recorded cannot be read any more" if unread else ""
        raise RejectedError(
            "INVALID",
            f"variables: a value is needed for {', '.join(missing)}{why}; `waymark run replay` has --set NAME=TEXT",
        )
    secrets = {name: given[name] for name, parameter in parameters.items() if parameter.secret}
    if wrong := sorted(name for name, reference in secrets.items() if _REFERENCE.fullmatch(reference) is None):
        raise RejectedError(
            "INVALID",
            f"variables: {', '.join(wrong)} is a secret: say where it lies (env:NAME or file:/path), not what it is",
        )
    return {name: given.get(name, defaults.get(name, "")) for name in parameters if name not in secrets}, secrets
