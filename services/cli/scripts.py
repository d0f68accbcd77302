"""Scripts as the log has them, and as files have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from contracts.orchestrator import ScriptRecorded, ScriptReplayed, ScriptSwitched
from contracts.scripts import FORMAT, SCRIPT_DATA, Parameter, ScriptData, ScriptStep
from contracts.steps import SCRIPT, Script, variables_in
from services.cli import queries
from services.cli.connection import Session
from services.cli.errors import CliError, ExitCode
from services.cli.exporting.exported import as_yaml
from services.cli.steps_file import loaded, read_text, validated
from services.orchestrator.decisions.scripts.versions import script_id_of
from services.orchestrator.decisions.step_words import said

LIMIT_BYTES = 2 * 1024 * 1024
"""A file of a whole script, guards and all."""
_VALUES: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


@dataclass
class Kept:
    """A script: its versions by number, which are retired, and how each went when it was replayed."""

    script_id: UUID
    versions: dict[int, ScriptRecorded] = field(default_factory=dict)
    retired: set[int] = field(default_factory=set)
    replayed: dict[int, ScriptReplayed] = field(default_factory=dict)

    def version(self, wanted: int | None) -> ScriptRecorded:
        """The version of a number; without one the newest that is active, else the newest. Raises `CliError`."""
        if wanted is None:
            active = [number for number in self.versions if number not in self.retired]
            return self.versions[max(active or self.versions)]
        if wanted not in self.versions:
            known = ", ".join(map(str, sorted(self.versions)))
            raise CliError(f"{self.script_id} has no version {wanted}; there are {known}", ExitCode.NOT_FOUND)
        return self.versions[wanted]


async def kept(session: Session, given: str) -> Kept:
    """The script that `given` names: its id, the name of one of the caller's own, or the beginning of an id. Only the
    last needs the tables. Raises `CliError`."""
    script_id = _uuid(given)
    if script_id is None:
        own = await _read(session, script_id_of(session.user, given.strip()))
        if own.versions:
            return own
        script_id = await queries.find_script(await session.sql(), given)
    found = await _read(session, script_id)
    if not found.versions:
        raise CliError(
            f"there is no script {given!r}; `waymark scripts list` lists those there are", ExitCode.NOT_FOUND
        )
    return found


async def _read(session: Session, script_id: UUID) -> Kept:
    found = Kept(script_id)
    for recorded in await (await session.log()).read("orchestrator", script_id):
        match recorded.event:
            case ScriptRecorded() as event:
                found.versions[event.version] = event
            case ScriptReplayed() as event:
                found.replayed[event.version] = event
            case ScriptSwitched() as event:
                (found.retired.discard if event.active else found.retired.add)(event.version)
            case _:
                pass
    return found


def _uuid(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


def written(data: ScriptData, values: Mapping[str, str] | None = None) -> str:
    """A script, and values of its parameters where there are any, as YAML, which `read_data` reads again."""
    given = {"variables": dict(values)} if values else {}
    return as_yaml(data.model_dump(mode="json", exclude_none=True) | given)


def read_data(path: Path | None, name: str | None) -> tuple[ScriptData, dict[str, str]]:
    """The script of a file, and values of its parameters: a whole script, or steps as people write them. Raises
    `CliError`."""
    text, called = read_text(path, LIMIT_BYTES)
    root, value = loaded(text, called, LIMIT_BYTES)
    if "format" in value:
        values = validated(_VALUES, value.pop("variables", {}), root, f"{called}: variables")
        data = validated(SCRIPT_DATA, value, root, called)
        return (data if name is None else data.model_copy(update={"name": name})), values
    script = validated(SCRIPT, value, root, called)
    title = name or script.name or (None if path is None else path.stem)
    if title is None:
        raise CliError("what is read from standard input needs a name: give it with --name", ExitCode.USAGE)
    return of_steps(script, title), script.variables


def of_steps(script: Script, name: str) -> ScriptData:
    """Steps that people wrote, as a script: what they leave open are its parameters."""
    used = variables_in([step.model_dump(mode="json", exclude_none=True) for step in script.steps])
    names = sorted(n for n in used | script.variables.keys() if not n.startswith("account."))
    return ScriptData(
        name=name[:200],
        app=script.app,
        parameters=tuple(Parameter(name=n, required=n not in script.variables) for n in names),
        steps=tuple(ScriptStep(step=step, words=said(step)[:300]) for step in script.steps),
    )


def import_request(data: ScriptData, values: dict[str, str]) -> dict[str, Any]:
    assert data.format == FORMAT
    return {"kind": "import", "script": data.model_dump(mode="json", exclude_none=True), "defaults": values}
